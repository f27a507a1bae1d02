"""The softmax of a node's score against all that branches off its path."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from klados._klados import Hierarchy
from klados.torch._composed.branches import Branches
from klados.torch._composed.rows import NodeRows
from klados.torch._composed.target import Target

__all__ = ["DescendantSoftmax"]

_NONE = -float("inf")


class DescendantSoftmax(NodeRows):
    """``sum_a log(1 + against_a / e^{s_a})`` over the nodes at and above the label."""

    def __init__(self, hierarchy: Hierarchy, tables: dict[str, Any]) -> None:
        super().__init__(hierarchy, tables)
        self.branches = Branches(hierarchy, self.levels)

    def node_rows(self, scores: Tensor, target: Target, step: int | Tensor) -> tuple[Tensor, Tensor]:
        weight, impossible = self.node_weights(scores, target)
        rootless = torch.cat([torch.full_like(scores[:, :1], _NONE), scores[:, 1:]], 1)
        siblings = self.branches.siblings(self.branches.subtrees(rootless, 0))
        against = self.branches.along_path(siblings, 0)
        infinite = (rootless == _NONE) & (weight != 0)
        # Where nothing stands against a node its probability is 1.
        none = (rootless == _NONE) | (against == _NONE)
        log_p = logsigmoid(rootless.masked_fill(none, 0) - against.masked_fill(none, 0)).masked_fill(none, 0)
        infinite = infinite.any(1)
        return -(weight * log_p).sum(1), infinite if impossible is None else infinite | impossible
