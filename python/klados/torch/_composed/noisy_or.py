"""The probability that any of some classes is there, each of them independently."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import softplus

from klados.torch._composed.sets import Sets

__all__ = ["log_one_minus_exp", "noisy_or"]

_NONE = -float("inf")


def noisy_or(logits: Tensor, sets: Sets) -> tuple[Tensor, Tensor]:
    """``log P`` and ``log(1 - P)`` of each set, ``1 - P = prod_k (1 - sigma(z_k))`` over its classes.

    Shape:
        - logits: ``[rows, classes]``.
        - output: ``[rows, sets]`` twice; where all classes of a set are masked, ``log P`` is ``-inf``, its gradient 0.
    """
    rest = sets.sum(softplus(logits, threshold=40))
    # Where every sigmoid is so small that 1 minus it is 1, they add up.
    log_rest = sets.logsumexp(logits.masked_fill(logits.detach() == _NONE, _NONE))
    return log_one_minus_exp(rest, log_rest), -rest


def log_one_minus_exp(rest: Tensor, log_rest: Tensor) -> Tensor:
    """``log(1 - exp(-rest))`` for ``rest >= 0``; ``log_rest`` is the logarithm of ``rest`` where that is small."""
    tiny, large = rest <= torch.finfo(rest.dtype).eps, rest > 0.5
    # Each branch is kept from what would give it no derivative where another is taken.
    near = (-torch.expm1(-rest.masked_fill(tiny | large, 0.5))).log()
    far = torch.log1p(-torch.exp(-rest.masked_fill(~large, 1)))
    return torch.where(tiny, log_rest, torch.where(large, far, near))
