"""Tables as buffers of a module."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

__all__ = ["Buffers", "destination"]


class Buffers(nn.Module):
    """A module whose tables are buffers: they follow it to another device, and are not saved with the model.

    Tables of numbers are ``float64``, and stay that when a model is cast to another type: a weight in ``float16``
    would be another weight. What a table holds is also kept on the host, so that a model may be made on the meta
    device: a table that leaves it is filled again.
    """

    if TYPE_CHECKING:
        # The tables are named where they are made; torch says of all of them "a tensor or a module".
        def __getattr__(self, name: str) -> Any: ...

    def __init__(self) -> None:
        super().__init__()
        # The same tensors as the buffers until these move, so that a copy or a pickle holds them once.
        self._on_host: dict[str, Tensor] = {}

    def table(self, name: str, values: npt.NDArray[np.generic] | None) -> None:
        """Adds a table. ``None`` is a table that is not there."""
        tensor = None if values is None else torch.from_numpy(np.ascontiguousarray(values))
        self.register_buffer(name, tensor, persistent=False)
        if tensor is None:
            self._on_host.pop(name, None)
        else:
            self._on_host[name] = tensor

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Buffers:
        if recurse:
            for module in self.children():
                module._apply(fn)
        for name, on_host in self._on_host.items():
            table = self._buffers[name]
            assert table is not None
            device = destination(fn, table)
            if table.is_meta and device.type != "meta":
                table = on_host
            if device.type == "mps" and table.dtype == torch.float64:
                table = table.float()  # which has no wider type
            self._buffers[name] = table.to(device)
        return self


def destination(fn: Callable[[Tensor], Tensor], table: Tensor) -> torch.device:
    """The device that ``fn``, which a module applies to all its tensors, moves a table to."""
    try:
        return fn(table.new_empty(0, dtype=torch.float32)).device
    except NotImplementedError:
        # `to` refuses what is on the meta device, which has no data to move; a table has.
        return fn(torch.empty(0, device="cpu")).device
