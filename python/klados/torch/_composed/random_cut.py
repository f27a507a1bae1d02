"""Cross-entropy of a softmax over a random cut of the tree."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import pad

from klados._klados import Hierarchy
from klados.torch._composed.reduce import masked_logsumexp
from klados.torch._composed.rows import NodeRows
from klados.torch._composed.target import Target

__all__ = ["RandomCut"]

_NONE = -float("inf")


class RandomCut(NodeRows):
    """The softmax over the topmost closed nodes and the leaves not below one.

    The draw is a hash of integers, so that it is the core's on every device and in every batch.
    """

    place: Tensor
    drawn: Tensor
    is_leaf: Tensor
    seed: Tensor

    def __init__(self, hierarchy: Hierarchy, tables: dict[str, Any]) -> None:
        super().__init__(hierarchy, tables)
        is_leaf = hierarchy.heights == 0
        internal = 1 + np.flatnonzero(~is_leaf[1:])
        self.table("place", tables["place"][internal])
        # By node, where its draw is, behind one that stands for none.
        drawn = np.zeros(hierarchy.num_nodes, dtype=np.int64)
        drawn[internal] = np.arange(1, len(internal) + 1)
        self.table("drawn", drawn)
        self.table("is_leaf", is_leaf)
        # Integers: a number of 53 bits over 2^53 is below p where it is below this.
        self.threshold = math.ceil(tables["p"] * 2**53)
        self.table("seed", _signed(tables["seed"]))

    def draw(self, rows: int, step: int | Tensor) -> Tensor:
        """Which nodes are in the cut of each row: ``[rows, nodes]``."""
        row = torch.arange(rows, device=self.place.device).unsqueeze(1)
        of_row = _next(_next(_next(torch.zeros_like(self.seed), self.seed), step), row)
        closed = _shifted(_next(of_row, self.place), 11) < self.threshold
        # The root is drawn for as little as a leaf is, and is never in the cut.
        stops = pad(closed, (1, 0)).index_select(1, self.drawn) | self.is_leaf
        above = self.levels.any_above(stops).index_select(1, self.parent)
        return stops & ~above

    def node_rows(self, scores: Tensor, target: Target, step: int | Tensor) -> tuple[Tensor, Tensor]:
        members = self.draw(len(scores), step)
        weight, impossible = self.node_weights(scores, target)
        weight = weight.masked_fill(~members, 0)
        masked = scores == _NONE
        infinite = (masked & (weight != 0)).any(1)
        total = masked_logsumexp(scores, members)
        log_p = scores.masked_fill(masked, 0) - total.masked_fill(total == _NONE, 0).unsqueeze(1)
        loss = -(weight * log_p.masked_fill(masked | ~members, 0)).sum(1)
        return loss, infinite if impossible is None else infinite | impossible


def _signed(number: int) -> npt.NDArray[np.int64]:
    """A 64-bit number as an array of one signed integer of the same bits."""
    return np.array([number], dtype=np.uint64).view(np.int64)


# Numbers of 64 bits that wrap, as a signed type holds them.
_GOLDEN, _FIRST, _SECOND = (number - 2**64 for number in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def _next(hash: Tensor, value: Tensor | int) -> Tensor:
    """Takes one more number into a hash: the finalizer of SplitMix64."""
    x = (hash ^ value) + _GOLDEN
    x = (x ^ _shifted(x, 30)) * _FIRST
    x = (x ^ _shifted(x, 27)) * _SECOND
    return x ^ _shifted(x, 31)


def _shifted(x: Tensor, bits: int) -> Tensor:
    """To the right, with zeros coming in where a signed shift has copies of the sign."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)
