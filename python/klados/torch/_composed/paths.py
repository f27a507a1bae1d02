"""The few sets of columns that each label's loss is about."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from klados._klados import Hierarchy
from klados.torch._composed.buffers import Buffers
from klados.torch._composed.reduce import masked_logsumexp

__all__ = ["Members", "Paths"]

Array = npt.NDArray[Any]


class Members(Buffers):
    """The columns of sets: those of set ``s`` are ``columns[start[s]:end[s]]``.

    On a tree the classes of every node are a range of the classes in tree order, so that the columns are no more than the
    classes.

    Args:
        columns: of all sets, one after the other or shared.
        start: by set.
        end: by set.
        log_weight: beside ``columns``, what is added to the logit of each.
    """

    columns: Tensor | None
    log_weight: Tensor | None

    def __init__(self, columns: Array, start: Array, end: Array, log_weight: Array | None = None) -> None:
        super().__init__()
        self.start, self.end = start, end
        self.last = len(columns) - 1
        self.table("columns", None if (columns == np.arange(len(columns))).all() else columns)
        self.table("log_weight", log_weight)

    @classmethod
    def of_nodes(cls, hierarchy: Hierarchy) -> Members:
        """The classes at or below each node but the root, in hierarchy order."""
        counts = hierarchy.class_counts[1:]
        if hierarchy.is_tree:
            # Hierarchy order is depth first on a tree: below a node are the classes whose nodes come next.
            start = np.searchsorted(np.sort(hierarchy.class_nodes), np.arange(1, hierarchy.num_nodes))
            return cls(np.argsort(hierarchy.class_nodes), start, start + counts)
        owners, members = hierarchy.closure.T
        order = np.argsort(owners, kind="stable")
        end = np.cumsum(counts)
        return cls(members[order], end - counts, end)

    @classmethod
    def of_map(cls, classes: int, weights: tuple[Array, Array, Array], superclasses: int) -> Members:
        """Each class, and then each superclass of a map of ``(class, superclass, weight)``."""
        members, owners, weight = weights
        order = np.argsort(owners, kind="stable")
        counts = np.concatenate([np.ones(classes, dtype=np.int64), np.bincount(owners, minlength=superclasses)])
        end = np.cumsum(counts)
        log_weight = np.concatenate([np.zeros(classes), np.log(weight[order])])
        return cls(np.concatenate([np.arange(classes), members[order]]), end - counts, end, log_weight)


class Paths(Buffers):
    """For each label the sets that have a term, in slots, with the weight of each.

    A slot holds a set of every label, or none, and is as wide as the largest of them: so sets of about the same size should
    share one.

    Args:
        members: the columns of the sets.
        label: of each pair of label and set, the label.
        set: the set.
        slot: the slot; of a label no two sets have the same.
        weight: the weight of the term.
        labels: how many there are.
    """

    set: Tensor
    weight: Tensor
    start: Tensor
    size: Tensor | None
    slot: Tensor
    place: Tensor

    def __init__(self, members: Members, label: Array, set: Array, slot: Array, weight: Array, labels: int) -> None:
        super().__init__()
        used, slot = np.unique(slot, return_inverse=True)
        size = (members.end - members.start)[set]
        widths = np.zeros(len(used), dtype=np.int64)
        np.maximum.at(widths, slot, size)
        self.widths: tuple[int, ...] = tuple(widths.tolist())
        self.members = members

        def by_slot(values: Array) -> Array:
            table = np.zeros((labels, len(used)), dtype=values.dtype)
            table[label, slot] = values
            return table

        self.table("set", by_slot(set))
        self.table("weight", by_slot(weight))
        self.table("start", by_slot(members.start[set]))
        # Not needed where all sets of a slot are as large as the slot is wide.
        self.table("size", None if (size == widths[slot]).all() else by_slot(size))
        # By gathered column: its slot, and its place there.
        ends = np.cumsum(widths)
        self.table("slot", np.repeat(np.arange(len(used)), widths))
        self.table("place", np.arange(widths.sum()) - np.repeat(ends - widths, widths))

    def gathered(self, label: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Where the sets of a label are, slot after slot.

        Shape:
            - label: ``[rows]``.
            - output: ``[rows, widths]``: places among the columns of all sets; those columns; and which places are outside of
              their set, nothing where none is.
        """
        slot = self.slot.expand(label.shape[0], -1)
        at = self.start.index_select(0, label).gather(1, slot) + self.place
        outside = None
        if self.size is not None:
            outside = self.place >= self.size.index_select(0, label).gather(1, slot)
            at = at.clamp(max=self.members.last)
        return at, at if self.members.columns is None else self.members.columns[at], outside

    def logsumexp(self, values: Tensor, label: Tensor) -> Tensor:
        """``log sum w e^x`` of the set in each slot; of an empty slot whatever comes.

        Shape:
            - values: ``[rows, columns]``.
            - label: ``[rows]``.
            - output: ``[rows, slots]``.
        """
        if not self.widths:
            return values.new_zeros(values.shape[0], 0)
        at, columns, outside = self.gathered(label)
        # One gather for all slots: its gradient is an array as large as the logits.
        members = values.gather(1, columns)
        if self.members.log_weight is not None:
            members = members + self.members.log_weight[at].to(values.dtype)
        if outside is not None:
            members = members.masked_fill(outside, -float("inf"))
        slots = members.split(self.widths, 1)
        return torch.cat([slot if slot.shape[1] == 1 else masked_logsumexp(slot).unsqueeze(1) for slot in slots], 1)
