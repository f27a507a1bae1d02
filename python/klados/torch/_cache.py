"""What the functions remember: compiled losses and their tables."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from klados._klados import Hierarchy
from klados.arrays import node_operation
from klados.losses import Loss
from klados.torch import _fused
from klados.torch._dispatch import Compiled

if TYPE_CHECKING:
    from klados.torch._composed import NodeTables, Tables

# So many compiled losses are kept, the last used of them.
_ENTRIES = 64

T = TypeVar("T")


class CompiledLoss:
    """A compiled loss, and the tables of its composed path on the devices that asked."""

    def __init__(self, loss: Loss, hierarchy: Hierarchy) -> None:
        self.compiled = Compiled(loss, hierarchy)
        self._tables: dict[torch.device, Tables] = {}

    def tables(self, device: torch.device) -> Tables:
        _not_traced()
        if device not in self._tables:
            from klados.torch import _composed

            self._tables[device] = _composed.Tables(self.compiled.criterion).to(device)
        return self._tables[device]


class CompiledNodes:
    """The operation of node log-probabilities, and the tables of its composed path on the devices that asked."""

    def __init__(self, hierarchy: Hierarchy, form: str | dict[str, Any], level: int | str | None) -> None:
        self.operation = node_operation(hierarchy, form, level)
        self.handle = _fused.handle(self.operation)
        self.columns = self.operation.columns
        self._form = form
        self._level = level
        self._tables: dict[torch.device, NodeTables] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        # A handle is of one process.
        return CompiledNodes, (self.operation.hierarchy, self._form, self._level)

    def tables(self, device: torch.device) -> NodeTables:
        _not_traced()
        if device not in self._tables:
            from klados.torch import _composed

            self._tables[device] = _composed.NodeTables(self.operation, self._form).to(device)
        return self._tables[device]


class _Recent:
    """The last used values by key. An entry holds its hierarchy, so that the hierarchy's ``id`` in a key stays its own."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Any, tuple[Hierarchy, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any, hierarchy: Hierarchy, make: Any) -> Any:
        key = (id(hierarchy), key)
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                entry = (hierarchy, make())
                self._entries[key] = entry
                if len(self._entries) > _ENTRIES:
                    self._entries.popitem(last=False)
            self._entries.move_to_end(key)
        return entry[1]


_losses = _Recent()
_nodes = _Recent()


# A traced graph takes what these give as a constant.
@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def compiled(name: str, parameters: dict[str, Any], hierarchy: Hierarchy) -> CompiledLoss:
    key = (name, *[(name, _hashable(value)) for name, value in parameters.items()])
    return _losses.get(key, hierarchy, lambda: CompiledLoss(Loss(name, **parameters), hierarchy))


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def operation(hierarchy: Hierarchy, form: str | dict[str, Any], level: int | str | None) -> CompiledNodes:
    return _nodes.get((_hashable(form), level), hierarchy, lambda: CompiledNodes(hierarchy, form, level))


def _not_traced() -> None:
    """A traced graph takes tables from a module alone."""
    if torch.compiler.is_compiling():
        raise RuntimeError("under torch.compile the functions run on the fused path alone; use the module of the loss")


def _hashable(value: Any) -> Any:
    if isinstance(value, (str, int, float, bool)):
        return value
    return json.dumps(value, default=lambda value: value.tolist())
