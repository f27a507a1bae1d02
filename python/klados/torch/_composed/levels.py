"""Values carried through a hierarchy, from parents to children and from children to parents, a depth at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from klados._klados import Hierarchy
from klados.torch._composed.buffers import Buffers

__all__ = ["Levels", "first_of", "segment_extremum"]


class Levels(Buffers):
    """The nodes of a hierarchy by depth.

    Arrays are ``[rows, nodes]`` in hierarchy order, the root first. On a tree a step reads the depth beside its own; on
    a DAG, where an edge may skip some, all that came before.
    """

    order: Tensor
    place: Tensor

    def __init__(self, hierarchy: Hierarchy) -> None:
        super().__init__()
        depths = hierarchy.depths
        order = np.argsort(depths, kind="stable")
        place = np.argsort(order)
        self.sizes: tuple[int, ...] = tuple(np.bincount(depths).tolist())
        start = np.concatenate([[0], np.cumsum(self.sizes)])
        self.is_tree: bool = hierarchy.is_tree
        self.table("order", order)
        self.table("place", place)
        parents, children = place[hierarchy.edges].T
        for depth in range(1, len(self.sizes)):
            # On a tree the children of a depth are all of the next, in order: an edge is its child.
            edge = np.flatnonzero(depths[order[children]] == depth)
            edge = edge[np.argsort(children[edge], kind="stable")]
            self.table(f"above{depth}", parents[edge] - (start[depth - 1] if self.is_tree else 0))
            self.table(f"child{depth}", None if self.is_tree else children[edge] - start[depth])
            edge = np.flatnonzero(depths[order[parents]] == depth - 1)
            edge = edge[np.argsort(children[edge], kind="stable")]
            self.table(f"parent{depth}", parents[edge] - start[depth - 1])
            self.table(f"below{depth}", None if self.is_tree else children[edge] - start[depth])

    def up(self, own: Tensor, combine: Callable[[Tensor, Tensor, Tensor, int], Tensor]) -> Tensor:
        """From the deepest nodes to the root.

        ``combine(own, children, segment, count)`` makes the values of a depth from their own and from those of their
        children, the ``segment`` of which says whose child it is, in ``0..count``.
        """
        parts = own.index_select(1, self.order).split(self.sizes, 1)
        done = [parts[-1]]
        known = parts[-1]
        for depth in range(len(self.sizes) - 1, 0, -1):
            below, parent = getattr(self, f"below{depth}"), getattr(self, f"parent{depth}")
            children = known if below is None else known.index_select(1, below)
            value = combine(parts[depth - 1], children, parent, self.sizes[depth - 1])
            done.append(value)
            known = value if self.is_tree else torch.cat([value, known], 1)
        return torch.cat(done[::-1], 1).index_select(1, self.place)

    def down(self, own: Tensor, combine: Callable[[Tensor, Tensor, Tensor | None, int], Tensor]) -> Tensor:
        """From the root, which keeps its own value, to the deepest nodes.

        ``combine(own, parents, segment, count)`` makes the values of a depth from their own and from those of their
        parents, the ``segment`` of which says whose parent it is; it is ``None`` on a tree, where each has one.
        """
        parts = own.index_select(1, self.order).split(self.sizes, 1)
        done = [parts[0]]
        known = parts[0]
        for depth in range(1, len(self.sizes)):
            parents = known.index_select(1, getattr(self, f"above{depth}"))
            value = combine(parts[depth], parents, getattr(self, f"child{depth}"), self.sizes[depth])
            done.append(value)
            known = value if self.is_tree else torch.cat([known, value], 1)
        return torch.cat(done, 1).index_select(1, self.place)

    def any_above(self, marks: Tensor) -> Tensor:
        """Whether a node or any above it is marked."""

        def combine(own: Tensor, parents: Tensor, segment: Tensor | None, count: int) -> Tensor:
            if segment is not None:
                parents = segment_extremum(parents, segment, count, "amax")
            return torch.maximum(own, parents)

        return self.down(marks.int(), combine) == 1

    def any_below(self, marks: Tensor) -> Tensor:
        """Whether a node or any below it is marked."""

        def combine(own: Tensor, children: Tensor, segment: Tensor, count: int) -> Tensor:
            return torch.maximum(own, segment_extremum(children, segment, count, "amax"))

        return self.up(marks.int(), combine) == 1

    def sum_above(self, values: Tensor) -> Tensor:
        """The sum over a node and all above it, on a tree."""
        return self.down(values, lambda own, parents, segment, count: own + parents)

    @torch.no_grad()
    def largest_below(self, scores: Tensor) -> Tensor:
        """By node, which of it and those below it has the largest score; of equal ones the first in hierarchy order."""

        def combine(own: Tensor, children: Tensor, segment: Tensor, count: int) -> Tensor:
            value = scores.gather(1, children)
            top = segment_extremum(value, segment, count, "amax")
            # A node comes before all below it.
            first = first_of(children, value == top.index_select(1, segment), segment, count)
            return torch.where(scores.gather(1, own) >= top, own, first)

        return self.up(self._themselves(scores), combine)

    @torch.no_grad()
    def smallest_above(self, scores: Tensor) -> Tensor:
        """By node but the root, which of it and those above it, without the root, has the smallest score; of equal ones
        the first in hierarchy order."""
        # The root has no score.
        scores = torch.cat([torch.full_like(scores[:, :1], float("inf")), scores[:, 1:]], 1)

        def combine(own: Tensor, parents: Tensor, segment: Tensor | None, count: int) -> Tensor:
            value = scores.gather(1, parents)
            if segment is not None:
                bottom = segment_extremum(value, segment, count, "amin")
                parents = first_of(parents, value == bottom.index_select(1, segment), segment, count)
                value = bottom
            return torch.where(value <= scores.gather(1, own), parents, own)

        return self.down(self._themselves(scores), combine)

    def _themselves(self, scores: Tensor) -> Tensor:
        return torch.arange(scores.shape[1], device=scores.device).expand(scores.shape[0], -1)


def segment_extremum(values: Tensor, segment: Tensor, count: int, reduce: str) -> Tensor:
    """The largest (``"amax"``) or smallest (``"amin"``) column of each segment, without a gradient.

    A segment without columns has the least number of its type, or the greatest.

    Shape:
        - values: ``[rows, n]``.
        - segment: ``[n]``.
        - output: ``[rows, count]``.
    """
    if values.is_floating_point():
        least, greatest = -float("inf"), float("inf")
    else:
        least, greatest = torch.iinfo(values.dtype).min, torch.iinfo(values.dtype).max
    start = values.new_full((values.shape[0], count), least if reduce == "amax" else greatest)
    return start.scatter_reduce(1, segment.expand(values.shape[0], -1), values.detach(), reduce)


def first_of(candidates: Tensor, counts: Tensor, segment: Tensor, count: int) -> Tensor:
    """The first in hierarchy order of the nodes of each segment that count; where none does, what is no node."""
    none = torch.iinfo(candidates.dtype).max
    return segment_extremum(candidates.masked_fill(~counts, none), segment, count, "amin")
