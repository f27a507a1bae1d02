"""A gradient of one's own: what is right is right, and each usual mistake is named."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from every_loss import EVERY_LOSS, Example
from torch import Tensor

import klados
from klados.torch import HierarchicalLoss, MarginalCrossEntropyLoss

# A convention of a paper.
pytestmark = pytest.mark.filterwarnings("ignore:weighting .height.")

# Weights of the levels from the top.
LEVELS = [0.7, 0.3, 1.9]
EDGES = [
    ("mammal", "cats"),
    ("cats", "lion"),
    ("cats", "lynx"),
    ("mammal", "dogs"),
    ("dogs", "wolf"),
    ("dogs", "fox"),
    ("dogs", "jackal"),
    ("bird", "crows"),
    ("crows", "raven"),
    ("crows", "magpie"),
    ("bird", "owls"),
    ("owls", "snowy owl"),
]
# In the order neither of the tree nor of the names.
CLASSES = ["wolf", "raven", "lion", "snowy owl", "fox", "lynx", "magpie", "jackal"]


def names(check: klados.GradientCheck) -> list[str]:
    return [mistake.name for mistake in check.mistakes]


@pytest.fixture
def hierarchy() -> klados.Hierarchy:
    return klados.Hierarchy.from_edges(EDGES, classes=CLASSES)


class Own:
    """A marginal cross-entropy in torch by hand, with a mistake."""

    def __init__(self, hierarchy: klados.Hierarchy) -> None:
        self.hierarchy = hierarchy
        # All above 0, so that sums of them have a logarithm.
        self.input = (0.3 + 2 * torch.rand(5, 8, dtype=torch.float64)).requires_grad_()
        self.target = torch.tensor([0, 3, 1, 7, 4])
        self.criterion = MarginalCrossEntropyLoss(hierarchy, weights={"levels": LEVELS})

    def levels(self, row: int) -> list[list[int]]:
        """Of a row the classes below each node of its path, from the top."""
        class_node = self.hierarchy.class_nodes[self.target[row]]
        path = [int(node) for node in self.hierarchy.ancestors(int(class_node)) if node != 0] + [int(class_node)]
        path = sorted(set(path), key=lambda node: self.hierarchy.depths[node])
        return [self.hierarchy.classes_below(node).tolist() for node in path]

    def check(self, term: Callable[[Tensor, list[int]], Tensor], weights: list[float] = LEVELS) -> klados.GradientCheck:
        """Of the mean over the rows of the weighted sum of terms, each by the logits of a row and the classes of a node."""
        total = torch.zeros((), dtype=torch.float64)
        for row in range(5):
            terms = [term(self.input[row], classes) for classes in self.levels(row)]
            total = total + sum(weight * term for weight, term in zip(weights, terms, strict=True))
        (gradient,) = torch.autograd.grad(total / 5, self.input)
        return self.criterion.check_gradient(gradient, self.input, self.target)


def right(z: Tensor, classes: list[int]) -> Tensor:
    return z.logsumexp(0) - z[classes].logsumexp(0)


@pytest.fixture
def own(hierarchy: klados.Hierarchy) -> Own:
    return Own(hierarchy)


def test_autograd_of_code_that_is_right_is_right(own: Own) -> None:
    check = own.check(right)
    assert check.is_right and not check.mistakes and not check.differences
    assert str(check).startswith("right, the gradient of the mean loss\noff by ")


@pytest.mark.parametrize(
    ("name", "term"),
    [
        ("log_of_summed_logits", lambda z, classes: -z[classes].sum().log()),
        ("no_normalizer", lambda z, classes: -z[classes].logsumexp(0)),
        ("softmax_twice", lambda z, classes: right(z.softmax(0), classes)),
        ("sign_flipped", lambda z, classes: -right(z, classes)),
    ],
)
def test_a_wrong_term_is_named(own: Own, name: str, term: Callable[[Tensor, list[int]], Tensor]) -> None:
    assert names(own.check(term)) == [name]


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("weights_twice", [weight**2 for weight in LEVELS]),
        ("weights_left_out", [1, 1, 1]),
        ("levels_from_below", LEVELS[::-1]),
        ("levels_off_by_one", [*LEVELS[1:], 0]),
        ("mean_over_levels", [weight / 3 for weight in LEVELS]),
    ],
)
def test_wrong_weights_are_named(own: Own, name: str, weights: list[float]) -> None:
    assert names(own.check(right, weights)) == [name]


@pytest.mark.parametrize(
    ("name", "pool"),
    [("summed_logits", torch.sum), ("averaged_logits", torch.mean), ("largest_logit", torch.max)],
)
def test_pooled_logits_are_named(own: Own, name: str, pool: Callable[[Tensor], Tensor]) -> None:
    depths, nodes = own.hierarchy.depths, range(1, own.hierarchy.num_nodes)
    of_depth = [[own.hierarchy.classes_below(node).tolist() for node in nodes if depths[node] == at] for at in (1, 2, 3)]

    def term(z: Tensor, classes: list[int]) -> Tensor:
        level = next(level for level in of_depth if classes in level)
        if level is of_depth[2]:
            return right(z, classes)
        return torch.stack([pool(z[of_peer]) for of_peer in level]).logsumexp(0) - pool(z[classes])

    # Of an only child the depths 2 and 3 have the same classes.
    own.target = torch.tensor([0, 1, 1, 7, 4])
    assert names(own.check(term)) == [name]


def test_an_epsilon_is_named_with_its_size(own: Own) -> None:
    check = own.check(lambda z, classes: -(z.softmax(0)[classes].sum() + 1e-3).log())
    assert names(check) == ["epsilon"]
    assert check.mistakes[0].epsilon == 1e-3
    assert str(check).endswith("- 1e-3 is added in the logarithm: compute in log space, where nothing is added")


def test_probabilities_for_logits_and_marginal_for_conditional(own: Own) -> None:
    p = own.input.detach().softmax(1)
    gradient = torch.zeros(5, 8, dtype=torch.float64)
    for row in range(5):
        for weight, classes in zip(LEVELS, own.levels(row), strict=True):
            gradient[row, classes] -= weight / p[row, classes].sum() / 5
    assert names(own.criterion.check_gradient(gradient, own.input, own.target)) == ["by_probabilities"]

    total = torch.zeros((), dtype=torch.float64)
    for row in range(5):
        given = [list(range(8)), *own.levels(row)]
        for weight, parent, classes in zip(LEVELS, given, given[1:], strict=False):
            total = total + weight * (own.input[row, parent].logsumexp(0) - own.input[row, classes].logsumexp(0)) / 5
    (gradient,) = torch.autograd.grad(total, own.input)
    assert names(own.criterion.check_gradient(gradient, own.input, own.target)) == ["conditional"]


def test_wrong_reductions_are_named(own: Own) -> None:
    logits, target = own.input.detach().numpy(), own.target.numpy()
    loss = klados.loss("marginal_cross_entropy", weights={"levels": LEVELS})
    _, total = klados.loss_and_grad(logits, target, own.hierarchy, loss, reduction="sum")

    def named(factor: float, reduction: str, ignored: int = -100) -> list[str]:
        labels = np.where(target == ignored, -100, target)
        _, total = klados.loss_and_grad(logits, labels, own.hierarchy, loss, reduction="sum")
        check = klados.check_gradient(factor * total, logits, labels, own.hierarchy, loss, reduction=reduction)
        return names(check)

    assert named(1, "sum") == named(1, "none") == named(0.2, "mean") == []
    assert named(1, "mean") == ["sum_not_mean"]
    assert named(0.2, "sum") == ["mean_not_sum"]
    assert named(0.2, "mean", ignored=7) == ["mean_over_all_rows"]
    assert named(1 / 8, "mean") == ["mean_over_classes"]
    # No usual mistake.
    check = klados.check_gradient(0.77 * total, logits, target, own.hierarchy, loss, reduction="sum")
    assert not check.is_right and not check.mistakes
    assert "None of the usual mistakes" in str(check)


def test_columns_in_another_order_are_named(own: Own) -> None:
    logits, target = own.input.detach().numpy(), own.target.numpy()
    _, grad = klados.loss_and_grad(logits, target, own.hierarchy)
    for name, order in [("tree_order", own.hierarchy.tree_order), ("name_order", np.argsort(CLASSES))]:
        check = klados.check_gradient(grad[:, order], logits, target, own.hierarchy)
        assert names(check) == [name]


def test_focal_factors_and_class_weights(own: Own) -> None:
    logits, target = own.input.detach().numpy(), own.target.numpy()
    _, plain = klados.loss_and_grad(logits, target, own.hierarchy)
    focal = klados.loss("marginal_cross_entropy", gamma=2)
    assert names(klados.check_gradient(plain, logits, target, own.hierarchy, focal)) == ["focal_left_out"]
    weight = np.arange(1.0, 9.0)
    weighted = klados.loss("marginal_cross_entropy", class_weight=weight)
    _, twice = klados.loss_and_grad(logits, target, own.hierarchy, weighted)
    twice = twice * weight[target][:, np.newaxis]
    assert names(klados.check_gradient(twice, logits, target, own.hierarchy, weighted)) == ["class_weights_twice"]
    hierarchical = klados.loss("hierarchical_cross_entropy", alpha=0)
    check = klados.check_gradient(plain, logits, target, own.hierarchy, hierarchical)
    assert names(check) == ["not_conditional"]


@pytest.mark.parametrize("example", EVERY_LOSS, ids=lambda example: example.name)
def test_the_gradient_of_every_loss_is_right_and_its_negative_is_not(example: Example) -> None:
    for reduction in ("none", "sum", "mean"):
        criterion = HierarchicalLoss(example.hierarchy, example.loss, reduction=reduction).eval()
        for kind, target in example.targets(5).items():
            input = example.logits(5, torch.float32).requires_grad_()
            criterion(input, target, kind=kind).sum().backward()
            assert input.grad is not None
            check = criterion.check_gradient(input.grad, input, target, kind=kind)
            assert check.is_right, check
            if input.grad.abs().sum() > 0:
                flipped = criterion.check_gradient(-input.grad, input, target, kind=kind)
                assert "sign_flipped" in names(flipped)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_types_are_as_near_as_they_can_be(own: Own, dtype: torch.dtype) -> None:
    input = own.input.detach().to(dtype).requires_grad_()
    own.criterion(input, own.target).backward()
    assert own.criterion.check_gradient(input.grad, input, own.target).is_right
    assert not own.criterion.check_gradient(input.grad, input, own.target, tolerance=1e-6).is_right


@pytest.mark.parametrize("example", EVERY_LOSS, ids=lambda example: example.name)
def test_central_differences_are_the_gradient(example: Example) -> None:
    for kind, target in example.targets(3).items():
        logits, target = example.logits(3).numpy(), target.numpy()
        _, grad = klados.loss_and_grad(
            logits, target, example.hierarchy, example.loss, reduction="none", kind=kind
        )
        differences = klados.central_differences(logits, target, example.hierarchy, example.loss, kind=kind)
        np.testing.assert_allclose(differences, grad, rtol=1e-8, atol=1e-8)


def test_where_it_differs(animals: klados.Hierarchy) -> None:
    logits, target = np.zeros((3, 6)), np.array([0, 1, 2])
    _, grad = klados.loss_and_grad(logits, target, animals)
    grad[1, 4] += 0.5
    check = klados.check_gradient(grad, logits, target, animals)
    [difference] = check.differences
    assert (difference.row, difference.column, difference.name) == (1, 4, "pigeon")
    assert check.largest == difference.error == pytest.approx(0.5)
    assert check.entries == 18
    assert check.to_dict()["differences"][0]["name"] == "pigeon"
    grad[1, 4] = np.nan
    assert np.isnan(klados.check_gradient(grad, logits, target, animals).largest)


def test_calls_that_make_no_sense(animals: klados.Hierarchy) -> None:
    logits, target = np.zeros((2, 6)), np.array([0, 1])
    with pytest.raises(ValueError, match=r"the gradient has shape \(2, 5\), expected \(2, 6\) as the logits"):
        klados.check_gradient(np.zeros((2, 5)), logits, target, animals)
    with pytest.raises(ValueError, match=r'reduction "average": expected "none", "sum" or "mean"'):
        klados.check_gradient(logits, logits, target, animals, reduction="average")
    with pytest.raises(ValueError, match="tolerance is -1, expected"):
        klados.check_gradient(logits, logits, target, animals, tolerance=-1)
    with pytest.raises(ValueError, match="the gradient is <U1, expected numbers"):
        klados.check_gradient(np.full((2, 6), "a"), logits, target, animals)
    with pytest.raises(ValueError, match="row 0: the target is 99"):
        klados.central_differences(logits, [99, 0], animals)
    module = MarginalCrossEntropyLoss(animals)
    with pytest.raises(ValueError, match=r"the gradient has shape \(6, 2\), expected \(2, 6\) as the logits"):
        module.check_gradient(torch.zeros(6, 2), torch.zeros(2, 6), torch.tensor([0, 1]))
