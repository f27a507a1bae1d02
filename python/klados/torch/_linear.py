"""The last linear layer and a loss together: from what a user gives to the sweep of ``_chunks.py``, and autograd.

In eager mode they are an :class:`torch.autograd.Function`; on the CPU under ``torch.compile`` and ``torch.export`` the
operator ``klados::linear_loss``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from klados.arrays import TargetKind, target_kind
from klados.torch import _dispatch, _fused
from klados.torch._chunks import Chunks
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
    out: Tensor
    try:
        if fused and torch.compiler.is_compiling():
            needs = [_is_tracked(tensor) for tensor in (rows, weight, bias)]
            how = (compiled.handle, kind, ignore_index, reduction, chunk_size, dtype)
            out = torch.ops.klados.linear_loss(rows, weight, bias, target, *how, needs)[0]
        else:
            composed = None if fused else tables(input.device)
            chunks = Chunks(compiled.criterion, composed, kind, ignore_index, reduction, chunk_size, dtype)
            out = _LinearLoss.apply(rows, weight, bias, target, chunks)
    except RuntimeError as error:
        if (ours := _fused.explained(error)) is None:
            raise
        raise ours from error
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
    backward pass, and the gradients of ``float16`` may need the scale of a ``GradScaler``, which comes then too: so
    there the logits are made again."""

    @staticmethod
    def forward(
        ctx: Any, input: Tensor, weight: Tensor, bias: Tensor | None, target: Tensor, chunks: Chunks
    ) -> Tensor:
        needs = ctx.needs_input_grad[:3]
        ctx.chunks, ctx.grads = chunks, None
        if chunks.forms_gradients_late:
            if any(needs):
                ctx.save_for_backward(input, weight, bias, target)
            needs = (False, False, False)
        scale = chunks.scale(target)
        losses, ctx.grads = chunks.sweep(input, weight, bias, target, needs, scale=scale)
        return chunks.reduced(losses, scale)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        chunks, upstream = ctx.chunks, upstream.detach()
        if chunks.forms_gradients_late:
            input, weight, bias, target = ctx.saved_tensors
            grads = _late(chunks, input, weight, bias, target, upstream, ctx.needs_input_grad[:3])
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


def _late(
    chunks: Chunks,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    target: Tensor,
    upstream: Tensor,
    needs: Sequence[bool],
) -> list[Tensor | None]:
    """The gradients, from the logits made again."""
    given = (input.detach(), weight.detach(), None if bias is None else bias.detach(), target)
    weights = (upstream * chunks.scale(target)).expand(input.shape[0])
    return chunks.sweep(*given, needs, upstream=weights)[1]


def _is_tracked(tensor: Tensor | None) -> bool:
    return tensor is not None and torch.is_grad_enabled() and tensor.requires_grad


@torch.library.custom_op("klados::linear_loss", mutates_args=(), device_types="cpu")
def _op(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    target: Tensor,
    handle: int,
    kind: str,
    ignore_index: int,
    reduction: str,
    chunk_size: int,
    dtype: torch.dtype,
    needs: list[bool],
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    chunks = Chunks(_fused.of_handle(handle), None, kind, ignore_index, reduction, chunk_size, dtype)
    early = [False] * 3 if chunks.forms_gradients_late else needs
    scale = chunks.scale(target)
    losses, grads = chunks.sweep(input, weight, bias, target, early, scale=scale)
    of_input, of_weight, of_bias = (input.new_empty(0) if grad is None else grad for grad in grads)
    return chunks.reduced(losses, scale), of_input, of_weight, of_bias


@_op.register_fake
def _op_fake(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    target: Tensor,
    handle: int,
    kind: str,
    ignore_index: int,
    reduction: str,
    chunk_size: int,
    dtype: torch.dtype,
    needs: list[bool],
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    out = input.new_empty((input.shape[0],) if reduction == "none" else (), dtype=_fused.wide(dtype))
    is_late = reduction == "none" or dtype == torch.float16
    of_input, of_weight, of_bias = _fake_grads(input, weight, bias, [False] * 3 if is_late else needs)
    return out, of_input, of_weight, of_bias


def _fake_grads(input: Tensor, weight: Tensor, bias: Tensor | None, needs: list[bool]) -> list[Tensor]:
    given = zip((input, weight, bias), needs, strict=True)
    return [torch.empty_like(of) if is_needed and of is not None else input.new_empty(0) for of, is_needed in given]


@torch.library.custom_op("klados::linear_loss_backward", mutates_args=(), device_types="cpu")
def _backward_op(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    target: Tensor,
    upstream: Tensor,
    handle: int,
    kind: str,
    ignore_index: int,
    reduction: str,
    chunk_size: int,
    dtype: torch.dtype,
    needs: list[bool],
) -> tuple[Tensor, Tensor, Tensor]:
    chunks = Chunks(_fused.of_handle(handle), None, kind, ignore_index, reduction, chunk_size, dtype)
    grads = _late(chunks, input, weight, bias, target, upstream, needs)
    of_input, of_weight, of_bias = (input.new_empty(0) if grad is None else grad for grad in grads)
    return of_input, of_weight, of_bias


@_backward_op.register_fake
def _backward_fake(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    target: Tensor,
    upstream: Tensor,
    handle: int,
    kind: str,
    ignore_index: int,
    reduction: str,
    chunk_size: int,
    dtype: torch.dtype,
    needs: list[bool],
) -> tuple[Tensor, Tensor, Tensor]:
    of_input, of_weight, of_bias = _fake_grads(input, weight, bias, needs)
    return of_input, of_weight, of_bias


def _op_setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    ctx.set_materialize_grads(False)
    ctx.how, ctx.needs = inputs[4:10], inputs[10]
    _, _, _, reduction, _, dtype = ctx.how
    ctx.is_late = reduction == "none" or dtype == torch.float16
    ctx.save_for_backward(*(inputs[:4] if ctx.is_late else output[1:]))


def _op_backward(ctx: Any, upstream: Tensor | None, *_: Tensor | None) -> tuple[Tensor | None, ...]:
    grads: list[Tensor | None] = [None, None, None]
    if upstream is not None and ctx.is_late:
        grads = torch.ops.klados.linear_loss_backward(*ctx.saved_tensors, upstream, *ctx.how, ctx.needs)
    elif upstream is not None:
        grads = [(grad * upstream).to(grad.dtype) for grad in ctx.saved_tensors]
    return *(grad if needs else None for grad, needs in zip(grads, ctx.needs, strict=True)), *[None] * 8


_op.register_autograd(_op_backward, setup_context=_op_setup)
