"""What the compiled losses have in common, whatever their terms are."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from klados._klados import Hierarchy
from klados.torch._composed.buffers import Buffers
from klados.torch._composed.target import Target

__all__ = ["Form"]

Array = npt.NDArray[Any]


class Form(Buffers):
    """A compiled loss as tensor operations.

    A subclass says what the unreduced losses of a batch are. Here are the options that every loss may have, as
    ``docs/definitions.md`` has them: class weights and label smoothing, of which a soft target is another case.

    Args:
        hierarchy: what the loss was compiled for.
        tables: of ``Criterion.tables()``.
    """

    class_weight: Tensor | None
    label_weight: Tensor | None

    def __init__(self, hierarchy: Hierarchy, tables: dict[str, Any]) -> None:
        super().__init__()
        self.gamma: float = tables["gamma"]
        self.label_smoothing: float = tables["label_smoothing"]
        class_weight: Array | None = tables["class_weight"]
        self.table("class_weight", class_weight)
        self.table("label_weight", None if class_weight is None else self.label_weights(hierarchy, class_weight))

    def losses(self, input: Tensor, target: Target, step: int | Tensor) -> Tensor:
        """The unreduced losses, special rows and all.

        Shape:
            - input: ``[rows, columns]``, ``float32`` or ``float64``.
            - output: ``[rows]``.
        """
        raise NotImplementedError

    @staticmethod
    def label_weights(hierarchy: Hierarchy, class_weight: Array) -> Array:
        """The class weight of a target by index: of a class, and of a node the mean over the classes below."""
        closure = hierarchy.closure
        sums = np.bincount(closure[:, 0], class_weight[closure[:, 1]], hierarchy.num_nodes)
        sums[0] = class_weight.sum()
        return np.concatenate([class_weight, sums / hierarchy.class_counts])

    def sample_weight(self, target: Target, dtype: torch.dtype) -> Tensor:
        """The class weight of each row, of which a soft target has 1: ``[rows]``."""
        if self.class_weight is None or self.label_weight is None or target.kind == "probabilities":
            return torch.ones(target.ignored.shape, dtype=dtype, device=target.ignored.device)
        if target.kind == "index":
            return self.label_weight.index_select(0, target.values).to(dtype)
        marks = target.values.to(dtype)
        return (marks * self.class_weight.to(dtype)).sum(1) / marks.sum(1).clamp(min=1)

    def normalizer(self, target: Target, dtype: torch.dtype) -> Tensor:
        """What ``mean`` divides by."""
        if self.class_weight is None:
            return (~target.ignored).sum()
        return self.sample_weight(target, dtype).masked_fill(target.ignored, 0).sum()

    def factor(self, target: Target, dtype: torch.dtype) -> Tensor:
        """What the loss of the label itself is multiplied with: ``[rows]``; 0 of a soft target."""
        if target.kind == "probabilities":
            return torch.zeros(target.ignored.shape, dtype=dtype, device=target.ignored.device)
        return self.sample_weight(target, dtype) * (1 - self.label_smoothing)

    def has_class_target(self, target: Target) -> bool:
        """Whether there is anything in :meth:`class_target`."""
        return target.kind == "probabilities" or self.label_smoothing != 0

    def class_target(self, target: Target, is_open: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """What the loss of each class is multiplied with, for soft targets and label smoothing.

        Shape:
            - is_open: ``[rows, classes]``: which classes are not masked.
            - output: ``[rows, classes]``; and ``[rows]``: whether all classes of a soft target are masked, so that its
              loss is infinite.
        """
        uniform = self.label_smoothing / is_open.shape[1]
        if target.kind == "probabilities":
            probabilities = target.values.masked_fill(~is_open, 0)
            total = probabilities.sum(1, keepdim=True)
            impossible = total == 0
            weights = probabilities * ((1 - self.label_smoothing) / total.masked_fill(impossible, 1)) + uniform
        else:
            weights = torch.full(is_open.shape, uniform, dtype=dtype, device=is_open.device)
            impossible = torch.zeros_like(is_open[:, :1])
        if self.class_weight is not None:
            weights = weights * self.class_weight.to(dtype)
        return weights.masked_fill(~is_open, 0), impossible.squeeze(1)
