"""A module whose composed path has tables, which are made where they are needed and follow the module."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from klados.torch import _dispatch
from klados.torch._composed.buffers import destination
from klados.torch._dispatch import Impl

__all__ = ["Tabled"]

T = TypeVar("T", bound=nn.Module)


class Tabled(nn.Module, Generic[T]):
    """The tables of the composed path: from the start with ``impl="composed"``, with ``"auto"`` once the module leaves the
    CPU. A subclass makes them, and says ``impl`` and calls :meth:`_begin_tables` when it is ready to."""

    impl: Impl
    tables: T | None
    _device: Tensor

    _what = "module"
    """What messages call it."""

    def _begin_tables(self) -> None:
        self.tables = None
        # Says where the module has been moved to.
        self.register_buffer("_device", torch.empty(0, device="cpu"), persistent=False)
        if self.impl == "composed":
            self.tables = self._make_tables()

    def _make_tables(self) -> T:
        raise NotImplementedError

    def _tables_on(self, device: torch.device) -> T:
        """The tables for an input on a device, on which they have to be."""
        if self.tables is None or self._device.device != device:
            raise ValueError(_dispatch.elsewhere(self._what, device, self._device.device))
        return self.tables

    def _apply(self, fn: Any, recurse: bool = True) -> Tabled[T]:
        # Every move of a module comes through here.
        device = destination(fn, self._device)
        if self.tables is None and self.impl == "auto" and device.type != "cpu":
            self.tables = self._make_tables()
        self._device = self._device.new_empty(0, device=device)  # what is on the meta device cannot be moved
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self
