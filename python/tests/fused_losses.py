"""Losses on the fused path, and what their tests share."""

from __future__ import annotations

import pytest
import torch
from every_loss import EVERY_LOSS, Example
from torch import Tensor

import klados
from klados.torch import HierarchicalLoss

INF = float("inf")

NAN = float("nan")

FLAT = klados.Hierarchy.from_edges([("root", f"class {k}") for k in range(8)])

TARGET = torch.tensor([0, 9, 2, -100, 7])

each_loss = pytest.mark.parametrize("example", EVERY_LOSS, ids=lambda example: example.name)


def fused(example: Example, **options) -> HierarchicalLoss:
    # In evaluation, where random cut draws the same at each call.
    return HierarchicalLoss(example.hierarchy, example.loss, impl="fused", **options).eval()


def gradient(loss: Tensor, input: Tensor, upstream: Tensor | None = None) -> Tensor:
    return torch.autograd.grad(loss, input, upstream)[0]


def close(ours: Tensor, theirs: Tensor, dtype: torch.dtype) -> None:
    """To the accuracy of ``docs/definitions.md``, gradients of halves to one rounding."""
    rounding = {torch.float64: 1e-13, torch.float32: 1e-6, torch.bfloat16: 2**-8, torch.float16: 2**-10}[dtype]
    torch.testing.assert_close(ours.double(), theirs, rtol=rounding, atol=rounding, equal_nan=True)
