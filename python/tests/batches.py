"""Batches that the composed path is tried on, and what it makes of them."""

from __future__ import annotations

import klados
import numpy as np
import torch
from klados.torch import HierarchicalLoss
from torch import Tensor

INF = float("inf")


def ordinary(rows: int, columns: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(2).normal(scale=3, size=(rows, columns)))


def with_special_rows(rows: int, columns: int, scale: float) -> Tensor:
    """Rows with NaN, infinities, masked columns and logits ``scale`` times as large: each for many labels."""
    logits = ordinary(rows, columns)
    for row in range(rows):
        match row % 9:
            case 0:
                logits[row, 1] = float("nan")
            case 1:
                logits[row, row % columns] = INF
            case 2:
                logits[row] = -INF
            case 3:
                logits[row, 0], logits[row, 1] = -INF, float("nan")
            case 4:
                logits[row, : columns // 2] = -INF
            case 5:
                logits[row, columns // 2 :] = -INF
            case 6:
                logits[row, row % columns] = -INF
            case 7:
                logits[row, np.arange(columns) != row % columns] = -INF
            case _:
                logits[row] *= scale
    return logits


def composed(
    hierarchy: klados.Hierarchy, loss: klados.Loss, logits: Tensor, target: Tensor, kind: str, reduction: str
) -> tuple[np.ndarray, np.ndarray]:
    criterion = HierarchicalLoss(hierarchy, loss, reduction=reduction, impl="composed")
    logits = logits.clone().requires_grad_()
    value = criterion(logits, target, kind=kind)
    value.sum().backward()
    assert logits.grad is not None
    return value.detach().numpy(), logits.grad.numpy()
