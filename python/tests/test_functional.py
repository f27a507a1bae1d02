"""The functions of the losses, which remember what they compiled."""

from __future__ import annotations

import threading

import every_loss
import pytest
import torch
from fused_losses import FLAT

import klados
from klados.torch import HierarchicalLoss, MarginalCrossEntropyLoss, functional

# What opcheck uses of torch, and a convention of a paper.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated", "ignore:weighting .height.")


def test_functions_from_many_threads_with_more_losses_than_are_remembered() -> None:
    tree, rows = every_loss.tree(), torch.randn(3, 8)
    target = torch.tensor([0, 1, 2])
    betas = [1 + at / 10 for at in range(100)]
    expected = [HierarchicalLoss(tree, klados.loss("soft_labels", beta=beta))(rows, target).item() for beta in betas]
    wrong: list[object] = []

    def work() -> None:
        try:
            found = [functional.soft_labels(rows, target, tree, beta=beta).item() for beta in betas]
            wrong.extend(pair for pair in zip(found, expected, strict=True) if pair[0] != pair[1])
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_functions_tell_losses_apart() -> None:
    """By their values at the call, not by the identity of what holds them."""
    tree, rows, target = every_loss.tree(), torch.randn(3, 8), torch.tensor([0, 1, 2])
    weight = torch.ones(8)
    first = functional.marginal_cross_entropy(rows, target, tree, weight=weight, reduction="sum")
    weight.mul_(2)
    assert functional.marginal_cross_entropy(rows, target, tree, weight=weight, reduction="sum") == 2 * first
    flat = functional.marginal_cross_entropy(rows, target, FLAT, reduction="sum")
    assert flat != functional.marginal_cross_entropy(rows, target, tree, reduction="sum")
    assert flat == functional.marginal_cross_entropy(rows, target, tree, weights="leaves", reduction="sum")


def test_a_function_does_not_keep_many_hierarchies() -> None:
    rows, target = torch.randn(3, 8), torch.tensor([0, 1, 2])
    losses = set()
    for at in range(200):
        # A new hierarchy may have the address of one that is gone.
        hierarchy = klados.Hierarchy.from_edges([(f"group {k % (1 + at % 4)}", f"class {k}") for k in range(8)])
        loss = functional.marginal_cross_entropy(rows, target, hierarchy)
        assert loss == MarginalCrossEntropyLoss(hierarchy)(rows, target)
        losses.add(loss.item())
    assert len(losses) == 4
