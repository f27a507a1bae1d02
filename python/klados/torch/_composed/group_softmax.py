"""Softmaxes over groups of nodes: over siblings, or over the nodes of a level."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from klados._klados import Hierarchy
from klados.torch._composed.paths import Members, Paths
from klados.torch._composed.reduce import focal, masked_logsumexp, segment_logsumexp
from klados.torch._composed.rows import NodeRows, column_by_node
from klados.torch._composed.target import Target

__all__ = ["GroupSoftmax", "log_in_group"]

_NONE = -float("inf")


class GroupSoftmax(NodeRows):
    """``-sum_u w_u (1 - P(u))^gamma log P(u)`` over the path of the label, ``P(u)`` in the group of ``u``."""

    weights: Tensor
    group: Tensor
    prior: Tensor | None
    union: Tensor  # where groups are of siblings, which alone take unions
    own: Tensor
    own_prior: Tensor | None

    def __init__(self, hierarchy: Hierarchy, tables: dict[str, Any]) -> None:
        super().__init__(hierarchy, tables)
        weights, group, prior = tables["weights"].copy(), tables["group"], tables["log_prior"]
        weights[0] = 0
        self.groups = int(group[1:].max()) + 1
        self.table("weights", weights)
        self.table("group", group[1:])
        self.table("prior", None if prior is None else np.concatenate([[0.0], prior[1:]]))
        # Of one class alone, which has no term, the ancestor is the class: one depth more.
        self.table("union", None if tables["union"] is None else np.append(tables["union"], [0.0, 0.0]))
        self.union_by_depth: bool = tables["union_by"] == "depth"
        # The groups that a path has terms in, each gathered from the columns of the logits.
        column = column_by_node(hierarchy)
        by_group = 1 + np.argsort(group[1:], kind="stable")
        end = np.cumsum(np.bincount(group[1:], minlength=self.groups))
        of_groups = None if prior is None else prior[by_group]
        members = Members(column[by_group], np.concatenate([[0], end[:-1]]), end, of_groups)
        label, node = tables["lineage"].T
        kept = weights[node] != 0
        label, node = label[kept], node[kept]
        slot = hierarchy.depths[node]
        self.own_groups = Paths(members, label, group[node], slot, weights[node], hierarchy.num_nodes)
        slots, slot = np.unique(slot, return_inverse=True)
        own, own_prior = np.zeros((2, hierarchy.num_nodes, len(slots)))
        own[label, slot] = column[node]
        own_prior[label, slot] = 0 if prior is None else prior[node]
        self.table("own", own.astype(np.int64))
        self.table("own_prior", None if prior is None else own_prior)

    def rows(self, input: Tensor, target: Target, step: int | Tensor) -> tuple[Tensor, Tensor]:
        if target.kind != "index" or self.has_class_target(target):
            return super().rows(input, target, step)
        dtype = input.dtype
        label = self.node.index_select(0, target.values)
        own = input.gather(1, self.own.index_select(0, label))
        if self.own_prior is not None:
            own = own + self.own_prior.index_select(0, label).to(dtype)
        weight = self.own_groups.weight.index_select(0, label).to(dtype)
        if self.class_weight is not None:
            weight = weight * self.factor(target, dtype).unsqueeze(1)
        return self._sum(weight, _ratio(own, self.own_groups.logsumexp(input, label)))

    def node_rows(self, scores: Tensor, target: Target, step: int | Tensor) -> tuple[Tensor, Tensor]:
        """Of targets that may have a term at every node."""
        if self.prior is not None:
            scores = scores + self.prior.to(scores.dtype)
        dtype = scores.dtype
        weight, impossible = self.node_weights(scores, target)
        weight = weight * self.weights.to(dtype)
        log_p = log_in_group(scores, self.group, self.groups)
        if target.kind == "candidates":
            union_weight, union = self._union(log_p, target)
            weight = torch.cat([weight, union_weight.unsqueeze(1)], 1)
            log_p = torch.cat([log_p, union.unsqueeze(1)], 1)
        loss, infinite = self._sum(weight, log_p)
        return loss, infinite if impossible is None else infinite | impossible

    def _sum(self, weight: Tensor, log_p: Tensor) -> tuple[Tensor, Tensor]:
        impossible = (log_p == _NONE) & (weight != 0)
        log_p = log_p.masked_fill((weight == 0) | impossible, 0)
        return -(weight * focal(log_p, self.gamma)).sum(1), impossible.any(1)

    def _union(self, log_p: Tensor, target: Target) -> tuple[Tensor, Tensor]:
        """The weight and ``log P(S | lca)`` of the union of some classes: ``[rows]`` each."""
        dtype, marks = log_p.dtype, target.values
        common = self.common(target, dtype)
        depth = common.sum(1, keepdim=True).long()  # of the lowest common ancestor
        log_class = torch.zeros_like(log_p[:, :1])
        for d in range(self.path.shape[1]):
            own = log_p.index_select(1, self.path[:, d].index_select(0, self.class_node))
            log_class = log_class + own.masked_fill(depth > d, 0)
        # By the height of the tallest: classes are leaves.
        weight = self.union.index_select(0, depth.squeeze(1) + 1) if self.union_by_depth else self.union[0]
        # One class alone is on its path.
        weight = weight.to(dtype) * self.factor(target, dtype) * (marks.sum(1) > 1)
        return weight, masked_logsumexp(log_class, marks)


def log_in_group(scores: Tensor, group: Tensor, groups: int) -> Tensor:
    """``log P`` of every node in its group, 0 for the root: ``[rows, nodes]``.

    Shape:
        - scores: ``[rows, nodes]``.
        - group: ``[nodes - 1]``, the root left out.
    """
    own = scores[:, 1:]
    given = segment_logsumexp(own, group, groups).index_select(1, group)
    return torch.nn.functional.pad(_ratio(own, given), (1, 0))


def _ratio(own: Tensor, given: Tensor) -> Tensor:
    """``own - given``, ``-inf`` of a node that is masked, with a gradient of 0."""
    nothing = own == _NONE
    return (own.masked_fill(nothing, 0) - given.masked_fill(nothing | (given == _NONE), 0)).masked_fill(nothing, _NONE)
