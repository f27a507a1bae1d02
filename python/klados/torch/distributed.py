"""Losses of batches that are spread over the ranks of a process group."""

from __future__ import annotations

from typing import Any

import torch.distributed as dist
from torch import Tensor, nn

__all__ = ["GlobalMean"]


def has_ranks() -> bool:
    """Whether this process is one of several, or of one that is told like several. Some builds of torch have none."""
    return dist.is_available() and dist.is_initialized()


class GlobalMean(nn.Module):
    r"""The mean over the samples of all ranks, for data-parallel training.

    :class:`~torch.nn.parallel.DistributedDataParallel` and FSDP average the gradients of the ranks. Where each rank's
    loss is the mean over its own samples, this is the mean over all only if each rank has as many: ignored samples,
    class weights and a last batch that is short make it another number, in which the samples of a rank with few weigh
    more. Wrapped in this module a loss is scaled, so that the average over the ranks is the mean over all samples,

    .. math::
        \ell_r = R \, \frac{\text{sum of the losses of rank } r}{\text{sum of the weights of the samples of all ranks}}

    for :math:`R` ranks. One number a step is exchanged. The value on one rank is its share; their average is the loss.

    Args:
        loss: a loss with ``reduction="sum"`` and a method ``normalizer``, as all losses here.
        process_group: the ranks that the batch is spread over, as for ``DistributedDataParallel``; by default all.
            Without :mod:`torch.distributed` there is one rank.

    Shape:
        As the loss. Every rank of the group must call it in each step, also one that has no samples.

    Example::

        >>> import torch, klados
        >>> from klados.torch import GlobalMean, MarginalCrossEntropyLoss
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> criterion = GlobalMean(MarginalCrossEntropyLoss(hierarchy, reduction="sum"))
        >>> criterion(torch.randn(8, 3, requires_grad=True), torch.randint(3, (8,))).backward()
    """

    def __init__(self, loss: nn.Module, process_group: dist.ProcessGroup | None = None) -> None:
        super().__init__()
        if not hasattr(loss, "normalizer"):
            raise ValueError(f"{type(loss).__name__} has no method normalizer, which says what its mean divides by")
        if loss.reduction != "sum":
            raise ValueError(f"the reduction of the loss is {loss.reduction!r}, expected 'sum': the mean is made here")
        self.loss = loss
        self.process_group = process_group

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        """The loss of this rank's samples: called as the loss is."""
        divisor: Tensor = self.loss.normalizer(*args, **kwargs)  # type: ignore[operator]
        ranks = 1
        if has_ranks():
            dist.all_reduce(divisor, dist.ReduceOp.SUM, self.process_group)
            ranks = dist.get_world_size(self.process_group)
        total: Tensor = self.loss(*args, **kwargs)
        # A mean over nothing is 0: every row is.
        factor = ranks / divisor.masked_fill(divisor == 0, 1)
        return total * factor.to(total.dtype)
