"""The composed path of the losses with a logit a node, of those of sigmoids, and of the forms with a logit a node."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from batches import composed, ordinary, with_special_rows
from hierarchies import TREE_CLASSES, dag, tree, weights
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

import klados
from klados.arrays import node_operation
from klados.torch import HierarchicalLoss, _composed, functional
from klados.torch._composed.branches import Branches
from klados.torch._composed.levels import Levels

INF = float("inf")


def flat() -> klados.Hierarchy:
    return klados.Hierarchy.from_edges([("a", "c"), ("a", "d"), ("a", "b")], classes=["b", "c", "d"])


def map_of(hierarchy: klados.Hierarchy) -> list[tuple[str, str, float]]:
    """Overlapping superclasses, one of which has the name of a node."""
    rows = []
    for k, name in enumerate(hierarchy.classes):
        rows += [(name, hierarchy.name(1) if k % 2 else "flies", 0.75), (name, f"rest {k % 3}", 0.25)]
    return rows


def losses(hierarchy: klados.Hierarchy) -> list[klados.Loss]:
    classes, nodes = hierarchy.num_classes, hierarchy.num_nodes
    by_class, by_node = weights(classes), np.linspace(0, 2, nodes - 1)
    of_map = {"form": "weighted", "map": map_of(hierarchy), "normalize": True}
    superclasses = len({name for _, name, _ in map_of(hierarchy)})
    found = []
    for form in ("independent", "max", "noisy_or"):
        found += [
            klados.loss("binary_cross_entropy", form=form),
            klados.loss("binary_cross_entropy", form=form, gamma=2, incomplete=True, pos_weight=3),
            klados.loss("binary_cross_entropy", form=form, gamma=0.5, weights="leaves"),
            klados.loss("binary_cross_entropy", form=form, pos_weight=by_node, weights={"levels": [1, 0, 2]}),
        ]
    found += [
        klados.loss("binary_cross_entropy", **of_map),
        klados.loss("binary_cross_entropy", gamma=2, incomplete=True, **of_map),
        klados.loss("binary_cross_entropy", gamma=0.5, pos_weight=np.linspace(0, 2, classes + superclasses), **of_map),
        klados.loss("tree_min"),
        klados.loss("tree_min", gamma=2, class_weight=by_class, weights={"levels": [1, 0, 2]}),
    ]
    if hierarchy.is_tree:
        counts = [(name, 1 + at % 4) for at, name in enumerate(hierarchy.nodes)]
        some = {"class_weight": by_class, "label_smoothing": 0.25, "gamma": 0.5}
        found += [
            klados.loss("sibling_softmax"),
            klados.loss("sibling_softmax", alpha=0.5, gamma=2),
            klados.loss("sibling_softmax", weighting="depth_normalized", tau=0.75, frequencies=counts, **some),
            klados.loss("sibling_softmax", weighting="height", class_weight=by_class),
            klados.loss("levelwise_softmax"),
            klados.loss("levelwise_softmax", weights={"levels": [1, 0, 0.5]}, gamma=2),
            klados.loss("levelwise_softmax", **some),
            klados.loss("conditional_sigmoid"),
            klados.loss("conditional_sigmoid", class_weight=by_class, weights={"levels": [1, 0, 2]}),
            klados.loss("descendant_softmax"),
            klados.loss("descendant_softmax", class_weight=by_class),
            klados.loss("softmax_margin"),
            klados.loss("softmax_margin", tau=0.25, class_weight=by_class),
            klados.loss("softmax_margin", hard=True),
            klados.loss("softmax_margin", hard=True, tau=0, class_weight=by_class),
            klados.loss("random_cut", p=0.5),
            klados.loss("random_cut", p=0.2, seed=2**64 - 7, class_weight=by_class),
            klados.loss("random_cut", p=1),
        ]
    return found


HIERARCHIES = [("tree", tree()), ("dag", dag()), ("flat", flat())]
CASES = [
    pytest.param(hierarchy, loss, id=f"{name}-{at}-{loss.name}")
    for name, hierarchy in HIERARCHIES
    for at, loss in enumerate(losses(hierarchy))
]


def special(rows: int, columns: int) -> Tensor:
    return with_special_rows(rows, columns, scale=1000)


def targets(hierarchy: klados.Hierarchy, loss: klados.Loss, rows: int) -> dict[str, Tensor]:
    """Targets of each kind that the loss takes, by a name that begins with the kind."""
    rng = np.random.default_rng(1)
    classes, nodes = hierarchy.num_classes, hierarchy.num_nodes
    criterion = loss.compile(hierarchy)
    index = np.arange(rows) % (classes if loss.name == "random_cut" else classes + nodes)
    index[0] = -100
    marks = rng.random((rows, classes)) < 0.3
    marks[0] = False
    marks[1:] |= np.eye(classes, dtype=bool)[rng.integers(classes, size=rows - 1)]
    marks[1] = np.arange(classes) == 2
    marks[2] = True
    soft = rng.dirichlet(np.full(classes, 0.5), rows)
    soft[1] = np.arange(classes) == 2
    soft[2] = (np.arange(classes) < 2) / 2
    found = {"index": index, "probabilities": soft, "candidates": marks}
    # Multi-hot rows, some of which spell out what is above, with what is not known.
    for name, columns in (("multi_hot nodes", nodes - 1), ("multi_hot classes", classes)):
        values = (rng.random((rows, columns)) < 0.2).astype(np.int64)
        values[rng.random((rows, columns)) < 0.1] = -100
        values[0] = 0
        values[1] = -100
        found[name] = values
    if classes == nodes - 1 and (hierarchy.class_nodes != hierarchy.node_columns).any():
        del found["multi_hot classes"]
        if not criterion.has_node_columns:
            del found["multi_hot nodes"]
    refused = criterion.tables()["refuses"]
    return {name: torch.from_numpy(values) for name, values in found.items() if name.split()[0] not in refused}


def whole(rows: int, columns: int) -> Tensor:
    """Small whole numbers, among which there are many ties."""
    return torch.from_numpy(np.random.default_rng(3).integers(-2, 3, size=(rows, columns)).astype(np.float64))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("hierarchy", "loss"), CASES)
@pytest.mark.parametrize("make", [ordinary, whole, special])
def test_values_and_gradients_are_those_of_the_core(hierarchy: klados.Hierarchy, loss: klados.Loss, make: Any) -> None:
    rows = 9 * 13
    logits = make(rows, loss.compile(hierarchy).columns)
    for name, target in targets(hierarchy, loss, rows).items():
        kind = name.split()[0]
        for reduction in ("none", "sum", "mean"):
            options = {"reduction": reduction, "kind": kind}
            expected = klados.loss_and_grad(logits.numpy(), target.numpy(), hierarchy, loss, **options)
            found = composed(hierarchy, loss, logits, target, kind, reduction)
            for ours, theirs in zip(found, expected, strict=True):
                # Differences of numbers of the size of the logits, in float64.
                np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-10, err_msg=f"{name} {reduction}")


# One of each way to compute, of which the derivatives are checked.
DERIVED = [
    pytest.param(hierarchy, loss, id=f"{name}-{at}-{loss.name}")
    for name, hierarchy in HIERARCHIES[:2]
    for at, loss in enumerate(losses(hierarchy))
    if name == "tree" or loss.name == "tree_min" or loss.parameters.get("form") == "max"
]


@pytest.mark.parametrize(("hierarchy", "loss"), DERIVED)
def test_losses_are_differentiable_twice(hierarchy: klados.Hierarchy, loss: klados.Loss) -> None:
    criterion = HierarchicalLoss(hierarchy, loss, reduction="sum", impl="composed").eval()
    for name, target in targets(hierarchy, loss, 8).items():
        at = torch.tensor([3, 6])
        logits = (ordinary(2, criterion.columns) / 3).requires_grad_()

        def function(logits: Tensor, target: Tensor = target[at], kind: str = name.split()[0]) -> Tensor:
            return criterion(logits, target, kind=kind)

        assert torch.autograd.gradcheck(function, logits), name
        assert torch.autograd.gradgradcheck(function, logits), name


# A graph takes seconds to trace: one of each way to compute, with the options that add to it.
TRACED = [
    klados.loss("binary_cross_entropy", gamma=2, incomplete=True, pos_weight=3),
    klados.loss("binary_cross_entropy", form="max"),
    klados.loss("binary_cross_entropy", form="noisy_or", gamma=2),
    klados.loss("binary_cross_entropy", form="weighted", map=map_of(tree()), normalize=True),
    klados.loss("tree_min", class_weight=weights(len(TREE_CLASSES))),
    klados.loss("sibling_softmax"),
    klados.loss("sibling_softmax", label_smoothing=0.25, gamma=0.5),
    klados.loss("conditional_sigmoid"),
    klados.loss("descendant_softmax"),
    klados.loss("softmax_margin"),
    klados.loss("softmax_margin", hard=True),
    klados.loss("random_cut", p=0.5),
]


@pytest.mark.parametrize("loss", TRACED, ids=lambda loss: loss.name)
def test_losses_compile_to_one_graph(loss: klados.Loss) -> None:
    hierarchy = tree()
    criterion = HierarchicalLoss(hierarchy, loss, reduction="none", impl="composed").eval()
    given = targets(hierarchy, loss, 18)
    for name in ("index", max(given)):
        target, kind = given[name], name.split()[0]
        torch._dynamo.reset()

        def eager(logits: Tensor, target: Tensor, kind: str = kind) -> Tensor:
            return criterion(logits, target, kind=kind)

        found = []
        for function in (torch.compile(eager, backend="aot_eager", fullgraph=True), eager):
            logits = special(18, criterion.columns).float().requires_grad_()
            value = function(logits, target)
            found.append((value.detach(), torch.autograd.grad(value.sum(), logits)[0]))
        torch.testing.assert_close(*found, equal_nan=True)


class TestTransforms:
    @pytest.fixture(params=TRACED, ids=lambda loss: loss.name)
    def criterion(self, request: pytest.FixtureRequest) -> HierarchicalLoss:
        return HierarchicalLoss(tree(), request.param, reduction="none", impl="composed").eval()

    def test_vmap(self, criterion: HierarchicalLoss) -> None:
        if criterion.loss.name == "random_cut":
            pytest.skip("the draw is of the row's number in its batch, which is another one in each group")
        logits = special(18, criterion.columns)
        for name, target in targets(criterion.hierarchy, criterion.loss, 18).items():
            kind = name.split()[0]
            expected = criterion(logits, target, kind=kind)
            groups = logits.reshape(3, 6, -1), target.reshape(3, 6, *target.shape[1:])

            def function(logits: Tensor, target: Tensor, kind: str = kind) -> Tensor:
                return criterion(logits, target, kind=kind)

            torch.testing.assert_close(torch.vmap(function)(*groups).flatten(), expected, equal_nan=True)
            slopes = torch.vmap(torch.func.grad(lambda x, y, f=function: f(x, y).sum()))(*groups)
            leaf = logits.clone().requires_grad_()
            (expected,) = torch.autograd.grad(criterion(leaf, target, kind=kind).sum(), leaf)
            torch.testing.assert_close(slopes.reshape(18, -1), expected, equal_nan=True)

    def test_forward_mode(self, criterion: HierarchicalLoss) -> None:
        logits = (ordinary(3, criterion.columns) / 3).requires_grad_()
        for name, target in targets(criterion.hierarchy, criterion.loss, 3).items():

            def function(logits: Tensor, kind: str = name.split()[0], target: Tensor = target) -> Tensor:
                return criterion(logits, target, kind=kind)

            assert torch.autograd.gradcheck(function, logits, check_forward_ad=True, fast_mode=True)

    def test_export(self, criterion: HierarchicalLoss) -> None:
        logits, target = special(9, criterion.columns), torch.arange(9)
        exported = torch.export.export(criterion, (logits, target)).module()
        torch.testing.assert_close(exported(logits, target), criterion(logits, target), equal_nan=True)

    def test_deterministic_algorithms(self, criterion: HierarchicalLoss) -> None:
        logits, target = ordinary(4, criterion.columns), torch.arange(4)
        expected = criterion(logits, target)
        torch.use_deterministic_algorithms(True)
        try:
            leaf = logits.clone().requires_grad_()
            value = criterion(leaf, target)
            value.sum().backward()
        finally:
            torch.use_deterministic_algorithms(False)
        torch.testing.assert_close(value, expected)

    def test_nothing(self, criterion: HierarchicalLoss) -> None:
        for name, target in targets(criterion.hierarchy, criterion.loss, 3).items():
            logits = torch.zeros(0, criterion.columns, requires_grad=True)
            assert criterion(logits, target[:0], kind=name.split()[0]).shape == (0,)
        criterion.reduction = "mean"
        value = criterion(logits, torch.zeros(0, dtype=torch.int64), kind="index")
        value.backward()
        assert value == 0
        ignored = torch.full((2, criterion.columns), float("nan"), requires_grad=True)
        value = criterion(ignored, torch.tensor([-100, -100]))
        value.backward()
        assert value == 0 and (ignored.grad == 0).all()


class Largest(TorchDispatchMode):
    """The size of the largest tensor that an operation makes."""

    elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, (tuple, list)) else [out]:
            if isinstance(tensor, Tensor):
                self.elements = max(self.elements, tensor.numel())
        return out


@pytest.mark.parametrize("loss", [loss for loss in TRACED if not {"class_weight", "map"} & {*loss.given}], ids=repr)
def test_no_mask_of_classes_and_nodes_is_made(loss: klados.Loss) -> None:
    hierarchy = klados.Hierarchy.from_paths([[f"{i // 100}", f"{i // 10}", f"{i}"] for i in range(1000)])
    criterion = HierarchicalLoss(hierarchy, loss, impl="composed")
    assert sum(table.numel() for table in criterion.buffers()) < 60 * hierarchy.num_nodes
    logits = torch.randn(3, criterion.columns, requires_grad=True)
    for name, target in targets(hierarchy, loss, 3).items():
        with Largest() as largest:
            criterion(logits, target, kind=name.split()[0]).backward()
        # Of a distribution some losses look at each class and each node above it.
        assert largest.elements <= 4 * 3 * hierarchy.num_nodes, name


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_halves_are_computed_in_float32(dtype: torch.dtype) -> None:
    hierarchy = tree()
    for loss in losses(hierarchy):
        criterion = HierarchicalLoss(hierarchy, loss, impl="composed").eval()
        for name, target in targets(hierarchy, loss, 30).items():
            logits = ordinary(30, criterion.columns).to(dtype).requires_grad_()
            with torch.autocast("cpu", torch.bfloat16):
                value = criterion(logits, target, kind=name.split()[0])
            expected = criterion(logits.float(), target, kind=name.split()[0])
            assert value.dtype == torch.float32
            torch.testing.assert_close(value, expected)
            (grad,) = torch.autograd.grad(value, logits)
            assert grad.dtype == dtype


def test_a_random_cut_follows_its_step() -> None:
    hierarchy = tree()
    loss = klados.loss("random_cut", p=0.5, seed=3)
    logits = ordinary(20, hierarchy.num_nodes - 1)
    target = torch.arange(20) % hierarchy.num_classes
    tables = _composed.Tables(loss.compile(hierarchy))
    values = []
    for step in (0, 1, 2**40 + 5):
        expected, _ = klados.loss_and_grad(logits.numpy(), target.numpy(), hierarchy, loss, reduction="none", step=step)
        for given in (step, torch.tensor(step)):
            value = _composed.losses(logits, target, tables, "index", -100, given, "none")
            np.testing.assert_allclose(value.numpy(), expected, rtol=1e-12)
        values.append(value)
    assert not torch.equal(values[0], values[1])


def test_what_has_no_meaning_is_an_error_in_the_words_of_the_core() -> None:
    hierarchy = tree()
    nodes, classes = hierarchy.num_nodes - 1, hierarchy.num_classes
    marks = torch.ones(1, classes, dtype=torch.bool)
    soft = torch.full((1, classes), 1 / classes)
    for name, kind, target, words in [
        ("levelwise_softmax", "candidates", marks, "levelwise_softmax takes one class.*no meaning for a union"),
        ("descendant_softmax", "candidates", marks, "no meaning for a union"),
        ("softmax_margin", "candidates", marks, "no meaning for a union"),
        ("random_cut", "candidates", marks, "no meaning for a union"),
        ("conditional_sigmoid", "candidates", marks, "no meaning for a union"),
        ("binary_cross_entropy", "candidates", marks, "no meaning for a union"),
        ("tree_min", "candidates", marks, "no meaning for a union"),
        ("sibling_softmax", "multi_hot", marks, "no meaning for a multi-label set"),
        ("random_cut", "multi_hot", marks, "no meaning for a multi-label set"),
    ]:
        with pytest.raises(ValueError, match=words):
            HierarchicalLoss(hierarchy, name, impl="composed")(torch.zeros(1, nodes), target, kind=kind)
    for impl in ("fused", "composed"):
        with pytest.raises(ValueError, match=rf"has 4 columns, expected {classes} \(classes\) or {nodes} \(nodes but"):
            HierarchicalLoss(hierarchy, "tree_min", impl=impl)(torch.zeros(1, nodes), marks[:, :4])
        with pytest.raises(ValueError, match=rf"target has 4 columns, expected {classes} \(classes\)"):
            HierarchicalLoss(hierarchy, "sibling_softmax", impl=impl)(torch.zeros(1, nodes), soft[:, :4])
        with pytest.raises(ValueError, match="with_node_columns"):
            loss = klados.loss("binary_cross_entropy", form="noisy_or")
            HierarchicalLoss(flat(), loss, impl=impl)(torch.zeros(1, 3), torch.ones(1, 3))


NODE_FORMS = ["sibling_softmax", "independent_sigmoid", "conditional_sigmoid", "descendant_softmax", "node_softmax", "max", "min"]
NODE_CASES = [
    pytest.param(hierarchy, form, id=f"{name}-{form}")
    for name, hierarchy in HIERARCHIES
    for form in NODE_FORMS
    if hierarchy.is_tree or form in ("independent_sigmoid", "max", "min")
]


@pytest.mark.parametrize(("hierarchy", "form"), NODE_CASES)
@pytest.mark.parametrize("make", [ordinary, whole, special])
def test_node_log_probs_are_those_of_the_core(hierarchy: klados.Hierarchy, form: str, make: Any) -> None:
    logits = make(27, hierarchy.num_nodes - 1)
    for level in (None, 1):
        found = []
        for impl in ("composed", "fused"):
            leaf = logits.clone().requires_grad_()
            value = functional.node_log_probs(leaf, hierarchy, form, level, impl=impl)
            upstream = torch.linspace(-1, 2, value.numel(), dtype=torch.float64).reshape(value.shape)
            found.append((value.detach(), torch.autograd.grad(value, leaf, upstream)[0]))
        torch.testing.assert_close(*found, equal_nan=True, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(("hierarchy", "form"), NODE_CASES)
def test_node_log_probs_are_differentiable_twice(hierarchy: klados.Hierarchy, form: str) -> None:
    logits = (ordinary(2, hierarchy.num_nodes - 1) / 3).requires_grad_()

    def function(logits: Tensor) -> Tensor:
        return functional.node_log_probs(logits, hierarchy, form, impl="composed")[:, 1:]

    assert torch.autograd.gradcheck(function, logits)
    assert torch.autograd.gradgradcheck(function, logits)


@pytest.mark.parametrize("form", NODE_FORMS)
def test_node_log_probs_compile_to_one_graph(form: str) -> None:
    hierarchy = tree()
    tables = _composed.NodeTables(node_operation(hierarchy, form, None), form)
    torch._dynamo.reset()

    def eager(logits: Tensor) -> Tensor:
        return _composed.node_log_probs(logits, tables)

    found = []
    for function in (eager, torch.compile(eager, backend="aot_eager", fullgraph=True)):
        logits = special(18, hierarchy.num_nodes - 1).requires_grad_()
        value = function(logits)
        found.append((value.detach(), torch.autograd.grad(value.square().sum(), logits)[0]))
    torch.testing.assert_close(*found, equal_nan=True)


def test_what_stands_beside_a_subtree_keeps_its_digits() -> None:
    """The others of a sibling that is much larger than all of them."""
    hierarchy = klados.Hierarchy.from_edges([("a", "b"), ("a", "c"), ("a", "d"), ("a", "e")])
    branches = Branches(hierarchy, Levels(hierarchy))
    scores = torch.tensor([[-INF, 300.0, -2.0, 1.0, -INF]], requires_grad=True)
    value = branches.siblings(scores)
    expected = [-INF, np.logaddexp(-2.0, 1.0), 300.0, 300.0, 300.0]
    torch.testing.assert_close(value[0].tolist(), expected, rtol=1e-6, atol=0)
    (grad,) = torch.autograd.grad(value[0, 1], scores)
    torch.testing.assert_close(grad[0], torch.tensor([0.0, 0.0, 0.0474259, 0.9525741, 0.0]), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("hierarchy", "loss"), CASES)
def test_nothing_is_asked_of_the_host(hierarchy: klados.Hierarchy, loss: klados.Loss) -> None:
    """On a device without data: whatever asked for a number of it would fail."""
    criterion = HierarchicalLoss(hierarchy, loss, impl="composed").eval().to("meta")
    for name, target in targets(hierarchy, loss, 5).items():
        logits = torch.empty(5, criterion.columns, device="meta", requires_grad=True)
        value = criterion(logits, target.to("meta"), kind=name.split()[0])
        (grad,) = torch.autograd.grad(value, logits)
        assert grad.shape == logits.shape
