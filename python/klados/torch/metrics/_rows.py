"""What a metric has seen, as torchmetrics keeps it: a tensor of bytes, written where something looks at it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from klados.metrics import Metric

# Of the length before each part of a state.
_LENGTH = np.dtype("<u8")


class Rows(list[Any]):
    """The state of a metric: a list of one tensor to all that look at it, for which it is written then.

    Writing takes as long as the metric has rows, where it keeps them, so that it must not be done at every update.
    torchmetrics gives the metrics of a compute group the same list; `holders` is how many have it.
    """

    def __init__(self, metric: Metric, header: bytes, device: torch.device) -> None:
        super().__init__([metric])
        self.header, self.device, self.holders = header, device, 0
        self._written: Tensor | None = None

    @property
    def metric(self) -> Metric:
        """What it is of, with the options of one of those that hold it; to be looked at."""
        return super().__getitem__(0)

    def changing(self) -> Metric:
        """What it is of; to be changed."""
        self._written = None
        return self.metric

    def copied(self) -> Rows:
        """The same rows, in a metric of their own."""
        return Rows(self.metric.copy_without_rows().merge(self.metric), self.header, self.device)

    def _tensors(self) -> list[Tensor]:
        if self._written is None:
            payload = self.header + self.metric.state()
            data = np.array([len(payload)], dtype=_LENGTH).tobytes() + payload
            self._written = torch.frombuffer(bytearray(data), dtype=torch.uint8).to(self.device)
        return [self._written]

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self._tensors())

    def __getitem__(self, at: Any) -> Any:
        return self._tensors()[at]

    # How torchmetrics puts states together; with nothing nothing has to be written.
    def __add__(self, other: Iterable[Any]) -> list[Any]:
        more = list(other)
        return self._tensors() + more if more else self

    def __radd__(self, other: Iterable[Any]) -> list[Any]:
        first = list(other)
        return first + self._tensors() if first else self

    def __deepcopy__(self, memo: dict[int, Any]) -> Rows:
        copied = self.copied()
        copied.holders = self.holders
        return copied

    def __reduce__(self) -> tuple[Any, ...]:
        # As tensors, which torch.load moves to where they are wanted.
        return list, (self._tensors(),)


def states(part: Tensor, header: bytes) -> Iterator[bytes]:
    """The states in a tensor of bytes, one behind the other."""
    data = part.to(torch.uint8).cpu().numpy().tobytes()
    while data:
        length = int(np.frombuffer(data, dtype=_LENGTH, count=1)[0])
        payload, data = data[_LENGTH.itemsize :][:length], data[_LENGTH.itemsize + length :]
        if not payload.startswith(header):
            raise ValueError("the state is that of another metric, or of one with other options")
        yield payload[len(header) :]
