"""The softmax of a node's score against all that branches off its path."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from klados._klados import Hierarchy
from klados.torch._composed.branches import Branches
from klados.torch._composed.reduce import masked_logsumexp
from klados.torch._composed.rows import NodeRows
from klados.torch._composed.target import Target

__all__ = ["DescendantSoftmax"]

_NONE = -float("inf")


class DescendantSoftmax(NodeRows):
    """``sum_a log(1 + against_a / e^{s_a})`` over the nodes at and above the label."""

    depth: Tensor

    def __init__(self, hierarchy: Hierarchy, tables: dict[str, Any]) -> None:
        super().__init__(hierarchy, tables)
        self.branches = Branches(hierarchy, self.levels)
        self.table("depth", hierarchy.depths)

    def node_rows(self, scores: Tensor, target: Target, step: int | Tensor) -> tuple[Tensor, Tensor]:
        if target.kind == "index":
            own, against, weight, impossible = *self._of_one(scores, target), None
        else:
            weight, impossible = self.node_weights(scores, target)
            own = torch.cat([torch.full_like(scores[:, :1], _NONE), scores[:, 1:]], 1)
            siblings = self.branches.siblings(self.branches.subtrees(own, 0))
            against = self.branches.along_path(siblings, 0)
        masked = own == _NONE
        # Where nothing stands against a node its probability is 1.
        none = masked | (against == _NONE) | (weight == 0)
        log_p = logsigmoid(own.masked_fill(none, 0) - against.masked_fill(none, 0)).masked_fill(none, 0)
        infinite = (masked & (weight != 0)).any(1)
        return -(weight * log_p).sum(1), infinite if impossible is None else infinite | impossible

    def _of_one(self, scores: Tensor, target: Target) -> tuple[Tensor, Tensor, Tensor]:
        """The scores of the nodes on a label's path, what is against them, and their weights: ``[rows, depths]``."""
        label = self.node.index_select(0, target.values)
        path = self.path.index_select(0, label)
        meeting = self.meeting(label)
        # Of the nodes that leave the path at each depth, the nodes of the path themselves left out.
        apart = scores.masked_fill(meeting == self.depth, _NONE)
        depths = path.shape[1]
        top = torch.full_like(scores[:, : depths + 1], _NONE).scatter_reduce(1, meeting, apart.detach(), "amax")
        top = top.masked_fill(top == _NONE, 0)
        share = (apart - top.gather(1, meeting)).exp()
        total = torch.zeros_like(top).scatter_add(1, meeting, share)
        empty = total == 0
        leaving = (total.masked_fill(empty, 1).log() + top).masked_fill(empty, _NONE)
        against = torch.stack([masked_logsumexp(leaving[:, : d + 1]) for d in range(depths)], 1)
        weight = self.factor(target, scores.dtype).unsqueeze(1).expand(path.shape).masked_fill(path == 0, 0)
        return scores.gather(1, path), against, weight
