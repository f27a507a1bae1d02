"""Log-probabilities of nodes: against the formulas of ``docs/definitions.md``, and in a loss of one's own."""

from __future__ import annotations

from typing import Any

import every_loss
import golden
import numpy as np
import numpy.typing as npt
import pytest
import torch
from every_loss import COLUMNS_OF_THE_WEIGHTED_FORM, MAP
from torch.nn.functional import nll_loss

import klados
from klados.torch import MarginalCrossEntropyLoss, functional
from klados.torch._cache import operation

Array = npt.NDArray[np.float64]

NODE_FORMS = ["class_softmax", "parameter_sharing_softmax", "sibling_softmax", "independent_sigmoid"]
NODE_FORMS += ["conditional_sigmoid", "descendant_softmax", "node_softmax", "noisy_or", "max", "min"]
WEIGHTED_FORMS = [{"weighted_class_softmax": {"map": MAP}}, {"weighted_sigmoid": {"map": COLUMNS_OF_THE_WEIGHTED_FORM}}]
FORMS: list[str | dict[str, Any]] = [*NODE_FORMS, *WEIGHTED_FORMS]
TREES_ONLY = ["sibling_softmax", "conditional_sigmoid", "descendant_softmax", "node_softmax"]
SOFTMAXES = ["class_softmax", "parameter_sharing_softmax", "sibling_softmax"]

DAG_EDGES = [
    ("thing", "pet"),
    ("thing", "wild"),
    ("pet", "cat"),
    ("wild", "cat"),
    ("wild", "wolf"),
    ("pet", "carp"),
    ("wild", "carp"),
]
DAG = klados.Hierarchy.from_edges(DAG_EDGES, classes=["carp", "wolf", "cat"])

each_form = pytest.mark.parametrize("form", FORMS, ids=lambda form: form if isinstance(form, str) else next(iter(form)))


def columns_of(form: str | dict[str, Any], hierarchy: klados.Hierarchy) -> int:
    by_class = not isinstance(form, str) or form in ("class_softmax", "noisy_or")
    return hierarchy.num_classes if by_class else hierarchy.num_nodes - 1


# The formulas, one after the other and in plain float64.


def lse(values: Array) -> Array:
    top = values.max()
    return top + np.log(np.exp(values - top).sum())


def log_sigmoid(score: Array) -> Array:
    return -np.logaddexp(0, -score)


class Formulas:
    """``log P`` of the nodes of a hierarchy, from one row of logits."""

    def __init__(self, hierarchy: klados.Hierarchy) -> None:
        self.hierarchy = hierarchy
        nodes = range(hierarchy.num_nodes)
        self.below = [[u for u in nodes if u == v or v in hierarchy.ancestors(u)] for v in nodes]
        self.above = [[u for u in (v, *hierarchy.ancestors(v)) if u != 0] for v in nodes]

    def log_p(self, form: str, row: Array) -> Array:
        by_node = np.zeros(self.hierarchy.num_nodes)
        if columns_of(form, self.hierarchy) == self.hierarchy.num_nodes - 1:
            by_node[self.hierarchy.node_columns] = row
        of = getattr(self, form)
        return np.array([0.0] + [of(v, row, by_node) for v in range(1, self.hierarchy.num_nodes)])

    def class_softmax(self, v: int, z: Array, s: Array) -> Array:
        return lse(z[self.hierarchy.classes_below(v)]) - lse(z)

    def parameter_sharing_softmax(self, v: int, z: Array, s: Array) -> Array:
        return self.class_softmax(v, np.array([s[self.above[node]].sum() for node in self.hierarchy.class_nodes]), s)

    def sibling_softmax(self, v: int, z: Array, s: Array) -> Array:
        step = lambda u: s[u] - lse(s[self.hierarchy.children(self.hierarchy.parents(u)[0])])  # noqa: E731
        return sum(step(u) for u in self.above[v])

    def independent_sigmoid(self, v: int, z: Array, s: Array) -> Array:
        return log_sigmoid(s[v])

    def conditional_sigmoid(self, v: int, z: Array, s: Array) -> Array:
        return log_sigmoid(s[self.above[v]]).sum()

    def descendant_softmax(self, v: int, z: Array, s: Array) -> Array:
        return lse(s[self.below[v]]) - lse(s[1:])

    def node_softmax(self, v: int, z: Array, s: Array) -> Array:
        return lse(s[self.below[v]]) - lse(s)  # the root's score is 0

    def noisy_or(self, v: int, z: Array, s: Array) -> Array:
        return np.log(-np.expm1(-np.logaddexp(0, z[self.hierarchy.classes_below(v)]).sum()))

    def max(self, v: int, z: Array, s: Array) -> Array:
        return log_sigmoid(s[self.below[v]].max())

    def min(self, v: int, z: Array, s: Array) -> Array:
        return log_sigmoid(s[self.above[v]].min())


@pytest.mark.parametrize("hierarchy", [every_loss.tree(), DAG], ids=["tree", "dag"])
@pytest.mark.parametrize("form", NODE_FORMS)
def test_against_the_formulas(hierarchy: klados.Hierarchy, form: str) -> None:
    logits = np.random.default_rng(0).normal(scale=2, size=(5, columns_of(form, hierarchy)))
    if form in TREES_ONLY and not hierarchy.is_tree:
        with pytest.raises(ValueError, match=f"{form}.*tree"):
            klados.node_log_probs(logits, hierarchy, form)
        return
    expected = np.array([Formulas(hierarchy).log_p(form, row) for row in logits])
    for dtype, relative in (("float64", 1e-12), ("float32", 1e-6), ("float16", 2e-3)):
        found = klados.node_log_probs(logits.astype(dtype), hierarchy, form)
        assert found.dtype == ("float64" if dtype == "float64" else "float32")
        np.testing.assert_allclose(found, expected, rtol=relative, atol=relative)


@pytest.mark.parametrize("form", WEIGHTED_FORMS, ids=lambda form: next(iter(form)))
def test_superclasses_of_a_map_against_the_formulas(form: dict[str, Any]) -> None:
    ((name, parameters),) = form.items()
    rows = parameters["map"]
    superclasses = list(dict.fromkeys(superclass for _, superclass, _ in rows))
    weights = np.zeros((8, len(superclasses)))
    for of_class, superclass, weight in rows:
        weights[every_loss.CLASSES.index(of_class), superclasses.index(superclass)] = weight
    logits = np.random.default_rng(1).normal(size=(5, 8))
    if name == "weighted_class_softmax":
        p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    else:
        p = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(klados.node_log_probs(logits, every_loss.tree(), form), np.log(p @ weights), rtol=1e-12)


def test_probabilities_may_be_given() -> None:
    hierarchy = every_loss.tree()
    logits = np.random.default_rng(2).normal(scale=2, size=(5, 8))
    expected = klados.node_log_probs(logits, hierarchy)
    given = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(
        klados.node_log_probs(given, hierarchy, "class_probabilities"), expected, rtol=1e-13, atol=1e-14
    )
    by_node = np.exp(expected)[:, hierarchy.node_columns]
    found = klados.node_log_probs(by_node, hierarchy, "node_probabilities")
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-14)
    given[3, 4] += 0.25
    with pytest.raises(ValueError, match="row 3: the probabilities add up to 1.2"):
        klados.node_log_probs(given, hierarchy, "class_probabilities")
    by_node[1, 2] = -0.5
    with pytest.raises(ValueError, match="row 1: the probability in column 2 is -0.5, expected 0 to 1"):
        klados.node_log_probs(by_node, hierarchy, "node_probabilities")
    leaf = torch.full((1, 8), 0.125, requires_grad=True)
    with pytest.raises(ValueError, match="class_probabilities has no gradient"):
        functional.node_log_probs(leaf, hierarchy, "class_probabilities", impl="composed")


@pytest.mark.filterwarnings("ignore:. nodes without a class")
def test_against_the_golden_suite() -> None:
    """A node that is a label costs ``-log P`` of it where it alone has a weight, so the suite knows some of them."""
    checked = 0
    for case in golden.load("marginal_cross_entropy"):
        if case.loss != klados.loss("marginal_cross_entropy", weights="leaves"):
            continue
        log_p = klados.node_log_probs(case.logits, case.hierarchy)
        for part in case.parts:
            if part.kind == "index":
                rows = part.rows[part.target[part.rows] != golden.IGNORED]
                target = part.target[rows]
                # A class's node, and a node itself.
                nodes = np.concatenate([case.hierarchy.class_nodes, np.arange(case.hierarchy.num_nodes)])[target]
                found, expected = -log_p[rows, nodes], case.losses[rows]
                assert golden.close(found, expected, np.abs(expected), golden.F64).all(), case.name
                checked += len(rows)
    assert checked > 100


@each_form
def test_torch_has_the_bits_of_numpy(form: str | dict[str, Any]) -> None:
    hierarchy = every_loss.tree()
    for dtype in (torch.float64, torch.float32, torch.float16):
        logits = torch.randn(5, columns_of(form, hierarchy), dtype=dtype)
        found = functional.node_log_probs(logits, hierarchy, form, impl="fused")
        assert found.grad_fn is None
        assert found.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
        assert np.array_equal(found.numpy(), klados.node_log_probs(logits.numpy(), hierarchy, form))


@each_form
def test_gradcheck(form: str | dict[str, Any]) -> None:
    hierarchy = every_loss.tree()
    logits = torch.randn(3, columns_of(form, hierarchy), dtype=torch.float64, requires_grad=True)
    for level in (None, 2) if isinstance(form, str) else (None,):
        assert torch.autograd.gradcheck(
            lambda logits: functional.node_log_probs(logits, hierarchy, form, level, impl="fused"),
            logits,
        )


@each_form
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_gradients_of_halves(form: str | dict[str, Any], dtype: torch.dtype) -> None:
    hierarchy = every_loss.tree()
    logits = torch.randn(3, columns_of(form, hierarchy), dtype=dtype, requires_grad=True)
    exact = logits.detach().double().requires_grad_()
    grads = []
    for input in (logits, exact):
        log_p = functional.node_log_probs(input, hierarchy, form)
        (log_p * torch.linspace(-1, 1, log_p.shape[1], dtype=log_p.dtype)).sum().backward()
        grads.append(input.grad)
    assert grads[0].dtype == dtype
    torch.testing.assert_close(
        grads[0].double(), grads[1], rtol=2**-8 if dtype == torch.bfloat16 else 2**-10, atol=1e-6
    )


@each_form
def test_dimensions_before_the_columns(form: str | dict[str, Any]) -> None:
    hierarchy = every_loss.tree()
    logits = torch.randn(2, 3, columns_of(form, hierarchy))
    found = functional.node_log_probs(logits, hierarchy, form)
    rows = functional.node_log_probs(logits.reshape(6, -1), hierarchy, form)
    assert torch.equal(found.reshape(6, -1), rows)
    assert torch.equal(functional.node_log_probs(logits[0, 0], hierarchy, form), rows[0])
    assert torch.equal(functional.node_log_probs(logits.transpose(0, 1), hierarchy, form), found.transpose(0, 1))
    assert functional.node_log_probs(logits[:0], hierarchy, form).shape == (0, 3, rows.shape[1])
    assert klados.node_log_probs(logits[0, 0].numpy(), hierarchy, form).shape == rows[0].shape
    assert klados.node_log_probs(np.zeros((0, logits.shape[-1])), hierarchy, form).shape == (0, rows.shape[1])


# Levels.

RANKED = klados.Hierarchy.from_paths(
    [[f"order {k % 5}", f"family {k % 20}", f"species {k}"] for k in range(200)], ranks=["order", "family", "species"]
)


@pytest.mark.parametrize("form", SOFTMAXES)
@pytest.mark.parametrize(("rank", "depth"), [("order", 1), ("family", 2), ("species", 3)])
def test_the_probabilities_of_a_level_sum_to_1(form: str, rank: str, depth: int) -> None:
    logits = torch.randn(64, columns_of(form, RANKED)) * 5
    log_p = functional.node_log_probs(logits, RANKED, form, rank)
    assert log_p.shape == (64, len(RANKED.level_nodes(rank)))
    torch.testing.assert_close(log_p.double().exp().sum(1), torch.ones(64, dtype=torch.float64), rtol=1e-6, atol=0)
    whole = functional.node_log_probs(logits, RANKED, form)
    assert torch.equal(log_p, whole[:, RANKED.level_nodes(rank)])
    # Where there are ranks they are the levels, not the depths.
    assert RANKED.levels == ["order", "family", "species"]
    with pytest.raises(ValueError):
        functional.node_log_probs(logits, RANKED, form, "genus")


def test_a_level_by_depth_where_there_are_no_ranks() -> None:
    tree = every_loss.tree()
    log_p = klados.node_log_probs(np.zeros((1, 8)), tree, level=2)
    assert log_p.shape == (1, len(tree.level_nodes(2)))
    assert sorted(tree.level_nodes(2)) == sorted(np.flatnonzero(tree.depths == 2))
    with pytest.raises(ValueError):
        klados.node_log_probs(np.zeros((1, 8)), tree, level=9)


def test_the_finest_level_is_the_log_softmax() -> None:
    logits = torch.randn(16, 200, dtype=torch.float64)
    log_p = functional.node_log_probs(logits, RANKED, level="species")
    order = RANKED.node_classes[RANKED.level_nodes("species")]
    torch.testing.assert_close(log_p, logits.log_softmax(1)[:, order], rtol=1e-13, atol=1e-13)


# A loss of one's own.


@pytest.mark.parametrize("impl", ["fused", "auto"])
def test_ones_own_superclass_loss_is_the_marginal_cross_entropy(impl: str) -> None:
    weights = [0.5, 2.0, 1.0]
    logits = torch.randn(32, 200, dtype=torch.float64, requires_grad=True)
    target = torch.randint(200, (32,))
    mine = torch.zeros((), dtype=torch.float64)
    for weight, rank in zip(weights, RANKED.levels, strict=True):
        nodes = RANKED.level_nodes(rank).tolist()
        superclass = [next(at for at, node in enumerate(nodes) if k in RANKED.classes_below(node)) for k in range(200)]
        log_p = functional.node_log_probs(logits, RANKED, level=rank, impl=impl)
        mine = mine + weight * nll_loss(log_p, torch.tensor(superclass)[target])
    levels = dict(zip(RANKED.levels, weights, strict=True))
    theirs = MarginalCrossEntropyLoss(RANKED, weights={"levels": levels})(logits, target)
    torch.testing.assert_close(mine, theirs, rtol=1e-13, atol=0)
    grads = [torch.autograd.grad(loss, logits)[0] for loss in (mine, theirs)]
    torch.testing.assert_close(*grads, rtol=1e-11, atol=1e-15)


def test_a_complement_and_a_margin_of_ones_own() -> None:
    """What the forum asks for is any function of them: here a hinge between the mass of the right and of the wrong."""
    logits = torch.randn(8, 200, requires_grad=True)
    log_p = functional.node_log_probs(logits, RANKED, level="order")
    target = torch.arange(8) % 5
    right = log_p.gather(1, target[:, None]).squeeze(1)
    wrong = log_p.scatter(1, target[:, None], -torch.inf).logsumexp(1)
    (1 - right + wrong).relu().mean().backward()
    assert logits.grad.isfinite().all()
    assert logits.grad.any()


# What autograd and the compilers ask for.


@each_form
def test_opcheck(form: str | dict[str, Any]) -> None:
    tree = every_loss.tree()
    of = operation(tree, form, None)
    for dtype in (torch.float32, torch.float64):
        logits = torch.randn(3, columns_of(form, tree), dtype=dtype, requires_grad=True)
        torch.library.opcheck(torch.ops.klados.node_log_probs.default, (logits, of.handle))
        upstream = torch.randn(3, of.operation.width, dtype=dtype)
        torch.library.opcheck(torch.ops.klados.node_log_probs_backward.default, (logits.detach(), upstream, of.handle))


@each_form
def test_compile(form: str | dict[str, Any]) -> None:
    tree = every_loss.tree()
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()

    def loss(logits: torch.Tensor) -> torch.Tensor:
        return functional.node_log_probs(logits, tree, form).square().sum()

    compiled = torch.compile(loss, backend="aot_eager", fullgraph=True)
    for rows in (3, 5, 8):
        logits = torch.randn(rows, columns_of(form, tree), requires_grad=True)
        grads = [torch.autograd.grad(function(logits), logits)[0] for function in (compiled, loss)]
        torch.testing.assert_close(*grads)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] <= 2
    torch._dynamo.reset()


def test_backward_twice_and_a_second_derivative() -> None:
    logits = torch.randn(3, 8, requires_grad=True)
    log_p = functional.node_log_probs(logits, every_loss.tree(), impl="fused")
    first = torch.autograd.grad(log_p.sum(), logits, retain_graph=True)[0]
    assert torch.equal(torch.autograd.grad(log_p.sum(), logits)[0], first)
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        torch.autograd.grad(log_p.sum(), logits)
    log_p = functional.node_log_probs(logits, every_loss.tree(), impl="fused")
    (first,) = torch.autograd.grad(log_p.sum(), logits, create_graph=True)
    with pytest.raises(RuntimeError, match="the fused path is differentiable once; use impl='composed'"):
        (first.sum() + logits.sum()).backward()


def test_an_upstream_gradient_of_another_layout() -> None:
    tree = every_loss.tree()
    logits = torch.randn(3, 8, requires_grad=True)
    upstream = torch.randn(tree.num_nodes, 3)
    grads = []
    for given in (upstream.t(), upstream.t().contiguous()):
        log_p = functional.node_log_probs(logits, tree, impl="fused")
        grads.append(torch.autograd.grad(log_p, logits, given)[0])
    assert torch.equal(*grads)
    log_p = functional.node_log_probs(logits, tree, impl="fused")
    ones = torch.autograd.grad(log_p.sum(), logits)[0]  # expanded, with a stride of 0
    log_p = functional.node_log_probs(logits, tree, impl="fused")
    assert torch.equal(ones, torch.autograd.grad(log_p, logits, torch.ones_like(log_p))[0])


# Special rows.


@pytest.mark.parametrize("form", NODE_FORMS)
@pytest.mark.parametrize("impl", ["fused"])
def test_rows_that_are_special(form: str, impl: str) -> None:
    tree = every_loss.tree()
    logits = torch.randn(5, columns_of(form, tree))
    logits[1, 0] = torch.nan
    logits[2] = 1e4
    logits[3, 0] = -1e4
    logits[4, 0] = -torch.inf
    logits.requires_grad_()
    log_p = functional.node_log_probs(logits, tree, form, impl=impl)
    assert log_p[1].isnan().any()
    assert not log_p[[0, 2, 3, 4]].isnan().any()
    assert (log_p[[0, 2, 3, 4]] <= 1e-6).all()
    finite = log_p.isfinite()
    grad = torch.autograd.grad(log_p[finite].sum(), logits)[0]
    assert grad[[0, 2, 3, 4]].isfinite().all()


# Errors.


@pytest.mark.parametrize("node_log_probs", [klados.node_log_probs, functional.node_log_probs], ids=["numpy", "torch"])
def test_calls_that_make_no_sense(node_log_probs) -> None:
    tree = every_loss.tree()
    zeros = np.zeros if node_log_probs is klados.node_log_probs else torch.zeros
    with pytest.raises(ValueError, match=r"the logits have shape \(2, 7\), expected"):
        node_log_probs(zeros((2, 7)), tree)
    with pytest.raises(
        ValueError, match="the form of the nodes: unknown variant `softmax`, expected one of `class_softmax`"
    ):
        node_log_probs(zeros((2, 8)), tree, "softmax")
    with pytest.raises(ValueError, match="genus"):
        node_log_probs(zeros((2, 8)), tree, level="genus")
    with pytest.raises(ValueError, match="sibling_softmax.*tree"):
        node_log_probs(zeros((2, 8)), DAG, "sibling_softmax")
    with pytest.raises(ValueError, match="map"):
        node_log_probs(zeros((2, 8)), tree, {"weighted_class_softmax": {}})


def test_options_of_torch() -> None:
    tree = every_loss.tree()
    with pytest.raises(ValueError, match="impl 'fast': expected 'auto', 'fused' or 'composed'"):
        functional.node_log_probs(torch.zeros(2, 8), tree, impl="fast")
    with pytest.raises(ValueError, match="the logits are torch.int64, expected float16, bfloat16, float32 or float64"):
        functional.node_log_probs(torch.zeros(2, 8, dtype=torch.int64), tree)
    with pytest.raises(ValueError, match="impl='fused' runs on the CPU and the logits are on meta"):
        functional.node_log_probs(torch.zeros(2, 8, device="meta"), tree, impl="fused")
    with torch.device("meta"):
        assert functional.node_log_probs(torch.zeros(2, 8, device="cpu"), tree).device.type == "cpu"
