"""Reductions in which nothing is a value: the logarithm of an empty sum is ``-inf``, and its gradient 0, not NaN.

All are differentiable twice, need no host synchronisation, and take a log-sum-exp about the set's own maximum, so that the
mass of a set does not underflow against that of the row.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

__all__ = ["focal", "log_softmax", "masked_logsumexp", "segment_logsumexp", "segment_sum"]

_NONE = -float("inf")


def masked_logsumexp(values: Tensor, mask: Tensor | None = None) -> Tensor:
    """``logsumexp`` over the last dimension, of the entries where ``mask`` is true.

    Where there is none, or all of them are ``-inf``, the result is ``-inf`` and its gradient 0.

    Shape:
        - values: ``[..., n]``.
        - mask: the same, or what broadcasts to it; all entries count where it is not given.
        - output: ``[...]``.

    Example::

        >>> values = torch.tensor([[0.0, 1.0], [-float("inf"), -float("inf")]])
        >>> masked_logsumexp(values, torch.tensor([[True, False], [True, True]]))
        tensor([0., -inf])
    """
    if mask is not None:
        values = values.masked_fill(~mask, _NONE)
    # The maximum cancels, and so does its gradient.
    top = values.detach().amax(-1, keepdim=True)
    top = top.masked_fill(top == _NONE, 0)
    return _log((values - top).exp().sum(-1), top.squeeze(-1))


def segment_logsumexp(values: Tensor, segment: Tensor, count: int) -> Tensor:
    """``logsumexp`` of the columns of each segment.

    A segment without columns, or all of whose columns are ``-inf``, has ``-inf`` and gradient 0.

    Shape:
        - values: ``[rows, n]``.
        - segment: ``[n]`` of integers in ``0..count``: the segment of each column, in any order.
        - output: ``[rows, count]``.

    Example::

        >>> segment_logsumexp(torch.zeros(1, 3), torch.tensor([0, 2, 2]), 3)
        tensor([[0.0000,   -inf, 0.6931]])
    """
    rows = values.shape[0]
    top = values.new_full((rows, count), _NONE)
    top = top.scatter_reduce(1, segment.expand(rows, -1), values.detach(), "amax")
    top = top.masked_fill(top == _NONE, 0)
    return _log(segment_sum((values - top.index_select(1, segment)).exp(), segment, count), top)


def segment_sum(values: Tensor, segment: Tensor, count: int) -> Tensor:
    """The sum of the columns of each segment: ``[rows, n]`` to ``[rows, count]``; 0 where there is none."""
    return values.new_zeros(values.shape[0], count).index_add(1, segment, values)


def _log(total: Tensor, top: Tensor) -> Tensor:
    """``log(total) + top``. A total is 0 where it is of nothing, since the largest summand is 1."""
    empty = total == 0
    return (total.masked_fill(empty, 1).log() + top).masked_fill(empty, _NONE)


def log_softmax(logits: Tensor, hidden: Tensor) -> Tensor:
    """``log_softmax`` over the columns, whose gradient is 0 in rows that are hidden, whatever is in them.

    A row that takes no part may hold NaN, and one whose classes are all masked comes out as NaN. Filling such rows in the
    logits would cost a copy of them, in both directions.

    Shape:
        - logits: ``[rows, columns]``.
        - hidden: ``[rows]`` of booleans.
        - output: ``[rows, columns]``; in a hidden row whatever comes.
    """
    if torch.compiler.is_compiling():
        return logits.masked_fill(hidden.unsqueeze(1), 0).log_softmax(1)  # a compiler makes no copy
    log_p: Tensor = _LogSoftmax.apply(logits, hidden)
    return log_p


class _LogSoftmax(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(logits: Tensor, hidden: Tensor) -> Tensor:
        return logits.log_softmax(1)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(output, inputs[1])
        ctx.save_for_forward(output, inputs[1])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        log_p, hidden = ctx.saved_tensors
        grad = torch.ops.aten._log_softmax_backward_data(grad, log_p, 1, log_p.dtype)
        return grad.masked_fill_(hidden.unsqueeze(1), 0), None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, _: None) -> Tensor:
        log_p, hidden = ctx.saved_tensors
        tangent = tangent - (log_p.exp() * tangent).sum(1, keepdim=True)
        return tangent.masked_fill(hidden.unsqueeze(1), 0)


def focal(log_p: Tensor, gamma: float) -> Tensor:
    """``(1 - P)^gamma log P`` of log-probabilities that are finite.

    Where ``P`` rounds to 1 it is 0, and so is its gradient: that of the power would be ``0^(gamma - 1)``.
    """
    if gamma == 0:
        return log_p
    certain = log_p >= 0
    # Any value at which the power has a derivative will do: what comes of it is dropped.
    log_p = log_p.masked_fill(certain, -1)
    return ((-torch.expm1(log_p)).pow(gamma) * log_p).masked_fill(certain, 0)
