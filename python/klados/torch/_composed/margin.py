"""The soft-max-margin of one node against all others, and its hard form."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from klados._klados import Hierarchy
from klados.torch._composed.branches import Branches, log_add
from klados.torch._composed.levels import first_of, segment_extremum
from klados.torch._composed.reduce import masked_logsumexp
from klados.torch._composed.rows import NodeRows
from klados.torch._composed.target import Target

__all__ = ["Margin"]

_NONE = -float("inf")


class Margin(NodeRows):
    """``-s_y + LSE_v (s_v + margin)`` over all nodes and the root with score 0, or the maximum in its place.

    Of a distribution every class is a label. A margin is a number of edges times what one is worth, so that the nodes
    at all distances are measured for all of them at once: those below a label, and those beside each node of its path.
    """

    depth: Tensor
    nodes: Tensor
    by_edges: Tensor

    def __init__(self, hierarchy: Hierarchy, tables: dict[str, Any]) -> None:
        super().__init__(hierarchy, tables)
        self.hard: bool = tables["hard"]
        self.edge: float = float(tables["by_edges"][1])
        self.branches = Branches(hierarchy, self.levels)
        self.table("depth", hierarchy.depths)
        self.table("nodes", np.arange(hierarchy.num_nodes))
        self.table("by_edges", tables["by_edges"])

    def node_rows(self, scores: Tensor, target: Target, step: int | Tensor) -> tuple[Tensor, Tensor]:
        impossible = None
        if target.kind == "probabilities":
            weight, impossible = self.class_target(target, self.is_open(scores), scores.dtype)
            label = self.class_node.expand(len(scores), -1)
        else:
            weight = self.factor(target, scores.dtype).unsqueeze(1)
            label = self.node.index_select(0, target.values).unsqueeze(1)
        own = scores.gather(1, label)
        masked = own == _NONE
        own = own.masked_fill(masked, 0)
        if target.kind == "index":
            loss = self._of_one(scores, label, own)
        else:
            loss = (self._hard if self.hard else self._soft)(scores, label, own)
        infinite = (masked & (weight != 0)).any(1)
        loss = (weight * loss.masked_fill(masked | (weight == 0), 0)).sum(1)
        return loss, infinite if impossible is None else infinite | impossible

    def _of_one(self, scores: Tensor, label: Tensor, own: Tensor) -> Tensor:
        """Of one label a row: ``[rows, 1]``."""
        meeting = self.meeting(label.squeeze(1))
        margin = self.by_edges.to(scores.dtype)[self.depth[label] + self.depth - 2 * meeting]
        if not self.hard:
            others = masked_logsumexp(scores + margin, self.nodes != label).unsqueeze(1)
            return -logsigmoid(own - others)
        value = scores.detach() + margin
        best = self.nodes.expand_as(value).masked_fill(value < value.amax(1, keepdim=True), len(self.nodes))
        best = best.amin(1, keepdim=True)
        return scores.gather(1, best) + margin.gather(1, best) - own

    def _soft(self, scores: Tensor, label: Tensor, own: Tensor) -> Tensor:
        subtrees = self.branches.subtrees(scores, self.edge)
        # Seen from the parent: itself and its other children.
        beside = log_add(self.branches.siblings(subtrees) + self.edge, self._of_parent(scores))
        beside = torch.cat([torch.full_like(beside[:, :1], _NONE), beside[:, 1:]], 1)
        others = log_add(self.branches.below(subtrees, self.edge), self.branches.along_path(beside, self.edge))
        others = others.gather(1, label)
        # A lone class is beside a root that has a score, so that there are others.
        return -logsigmoid(own - others)

    def _hard(self, scores: Tensor, label: Tensor, own: Tensor) -> Tensor:
        best, edges = self._best(scores.detach(), label)
        return scores.gather(1, best) + self.by_edges.to(scores.dtype)[edges] - own

    @torch.no_grad()
    def _best(self, scores: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """The node of the largest score with its margin, of equal ones the first, and the number of edges to it."""
        depth = self.depth.to(scores.dtype) * self.edge
        # Seen from any node above, the node of a subtree with the largest score counts its edges alike.
        raised = scores + depth
        below = self.levels.largest_below(raised)
        beside = self._beside(raised, below)
        # By label: the node itself and all below it, and for each node of its path what is beside that.
        path = self.path[label]
        is_node = path != 0
        candidates = torch.cat([below.gather(1, label).unsqueeze(-1), _gather(beside, path)], -1)
        meeting = torch.cat([self.depth[label].unsqueeze(-1), (self.depth[path] - 1).masked_fill(~is_node, 0)], -1)
        value = _gather(raised, candidates) - 2 * self.edge * meeting.to(scores.dtype)
        counts = torch.cat([torch.ones_like(is_node[..., :1]), is_node], -1)
        value = value.masked_fill(~counts, _NONE)
        ties = counts & (value == value.amax(-1, keepdim=True))
        none = torch.iinfo(candidates.dtype).max
        best, at = candidates.masked_fill(~ties, none).min(-1)
        meeting = meeting.gather(-1, at.unsqueeze(-1)).squeeze(-1)
        return best, self.depth[label] + self.depth[best] - 2 * meeting

    def _beside(self, raised: Tensor, below: Tensor) -> Tensor:
        """By node but the root: of its parent and its siblings' subtrees the node of the largest score."""
        by_parent = (self.branches.parent, self.branches.nodes)
        parents = self.branches.parent.expand(len(raised), -1)
        candidates = below[:, 1:]
        value = raised.gather(1, candidates)

        def first(value: Tensor) -> Tensor:
            top = segment_extremum(value, *by_parent, "amax").index_select(1, self.branches.parent)
            return first_of(candidates, value == top, *by_parent).index_select(1, self.branches.parent)

        best = first(value)
        is_best = candidates == best
        second = first(value.masked_fill(is_best, _NONE))
        # Where there is no other child, a masked number is the child itself: then the parent counts.
        sibling = torch.where(is_best, second, best)
        sibling = torch.where(sibling == candidates, parents, sibling)
        # The parent comes before its children.
        chosen = torch.where(raised.gather(1, sibling) > raised.gather(1, parents), sibling, parents)
        return torch.nn.functional.pad(chosen, (1, 0))

    def _of_parent(self, scores: Tensor) -> Tensor:
        return torch.cat([scores[:, :1], scores.index_select(1, self.branches.parent)], 1)


def _gather(values: Tensor, at: Tensor) -> Tensor:
    """``[rows, nodes]`` at ``[rows, ...]``."""
    return values.gather(1, at.flatten(1)).view(at.shape)
