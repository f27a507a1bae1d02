"""A linear layer and a loss in one sweep over the batch, a chunk of it at a time.

The logits of a batch are never there at once: each chunk's are made, turned into losses and a gradient, and that is
turned into the gradients of the layer, before the next chunk writes to the same memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from klados._klados import Criterion
from klados.torch import _fused

if TYPE_CHECKING:
    from klados.torch._composed import Tables

__all__ = ["Chunks"]


@dataclass
class Chunks:
    """What a call computes, chunk by chunk. ``tables`` is ``None`` for the fused path; ``dtype`` is that of the
    logits."""

    criterion: Criterion
    tables: Tables | None
    kind: str
    ignore_index: int
    reduction: str
    size: int
    dtype: torch.dtype

    @property
    def forms_gradients_late(self) -> bool:
        """Whether gradients are formed in the backward pass."""
        return self.reduction == "none" or self.dtype == torch.float16

    def scale(self, target: Tensor) -> float:
        """What the sum of the losses is multiplied with."""
        if self.reduction != "mean":
            return 1.0
        divisor = _fused.normalizer(target, self.criterion, self.kind, self.ignore_index)
        # A mean over nothing is 0.
        return 1.0 / divisor if divisor else 1.0

    def reduced(self, losses: Tensor, scale: float) -> Tensor:
        """The losses of the rows as the reduction has them."""
        if self.reduction == "none":
            return losses
        return (losses.sum(dtype=torch.float64) * scale).to(losses.dtype)

    def sweep(
        self,
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        target: Tensor,
        needs: Sequence[bool],
        *,
        upstream: Tensor | None = None,
        scale: float = 1.0,
    ) -> tuple[Tensor, list[Tensor | None]]:
        """The losses of the rows, and the gradients by input, weight and bias that are needed of their sum, weighed
        with ``upstream`` row by row, times ``scale``.

        Halves are added up over the chunks in ``float32``.
        """
        with torch.autocast(input.device.type, enabled=False):
            wide = _fused.wide(self.dtype)
            of_input = torch.empty_like(input, dtype=self.dtype) if needs[0] else None
            of_weight = torch.zeros_like(weight, dtype=wide) if needs[1] else None
            of_bias = torch.zeros_like(bias, dtype=wide) if needs[2] and bias is not None else None
            losses = torch.empty(input.shape[0], dtype=wide, device=input.device)
            weight_as, bias_as = weight.to(self.dtype), None if bias is None else bias.to(self.dtype)
            size = min(self.size, input.shape[0])
            logits = torch.empty((size, weight.shape[0]), dtype=self.dtype, device=input.device)
            kept = _fused.kept(self.dtype)
            buffer = torch.empty_like(logits, dtype=kept) if self.tables is None and any(needs) else None
            for start in range(0, input.shape[0], max(size, 1)):
                rows = slice(start, start + size)
                x = input[rows].to(self.dtype)
                z = logits[: x.shape[0]]
                _product(x, weight_as.t(), out=z, plus=bias_as)
                losses[rows], grad = self._losses(z.to(kept) if any(needs) else z, target[rows], buffer, any(needs))
                if grad is None:
                    continue
                if upstream is not None:
                    grad.mul_(upstream[rows].unsqueeze(1))
                grad = grad.to(self.dtype)
                if of_input is not None:
                    _product(grad, weight_as, out=of_input[rows], scale=scale)
                if of_weight is not None:
                    self._add_weight(of_weight, grad, x, scale)
                if of_bias is not None:
                    of_bias.add_(grad.sum(0, dtype=wide), alpha=scale)
            of_weight = None if of_weight is None else of_weight.to(weight.dtype)
            of_bias = None if of_bias is None or bias is None else of_bias.to(bias.dtype)
            return losses, [None if of_input is None else of_input.to(input.dtype), of_weight, of_bias]

    def _losses(
        self, logits: Tensor, target: Tensor, buffer: Tensor | None, tracked: bool
    ) -> tuple[Tensor, Tensor | None]:
        """The losses of a chunk, and their gradient, in ``buffer`` where there is one."""
        if self.tables is None:
            grad = None if buffer is None else buffer[: logits.shape[0]]
            losses = _fused.run(logits, target, self.criterion, self.kind, self.ignore_index, 0, "none", grad)
            return losses, grad
        from klados.torch import _composed

        with torch.set_grad_enabled(tracked):
            logits = logits.detach().requires_grad_(tracked)
            losses = _composed.losses(logits, target, self.tables, self.kind, self.ignore_index, 0, "none")
            grad = torch.autograd.grad(losses.sum(), logits)[0] if tracked else None
        return losses.detach(), grad

    def _add_weight(self, of_weight: Tensor, grad: Tensor, x: Tensor, scale: float) -> None:
        if of_weight.dtype == grad.dtype:
            of_weight.addmm_(grad.t(), x, alpha=scale)
            return
        # A product of halves is a half. It is made for some classes at a time, so that it takes no more than a chunk.
        classes = max(1, grad.numel() // x.shape[1])
        for start in range(0, of_weight.shape[0], classes):
            some = slice(start, start + classes)
            product = x.new_empty((of_weight[some].shape[0], x.shape[1]))
            _product(grad[:, some].t(), x, out=product, scale=scale)
            of_weight[some].add_(product)


def _product(a: Tensor, b: Tensor, *, out: Tensor, plus: Tensor | None = None, scale: float = 1.0) -> None:
    """``scale * a @ b + plus`` into ``out``; the factor does not round on its own."""
    if plus is not None:
        torch.addmm(plus, a, b, out=out, alpha=scale)
    elif scale == 1.0:
        torch.mm(a, b, out=out)
    else:
        torch.addmm(out, a, b, out=out, beta=0, alpha=scale)
