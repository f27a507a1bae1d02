"""The pairs of each class and the nodes at and above it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from klados._klados import Hierarchy
from klados.torch._composed.buffers import Buffers
from klados.torch._composed.levels import first_of, segment_extremum

__all__ = ["PathMaximum"]


class PathMaximum(Buffers):
    """For each class and each node above it, the largest score of the nodes between the two, both included.

    Memory is linear in the pairs of a class and a node above it, and on a DAG in the edges between these.
    """

    above: Tensor
    class_: Tensor

    def __init__(self, hierarchy: Hierarchy) -> None:
        super().__init__()
        above, class_ = hierarchy.closure.T
        # From the classes up: a pair comes after those of the same class that it reads.
        order = np.lexsort((class_, hierarchy.heights[above]))
        above, class_ = above[order], class_[order]
        heights = hierarchy.heights[above]
        self.table("above", above)
        self.table("class_", class_)
        nodes = hierarchy.num_nodes
        # Edges between pairs of one class: from the pair of a child to those of its parents.
        parent, child = hierarchy.edges[hierarchy.edges[:, 0] != 0].T
        parent, child = parent[np.argsort(child, kind="stable")], np.sort(child)
        start = np.searchsorted(child, np.arange(nodes + 1))
        counts = np.diff(start)[above]
        sources = np.repeat(np.arange(len(above)), counts)
        edge = start[above][sources] + np.arange(len(sources)) - np.repeat(np.cumsum(counts) - counts, counts)
        key = class_ * nodes + above
        by_key = np.argsort(key)
        owners = by_key[np.searchsorted(key[by_key], class_[sources] * nodes + parent[edge])]
        self.sizes: tuple[int, ...] = tuple(np.bincount(heights).tolist())
        first = 0
        for height, size in enumerate(self.sizes):
            at = np.flatnonzero((owners >= first) & (owners < first + size))
            self.table(f"source{height}", sources[at])
            self.table(f"segment{height}", owners[at] - first)
            first += size

    @torch.no_grad()
    def largest(self, scores: Tensor) -> Tensor:
        """By pair the node of the largest score, of equal ones the first: ``[rows, nodes]`` to ``[rows, pairs]``."""
        own = self.above.expand(scores.shape[0], -1).split(self.sizes, 1)
        best: Tensor = own[0]
        for height in range(1, len(self.sizes)):
            segment, size = getattr(self, f"segment{height}"), self.sizes[height]
            below = best.index_select(1, getattr(self, f"source{height}"))
            value = scores.gather(1, below)
            top = segment_extremum(value, segment, size, "amax")
            first = first_of(below, value == top.index_select(1, segment), segment, size)
            best = torch.cat([best, torch.where(scores.gather(1, own[height]) >= top, own[height], first)], 1)
        return best
