"""The losses on one softmax over the classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from klados._klados import Hierarchy
from klados.torch._composed.buffers import Buffers
from klados.torch._composed.form import Form
from klados.torch._composed.paths import Members, Paths
from klados.torch._composed.reduce import focal, log_softmax, masked_logsumexp, segment_sum
from klados.torch._composed.sets import Sets
from klados.torch._composed.target import Target

__all__ = ["AncestorSums", "Conditional", "Marginal", "SoftLabels", "WeightedSoftmax"]

Array = npt.NDArray[Any]

_NONE = -float("inf")
_INFINITE = float("inf")


class AncestorSums(Buffers):
    """Class logits that are the sums of the node logits at and above the class."""

    column: Tensor
    class_: Tensor

    def __init__(self, hierarchy: Hierarchy) -> None:
        super().__init__()
        self.classes = hierarchy.num_classes
        column = np.zeros(hierarchy.num_nodes, dtype=np.int64)
        column[hierarchy.node_columns] = np.arange(hierarchy.num_nodes - 1)
        nodes, classes = hierarchy.closure.T
        self.table("column", column[nodes])
        self.table("class_", classes)

    def forward(self, scores: Tensor) -> Tensor:
        """``[rows, nodes - 1]`` to ``[rows, classes]``."""
        return segment_sum(scores.index_select(1, self.column), self.class_, self.classes)


class ClassSoftmax(Form):
    """``sum_i -weight_i (1 - P_i)^gamma log P_i`` of probabilities that come of a softmax over the classes.

    A subclass says of a batch which probabilities and which weights.
    """

    def __init__(self, hierarchy: Hierarchy, tables: dict[str, Any]) -> None:
        super().__init__(hierarchy, tables)
        self.sums = AncestorSums(hierarchy) if tables["sums_over_ancestors"] else None

    def terms(self, log_p: Tensor, is_open: Tensor | None, target: Target) -> tuple[Tensor, Tensor, Tensor | None]:
        """The log-probabilities and the weights of the terms.

        Shape:
            - log_p: ``[rows, classes]``, those of the classes.
            - is_open: ``[rows, classes]``: which classes are not masked; not there where :meth:`needs_open` is false.
            - output: ``[rows, terms]`` twice, and ``[rows]`` or nothing: which losses are infinite whatever the terms are.
        """
        raise NotImplementedError

    def needs_open(self, target: Target) -> bool:
        """Whether the terms of such a target depend on which classes are masked."""
        return self.has_class_target(target)

    def losses(self, input: Tensor, target: Target, step: int | Tensor) -> Tensor:
        logits = input if self.sums is None else self.sums(input)
        top = logits.detach().amax(1)
        masked = top == _NONE  # all classes of the row
        hidden = target.ignored | masked
        log_p = log_softmax(logits, hidden)
        is_open = logits.detach() > _NONE if self.needs_open(target) else None
        log_p, weight, infinite = self.terms(log_p, is_open, target)
        # A term of weight 0 is left out, also where its probability is 0.
        log_p = log_p.masked_fill(weight == 0, 0)
        infinite = (log_p.detach() == _NONE).any(1) if infinite is None else infinite | (log_p.detach() == _NONE).any(1)
        # An infinite loss has no gradient.
        dropped = hidden | infinite
        loss = -(focal(log_p.masked_fill(dropped.unsqueeze(1), 0), self.gamma) * weight).sum(1)
        # NaN and +inf make all of a row NaN: what is finite times 0 is 0.
        loss = loss.masked_fill(dropped, _INFINITE) + top.masked_fill(masked, 0) * 0
        zero = target.ignored
        if target.kind != "probabilities" and (self.class_weight is not None or self.label_smoothing == 1):
            # Nothing is asked of a row of weight 0, not even that a class of it is not masked.
            zero = zero | (masked & (self.factor(target, loss.dtype) == 0))
        return loss.masked_fill(zero, 0)


class _OnSets(ClassSoftmax):
    """Terms that are about sets of classes: about a few of each label, or about all.

    Args:
        sets: all sets.
        members: the same sets.
        row: by target by index, its row among the labels of ``pairs``.
        pairs: label, set, slot and weight of each term of a label.
        labels: the number of labels in ``pairs``.
        set_weight: by set, what the term weighs of a class in the set.
    """

    row: Tensor
    set_weight: Tensor

    def __init__(
        self,
        hierarchy: Hierarchy,
        tables: dict[str, Any],
        sets: Sets,
        members: Members,
        row: Array,
        pairs: tuple[Array, Array, Array, Array],
        labels: int,
        set_weight: Array,
    ) -> None:
        super().__init__(hierarchy, tables)
        self.sets = sets
        label, set, slot, weight = pairs
        self.paths = Paths(members, label, set, slot, weight, labels)
        self.table("row", row)
        self.table("set_weight", set_weight)
        # A label's own sets, gathered in slots as wide as the widest, may be more than all sets, reduced once.
        self.by_label = self.paths.elements <= sets.elements + hierarchy.num_classes

    def terms(self, log_p: Tensor, is_open: Tensor | None, target: Target) -> tuple[Tensor, Tensor, Tensor | None]:
        dtype = log_p.dtype
        if target.kind == "candidates":
            log_set, weight = self.candidates(log_p, target.values)
            weight = weight * self.factor(target, dtype).unsqueeze(1)
            if is_open is None:
                return log_set, weight, None
            log_all, of_all, _ = self._all(log_p, is_open, target)
            return torch.cat([log_set, log_all], 1), torch.cat([weight, of_all], 1), None
        if is_open is None and self.by_label:
            label = self.row.index_select(0, target.values)
            weight = self.paths.weight.index_select(0, label).to(dtype)
            if self.class_weight is not None:
                weight = weight * self.factor(target, dtype).unsqueeze(1)
            return self.log_probs(self.paths.logsumexp(log_p, label), label), weight, None
        log_set, weight, impossible = self._all(log_p, is_open, target)
        if target.kind == "index":
            label = self.row.index_select(0, target.values)
            own = self.paths.weight.index_select(0, label).to(dtype) * self.factor(target, dtype).unsqueeze(1)
            weight = weight.scatter_add(1, self.paths.set.index_select(0, label), own)
        return log_set, weight, impossible

    def _all(self, log_p: Tensor, is_open: Tensor | None, target: Target) -> tuple[Tensor, Tensor, Tensor | None]:
        """Of all sets: their log-probabilities, and the weights that a target over the classes gives them."""
        log_set = self.all_log_probs(self.sets.logsumexp(log_p))
        if is_open is None:
            return log_set, torch.zeros_like(log_set), None
        of_class, impossible = self.class_target(target, is_open, log_p.dtype)
        return log_set, self.sets.sum(of_class) * self.set_weight.to(log_p.dtype), impossible

    def log_probs(self, slots: Tensor, label: Tensor) -> Tensor:
        """From log-probabilities of the sets of a label to those of its terms."""
        return slots

    def all_log_probs(self, sets: Tensor) -> Tensor:
        """From log-probabilities of all sets to those of their terms."""
        return sets

    def candidates(self, log_p: Tensor, marks: Tensor) -> tuple[Tensor, Tensor]:
        """The terms of a union of classes, before their class weight."""
        raise NotImplementedError


class _OnNodes(_OnSets):
    """Sets that are the classes at or below each node."""

    def __init__(self, hierarchy: Hierarchy, tables: dict[str, Any], weights: Array, fallback: Array, keep: Array) -> None:
        label, node = tables["lineage"].T
        weight = weights[node] + np.where(label == node, fallback[label], 0)
        # On a path of a tree each height is there once; on a DAG it may be there several times.
        height = hierarchy.heights[node]
        order = np.lexsort((node, height, label))
        label, node, height, weight = label[order], node[order], height[order], weight[order]
        key = label * (height.max(initial=0) + 1) + height
        first = np.r_[True, key[1:] != key[:-1]]
        at = np.arange(len(key))
        rank = at - np.maximum.accumulate(np.where(first, at, 0))
        slot = height * (rank.max(initial=0) + 1) + rank
        kept = keep[node] | (weight != 0)
        pairs = (label[kept], node[kept] - 1, slot[kept], weight[kept])
        row = np.concatenate([hierarchy.class_nodes, np.arange(hierarchy.num_nodes)])
        sets, members = Sets.of_nodes(hierarchy), Members.of_nodes(hierarchy)
        super().__init__(hierarchy, tables, sets, members, row, pairs, hierarchy.num_nodes, weights[1:])

    def common(self, marks: Tensor, dtype: torch.dtype) -> Tensor:
        """Which nodes are above all classes of a union: ``[rows, nodes - 1]``."""
        marks = marks.to(dtype)
        return self.sets.sum(marks) == marks.sum(1, keepdim=True)


class Marginal(_OnNodes):
    """``-sum_u w_u log P(u) - r log P(S)``."""

    class_sum: Tensor
    class_count: Tensor

    def __init__(self, hierarchy: Hierarchy, tables: dict[str, Any]) -> None:
        weights = tables["weights"].copy()
        weights[0] = 0
        self_weight, fallback = _unresolved(hierarchy, tables["lineage"], weights)
        if not tables["falls_back"]:
            fallback = np.zeros_like(fallback)
        super().__init__(hierarchy, tables, weights, fallback, np.zeros(hierarchy.num_nodes, dtype=bool))
        self.falls_back: bool = tables["falls_back"]
        # By class: what the nodes above it weigh, and how many weigh anything.
        self.table("class_sum", self_weight[0][hierarchy.class_nodes])
        self.table("class_count", self_weight[1][hierarchy.class_nodes])

    def candidates(self, log_p: Tensor, marks: Tensor) -> tuple[Tensor, Tensor]:
        dtype = log_p.dtype
        weight = self.set_weight.to(dtype) * self.common(marks, dtype).to(dtype)
        log_set = self.sets.logsumexp(log_p)
        if not self.falls_back:
            return log_set, weight
        most = self.class_sum.to(dtype).masked_fill(~marks, _NONE).amax(1)
        # Exactly 0 where no class has a node of weight below those that are resolved.
        count = self.class_count.masked_fill(~marks, 0).amax(1)
        rest = (most - weight.sum(1)).clamp(min=0).masked_fill(count <= (weight != 0).sum(1), 0)
        own = masked_logsumexp(log_p, marks)
        return torch.cat([log_set, own.unsqueeze(1)], 1), torch.cat([weight, rest.unsqueeze(1)], 1)


class Conditional(_OnNodes):
    """``-sum_u lambda_u log P(u | parent)``, and for a union ``-lambda log P(S | lca)``. Trees."""

    parent: Tensor
    given: Tensor
    union: Tensor

    def __init__(self, hierarchy: Hierarchy, tables: dict[str, Any]) -> None:
        weights = tables["lambda"].copy()
        weights[0] = 0
        keep = np.ones(hierarchy.num_nodes, dtype=bool)
        super().__init__(hierarchy, tables, weights, np.zeros(hierarchy.num_nodes), keep)
        parent = np.zeros(hierarchy.num_nodes, dtype=np.int64)
        parent[hierarchy.edges[:, 1]] = hierarchy.edges[:, 0]
        # Sets have no root: the first column stands for it.
        self.table("parent", parent[1:])
        heights = np.unique(hierarchy.heights[1:])
        slot = np.searchsorted(heights, hierarchy.heights)
        given = np.zeros((hierarchy.num_nodes, len(heights)), dtype=np.int64)
        label, node = tables["lineage"].T
        given[label, slot[node]] = np.where(parent[node] == 0, 0, slot[parent[node]] + 1)
        self.table("given", given)
        self.by_depth: bool = tables["union_by"] == "depth"
        self.table("union", tables["union"])

    def log_probs(self, slots: Tensor, label: Tensor) -> Tensor:
        return _ratio(slots, _with_root(slots).gather(1, self.given.index_select(0, label)))

    def all_log_probs(self, sets: Tensor) -> Tensor:
        return _ratio(sets, _with_root(sets).index_select(1, self.parent))

    def candidates(self, log_p: Tensor, marks: Tensor) -> tuple[Tensor, Tensor]:
        dtype = log_p.dtype
        common = self.common(marks, dtype)
        weight = self.set_weight.to(dtype) * common.to(dtype)
        log_set = self.sets.logsumexp(log_p)
        # The lowest is the last, since parents come first; the column of node v is v, and that of the root 0.
        lca = (common * torch.arange(1, common.shape[1] + 1, device=common.device)).amax(1, keepdim=True)
        own = masked_logsumexp(log_p, marks).unsqueeze(1)
        own = _ratio(own, _with_root(log_set).gather(1, lca))
        # Of classes the tallest has height 0. The depth of the lca is the number of nodes on the path to it.
        at = common.sum(1) + 1 if self.by_depth else torch.zeros_like(lca.squeeze(1))
        union = self.union.index_select(0, at.clamp(max=self.union.shape[0] - 1)).to(dtype)
        union = union.masked_fill(marks.sum(1) == 1, 0)  # a class
        return torch.cat([self.all_log_probs(log_set), own], 1), torch.cat([weight, union.unsqueeze(1)], 1)


class WeightedSoftmax(_OnSets):
    """``leaf_weight`` times ``-log p_k``, and ``superclass_weight`` times ``-sum_v W_kv log P(v)``."""

    def __init__(self, hierarchy: Hierarchy, tables: dict[str, Any]) -> None:
        classes, superclasses = hierarchy.num_classes, tables["superclasses"]
        of_map = (classes, tables["map"], superclasses)
        members, owners, weight = tables["map"]
        leaf_weight, superclass_weight = tables["leaf_weight"], tables["superclass_weight"]
        # The labels: the classes, the superclasses, and one that stands for nodes which are neither.
        of_class = (np.arange(classes), np.arange(classes), np.zeros(classes, dtype=np.int64), np.full(classes, leaf_weight))
        # The superclasses of a class from the smallest: one a slot.
        size = np.bincount(owners, minlength=superclasses)
        order = np.lexsort((size[owners], members))
        first = np.searchsorted(members[order], members[order])
        slot = 1 + np.arange(len(order)) - first
        of_members = (members[order], classes + owners[order], slot, superclass_weight * weight[order])
        alone = np.arange(superclasses)
        of_superclass = (classes + alone, classes + alone, np.ones_like(alone), np.full(superclasses, superclass_weight))
        neither = (np.array([classes + superclasses]), np.array([0]), np.array([0]), np.array([np.nan]))
        parts = zip(of_class, of_members, of_superclass, neither, strict=True)
        label, set, slot, weight = (np.concatenate(part) for part in parts)
        kept = weight != 0
        pairs = (label[kept], set[kept], slot[kept], weight[kept])
        set_weight = np.r_[np.full(classes, leaf_weight), np.full(superclasses, superclass_weight)]
        row = np.concatenate([np.arange(classes), _weighted_labels(hierarchy, tables), classes + alone])
        sets, labels = Sets.of_map(*of_map), classes + superclasses + 1
        super().__init__(hierarchy, tables, sets, Members.of_map(*of_map), row, pairs, labels, set_weight)
        if tables["class_weight"] is not None:
            self.table("label_weight", self._label_weights(tables, row))

    @staticmethod
    def _label_weights(tables: dict[str, Any], row: Array) -> Array:
        """Of a superclass the mean over its classes."""
        members, owners, _ = tables["map"]
        class_weight = tables["class_weight"]
        counts = np.bincount(owners, minlength=tables["superclasses"])
        means = np.bincount(owners, class_weight[members], tables["superclasses"]) / counts
        return np.concatenate([class_weight, means, [1.0]])[row]


class SoftLabels(ClassSoftmax):
    """``-sum_k q_k log p_k``, ``q`` falling with the height of the lowest common ancestor."""

    row: Tensor
    path: Tensor
    value: Tensor
    above: Tensor
    places: Tensor

    def __init__(self, hierarchy: Hierarchy, tables: dict[str, Any]) -> None:
        super().__init__(hierarchy, tables)
        nodes = hierarchy.num_nodes
        label, above = tables["lineage"].T
        label, above = np.r_[label, np.arange(nodes)], np.r_[above, np.zeros(nodes, dtype=np.int64)]
        # The lowest common ancestor of a label and a class is the first, most specific first, that is above the class.
        order = np.lexsort((above, -hierarchy.depths[above], hierarchy.class_counts[above], label))
        label, above = label[order], above[order]
        place = np.arange(len(label)) - np.searchsorted(label, label)
        width = int(place.max()) + 1
        # Node ``nodes`` stands for none.
        path = np.full((nodes, width), nodes)
        path[label, place] = above
        value = np.zeros((nodes, width + 1))
        value[label, place] = tables["by_height"][hierarchy.heights[above] - hierarchy.heights[label]]
        self.nodes, self.width = nodes, width
        self.table("row", np.concatenate([hierarchy.class_nodes, np.arange(nodes)]))
        self.table("path", path)
        self.table("value", value)
        self.table("above", path[hierarchy.class_nodes])
        self.table("places", np.arange(width, dtype=np.int32))

    def needs_open(self, target: Target) -> bool:
        return True

    def terms(self, log_p: Tensor, is_open: Tensor | None, target: Target) -> tuple[Tensor, Tensor, Tensor | None]:
        dtype, rows = log_p.dtype, log_p.shape[0]
        label = self.row.index_select(0, target.values)
        # By node, its place among the ancestors of the row's label; of others one past the last.
        place = self.places.new_full((rows, self.nodes + 1), self.width)
        place = place.scatter(1, self.path.index_select(0, label), self.places.expand(rows, -1))
        place[:, self.nodes] = self.width
        first = place.index_select(1, self.above[:, 0])
        for slot in range(1, self.width):
            first = torch.minimum(first, place.index_select(1, self.above[:, slot]))
        weight = self.value.index_select(0, label).to(dtype).gather(1, first.long())
        assert is_open is not None
        weight = weight.masked_fill(~is_open, 0)
        # Where the label's own classes are all masked there is nothing to be near to.
        factor = self.factor(target, dtype)
        impossible = ~((first == 0) & is_open).any(1) & (factor != 0)
        total = weight.sum(1, keepdim=True)
        weight = weight / total.masked_fill(total == 0, 1) * factor.unsqueeze(1)
        return log_p, weight, impossible


def _unresolved(hierarchy: Hierarchy, lineage: Array, weights: Array) -> tuple[tuple[Array, Array], Array]:
    """By node: the sum of the weights at and above it and how many are not 0; and what the heaviest class at or below it
    has beyond that, exactly 0 where it has no further node of weight."""
    nodes = hierarchy.num_nodes
    label, above = lineage.T
    sums = np.bincount(label, weights[above], nodes)
    counts = np.bincount(label, weights[above] != 0, nodes).astype(np.int64)
    node, class_ = hierarchy.closure.T
    leaf = hierarchy.class_nodes[class_]
    most, most_count = sums.copy(), counts.copy()
    np.maximum.at(most, node, sums[leaf])
    np.maximum.at(most_count, node, counts[leaf])
    return (sums, counts), np.where(most_count > counts, np.maximum(most - sums, 0), 0)


def _weighted_labels(hierarchy: Hierarchy, tables: dict[str, Any]) -> Array:
    """By node, what it is to a weighted loss: a class, a superclass, or one past them."""
    classes, superclass = hierarchy.num_classes, tables["superclass_of_node"]
    otherwise = np.where(superclass >= 0, classes + superclass, classes + tables["superclasses"])
    return np.where(hierarchy.node_classes >= 0, hierarchy.node_classes, otherwise)


def _with_root(log_p: Tensor) -> Tensor:
    """A column of zeros first: the probability of the root is 1."""
    return torch.cat([log_p.new_zeros(log_p.shape[0], 1), log_p], 1)


def _ratio(log_p: Tensor, given: Tensor) -> Tensor:
    """``log P(set | given)``; of nothing given nothing ``-inf``."""
    nothing = given == _NONE
    return (log_p - given.masked_fill(nothing, 0)).masked_fill(nothing, _NONE)
