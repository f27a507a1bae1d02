"""The probability that any of some classes is there, each of them independently."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from klados.torch._composed.sets import Sets

__all__ = ["noisy_or"]

_NONE = -float("inf")
# Below this a softplus is its argument's exponential but for a share of less than the last digit of a float64.
_FAR = -20.0


def noisy_or(logits: Tensor, sets: Sets) -> tuple[Tensor, Tensor]:
    """``log P`` and ``log(1 - P)`` of each set, ``1 - P = prod (1 - sigma(z))`` over its classes.

    With ``S`` the sum of the softplus, ``log(1 - P)`` is ``-S`` and ``log P = log(1 - e^-S)``. For small ``S`` that is taken
    of ``log S``, a log-sum-exp, which lives on where ``S`` underflows.

    Shape:
        - logits: ``[rows, classes]``, without NaN and ``+inf``.
        - output: ``[rows, sets]`` twice; ``log P`` is ``-inf`` where all classes of a set are masked.
    """
    masked = logits == _NONE
    softplus = -logsigmoid(-logits.masked_fill(masked, 0))
    total = sets.sum(softplus.masked_fill(masked, 0))
    log_total = sets.logsumexp(_log_softplus(logits))
    is_large = total > 0.5
    large = torch.log1p(-torch.exp(-total.masked_fill(~is_large, 1)))
    # (1 - e^-S) / S is 1 - S / 2, which rounds to 1.
    is_tiny = total < torch.finfo(total.dtype).eps
    small = total.masked_fill(is_large | is_tiny, 0.25)
    ratio = torch.log(-torch.expm1(-small) / small).masked_fill(is_tiny, 0)
    return torch.where(is_large, large, log_total + ratio), -total


def _log_softplus(x: Tensor) -> Tensor:
    is_far = x < _FAR
    near = torch.log(-logsigmoid(-x.masked_fill(is_far, 0)))
    # log(1 + e^x) is e^x - e^2x / 2.
    far = x - torch.exp(x) / 2
    return torch.where(is_far, far, near)
