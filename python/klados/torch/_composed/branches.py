"""What is below the nodes of a tree and what branches off their paths, as log-sum-exps."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from klados._klados import Hierarchy
from klados.torch._composed.buffers import Buffers
from klados.torch._composed.levels import Levels, segment_extremum
from klados.torch._composed.reduce import masked_logsumexp, segment_logsumexp

__all__ = ["Branches"]

_NONE = -float("inf")


class Branches(Buffers):
    """Log-sum-exps of subtrees, in which an edge may be worth something. Arrays are ``[rows, nodes]``."""

    parent: Tensor
    places: Tensor

    def __init__(self, hierarchy: Hierarchy, levels: Levels) -> None:
        super().__init__()
        self.levels = levels
        self.nodes = hierarchy.num_nodes
        parent = np.zeros(hierarchy.num_nodes, dtype=np.int64)
        parent[hierarchy.edges[:, 1]] = hierarchy.edges[:, 0]
        self.table("parent", parent[1:])
        self.table("places", np.arange(hierarchy.num_nodes))

    def subtrees(self, scores: Tensor, edge: float) -> Tensor:
        """Over a node and all below it, ``edge`` added for each edge between."""

        def combine(own: Tensor, children: Tensor, segment: Tensor, count: int) -> Tensor:
            both = torch.cat([own, children + edge], 1)
            return segment_logsumexp(both, torch.cat([self.places[:count], segment]), count)

        return self.levels.up(scores, combine)

    def below(self, subtrees: Tensor, edge: float) -> Tensor:
        """Over all strictly below a node."""
        return segment_logsumexp(subtrees[:, 1:] + edge, self.parent, self.nodes)

    def siblings(self, subtrees: Tensor) -> Tensor:
        """Over the subtrees of the other children of a node's parent; ``-inf`` of the root.

        Nothing is taken away from what is about as large: of the largest sibling the others are summed, and a smaller
        one is taken from these before the largest is added.
        """
        own = subtrees[:, 1:]
        by_parent = (self.parent, self.nodes)
        top = segment_extremum(own, *by_parent, "amax")
        first = segment_extremum(
            self.places[1:].expand_as(own).masked_fill(own.detach() < top.index_select(1, self.parent), self.nodes),
            *by_parent,
            "amin",
        )
        is_first = first.index_select(1, self.parent) == self.places[1:]
        rest = segment_logsumexp(own.masked_fill(is_first, _NONE), *by_parent)
        of_largest = rest.index_select(1, self.parent)
        # Of the others, beside the largest, whose exponential is 1.
        base = top.masked_fill(top == _NONE, 0).index_select(1, self.parent)
        share = (own - base).exp()
        others = share.new_zeros(len(own), self.nodes).index_add(1, self.parent, share.masked_fill(is_first, 0))
        largest = share.new_zeros(len(own), self.nodes).index_add(1, self.parent, share.masked_fill(~is_first, 0))
        others, largest = (part.index_select(1, self.parent) for part in (others, largest))
        total = largest + (others - share.masked_fill(is_first, 0))
        nothing = is_first | (largest == 0)
        of_other = (total.masked_fill(nothing, 1).log() + base).masked_fill(nothing, _NONE)
        return pad(torch.where(is_first, of_largest, of_other), (1, 0), value=_NONE)

    def along_path(self, values: Tensor, edge: float) -> Tensor:
        """The log-sum-exp of values at a node and all above it, ``edge`` added for each step, the first among them."""

        def combine(own: Tensor, parents: Tensor, segment: Tensor | None, count: int) -> Tensor:
            return log_add(own, parents) + edge

        return self.levels.down(values, combine)


def log_add(a: Tensor, b: Tensor) -> Tensor:
    """``log(e^a + e^b)``, where either or both may be ``-inf``."""
    return masked_logsumexp(torch.stack([a, b], -1))
