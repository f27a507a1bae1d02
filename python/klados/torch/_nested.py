"""Marginal cross-entropy from the masses of the shells of a label's path: the path kernel of the core in tensors.

See ``crates/klados/src/kernels/nested.rs`` and section "The path kernel" of ``docs/numerics.md``. Everything is
``[rows, D + 1]`` in ``float64``; the complements ``1 - P`` are summed from the outer shells, never taken as a
difference.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["loss_and_coefficients"]


def loss_and_coefficients(
    top: Tensor, total: Tensor, weights: Tensor, takes_part: Tensor, gamma: float
) -> tuple[Tensor, Tensor]:
    """The loss of each row, and the sum of its gradient over each shell.

    A weight of 0 leaves its term out. Where a term that takes part has probability 0, and where all classes are masked,
    the loss is ``+inf`` and the gradient 0; where the mass is NaN both are NaN.

    Shape:
        - top, total: ``[rows, D + 1]``: the masses of the shells, ``total * e^top``, from the inside out.
        - weights: ``[rows, D + 1]``: of the sets, the last of which is all classes.
        - takes_part: ``[rows]``: whether the sample has a weight.
        - output: ``[rows]`` and ``[rows, D + 1]``.
    """
    highest = top.amax(1, keepdim=True)
    log_shells = (top - highest.masked_fill(highest == -torch.inf, 0)) + total.log()
    log_sets = log_shells.logcumsumexp(1)
    log_all = log_sets[:, -1:]
    # 1 - P of each set, from the outside in.
    outside = log_shells.flip(1).logcumsumexp(1).flip(1)[:, 1:]
    complements = torch.cat([_ratio(outside, log_all), torch.zeros_like(log_all)], 1)
    log_p = torch.where(complements < 0.5, torch.log1p(-complements), log_sets - log_all)
    terms, slopes = _focal(log_p, complements, gamma)
    counts = weights != 0
    # What is left out may be infinite, and 0 times infinity is no number.
    loss = (weights * terms).masked_fill(~counts, 0).sum(1)
    slopes = (weights * slopes).masked_fill(~counts, 0)
    is_impossible = torch.cat([counts[:, :-1], takes_part.unsqueeze(1)], 1).logical_and(log_sets == -torch.inf).any(1)
    is_poisoned = total.isnan().any(1)
    loss = loss.masked_fill(is_impossible, torch.inf).masked_fill(is_poisoned, torch.nan)

    # The slopes inside a shell are summed from the inside out.
    inside = torch.cat([torch.zeros_like(log_all), slopes[:, :-1].cumsum(1)], 1)
    of_all, of_set = _ratio(log_shells, log_all), _ratio(log_shells, log_sets)
    of_next = _ratio(log_sets[:, :-1], log_sets[:, 1:])
    pull = torch.zeros_like(loss)
    pulls = [pull]
    for at in range(of_next.shape[1] - 1, -1, -1):
        pull = slopes[:, at] * complements[:, at] + of_next[:, at] * pull
        pulls.append(pull)
    coefficients = of_all * inside - of_set * torch.stack(pulls[::-1], 1)
    coefficients = coefficients.masked_fill(is_impossible.unsqueeze(1), 0)
    return loss, coefficients.masked_fill(is_poisoned.unsqueeze(1), torch.nan)


def _ratio(part: Tensor, whole: Tensor) -> Tensor:
    """``e^(part - whole)``; 0 where there is no part."""
    return (part - whole).exp().masked_fill(part == -torch.inf, 0)


def _focal(log_p: Tensor, q: Tensor, gamma: float) -> tuple[Tensor, Tensor]:
    """``-q^gamma log P`` and minus its derivative by ``log P``, with ``q = 1 - P``."""
    if gamma == 0:
        return -log_p, torch.ones_like(log_p)
    factor = q**gamma
    slope = factor + gamma * factor * (-log_p / q) * log_p.exp()
    return (-log_p * factor).masked_fill(q <= 0, 0), slope.masked_fill(q <= 0, 0)
