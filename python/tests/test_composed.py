"""The composed path: the same losses as the core's, differentiable twice, in one graph."""

from __future__ import annotations

import math
from typing import Any

import klados
import numpy as np
import pytest
import torch
from batches import composed, ordinary, with_special_rows
from hierarchies import dag, tree, weights
from klados.arrays import node_operation
from klados.torch import HierarchicalLoss, functional
from klados.torch._composed import NodeTables, node_log_probs, paths
from klados.torch._composed.noisy_or import log_one_minus_exp
from klados.torch._composed.reduce import focal, log_softmax, masked_logsumexp, segment_logsumexp, segment_sum
from torch.utils._python_dispatch import TorchDispatchMode

INF = float("inf")


def map_of(hierarchy: klados.Hierarchy) -> list[tuple[str, str, float]]:
    """Overlapping superclasses, one of which has the name of a node."""
    rows = []
    for k, name in enumerate(hierarchy.classes):
        rows += [(name, "bear" if k % 2 else "flies", 0.75), (name, f"rest {k % 3}", 0.25)]
    return rows


def losses(hierarchy: klados.Hierarchy) -> list[klados.Loss]:
    some = {"class_weight": weights(hierarchy.num_classes), "label_smoothing": 0.25, "gamma": 0.5}
    weighted = {"map": map_of(hierarchy), "superclass_weight": 0.5}
    found = [
        klados.loss("marginal_cross_entropy"),
        klados.loss("marginal_cross_entropy", weights="leaves", gamma=2),
        klados.loss("marginal_cross_entropy", weights={"levels": [1, 0, 0.5]}, unresolved="skip"),
        klados.loss("marginal_cross_entropy", label_smoothing=0.125),
        klados.loss("marginal_cross_entropy", label_smoothing=1),
        klados.loss("marginal_cross_entropy", **some),
        klados.loss("parameter_sharing_softmax", weights="uniform"),
        klados.loss("parameter_sharing_softmax", **some),
        klados.loss("soft_labels", beta=3),
        klados.loss("soft_labels", beta=3, gamma=2, class_weight=weights(hierarchy.num_classes)),
        klados.loss("weighted_cross_entropy", **weighted),
        klados.loss("weighted_cross_entropy", leaf_weight=0, **weighted),
        klados.loss("weighted_cross_entropy", **weighted, **some),
        klados.loss("weighted_cross_entropy"),
    ]
    if hierarchy.is_tree:
        found += [
            klados.loss("marginal_cross_entropy", weights="balanced"),
            klados.loss("hierarchical_cross_entropy", alpha=0.5),
            klados.loss("hierarchical_cross_entropy", alpha=0.5, gamma=2),
            klados.loss("hierarchical_cross_entropy", weighting="depth_normalized", **some),
            klados.loss("hierarchical_cross_entropy", weighting="height", class_weight=weights(hierarchy.num_classes)),
        ]
    return found


CASES = [
    pytest.param(hierarchy, loss, id=f"{name}-{loss!r}"[:60])
    for name, hierarchy in [("tree", tree()), ("dag", dag())]
    for loss in losses(hierarchy)
]


def special(rows: int, columns: int) -> torch.Tensor:
    return with_special_rows(rows, columns, scale=30)


def targets(hierarchy: klados.Hierarchy, loss: klados.Loss, rows: int) -> dict[str, torch.Tensor]:
    """A target of each kind that the loss takes; row 0 is ignored where the kind has such a thing."""
    rng = np.random.default_rng(1)
    classes, nodes = hierarchy.num_classes, hierarchy.num_nodes
    criterion = loss.compile(hierarchy)
    index = np.arange(rows) % (classes + nodes + len(criterion.superclasses))
    if criterion.superclasses or loss.name == "weighted_cross_entropy":
        # Nodes that are neither a class nor a superclass have no meaning.
        known = hierarchy.node_classes >= 0
        if criterion.superclasses:
            known[[hierarchy.node(name) for name in criterion.superclasses if name in hierarchy]] = True
        is_node = (index >= classes) & (index < classes + nodes)
        index[is_node & ~known[np.clip(index - classes, 0, nodes - 1)]] = 1
    index[0] = -100
    marks = rng.random((rows, classes)) < 0.3
    marks[0] = False
    marks[1:] |= np.eye(classes, dtype=bool)[rng.integers(classes, size=rows - 1)]
    marks[1] = np.arange(classes) == 2
    marks[2] = True
    soft = rng.dirichlet(np.full(classes, 0.5), rows)
    soft[1] = np.arange(classes) == 2
    refused = criterion.tables()["refuses"]
    found = {"index": index, "probabilities": soft, "candidates": marks}
    return {kind: torch.from_numpy(values) for kind, values in found.items() if kind not in refused}


@pytest.mark.parametrize(("hierarchy", "loss"), CASES)
@pytest.mark.parametrize("make", [ordinary, special])
def test_values_and_gradients_are_those_of_the_core(hierarchy: klados.Hierarchy, loss: klados.Loss, make: Any) -> None:
    rows = 9 * 11
    logits = make(rows, loss.compile(hierarchy).columns)
    for kind, target in targets(hierarchy, loss, rows).items():
        for reduction in ("none", "sum", "mean"):
            expected = klados.loss_and_grad(logits.numpy(), target.numpy(), hierarchy, loss, reduction=reduction, kind=kind)
            found = composed(hierarchy, loss, logits, target, kind, reduction)
            for ours, theirs in zip(found, expected, strict=True):
                # Differences of numbers of the size of the logits, in float64.
                np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-10, err_msg=f"{kind} {reduction}")


@pytest.mark.parametrize("hierarchy", [tree(), dag()], ids=["tree", "dag"])
def test_the_sets_of_a_label_and_all_sets_give_the_same(hierarchy: klados.Hierarchy) -> None:
    names = ["marginal_cross_entropy", "weighted_cross_entropy"] + ["hierarchical_cross_entropy"] * hierarchy.is_tree
    for name in names:
        parameters = {"map": map_of(hierarchy)} if name == "weighted_cross_entropy" else {}
        loss = klados.loss(name, **parameters)
        logits = special(99, hierarchy.num_classes)
        target = targets(hierarchy, loss, 99)["index"]
        found = []
        for by_label in (True, False):
            criterion = HierarchicalLoss(hierarchy, loss, reduction="none", impl="composed")
            criterion.tables.form.by_label = by_label
            leaf = logits.clone().requires_grad_()
            value = criterion(leaf, target)
            found.append((value, torch.autograd.grad(value.sum(), leaf)[0]))
        torch.testing.assert_close(found[0], found[1], equal_nan=True, rtol=1e-10, atol=1e-10)


def test_what_has_no_meaning_is_an_error_in_the_words_of_the_core() -> None:
    hierarchy = tree()
    logits = torch.zeros(1, hierarchy.num_classes)
    target = torch.full((1, hierarchy.num_classes), 1 / hierarchy.num_classes)
    with pytest.raises(ValueError, match="soft_labels takes one class or node.*no meaning for a distribution"):
        HierarchicalLoss(hierarchy, "soft_labels", impl="composed")(logits, target)
    with pytest.raises(ValueError, match="no meaning for a union"):
        HierarchicalLoss(hierarchy, "weighted_cross_entropy", impl="composed")(logits, target > 0)


def node_forms(hierarchy: klados.Hierarchy) -> list[str | dict[str, Any]]:
    rows = map_of(hierarchy)
    by_superclass = {"weighted_sigmoid": {"map": rows, "normalize": True}}
    return ["class_softmax", "noisy_or", "parameter_sharing_softmax", {"weighted_class_softmax": {"map": rows}}, by_superclass]


NODE_CASES = [
    pytest.param(hierarchy, form, id=f"{name}-{form if isinstance(form, str) else next(iter(form))}")
    for name, hierarchy in [("tree", tree()), ("dag", dag())]
    for form in node_forms(hierarchy)
]


@pytest.mark.parametrize(("hierarchy", "form"), NODE_CASES)
@pytest.mark.parametrize("make", [ordinary, special])
def test_node_log_probs_are_those_of_the_core(hierarchy: klados.Hierarchy, form: Any, make: Any) -> None:
    columns = hierarchy.num_nodes - 1 if form == "parameter_sharing_softmax" else hierarchy.num_classes
    logits = make(27, columns)
    for level in (None, 1):
        found = []
        for impl in ("composed", "fused"):
            leaf = logits.clone().requires_grad_()
            value = functional.node_log_probs(leaf, hierarchy, form, level, impl=impl)
            upstream = torch.linspace(-1, 2, value.numel(), dtype=torch.float64).reshape(value.shape)
            found.append((value.detach(), torch.autograd.grad(value, leaf, upstream)[0]))
        torch.testing.assert_close(*found, equal_nan=True, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(("hierarchy", "form"), NODE_CASES)
def test_node_log_probs_are_differentiable_twice(hierarchy: klados.Hierarchy, form: Any) -> None:
    columns = hierarchy.num_nodes - 1 if form == "parameter_sharing_softmax" else hierarchy.num_classes
    logits = (ordinary(2, columns) / 3).requires_grad_()

    def function(logits: torch.Tensor) -> torch.Tensor:
        return functional.node_log_probs(logits, hierarchy, form, impl="composed")

    assert torch.autograd.gradcheck(function, logits, fast_mode=True)
    assert torch.autograd.gradgradcheck(function, logits, fast_mode=True)


def test_the_complement_keeps_its_digits_at_both_ends() -> None:
    for dtype, tolerance in ((torch.float32, 1e-6), (torch.float64, 1e-13)):
        rest = torch.tensor([1e-30, 1e-9, 1e-3, 0.4999, 0.5001, 0.7, 5.0, 30.0], dtype=dtype, requires_grad=True)
        value = log_one_minus_exp(rest, rest.log())
        (grad,) = torch.autograd.grad(value.sum(), rest)
        exact = [(math.log(-math.expm1(-s)) if s < 1 else math.log1p(-math.exp(-s)), 1 / math.expm1(s)) for s in rest.tolist()]
        expected, slopes = torch.tensor(exact, dtype=dtype).T
        torch.testing.assert_close(value, expected, rtol=tolerance, atol=0)
        torch.testing.assert_close(grad, slopes, rtol=tolerance, atol=0)

class TestReductions:
    def test_nothing_is_minus_infinity_without_a_gradient(self) -> None:
        values = torch.tensor([[1.0, 2.0, -INF, -INF]], dtype=torch.float64, requires_grad=True)
        segment = torch.tensor([0, 0, 2, 2])
        found = segment_logsumexp(values, segment, 4)
        expected = torch.logaddexp(values[0, 0], values[0, 1]).item()
        torch.testing.assert_close(found.tolist(), [[expected, -INF, -INF, -INF]])
        (grad,) = torch.autograd.grad(found.sum(), values, create_graph=True)
        assert grad[0, 2:].tolist() == [0, 0]
        assert torch.autograd.grad(grad.square().sum(), values)[0].isfinite().all()

        mask = torch.tensor([[True, True, True, True], [False, False, True, False], [False] * 4, [True, False, True, False]])
        found = masked_logsumexp(values.expand(4, -1), mask)
        torch.testing.assert_close(found.tolist(), [expected, -INF, -INF, 1.0])
        (grad,) = torch.autograd.grad(found.sum(), values, create_graph=True)
        assert grad[0, 2:].tolist() == [0, 0]
        assert torch.autograd.grad(grad.square().sum(), values)[0].isfinite().all()

    def test_nan_stays_in_its_set(self) -> None:
        values = torch.tensor([[1.0, float("nan"), 3.0]])
        assert segment_logsumexp(values, torch.tensor([0, 1, 2]), 3).isnan().tolist() == [[False, True, False]]
        assert masked_logsumexp(values, torch.tensor([True, False, True])).isfinite()

    def test_derivatives(self) -> None:
        rng = torch.Generator().manual_seed(0)
        values = torch.randn(3, 5, dtype=torch.float64, generator=rng, requires_grad=True)
        segment, mask = torch.tensor([2, 0, 0, 2, 3]), torch.rand(3, 5, generator=rng) < 0.7
        hidden = torch.tensor([False, True, False])
        for function in (
            lambda x: segment_sum(x, segment, 4),
            lambda x: segment_logsumexp(x, segment, 4).index_select(1, torch.tensor([0, 2, 3])),
            lambda x: masked_logsumexp(x, mask),
            lambda x: log_softmax(x, hidden)[~hidden],
            lambda x: focal(-x.square() - 0.1, 1.5),
        ):
            assert torch.autograd.gradcheck(function, values)
            assert torch.autograd.gradgradcheck(function, values)

    def test_a_hidden_row_has_no_gradient_whatever_is_in_it(self) -> None:
        logits = torch.tensor([[float("nan"), 1.0], [-INF, -INF], [0.0, 1.0]], requires_grad=True)
        log_p = log_softmax(logits, torch.tensor([True, True, False]))
        (grad,) = torch.autograd.grad(log_p[2, 0] + 0 * log_p.masked_fill(log_p.isnan(), 0).sum(), logits)
        assert grad[:2].tolist() == [[0, 0], [0, 0]]
        torch.testing.assert_close(grad[2], torch.tensor([1.0, 0.0]) - logits[2].softmax(0))

    def test_the_focal_factor_of_certainty(self) -> None:
        log_p = torch.tensor([0.0, 1e-9, -1e-3], dtype=torch.float64, requires_grad=True)
        value = focal(log_p, 0.5)
        (grad,) = torch.autograd.grad(value.sum(), log_p)
        assert value[:2].tolist() == [0, 0] and grad[:2].tolist() == [0, 0]
        assert value[2] < 0 < grad[2]


class TestSecondDerivatives:
    @pytest.mark.parametrize(("hierarchy", "loss"), CASES)
    def test_of_every_kind_of_target(self, hierarchy: klados.Hierarchy, loss: klados.Loss) -> None:
        criterion = HierarchicalLoss(hierarchy, loss, reduction="none", impl="composed")
        logits = (ordinary(5, criterion.columns) / 3).requires_grad_()
        for kind, target in targets(hierarchy, loss, 5).items():

            def function(logits: torch.Tensor, kind: str = kind, target: torch.Tensor = target) -> torch.Tensor:
                return criterion(logits, target, kind=kind)

            assert torch.autograd.gradcheck(function, logits, fast_mode=True)
            assert torch.autograd.gradgradcheck(function, logits, fast_mode=True)

    def test_rows_that_are_special_do_not_reach_others(self) -> None:
        hierarchy = tree()
        criterion = HierarchicalLoss(hierarchy, klados.loss("marginal_cross_entropy", gamma=0.5), reduction="none", impl="composed")
        target = torch.tensor([-100, 0, 0, 2])
        good = ordinary(4, hierarchy.num_classes)
        bad = good.clone()
        bad[0] = float("nan")
        bad[1] = -INF
        bad[2, 0] = -INF  # a crow, which is masked
        found = []
        for logits in (good, bad):
            leaf = logits.clone().requires_grad_()
            (grad,) = torch.autograd.grad(criterion(leaf, target).sum(), leaf, create_graph=True)
            found.append((grad, torch.autograd.grad(grad.square().sum(), leaf)[0]))
        assert all((part[:3] == 0).all() for part in found[1])
        torch.testing.assert_close(found[0][0][3], found[1][0][3])
        torch.testing.assert_close(found[0][1][3], found[1][1][3])


class TestOneGraph:
    @pytest.mark.parametrize("backend", ["eager", "aot_eager"])
    @pytest.mark.parametrize("name", ["marginal", "conditional", "soft_labels", "weighted", "sums"])
    def test_without_breaks(self, name: str, backend: str) -> None:
        hierarchy = dag() if name in ("soft_labels", "weighted") else tree()
        loss = {
            "marginal": klados.loss("marginal_cross_entropy", class_weight=weights(hierarchy.num_classes)),
            "conditional": klados.loss("hierarchical_cross_entropy", label_smoothing=0.125),
            "soft_labels": klados.loss("soft_labels"),
            "weighted": klados.loss("weighted_cross_entropy", map=map_of(hierarchy)),
            "sums": klados.loss("parameter_sharing_softmax", gamma=2),
        }[name]
        criterion = HierarchicalLoss(hierarchy, loss, impl="composed")
        logits = special(18, criterion.columns).float()
        for kind, target in targets(hierarchy, loss, 18).items():
            torch._dynamo.reset()
            compiled = torch.compile(lambda x, y, kind=kind: criterion(x, y, kind=kind), backend=backend, fullgraph=True)
            found = []
            for function in (criterion, compiled):
                leaf = logits.clone().requires_grad_()
                value = function(leaf, target, kind=kind)
                found.append((value, torch.autograd.grad(value, leaf)[0]))
            torch.testing.assert_close(found[0], found[1], equal_nan=True)

    def test_of_node_log_probs(self) -> None:
        hierarchy = dag()
        logits = ordinary(4, hierarchy.num_classes).float()
        for form in ("class_softmax", "noisy_or"):
            torch._dynamo.reset()
            tables = NodeTables(node_operation(hierarchy, form, None), form)
            compiled = torch.compile(lambda x, tables=tables: node_log_probs(x, tables), backend="aot_eager", fullgraph=True)
            torch.testing.assert_close(compiled(logits), node_log_probs(logits, tables))


class TestTypes:
    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
    def test_losses_are_wide_and_gradients_are_of_the_logits_type(self, dtype: torch.dtype) -> None:
        hierarchy = tree()
        criterion = HierarchicalLoss(hierarchy, impl="composed")
        logits = ordinary(20, hierarchy.num_classes).to(dtype).requires_grad_()
        target = torch.arange(20)
        value = criterion(logits, target)
        assert value.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
        (grad,) = torch.autograd.grad(value, logits)
        assert grad.dtype == dtype
        exact, slopes = klados.loss_and_grad(logits.detach().double().numpy(), target.numpy(), hierarchy)
        torch.testing.assert_close(value.item(), exact, rtol=1e-5, atol=0)
        # The gradient is rounded once.
        rounding = 2 * torch.finfo(dtype).eps if dtype in (torch.float16, torch.bfloat16) else 1e-6
        torch.testing.assert_close(grad.double(), torch.from_numpy(slopes), rtol=rounding, atol=1e-6)

    def test_under_autocast(self) -> None:
        hierarchy = tree()
        loss = klados.loss("marginal_cross_entropy", label_smoothing=0.25, class_weight=weights(hierarchy.num_classes))
        criterion = HierarchicalLoss(hierarchy, loss, impl="composed")
        layer, rows = torch.nn.Linear(4, hierarchy.num_classes), torch.randn(6, 4)
        for kind, target in targets(hierarchy, loss, 6).items():
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = layer(rows)
                value = criterion(logits, target, kind=kind)
            assert logits.dtype == torch.bfloat16 and value.dtype == torch.float32
            torch.testing.assert_close(value, criterion(logits.float(), target, kind=kind))
            value.backward()

    def test_a_cast_of_the_module_leaves_its_tables(self) -> None:
        hierarchy = tree()
        loss = klados.loss("hierarchical_cross_entropy", alpha=0.1)
        criterion = HierarchicalLoss(hierarchy, loss, impl="composed")
        logits, target = ordinary(3, hierarchy.num_classes), torch.arange(3)
        expected = criterion(logits, target)
        assert not criterion.state_dict()
        assert criterion.half()(logits, target) == expected
        assert criterion.to("meta").tables.form.paths.weight.device.type == "meta"


class TestTransforms:
    @pytest.fixture(params=["marginal_cross_entropy", "hierarchical_cross_entropy", "soft_labels", "weighted_cross_entropy"])
    def criterion(self, request: pytest.FixtureRequest) -> HierarchicalLoss:
        hierarchy = tree()
        parameters = {"map": map_of(hierarchy)} if request.param == "weighted_cross_entropy" else {}
        loss = klados.loss(request.param, gamma=0.5, **parameters)
        return HierarchicalLoss(hierarchy, loss, reduction="none", impl="composed")

    def test_vmap(self, criterion: HierarchicalLoss) -> None:
        logits = special(18, criterion.columns)
        for kind, target in targets(criterion.hierarchy, criterion.loss, 18).items():
            expected = criterion(logits, target, kind=kind)
            groups = logits.reshape(3, 6, -1), target.reshape(3, 6, *target.shape[1:])

            def function(logits: torch.Tensor, target: torch.Tensor, kind: str = kind) -> torch.Tensor:
                return criterion(logits, target, kind=kind)

            torch.testing.assert_close(torch.vmap(function)(*groups).flatten(), expected, equal_nan=True)
            slopes = torch.vmap(torch.func.grad(lambda x, y, f=function: f(x, y).sum()))(*groups)
            leaf = logits.clone().requires_grad_()
            (expected,) = torch.autograd.grad(criterion(leaf, target, kind=kind).sum(), leaf)
            torch.testing.assert_close(slopes.reshape(18, -1), expected, equal_nan=True)

    def test_forward_mode(self, criterion: HierarchicalLoss) -> None:
        logits = (ordinary(3, criterion.columns) / 3).requires_grad_()
        for kind, target in targets(criterion.hierarchy, criterion.loss, 3).items():

            def function(logits: torch.Tensor, kind: str = kind, target: torch.Tensor = target) -> torch.Tensor:
                return criterion(logits, target, kind=kind)

            assert torch.autograd.gradcheck(function, logits, check_forward_ad=True, fast_mode=True)
            hessian = torch.func.hessian(lambda x, f=function: f(x).sum())(logits.detach())
            assert hessian.isfinite().all() and torch.allclose(hessian, hessian.permute(2, 3, 0, 1))

    def test_export(self, criterion: HierarchicalLoss) -> None:
        logits, target = special(9, criterion.columns), torch.arange(9)
        exported = torch.export.export(criterion, (logits, target)).module()
        torch.testing.assert_close(exported(logits, target), criterion(logits, target), equal_nan=True)

    def test_deterministic_algorithms_and_layouts(self, criterion: HierarchicalLoss) -> None:
        logits, target = ordinary(4, criterion.columns), torch.arange(4)
        expected = criterion(logits, target)
        torch.use_deterministic_algorithms(True)
        try:
            leaf = logits.t().contiguous().t().requires_grad_()
            value = criterion(leaf, target)
            value.sum().backward()
        finally:
            torch.use_deterministic_algorithms(False)
        torch.testing.assert_close(value, expected)

    def test_nothing(self, criterion: HierarchicalLoss) -> None:
        logits = torch.zeros(0, criterion.columns, requires_grad=True)
        assert criterion(logits, torch.zeros(0, dtype=torch.int64)).shape == (0,)
        criterion.reduction = "mean"
        value = criterion(logits, torch.zeros(0, dtype=torch.int64))
        value.backward()
        assert value == 0
        ignored = torch.full((2, criterion.columns), float("nan"), requires_grad=True)
        value = criterion(ignored, torch.tensor([-100, -100]))
        value.backward()
        assert value == 0 and (ignored.grad == 0).all()


class TestBlocks:
    """Large sets, which are reduced from blocks of columns."""

    @staticmethod
    def skewed(seed: int) -> klados.Hierarchy:
        """Some large subtrees, many small ones, and columns in no order."""
        rng = np.random.default_rng(seed)
        size = int(rng.integers(3, 200))
        edges = [(f"n{int(v * rng.random() ** 2)}", f"n{v}") for v in range(1, size)]
        classes = klados.Hierarchy.from_edges(edges).classes
        if seed % 2:
            rng.shuffle(classes)
        return klados.Hierarchy.from_edges(edges, classes)

    @pytest.mark.parametrize("name", ["marginal_cross_entropy", "hierarchical_cross_entropy"])
    @pytest.mark.parametrize("size", [2, 3, 16])
    def test_of_any_size(self, size: int, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(paths, "_block", lambda widths, columns: (size if size <= columns else 0, 0))
        for seed in range(12):
            hierarchy = self.skewed(seed)
            loss = klados.loss(name)
            rows = hierarchy.num_classes + hierarchy.num_nodes
            logits, target = special(rows, hierarchy.num_classes), torch.arange(rows)
            assert HierarchicalLoss(hierarchy, loss, impl="composed").tables.form.by_label
            expected = klados.loss_and_grad(logits.numpy(), target.numpy(), hierarchy, loss, reduction="none")
            found = composed(hierarchy, loss, logits, target, "index", "none")
            for ours, theirs in zip(found, expected, strict=True):
                np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-10)

    def test_a_row_reads_little_of_large_sets(self) -> None:
        edges = [("top", "small"), ("top", "large")] + [("small", f"s{k}") for k in range(10)]
        edges += [("large", f"l{k}") for k in range(4)] + [(f"l{k % 4}", f"c{k}") for k in range(8000)]
        hierarchy = klados.Hierarchy.from_edges(edges)
        form = HierarchicalLoss(hierarchy, impl="composed").tables.form
        assert form.by_label and form.paths.block
        assert sum(form.paths.ends.widths) + sum(form.paths.blocks.widths) < 600
        target = torch.tensor([0, 5, 100, 8009, hierarchy.num_classes + hierarchy.node("large")])
        logits = ordinary(5, hierarchy.num_classes)
        expected = klados.loss_and_grad(logits.numpy(), target.numpy(), hierarchy)
        found = composed(hierarchy, klados.loss("marginal_cross_entropy"), logits, target, "index", "mean")
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-10)


class TestMemory:
    def test_tables_are_linear_and_no_mask_of_classes_and_nodes_is_made(self) -> None:
        paths = [[f"{i // 200}", f"{i // 10}", f"{i}"] for i in range(4000)]
        hierarchy = klados.Hierarchy.from_paths(paths)
        criterion = HierarchicalLoss(hierarchy, impl="composed")
        nodes, rows = hierarchy.num_nodes, 2
        assert sum(table.numel() for table in criterion.buffers()) < 40 * nodes
        logits = torch.randn(rows, 4000, requires_grad=True)
        for target in (torch.arange(rows), torch.full((rows, 4000), 1 / 4000), torch.ones(rows, 4000, dtype=torch.bool)):
            with Largest() as largest:
                criterion(logits, target).backward()
            assert largest.elements <= 4 * rows * nodes

    def test_gathered_sets_are_no_wider_than_the_widest_of_their_height(self) -> None:
        paths = [[f"{i // 200}", f"{i // 10}", f"{i}"] for i in range(4000)]
        criterion = HierarchicalLoss(klados.Hierarchy.from_paths(paths), impl="composed")
        assert criterion.tables.form.paths.ends.widths == (1, 10, 200)


class Largest(TorchDispatchMode):
    """The size of the largest tensor that an operation makes."""

    elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, (tuple, list)) else [out]:
            if isinstance(tensor, torch.Tensor):
                self.elements = max(self.elements, tensor.numel())
        return out
