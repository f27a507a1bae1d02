"""Tables as buffers of a module."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

__all__ = ["Buffers"]


class Buffers(nn.Module):
    """A module whose tables are buffers: they follow it to another device, and are not saved with the model.

    Tables of numbers are ``float64``, and stay that when a model is cast to another type: a weight in ``float16`` would be
    another weight.
    """

    if TYPE_CHECKING:
        # The tables are named where they are made; torch says of all of them "a tensor or a module".
        def __getattr__(self, name: str) -> Any: ...

    def table(self, name: str, values: npt.NDArray[np.generic] | None) -> None:
        """Adds a table. ``None`` is a table that is not there."""
        tensor = None if values is None else torch.from_numpy(np.ascontiguousarray(values))
        self.register_buffer(name, tensor, persistent=False)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Buffers:
        def moved(table: Tensor) -> Tensor:
            device = fn(table.new_empty(0, dtype=torch.float32)).device
            if device.type == "mps" and table.dtype == torch.float64:
                table = table.float()  # which has no wider type
            return table.to(device)

        super()._apply(moved, recurse)  # type: ignore[no-untyped-call]
        return self
