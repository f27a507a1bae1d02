"""What is known of the rows of a batch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Target"]


@dataclass
class Target:
    """The target of a batch.

    Attributes:
        kind: ``"index"``, ``"probabilities"``, ``"candidates"`` or ``"multi_hot"``.
        values: by kind: ``[rows]`` of indices, 0 in ignored rows; ``[rows, classes]`` of the logits' wide type; ``[rows,
            classes]`` of booleans; ``[rows, classes]`` or ``[rows, nodes - 1]`` as it came.
        ignored: ``[rows]``: which rows take no part.
        ignore_index: in a multi-hot target, the entry of a node that is not known.
    """

    kind: str
    values: Tensor
    ignored: Tensor
    ignore_index: int

    @classmethod
    def of(cls, values: Tensor, kind: str, ignore_index: int, dtype: torch.dtype) -> Target:
        if kind == "index":
            values = values.long()
            ignored = values == ignore_index
            return cls(kind, values.masked_fill(ignored, 0), ignored, ignore_index)
        if kind == "candidates":
            # A row that marks nothing says nothing.
            values = values != 0
            return cls(kind, values, ~values.any(1), ignore_index)
        if kind == "probabilities":
            values = values.to(dtype)
        ignored = torch.zeros(values.shape[0], dtype=torch.bool, device=values.device)
        return cls(kind, values, ignored, ignore_index)
