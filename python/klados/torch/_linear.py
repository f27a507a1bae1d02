"""The last linear layer and a loss together, a chunk of the batch at a time.

The logits of a batch are never there at once: each chunk's are made, turned into losses and a gradient, and that is
turned
into the gradients of the layer, before the next chunk writes to the same memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from klados.arrays import TargetKind, target_kind
from klados.torch import _dispatch, _fused
from klados.torch._dispatch import Compiled

if TYPE_CHECKING:
    from klados.torch._composed import Tables

# The logits of a chunk, unless they are more; as large again is their gradient.
_CHUNK_BYTES = 32 << 20

# Each chunk reads and writes all of the weight and its gradient, so a chunk is not made small next to them.
_CHUNKS_OF_WEIGHT = 8

_ONCE = "the loss with its linear layer is differentiable once; take the two steps, with impl='composed'"


def default_chunk_size(classes: int, in_features: int, bytes_of_logit: int) -> int:
    """The rows of a chunk: its logits take 32 MiB, or an eighth of the weight where that is more."""
    return max(1, _CHUNK_BYTES // (classes * bytes_of_logit), in_features // _CHUNKS_OF_WEIGHT)


def apply(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    target: Tensor,
    compiled: Compiled,
    tables: Callable[[torch.device], Tables],
    *,
    ignore_index: int,
    reduction: str,
    impl: str,
    kind: TargetKind | None,
    chunk_size: int | None,
) -> Tensor:
    """The loss of ``linear(input, weight, bias)``, of a batch of any shape."""
    kind = _kind(input, target, compiled, kind)
    dtype = _check(input, weight, bias, target, compiled, kind)
    _dispatch.check_options(reduction, impl)
    if chunk_size is None:
        chunk_size = default_chunk_size(compiled.columns, input.shape[-1], dtype.itemsize)
    elif chunk_size < 1:
        raise ValueError(f"chunk_size {chunk_size}: expected at least one row")
    shape = input.shape[:-1]
    rows, target = input.reshape(-1, input.shape[-1]), _rows(target, kind)
    fused = _dispatch.is_fused(input, impl)
    composed = None if fused else tables(input.device)
    chunks = _Chunks(compiled, composed, kind, ignore_index, reduction, chunk_size, dtype)
    try:
        out: Tensor = _LinearLoss.apply(rows, weight, bias, target, chunks)
    except RuntimeError as error:
        raise _fused.explained(error) from error
    return out.reshape(shape) if reduction == "none" else out


def normalizer(
    input: Tensor, target: Tensor, compiled: Compiled, ignore_index: int, kind: TargetKind | None
) -> float:
    """What the mean of a batch of any shape divides by."""
    kind = _kind(input, target, compiled, kind)
    _check_target(input, target, compiled, kind)
    return _fused.normalizer(_rows(target, kind), compiled.criterion, kind, ignore_index)


def _kind(input: Tensor, target: Tensor, compiled: Compiled, kind: TargetKind | None) -> TargetKind:
    if kind is not None:
        return kind
    return target_kind(target.is_floating_point(), target.dim(), max(input.dim(), 1), compiled.takes_sets)


def _rows(target: Tensor, kind: TargetKind) -> Tensor:
    """``[rows]`` or ``[rows, classes]``, contiguous, of a type that the core reads."""
    rows = target.reshape(-1) if kind == "index" else target.reshape(-1, target.shape[-1])
    return (rows.float() if rows.dtype in (torch.float16, torch.bfloat16) else rows).contiguous()


def _check(
    input: Tensor, weight: Tensor, bias: Tensor | None, target: Tensor, compiled: Compiled, kind: TargetKind
) -> torch.dtype:
    """That shapes, types and devices fit. Returns the type of the logits."""
    classes, features = compiled.columns, input.shape[-1] if input.dim() else 0
    if weight.shape != (classes, features):
        shapes = f"the weight has shape {tuple(weight.shape)} and the input {tuple(input.shape)}"
        raise ValueError(f"{shapes}, expected ({classes}, F) and (..., F)")
    if bias is not None and bias.shape != (classes,):
        raise ValueError(f"the bias has shape {tuple(bias.shape)}, expected ({classes},)")
    _check_target(input, target, compiled, kind)
    given = {"weight": weight, "target": target} | ({} if bias is None else {"bias": bias})
    for name, tensor in given.items():
        if tensor.device != input.device:
            raise ValueError(f"the input is on {input.device} and the {name} is on {tensor.device}")
    dtype = input.dtype
    if torch.is_autocast_enabled(input.device.type) and torch.float64 not in (input.dtype, weight.dtype):
        dtype = torch.get_autocast_dtype(input.device.type)
    elif weight.dtype != dtype or (bias is not None and bias.dtype != dtype):
        others = f"the weight {weight.dtype}" + ("" if bias is None else f" and the bias {bias.dtype}")
        raise ValueError(f"the input is {dtype}, {others}; expected one type, or autocast")
    if dtype not in _dispatch.FLOATS:
        raise ValueError(f"the input is {dtype}, expected float16, bfloat16, float32 or float64")
    return dtype


def _check_target(input: Tensor, target: Tensor, compiled: Compiled, kind: TargetKind) -> None:
    _dispatch.check_target(target, kind)
    if kind == "index" and target.is_floating_point():
        raise ValueError(f"the target is {target.dtype}, expected integers for indices")
    expected = input.shape[:-1]
    found = target.shape if kind == "index" else target.shape[:-1]
    if found != expected or (kind != "index" and target.dim() == 0):
        columns = () if kind == "index" else (compiled.columns,)
        shapes = f"the target has shape {tuple(target.shape)}, expected {(*expected, *columns)}"
        raise ValueError(f"{shapes} for an input of shape {tuple(input.shape)}")


class _LinearLoss(torch.autograd.Function):
    """For one number the gradients are formed in the forward pass. Losses a row are weighed only by what comes in the
    backward pass, and the gradients of ``float16`` may need the scale of a ``GradScaler``, which comes then too: so there
    the logits are made again."""

    @staticmethod
    def forward(
        ctx: Any, input: Tensor, weight: Tensor, bias: Tensor | None, target: Tensor, chunks: _Chunks
    ) -> Tensor:
        needs = ctx.needs_input_grad[:3]
        ctx.chunks, ctx.grads = chunks, None
        if chunks.forms_gradients_late:
            if any(needs):
                ctx.save_for_backward(input, weight, bias, target)
            needs = (False, False, False)
        scale = chunks.scale(target)
        losses, ctx.grads = chunks.sweep(input, weight, bias, target, needs, scale=scale)
        return losses if chunks.reduction == "none" else (losses.sum(dtype=torch.float64) * scale).to(losses.dtype)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        chunks, upstream = ctx.chunks, upstream.detach()
        if chunks.forms_gradients_late:
            input, weight, bias, target = ctx.saved_tensors
            given = (input.detach(), weight.detach(), None if bias is None else bias.detach(), target)
            weights = (upstream * chunks.scale(target)).expand(input.shape[0])
            _, grads = chunks.sweep(*given, ctx.needs_input_grad[:3], upstream=weights)
        elif ctx.grads is None:
            raise RuntimeError(_fused.SECOND_TIME)
        elif _fused.keeps_graph():
            grads = [None if grad is None else (grad * upstream).to(grad.dtype) for grad in ctx.grads]
        else:
            # Nobody comes here again, so the one copy may be changed and given away.
            grads, ctx.grads = ctx.grads, None
            if not upstream.is_cpu or upstream.item() != 1.0:
                for grad in grads:
                    if grad is not None:
                        grad.mul_(upstream)
        return *(None if grad is None else _fused.once(grad, _ONCE) for grad in grads), None, None


@dataclass
class _Chunks:
    """What a call computes, chunk by chunk. ``tables`` is ``None`` for the fused path; ``dtype`` is that of the
    logits."""

    compiled: Compiled
    tables: Tables | None
    kind: TargetKind
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
        divisor = _fused.normalizer(target, self.compiled.criterion, self.kind, self.ignore_index)
        # A mean over nothing is 0.
        return 1.0 / divisor if divisor else 1.0

    def sweep(
        self,
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        target: Tensor,
        needs: tuple[bool, bool, bool],
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
            losses = _fused.run(logits, target, self.compiled.criterion, self.kind, self.ignore_index, 0, "none", grad)
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
