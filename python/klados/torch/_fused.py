"""The fused path: the core's kernels on CPU tensors, which they read and write where they lie.

A loss and its gradient come from one pass over the logits, in the forward pass, and only if something tracks the logits.
In eager mode they are an :class:`torch.autograd.Function`, which costs half the call of a registered operator. Under
``torch.compile`` and ``torch.export`` they are the operators ``klados::loss`` and ``klados::node_log_probs``.
"""

from __future__ import annotations

import secrets
import weakref
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import Parameter

from klados._klados import Criterion, NodeLogProbs

if TYPE_CHECKING:
    from klados.torch._dispatch import Compiled

__all__ = ["handle", "losses", "node_log_probs"]

_NAMES = {
    torch.float32: "float32",
    torch.float64: "float64",
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
    torch.int64: "int64",
    torch.int32: "int32",
    torch.int16: "int16",
    torch.int8: "int8",
    torch.uint8: "uint8",
    torch.bool: "bool",
}

SECOND_TIME = "trying to go backward a second time through a loss; say retain_graph=True the first time"

# Whether the backward pass that runs keeps the graph for another one. Where this torch does not tell, assume that it does.
keeps_graph = getattr(torch._C._autograd, "_get_current_graph_task_keep_graph", lambda: True)


def wide(dtype: torch.dtype) -> torch.dtype:
    """The type of the losses of logits of a type."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def kept(dtype: torch.dtype) -> torch.dtype:
    """The type in which the gradient of logits of a type waits for what comes from above. Who scales a loss does so because
    gradients are too small for ``float16``, and the scale comes after the gradient."""
    return torch.float32 if dtype == torch.float16 else dtype


def losses(
    logits: Tensor, target: Tensor, compiled: Compiled, kind: str, ignore_index: int, step: int | Tensor, reduction: str
) -> Tensor:
    """The losses of a batch, reduced or not.

    Shape:
        - logits: ``[rows, columns]`` on the CPU.
        - target: ``[rows]`` of indices, else ``[rows, ...]``, on the CPU.
        - output: ``[rows]`` for ``"none"``, else ``[]``; ``float64`` for ``float64``, else ``float32``.
    """
    if not _are_plain(logits, target):
        tracked = torch.is_grad_enabled() and logits.requires_grad
        at = step if isinstance(step, Tensor) else torch.full((), step, dtype=torch.int64, device="cpu")
        return torch.ops.klados.loss(logits, target, at, compiled.handle, kind, ignore_index, reduction, tracked)[0]
    try:
        return _Losses.apply(logits, target, compiled.criterion, kind, ignore_index, int(step), reduction)
    except RuntimeError as error:
        if (ours := explained(error)) is None:
            raise
        raise ours from error


def node_log_probs(logits: Tensor, operation: NodeLogProbs, handle: int) -> Tensor:
    """The log-probabilities of nodes.

    Shape:
        - logits: ``[rows, columns]`` on the CPU.
        - output: ``[rows, width]``; ``float64`` for ``float64``, else ``float32``.
    """
    if not _are_plain(logits, logits):
        return torch.ops.klados.node_log_probs(logits, handle)
    try:
        return _NodeLogProbs.apply(logits, operation)
    except RuntimeError as error:
        if (ours := explained(error)) is None:
            raise
        raise ours from error


def _are_plain(logits: Tensor, target: Tensor) -> bool:
    """Whether tensors are the memory that they say, and nobody records what is done to them. Others are for the operators,
    which wrappers, modes and traces know how to take."""
    return (
        (type(logits) is Tensor or type(logits) is Parameter)
        and type(target) is Tensor
        and not torch.compiler.is_compiling()
        and torch._C._len_torch_dispatch_stack() == 0
    )


def explained(error: RuntimeError) -> RuntimeError | None:
    """Torch's error in our words, where we have some."""
    if "functorch" in str(error) or "functional transform" in str(error):
        return RuntimeError("the fused path does not run under torch.func transforms (vmap, grad); use impl='composed'")
    if "jvp function" in str(error):
        return RuntimeError("the fused path has no forward mode; use impl='composed'")
    return None


def _run(
    logits: Tensor,
    target: Tensor,
    criterion: Criterion,
    kind: str,
    ignore_index: int,
    step: int,
    reduction: str,
    tracked: bool,
) -> tuple[Tensor, Tensor | None]:
    if tracked and logits.dtype == torch.float16:
        logits = logits.to(kept(logits.dtype))
    logits, target = _memory(logits), _memory(target)
    grad = torch.empty_like(logits) if tracked else None
    return run(logits, target, criterion, kind, ignore_index, step, reduction, grad), grad


def _memory(tensor: Tensor) -> Tensor:
    """A tensor whose elements lie one after the other as they are."""
    return tensor if tensor.is_contiguous() and not tensor.is_neg() else tensor.resolve_neg().contiguous()


def run(
    logits: Tensor,
    target: Tensor,
    criterion: Criterion,
    kind: str,
    ignore_index: int,
    step: int,
    reduction: str,
    grad: Tensor | None,
) -> Tensor:
    """The losses of a batch, and their gradient into ``grad`` where it is given. All tensors are contiguous, and of the
    shapes that they should have: the core reads as far as it is told."""
    rows = logits.shape[0]
    dtype = logits.dtype
    shape = (rows,) if reduction == "none" else ()
    # The call with a type costs more.
    out = logits.new_empty(shape) if dtype == wide(dtype) else logits.new_empty(shape, dtype=wide(dtype))
    criterion._run(
        (logits.data_ptr(), _NAMES[dtype], rows),
        (kind, target.data_ptr(), _NAMES[target.dtype], 1 if kind == "index" else target.shape[1]),
        ignore_index,
        step,
        reduction,
        out.data_ptr(),
        0 if grad is None else grad.data_ptr(),
    )
    return out


def normalizer(target: Tensor, criterion: Criterion, kind: str, ignore_index: int) -> float:
    """What ``"mean"`` divides by. A target on another device is copied to this one.

    Shape:
        - target: ``[rows]`` of indices, else ``[rows, ...]``.
    """
    target = _memory(target.detach().cpu())
    columns = 1 if kind == "index" else target.shape[1]
    return criterion._normalizer((kind, target.data_ptr(), _NAMES[target.dtype], target.shape[0], columns), ignore_index)


class _Losses(torch.autograd.Function):
    """The gradient is kept on the context, not among the saved tensors: it is nobody's input or output."""

    @staticmethod
    def forward(
        ctx: Any,
        logits: Tensor,
        target: Tensor,
        criterion: Criterion,
        kind: str,
        ignore_index: int,
        step: int,
        reduction: str,
    ) -> Tensor:
        tracked = ctx.needs_input_grad[0]
        out, ctx.grad = _run(logits, target, criterion, kind, ignore_index, step, reduction, tracked)
        ctx.dtype = logits.dtype
        return out

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        grad = ctx.grad
        if grad is None:
            raise RuntimeError(SECOND_TIME)
        if keeps_graph():
            grad = _scaled(grad, upstream, ctx.dtype)
        else:
            # Nobody comes here again, so the one copy may be changed and given away.
            ctx.grad = None
            try:
                if upstream.dim() == 1:
                    grad.mul_(upstream.unsqueeze(1))
                elif (factor := upstream.item()) != 1.0:
                    grad.mul_(factor)
            except RuntimeError:  # under vmap there are many upstream gradients for the one here
                grad = _scaled(grad, upstream, ctx.dtype)
            if grad.dtype != ctx.dtype:
                grad = grad.to(ctx.dtype)
        return once(grad), None, None, None, None, None, None


def _scaled(grad: Tensor, upstream: Tensor, dtype: torch.dtype) -> Tensor:
    """Row by row, or as a whole, in the type of the logits."""
    return (grad * (upstream.unsqueeze(1) if upstream.dim() == 1 else upstream)).to(dtype)


_FUSED_ONCE = "the fused path is differentiable once; use impl='composed' to differentiate its gradient"


def once(grad: Tensor, why: str = _FUSED_ONCE) -> Tensor:
    """A gradient that cannot be differentiated further, which is an error where somebody does, not a missing term."""
    if not torch.is_grad_enabled():
        return grad
    final: Tensor = _Once.apply(grad.detach().requires_grad_(), why)
    return final


class _Once(torch.autograd.Function):
    """What ``torch.autograd.function.once_differentiable`` does, also where what comes from above has no gradient."""

    @staticmethod
    def forward(ctx: Any, grad: Tensor, why: str) -> Tensor:
        ctx.why = why
        return grad.view_as(grad)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> Tensor:
        raise RuntimeError(ctx.why)


class _NodeLogProbs(torch.autograd.Function):
    """Saves the logits: a saved gradient would be nodes times as large."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, operation: NodeLogProbs) -> Tensor:
        ctx.save_for_backward(logits)
        ctx.operation = operation
        return _node_log_probs(logits, operation)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None]:
        (logits,) = ctx.saved_tensors
        return once(_node_log_probs_backward(logits.detach(), upstream.detach(), ctx.operation)), None


def _node_log_probs(logits: Tensor, operation: NodeLogProbs) -> Tensor:
    logits = _memory(logits)
    rows = logits.shape[0]
    _check_shape("logits", logits, (rows, operation.columns))
    out = torch.empty((rows, operation.width), dtype=wide(logits.dtype), device="cpu")
    operation._forward((logits.data_ptr(), _NAMES[logits.dtype], rows), out.data_ptr())
    return out


def _node_log_probs_backward(logits: Tensor, upstream: Tensor, operation: NodeLogProbs) -> Tensor:
    logits, upstream = _memory(logits), _memory(upstream.to(wide(logits.dtype)))
    rows = logits.shape[0]
    _check_shape("logits", logits, (rows, operation.columns))
    _check_shape("gradient", upstream, (rows, operation.width))
    grad = torch.empty_like(logits)
    operation._backward((logits.data_ptr(), _NAMES[logits.dtype], rows), upstream.data_ptr(), grad.data_ptr())
    return grad


def _check_shape(what: str, tensor: Tensor, expected: tuple[int, int]) -> None:
    """The core reads as far as it is told."""
    if tensor.shape != expected:
        raise ValueError(f"the shape of the {what} is {tuple(tensor.shape)}, expected {expected}")


# An operator takes numbers, strings and tensors. A criterion is told by a number that stands for it in this process.
_compiled: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()


def handle(compiled: Criterion | NodeLogProbs) -> int:
    """A number for an operator's argument, which stands for a criterion as long as that lives. It is drawn at random, so
    that a graph that was saved finds no other criterion in another process."""
    number = secrets.randbits(62)
    _compiled[number] = compiled
    return number


def of_handle(handle: int) -> Any:
    try:
        return _compiled[handle]
    except KeyError:
        message = "a compiled graph outlived its loss, or came from another process; impl='composed' needs neither"
        raise RuntimeError(message) from None


# The step is a tensor, which may change between the runs of one graph.
@torch.library.custom_op("klados::loss", mutates_args=(), device_types="cpu")
def _loss_op(
    logits: Tensor, target: Tensor, step: Tensor, handle: int, kind: str, ignore_index: int, reduction: str, tracked: bool
) -> tuple[Tensor, Tensor]:
    at, criterion, rows = int(step.item()), of_handle(handle), target.shape[0]
    _check_shape("logits", logits, (rows, criterion.columns))
    out, grad = _run(logits, target, criterion, kind, ignore_index, at, reduction, tracked)
    return out, logits.new_empty(0) if grad is None else grad


@_loss_op.register_fake
def _loss_fake(
    logits: Tensor, target: Tensor, step: Tensor, handle: int, kind: str, ignore_index: int, reduction: str, tracked: bool
) -> tuple[Tensor, Tensor]:
    out = logits.new_empty((logits.shape[0],) if reduction == "none" else (), dtype=wide(logits.dtype))
    if not tracked:
        return out, logits.new_empty(0)
    return out, torch.empty_like(logits, dtype=kept(logits.dtype), memory_format=torch.contiguous_format)


def _loss_setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(output[1])
    ctx.dtype = inputs[0].dtype


def _loss_backward(ctx: Any, upstream: Tensor | None, _: Tensor | None) -> tuple[Tensor | None, ...]:
    (grad,) = ctx.saved_tensors
    return (None if upstream is None else _scaled(grad, upstream, ctx.dtype), None, None, None, None, None, None, None)


_loss_op.register_autograd(_loss_backward, setup_context=_loss_setup)


@torch.library.custom_op("klados::node_log_probs", mutates_args=(), device_types="cpu")
def _node_op(logits: Tensor, handle: int) -> Tensor:
    return _node_log_probs(logits, of_handle(handle))


@_node_op.register_fake
def _node_fake(logits: Tensor, handle: int) -> Tensor:
    return logits.new_empty((logits.shape[0], of_handle(handle).width), dtype=wide(logits.dtype))


@torch.library.custom_op("klados::node_log_probs_backward", mutates_args=(), device_types="cpu")
def _node_backward_op(logits: Tensor, upstream: Tensor, handle: int) -> Tensor:
    return _node_log_probs_backward(logits, upstream, of_handle(handle))


@_node_backward_op.register_fake
def _node_backward_fake(logits: Tensor, upstream: Tensor, handle: int) -> Tensor:
    return torch.empty_like(logits, memory_format=torch.contiguous_format)


def _node_setup(ctx: Any, inputs: tuple[Tensor, int], output: Tensor) -> None:
    ctx.save_for_backward(inputs[0])
    ctx.handle = inputs[1]


def _node_backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None]:
    (logits,) = ctx.saved_tensors
    return torch.ops.klados.node_log_probs_backward(logits, upstream, ctx.handle), None


_node_op.register_autograd(_node_backward, setup_context=_node_setup)
