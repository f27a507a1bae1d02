"""Sets of columns, reduced all at once: the classes at or below each node, or those of each superclass of a map."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from klados._klados import Hierarchy
from klados.torch._composed.buffers import Buffers
from klados.torch._composed.reduce import segment_logsumexp, segment_sum

__all__ = ["Sets"]

Array = npt.NDArray[Any]


class Sets(Buffers):
    """Sets of columns.

    On a tree a set is reduced from the sets of the node's children, level by level from the classes up; on a DAG, where
    these overlap, and for a map from the columns themselves. Memory is linear in classes, nodes and, on a DAG or in a map,
    the pairs of class and set.
    """

    place: Tensor

    def __init__(self, steps: list[_Step], place: Array) -> None:
        super().__init__()
        self.steps: Iterable[_Step] = nn.ModuleList(steps)  # type: ignore[assignment]
        self.table("place", place)
        self.elements = sum(step.elements for step in steps)
        """How many columns are read to reduce all sets."""

    @classmethod
    def of_nodes(cls, hierarchy: Hierarchy) -> Sets:
        """The classes at or below each node but the root, in hierarchy order."""
        classes, nodes, class_nodes = hierarchy.num_classes, hierarchy.num_nodes, hierarchy.class_nodes
        # Where the value of a node is: in the column of its class, or where a step has put it.
        place = np.zeros(nodes, dtype=np.int64)
        place[class_nodes] = np.arange(classes)
        steps: list[_Step] = []
        end = classes

        def add(sources: Array, owners: Array) -> None:
            """A step for sets of more than one source; the others are their source. Pairs are by owner."""
            nonlocal end
            unique, segment, counts = np.unique(owners, return_inverse=True, return_counts=True)
            alone = counts[segment] == 1
            place[owners[alone]] = sources[alone]
            rank = np.cumsum(counts > 1) - 1
            several = unique[counts > 1]
            if len(several):
                steps.append(_Step(sources[~alone], rank[segment[~alone]], len(several)))
                place[several] = end + np.arange(len(several))
                end += len(several)

        if hierarchy.is_tree:
            parents, children = hierarchy.edges[hierarchy.edges[:, 0] != 0].T
            height = hierarchy.heights[parents]
            for level in np.unique(height):
                at = height == level
                add(place[children[at]], parents[at])
        else:
            owners, members = hierarchy.closure.T
            inner = hierarchy.node_classes[owners] < 0
            add(members[inner], owners[inner])
        return cls(steps, place[1:])

    @classmethod
    def of_map(cls, classes: int, weights: tuple[Array, Array, Array], superclasses: int) -> Sets:
        """Each class, and then each superclass of a map of ``(class, superclass, weight)``."""
        members, owners, weight = weights
        steps = [_Step(members, owners, superclasses, weight)] if superclasses else []
        return cls(steps, np.arange(classes + superclasses))

    def logsumexp(self, values: Tensor) -> Tensor:
        """``log sum w e^x`` of the columns of each set: ``[rows, columns]`` to ``[rows, sets]``; ``-inf`` of nothing."""
        for step in self.steps:
            values = torch.cat([values, step.logsumexp(values)], 1)
        return values.index_select(1, self.place)

    def sum(self, values: Tensor) -> Tensor:
        """``sum w x`` of the columns of each set: ``[rows, columns]`` to ``[rows, sets]``."""
        for step in self.steps:
            values = torch.cat([values, step.sum(values)], 1)
        return values.index_select(1, self.place)


class _Step(Buffers):
    """Sets of columns that are there, or of what former steps have put beside them."""

    source: Tensor
    segment: Tensor
    weight: Tensor | None
    log_weight: Tensor | None

    def __init__(self, source: Array, segment: Array, count: int, weight: Array | None = None) -> None:
        super().__init__()
        self.count = count
        self.elements = len(source)
        self.table("source", source)
        self.table("segment", segment)
        self.table("weight", weight)
        self.table("log_weight", None if weight is None else np.log(weight))

    def logsumexp(self, values: Tensor) -> Tensor:
        values = values.index_select(1, self.source)
        if self.log_weight is not None:
            values = values + self.log_weight.to(values.dtype)
        return segment_logsumexp(values, self.segment, self.count)

    def sum(self, values: Tensor) -> Tensor:
        values = values.index_select(1, self.source)
        if self.weight is not None:
            values = values * self.weight.to(values.dtype)
        return segment_sum(values, self.segment, self.count)
