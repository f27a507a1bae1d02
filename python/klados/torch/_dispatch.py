"""From what a user gives to rows, and from rows to the fused or the composed path."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from klados._klados import Hierarchy
from klados.arrays import TargetKind, check_kind, target_kind
from klados.losses import Loss
from klados.torch import _fused

if TYPE_CHECKING:
    from klados.torch._cache import CompiledNodes
    from klados.torch._composed import NodeTables, Tables

Impl = Literal["auto", "fused", "composed"]
Reduction = Literal["none", "sum", "mean"]

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_TARGETS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool, *FLOATS)


class Compiled:
    """A loss compiled for a hierarchy, with what a traced graph may ask of it as plain Python values."""

    def __init__(self, loss: Loss, hierarchy: Hierarchy) -> None:
        self.criterion = loss.compile(hierarchy)
        self.handle = _fused.handle(self.criterion)
        self.columns = self.criterion.columns
        self.has_node_columns = self.criterion.has_node_columns
        self.num_classes = hierarchy.num_classes
        self.takes_sets = self.criterion.takes_sets
        self.name = self.criterion.name
        for warning in self.criterion.warnings:
            warnings.warn(warning, stacklevel=_users_level())

    def __setstate__(self, state: dict[str, Any]) -> None:
        # A handle is of one process and one criterion.
        self.__dict__.update(state, handle=_fused.handle(state["criterion"]))


def _users_level() -> int:
    """The ``stacklevel`` of who called into the package, seen from the caller of this function."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "klados":
        level, frame = level + 1, frame.f_back
    return level


def apply(
    input: Tensor,
    target: Tensor,
    compiled: Compiled,
    tables: Callable[[torch.device], Tables],
    *,
    ignore_index: int,
    reduction: str,
    impl: str,
    kind: TargetKind | None,
    step: int | Tensor,
) -> Tensor:
    """The loss of a batch of any shape. ``tables`` gives the tables of the composed path, on a device; ``step`` is a tensor
    where it changes from call to call, so that a traced graph reads it anew."""
    # The common call goes the short way: checks in Python are a good part of what a small batch costs.
    if (
        kind is None
        and input.is_cpu
        and target.is_cpu
        and impl in ("auto", "fused")
        and reduction in ("none", "sum", "mean")
        and target.dim() == 1
        and input.shape == (target.shape[0], compiled.columns)
        and target.dtype == torch.int64
        and input.dtype in FLOATS
    ):
        return _fused.losses(input, target, compiled, "index", ignore_index, step, reduction)
    if kind is None:
        kind = target_kind(target.is_floating_point(), target.dim(), max(input.dim(), 1), compiled.takes_sets)
    check(input, compiled.columns, reduction, impl)
    check_target(target, kind)
    rows, target = by_rows(input, target, kind)
    if is_fused(input, impl):
        if target.device.type != "cpu":
            raise ValueError(f"the logits are on cpu and the target is on {target.device}")
        out = _fused.losses(rows, target, compiled, kind, ignore_index, step, reduction)
    else:
        from klados.torch import _composed

        if target.device != input.device:
            raise ValueError(f"the logits are on {input.device} and the target is on {target.device}")
        if target.dtype in (torch.float16, torch.bfloat16):
            target = target.float()
        out = _composed.losses(rows, target, tables(input.device), kind, ignore_index, step, reduction)
    return out.reshape(input.shape[:1] + input.shape[2:] if input.dim() > 1 else ()) if reduction == "none" else out


def normalizer(
    input: Tensor, target: Tensor, compiled: Compiled, ignore_index: int, kind: TargetKind | None
) -> float:
    """What the mean of a batch of any shape divides by."""
    _, target, kind = checked_rows(input, target, compiled, kind)
    return _fused.normalizer(target, compiled.criterion, kind, ignore_index)


def checked_rows(
    input: Tensor, target: Tensor, compiled: Compiled, kind: TargetKind | None
) -> tuple[Tensor, Tensor, TargetKind]:
    """A batch of any shape by rows, and what its target holds."""
    if kind is None:
        kind = target_kind(target.is_floating_point(), target.dim(), max(input.dim(), 1), compiled.takes_sets)
    check(input, compiled.columns, "mean", "auto")
    check_target(target, kind)
    return (*by_rows(input, target, kind), kind)


def check(input: Tensor, columns: int, reduction: str, impl: str) -> None:
    """That a call makes sense, as far as shapes and types show it."""
    check_options(reduction, impl)
    check_logits(input)
    if input.dim() == 0 or input.shape[min(1, input.dim() - 1)] != columns:
        raise ValueError(f"the logits have shape {tuple(input.shape)}, expected (N, {columns}, ...) or ({columns},)")


def check_logits(logits: Tensor) -> None:
    """That logits are of a type that is computed with."""
    if logits.dtype not in FLOATS:
        raise ValueError(f"the logits are {logits.dtype}, expected float16, bfloat16, float32 or float64")


def check_target(target: Tensor, kind: str) -> None:
    """That a target is of a type that is read, and of a kind that there is."""
    check_kind(kind)
    if target.requires_grad:
        raise ValueError("no gradient flows into the target; detach it")
    if target.dtype not in _TARGETS:
        raise ValueError(f"the target is {target.dtype}, expected int64, int32, int16, int8, uint8, bool or floats")


def check_options(reduction: str, impl: str) -> None:
    if reduction not in ("none", "sum", "mean"):
        raise ValueError(f"reduction {reduction!r}: expected 'none', 'sum' or 'mean'")
    if impl not in ("auto", "fused", "composed"):
        raise ValueError(f"impl {impl!r}: expected 'auto', 'fused' or 'composed'")


def by_rows(input: Tensor, target: Tensor, kind: TargetKind) -> tuple[Tensor, Tensor]:
    """``[N, C, d1, ...]`` as ``[N * d1 * ..., C]``, and the target in the same way."""
    if kind == "index":
        if target.is_floating_point():
            raise ValueError(f"the target is {target.dtype}, expected integers for indices")
        expected = input.shape[:1] + input.shape[2:] if input.dim() > 1 else input.shape[:0]
        if target.shape != expected:
            shapes = f"the target has shape {tuple(target.shape)}, expected {tuple(expected)}"
            raise ValueError(f"{shapes} for logits of shape {tuple(input.shape)}")
        target = target.reshape(-1)
    else:
        without = [shape[:1] + shape[2:] if len(shape) > 1 else shape[:0] for shape in (input.shape, target.shape)]
        if without[0] != without[1] or target.dim() != input.dim():
            shapes = f"the target has shape {tuple(target.shape)}"
            raise ValueError(f"{shapes}, which does not fit logits of shape {tuple(input.shape)} for kind {kind!r}")
        target = _rows(target)
    return _rows(input), target


def _rows(tensor: Tensor) -> Tensor:
    if tensor.dim() == 2:
        return tensor
    if tensor.dim() == 1:
        return tensor.unsqueeze(0)
    return tensor.movedim(1, -1).reshape(-1, tensor.shape[1])


def is_fused(input: Tensor, impl: str) -> bool:
    """Which path computes."""
    on_cpu = input.device.type == "cpu"
    if impl == "fused" and not on_cpu:
        raise ValueError(f"impl='fused' runs on the CPU and the logits are on {input.device}; use 'auto' or 'composed'")
    return on_cpu if impl == "auto" else impl == "fused"


def node_log_probs(
    logits: Tensor, of_nodes: CompiledNodes, tables: Callable[[torch.device], NodeTables], impl: str
) -> Tensor:
    """The log-probabilities of nodes of logits of any shape; ``tables`` as in :func:`apply`."""
    check_logits(logits)
    columns = of_nodes.columns
    if logits.dim() == 0 or logits.shape[-1] != columns:
        raise ValueError(f"the logits have shape {tuple(logits.shape)}, expected (..., {columns})")
    rows = logits.reshape(-1, columns)
    if is_fused(logits, impl):
        out = _fused.node_log_probs(rows, of_nodes.operation, of_nodes.handle)
    else:
        from klados.torch import _composed

        out = _composed.node_log_probs(rows, tables(logits.device))
    return out.reshape(*logits.shape[:-1], out.shape[-1])


def elsewhere(what: str, input: torch.device, tables: torch.device) -> str:
    """The words for tables that are on another device than what they are to work on."""
    return f"the input is on {input} and the tables of the {what} on {tables}; move it: {what}.to({str(input)!r})"
