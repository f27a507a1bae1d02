"""Calls of a loss that make no sense are errors that say so."""

from __future__ import annotations

import every_loss
import pytest
import torch
from fused_losses import NAN, TARGET
from torch import Tensor

from klados.torch import HierarchicalLoss, MarginalCrossEntropyLoss, functional

# What opcheck uses of torch, and a convention of a paper.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated", "ignore:weighting .height.")


@pytest.mark.parametrize(
    ("input", "target", "words"),
    [
        (torch.zeros(5, 7), TARGET, r"the logits have shape \(5, 7\), expected \(N, 8, ...\) or \(8,\)"),
        (torch.zeros(()), torch.tensor(0), r"the logits have shape \(\)"),
        (torch.zeros(7), torch.tensor(0), r"the logits have shape \(7,\)"),
        (torch.zeros(5, 8), torch.zeros(4, dtype=torch.long), r"the target has shape \(4,\), expected \(5,\)"),
        (torch.zeros(5, 8), torch.zeros((), dtype=torch.long), "the target has 0 dimensions"),
        (torch.zeros(5, 8), torch.zeros(5, 8, 1), "the target has 3 dimensions"),
        (
            torch.zeros(5, 8, 2),
            torch.zeros(5, 3, dtype=torch.long),
            r"the target has shape \(5, 3\), expected \(5, 2\)",
        ),
        (torch.zeros(5, 8), torch.full((5, 7), 1 / 7), "the target has 7 columns, expected 8"),
        (torch.zeros(5, 8), torch.full((4, 8), 1 / 8), r"the target has shape \(4, 8\), which does not fit"),
        (torch.zeros(2, 8), torch.tensor([0, 99]), "row 1: the target is 99, expected a class"),
        (torch.zeros(2, 8), torch.tensor([0, -1]), "row 1: the target is -1, expected a class"),
        (torch.zeros(2, 8), torch.full((2, 8), 0.5), "row 0: .*sum"),
        (torch.zeros(1, 8), torch.full((1, 8), NAN), "row 0"),
        (torch.zeros(1, 8), torch.tensor([[-0.5, 1.5, 0, 0, 0, 0, 0, 0]]), "row 0"),
        (torch.zeros(1, 8), torch.full((1, 8), 2), "row 0, column 0: the target is 2, expected 0 or 1"),
    ],
)
@pytest.mark.parametrize("impl", ["auto", "fused"])
def test_calls_that_make_no_sense(input: Tensor, target: Tensor, words: str, impl: str) -> None:
    with pytest.raises(ValueError, match=words):
        MarginalCrossEntropyLoss(every_loss.tree(), impl=impl)(input, target)


@pytest.mark.parametrize("options", [{"reduction": "average"}, {"impl": "fast"}, {"reduction": None}])
def test_options_that_do_not_exist(options, input) -> None:
    (value,) = options.values()
    with pytest.raises(ValueError, match=f"{value!r}: expected '"):
        MarginalCrossEntropyLoss(every_loss.tree(), **options)
    with pytest.raises(ValueError, match=f"{value!r}: expected '"):
        functional.marginal_cross_entropy(input, TARGET, every_loss.tree(), **options)


def test_kinds_that_do_not_exist_or_do_not_fit(criterion, input) -> None:
    with pytest.raises(ValueError, match="one_hot"):
        criterion(input, torch.zeros(5, 8), kind="one_hot")
    with pytest.raises(ValueError, match="multi"):
        criterion(input, torch.zeros(5, 8), kind="multi_hot")
    with pytest.raises(ValueError, match="index|indices"):
        criterion(input, torch.zeros(5, 8), kind="index")


def test_a_target_that_asks_for_a_gradient(criterion, input) -> None:
    target = torch.full((5, 8), 1 / 8, requires_grad=True)
    with pytest.raises(ValueError, match="no gradient flows into the target; detach it"):
        criterion(input, target)


def test_labels_that_a_loss_does_not_take_name_the_row() -> None:
    tree = every_loss.tree()
    with pytest.raises(ValueError, match="row 1: .*union"):
        HierarchicalLoss(tree, "levelwise_softmax")(torch.zeros(2, 12), torch.tensor([[1] + [0] * 7, [1, 1] + [0] * 6]))
    with pytest.raises(ValueError, match="row 0: "):
        HierarchicalLoss(tree, "random_cut")(torch.zeros(1, 12), torch.tensor([8 + tree.node("mammal")]))
