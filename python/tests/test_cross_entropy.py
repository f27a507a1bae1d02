"""Losses against ``nn.CrossEntropyLoss``, where they must agree: of one level, or with all the weight on the leaves."""

from __future__ import annotations

import itertools

import every_loss
import pytest
import torch
from fused_losses import FLAT, INF, NAN, close, gradient
from torch import Tensor, nn

from klados.torch import HierarchicalCrossEntropyLoss, MarginalCrossEntropyLoss

# What opcheck uses of torch, and a convention of a paper.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated", "ignore:weighting .height.")

SAME_AS_FLAT = {
    "one_level": lambda **options: MarginalCrossEntropyLoss(FLAT, **options),
    "leaves": lambda **options: MarginalCrossEntropyLoss(every_loss.tree(), weights="leaves", **options),
    "alpha_0": lambda **options: HierarchicalCrossEntropyLoss(every_loss.tree(), alpha=0.0, **options),
}

SHAPES = [(8,), (5, 8), (0, 8), (3, 8, 4), (2, 8, 3, 4)]


def class_target(shape: tuple[int, ...], ignore_index: int) -> Tensor:
    target = torch.randint(8, shape[:1] + shape[2:] if len(shape) > 1 else ())
    if target.dim() and target.numel():
        target.view(-1)[0] = ignore_index
    return target


@pytest.mark.parametrize("make", SAME_AS_FLAT.values(), ids=SAME_AS_FLAT)
@pytest.mark.parametrize("targets", ["classes", "probabilities"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_agrees_with_cross_entropy(shape: tuple[int, ...], dtype: torch.dtype, targets: str, make) -> None:
    weights = [None, torch.tensor(every_loss.WEIGHT)]
    ignored = [-100, 1] if targets == "classes" else [-100]
    for reduction, ignore_index, weight, smoothing in itertools.product(
        ["none", "sum", "mean"], ignored, weights, [0.0, 0.1]
    ):
        options = {"reduction": reduction, "ignore_index": ignore_index, "label_smoothing": smoothing}
        input = torch.randn(shape, dtype=dtype).mul(3).requires_grad_()
        if targets == "classes":
            target = class_target(shape, ignore_index)
        else:
            target = torch.randn(shape, dtype=torch.float64).softmax(min(1, len(shape) - 1))
        ours = make(weight=weight, **options)(input, target)
        exact = input.detach().double().requires_grad_()
        theirs = nn.CrossEntropyLoss(weight=None if weight is None else weight.double(), **options)(exact, target)
        if reduction == "mean" and theirs.isnan():
            theirs = (exact * 0).sum()  # a mean over nothing is 0 here
        assert ours.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
        assert ours.shape == theirs.shape
        close(ours, theirs, torch.float64 if dtype == torch.float64 else torch.float32)
        upstream = torch.rand(theirs.shape, dtype=torch.float64)
        ours_grad = gradient(ours, input, upstream.to(ours.dtype))
        assert ours_grad.dtype == dtype
        assert ours_grad.shape == input.shape
        close(ours_grad, gradient(theirs, exact, upstream), dtype)


class TestWhatDiffersFromCrossEntropy:
    """What the documentation of :class:`HierarchicalLoss` says, and nothing else."""

    def test_a_mean_over_nothing_is_0_with_a_gradient_of_0(self) -> None:
        input = torch.randn(3, 8, requires_grad=True)
        target = torch.full((3,), -100)
        assert nn.CrossEntropyLoss()(input, target).isnan()
        loss = MarginalCrossEntropyLoss(FLAT)(input, target)
        assert loss.item() == 0
        assert not gradient(loss, input).any()

    def test_the_loss_of_half_logits_is_float32(self) -> None:
        input = torch.randn(3, 8, dtype=torch.bfloat16)
        assert nn.CrossEntropyLoss()(input, torch.tensor([0, 1, 2])).dtype == torch.bfloat16
        assert MarginalCrossEntropyLoss(FLAT)(input, torch.tensor([0, 1, 2])).dtype == torch.float32

    def test_probabilities_must_sum_to_1(self) -> None:
        with pytest.raises(ValueError, match="row 0: the soft label sums to 2, expected 1"):
            MarginalCrossEntropyLoss(FLAT)(torch.randn(1, 8), torch.full((1, 8), 0.25))

    def test_a_target_beyond_the_classes_is_a_node(self) -> None:
        input = torch.randn(1, 8)
        with pytest.raises(IndexError):
            nn.CrossEntropyLoss()(input, torch.tensor([8]))
        assert MarginalCrossEntropyLoss(FLAT)(input, torch.tensor([8])).item() == 0  # the root
        with pytest.raises(ValueError, match=r"row 0: the target is 17, expected a class \(0 to 7\)"):
            MarginalCrossEntropyLoss(FLAT)(input, torch.tensor([17]))

    def test_a_masked_class_costs_nothing_in_label_smoothing(self) -> None:
        input = torch.tensor([[0.0, -INF, 1, 2, 3, 4, 5, 6]])
        assert nn.CrossEntropyLoss(label_smoothing=0.1)(input, torch.tensor([0])).isinf()
        assert MarginalCrossEntropyLoss(FLAT, label_smoothing=0.1)(input, torch.tensor([0])).isfinite()

    def test_a_row_that_is_not_finite_spoils_its_own_gradient_only(self) -> None:
        input = torch.randn(3, 8).index_fill(0, torch.tensor([1]), NAN).requires_grad_()
        loss = MarginalCrossEntropyLoss(FLAT, reduction="none")(input, torch.tensor([0, 1, 2]))
        assert loss.isnan().tolist() == [False, True, False]
        assert gradient(loss.sum(), input).isnan().any(1).tolist() == [False, True, False]

    def test_weights_of_a_soft_target_do_not_enter_the_divisor(self) -> None:
        """As in PyTorch: the mean of distributions divides by their number, of classes by the sum of their weights."""
        weight = torch.tensor(every_loss.WEIGHT)
        input, hard = torch.randn(3, 8), torch.tensor([0, 2, 5])
        soft = nn.functional.one_hot(hard, 8).float()
        for make in (nn.CrossEntropyLoss, lambda **options: MarginalCrossEntropyLoss(FLAT, **options)):
            total = make(weight=weight, reduction="sum")(input, hard)
            assert make(weight=weight)(input, hard).item() == pytest.approx(
                total.item() / weight[hard].sum().item(), rel=1e-6
            )
            assert make(weight=weight)(input, soft).item() == pytest.approx(total.item() / 3, rel=1e-6)
