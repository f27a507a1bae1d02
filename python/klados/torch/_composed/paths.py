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

__all__ = ["Members", "Paths", "Pieces"]

Array = npt.NDArray[Any]


class Members:
    """The columns of sets: those of set ``s`` are ``columns[start[s]:end[s]]``.

    On a tree the classes of every node are a range of the classes in tree order, so that the columns are no more than the
    classes.

    Args:
        columns: of all sets, one after the other or shared.
        start: by set.
        end: by set.
        log_weight: beside ``columns``, what is added to the logit of each.
        are_ranges: whether ``columns`` has each column once.
    """

    def __init__(
        self, columns: Array, start: Array, end: Array, log_weight: Array | None = None, are_ranges: bool = False
    ) -> None:
        self.start, self.end = start, end
        self.columns = None if np.array_equal(columns, np.arange(len(columns))) else columns
        self.count = len(columns)
        self.log_weight = log_weight
        self.are_ranges = are_ranges

    @classmethod
    def of_nodes(cls, hierarchy: Hierarchy) -> Members:
        """The classes at or below each node but the root, in hierarchy order."""
        counts = hierarchy.class_counts[1:]
        if hierarchy.is_tree:
            # Hierarchy order is depth first on a tree: below a node are the classes whose nodes come next.
            start = np.searchsorted(np.sort(hierarchy.class_nodes), np.arange(1, hierarchy.num_nodes))
            return cls(np.argsort(hierarchy.class_nodes), start, start + counts, are_ranges=True)
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
    share one. A row gathers the members of its label's sets. Where that would be much, as it is with a few large sets, and
    sets are ranges, whole blocks of columns are reduced once, and a set is some blocks and what is left at both ends.

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
    order: Tensor | None
    ends: Pieces | None
    """Of every slot all that is gathered one by one: the whole set, where there are no blocks."""

    def __init__(self, members: Members, label: Array, set: Array, slot: Array, weight: Array, labels: int) -> None:
        super().__init__()
        used, slot = np.unique(slot, return_inverse=True)

        def by_slot(values: Array, nothing: int = 0) -> Array:
            table = np.full((labels, len(used)), nothing, dtype=values.dtype)
            table[label, slot] = values
            return table

        # A label that has nothing in a slot has a range that ends before it starts.
        start, end = by_slot(members.start[set]), by_slot(members.end[set], -1)
        widths = (end - start).max(0, initial=0)
        self.table("set", by_slot(set))
        self.table("weight", by_slot(weight))
        self.block, self.elements = _block(widths, members.count) if members.are_ranges else (0, int(widths.sum()))
        """How many columns are in a block, or 0; and about how many a row reads."""
        # Blocks are of columns in tree order.
        self.table("order", members.columns if self.block else None)
        # Of each slot its pieces: one, or the ends that are left and the blocks.
        ends: list[tuple[Array, Array]] = []
        blocks: list[tuple[Array, Array]] = []
        self.of_slot: list[tuple[int, ...]] = []
        self.of_blocks: list[int | None] = []
        for at, width in enumerate(widths.tolist()):
            low, high = start[:, at], end[:, at]
            if width <= _ends(width, self.block):
                self.of_slot.append((len(ends),))
                self.of_blocks.append(None)
                ends.append((low, high))
                continue
            first, last = -(-low // self.block), high // self.block
            left = np.minimum(high, first * self.block)
            self.of_slot.append((len(ends), len(ends) + 1))
            self.of_blocks.append(len(blocks))
            ends += [(low, left), (np.maximum(left, last * self.block), high)]
            blocks.append((first, np.maximum(first, last)))
        self.ends = None if not ends else Pieces(ends, members.count, None if self.block else members.columns, members.log_weight)
        self.blocks = Pieces(blocks, members.count // self.block) if blocks else None

    def logsumexp(self, values: Tensor, label: Tensor) -> Tensor:
        """``log sum w e^x`` of the set in each slot; of an empty slot whatever comes.

        Shape:
            - values: ``[rows, columns]``.
            - label: ``[rows]``.
            - output: ``[rows, slots]``.
        """
        if self.ends is None:
            return values.new_zeros(values.shape[0], 0)
        if self.order is not None:
            values = values.index_select(1, self.order)
        ends = self.ends.gather(values, label)
        blocks: tuple[Tensor, ...] = ()
        if self.blocks is not None:
            whole = values.shape[1] // self.block
            sums = masked_logsumexp(values[:, : whole * self.block].unflatten(1, (whole, self.block)))
            blocks = self.blocks.gather(sums, label)
        slots = []
        for of_ends, of_blocks in zip(self.of_slot, self.of_blocks, strict=True):
            parts = [ends[at] for at in of_ends] + ([] if of_blocks is None else [blocks[of_blocks]])
            slot = parts[0] if len(parts) == 1 else torch.cat(parts, 1)
            slots.append(slot if slot.shape[1] == 1 else masked_logsumexp(slot).unsqueeze(1))
        return torch.cat(slots, 1)


class Pieces(Buffers):
    """Ranges of the members of sets: of each label some, each as wide as the widest of its kind.

    Args:
        pieces: by piece, the start and the end by label; an end before the start where there is no range.
        count: how many members there are.
        columns: those of the members; they are the columns where it is not given.
        log_weight: beside the members, what is added to the logit of each.
    """

    columns: Tensor | None
    log_weight: Tensor | None
    start: Tensor
    size: Tensor | None
    piece: Tensor
    place: Tensor

    def __init__(
        self, pieces: list[tuple[Array, Array]], count: int, columns: Array | None = None, log_weight: Array | None = None
    ) -> None:
        super().__init__()
        start = np.stack([start for start, _ in pieces], 1)
        size = np.stack([end for _, end in pieces], 1) - start
        widths = size.max(0, initial=0)
        self.widths: tuple[int, ...] = tuple(widths.tolist())
        self.last = count - 1
        self.table("columns", columns)
        self.table("log_weight", log_weight)
        self.table("start", np.maximum(start, 0))
        # Not needed where all ranges are as wide as the widest, or are nobody's.
        self.table("size", None if ((size == widths) | (size < 0)).all() else size)
        # By gathered column: its piece, and its place there.
        self.table("piece", np.repeat(np.arange(len(widths)), widths))
        self.table("place", np.arange(widths.sum()) - np.repeat(np.cumsum(widths) - widths, widths))

    def gathered(self, label: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Where the pieces of a label are, one after the other.

        Shape:
            - label: ``[rows]``.
            - output: ``[rows, widths]``: places among the members; the columns of these; and which places are outside of
              their range, nothing where none is. Where there is no range, whatever comes.
        """
        piece = self.piece.expand(label.shape[0], -1)
        at = self.start.index_select(0, label).gather(1, piece) + self.place
        outside = None
        if self.size is not None:
            outside = self.place >= self.size.index_select(0, label).gather(1, piece)
            at = at.clamp(max=self.last)
        return at, at if self.columns is None else self.columns[at], outside

    def gather(self, values: Tensor, label: Tensor) -> tuple[Tensor, ...]:
        """Of each piece its values, ``[rows, width]``: ``-inf`` outside of a range; where there is none, whatever comes."""
        at, columns, outside = self.gathered(label)
        # One gather for all: its gradient is an array as large as the logits.
        members = values.gather(1, columns)
        if self.log_weight is not None:
            members = members + self.log_weight[at].to(values.dtype)
        if outside is not None:
            members = members.masked_fill(outside, -float("inf"))
        parts: tuple[Tensor, ...] = members.split(self.widths, 1)
        return parts


def _ends(width: int, block: int) -> int:
    """How many columns a set of some width reads at most: its blocks, and what is left at both ends."""
    return 2 * (block - 1) + width // block if block else width


def _block(widths: Array, columns: int) -> tuple[int, int]:
    """How large blocks should be, 0 for none, and about how many columns a row reads then. To reduce a column in a block
    costs about half as much as to gather one."""
    sizes = [1 << bits for bits in range(4, 10)]
    costs = {0: int(widths.sum())}
    for block in sizes:
        costs[block] = columns // 2 + sum(min(width, _ends(width, block)) for width in widths.tolist())
    best = min(costs, key=lambda block: costs[block])
    return best, costs[best]
