"""Losses of yes and no at the nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, pad

from klados._klados import Hierarchy
from klados.torch._composed.buffers import Buffers
from klados.torch._composed.levels import Levels
from klados.torch._composed.noisy_or import noisy_or
from klados.torch._composed.pairs import PathMaximum
from klados.torch._composed.paths import Members, Paths
from klados.torch._composed.rows import Rows, Scores, column_by_node, weighted
from klados.torch._composed.sets import Sets
from klados.torch._composed.target import Target

__all__ = ["bernoulli"]

_NONE = -float("inf")


def bernoulli(hierarchy: Hierarchy, tables: dict[str, Any]) -> Bernoulli:
    """The form by its events."""
    return _EVENTS[tables["events"]](hierarchy, tables)


class Bernoulli(Rows):
    """``-sum_v w_v (t_v p_v log P(v) + (1 - t_v) log(1 - P(v)))``, with focal factors.

    A subclass says what the events are and what their probabilities are. Arrays by node are in hierarchy order, the
    root first.
    """

    has_node_columns = True
    """Whether there is a logit a node, and not one a class."""

    above: Tensor
    node: Tensor
    class_node: Tensor
    column: Tensor
    class_column: Tensor
    edge_parent: Tensor
    edge_child: Tensor
    parent: Tensor
    weights: Tensor
    pos_weight: Tensor

    def __init__(self, hierarchy: Hierarchy, tables: dict[str, Any]) -> None:
        super().__init__(hierarchy, tables)
        nodes = hierarchy.num_nodes
        self.asked: str = tables["asked"]
        self.incomplete: bool = tables["incomplete"]
        self.counts_terms: bool = tables["counts_terms"]
        self.levels = Levels(hierarchy)
        self.sets = Sets.of_nodes(hierarchy)
        self.classes = hierarchy.num_classes
        self.nodes = nodes
        # The nodes at and above each, filled with the root.
        label, above = tables["lineage"].T
        slot = np.arange(len(label)) - np.searchsorted(label, label)
        table = np.zeros((nodes, int(slot.max()) + 1), dtype=np.int64)
        table[label, slot] = above
        self.table("above", table)
        self.table("node", np.concatenate([hierarchy.class_nodes, np.arange(nodes)]))
        self.table("class_node", hierarchy.class_nodes)
        # Where a column of a multi-hot target is, behind one that stands for none.
        self.table("column", column_by_node(hierarchy) + 1)
        self.table("class_column", hierarchy.node_classes + 1)
        parent, child = hierarchy.edges.T
        self.table("edge_parent", parent)
        self.table("edge_child", child)
        # On a tree, where alone it is used.
        of_child = np.zeros(nodes, dtype=np.int64)
        of_child[child] = parent
        self.table("parent", of_child)
        self._weigh(tables)

    def _weigh(self, tables: dict[str, Any]) -> None:
        """Keeps the weights, in the order of the events."""
        weights, pos_weight = tables["weights"].copy(), tables["pos_weight"].copy()
        weights[0], pos_weight[0] = 0, 1  # the root has no term
        self.table("weights", weights)
        self.table("pos_weight", pos_weight)

    # What is known of the nodes.

    def by_node(self, marks: Tensor) -> Tensor:
        """A multi-hot target by node: ``[rows, nodes]``."""
        # In a hierarchy of one level classes and nodes are as many, and the columns are those of the logits.
        of_classes = marks.shape[1] == self.classes and not (self.has_node_columns and self.classes == self.nodes - 1)
        column = self.class_column if of_classes else self.column
        return pad(marks, (1, 0)).index_select(1, column)

    def states(self, target: Target) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Of a target that is no distribution: which nodes are positive (the root is), which have a term (all where it
        is not there), and which are masked (none): ``[rows, nodes]`` each."""
        masked = None
        if target.kind == "index":
            node = self.node.index_select(0, target.values)
            above = self.above.index_select(0, node)
            positive = torch.zeros(len(node), self.nodes, dtype=torch.bool, device=node.device)
            positive = positive.scatter(1, pad(above, (1, 0)), True)
        else:
            values = target.values if target.values.is_floating_point() else target.values.long()
            marked = values == 1
            masked = self.by_node((values == target.ignore_index) & ~marked & (values != 0))
            positive = self.levels.any_below(self.by_node(marked))
            positive = torch.cat([torch.ones_like(positive[:, :1]), positive[:, 1:]], 1)
        return positive, self._asked(target, positive), masked

    def _asked(self, target: Target, positive: Tensor) -> Tensor | None:
        if self.asked == "path":
            # The children of the root, and of every positive node with a positive child.
            goes_on = self.has_positive_child(positive)
            if target.kind == "multi_hot":
                goes_on = torch.cat([torch.ones_like(goes_on[:, :1]), goes_on[:, 1:]], 1)
            return goes_on.index_select(1, self.parent)
        root_hides = self.asked == "not_below_label"
        if not (self.incomplete or (root_hides and target.kind == "index")):
            return None
        # Strictly below a positive node without a positive child.
        ends = positive & ~self.has_positive_child(positive)
        if not root_hides:
            ends = torch.cat([torch.zeros_like(ends[:, :1]), ends[:, 1:]], 1)
        return ~self.levels.any_above(ends) | ends

    def has_positive_child(self, positive: Tensor) -> Tensor:
        counts = torch.zeros(positive.shape, dtype=torch.int32, device=positive.device)
        return counts.index_add(1, self.edge_parent, positive.index_select(1, self.edge_child).int()) > 0

    # What weighs on each event.

    def pulls(self, target: Target, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """What each event weighs, and which are so, of a target that is no distribution: ``[rows, nodes]``."""
        positive, asked, masked = self.states(target)
        weight = torch.where(positive, self.weights * self.pos_weight, self.weights).to(dtype)
        if asked is not None:
            weight = weight.masked_fill(~asked, 0)
        if masked is not None:
            weight = weight.masked_fill(masked, 0)
        if self.class_weight is not None:
            weight = weight * self.factor(target, dtype).unsqueeze(1)
        return weight, positive

    def soft_pulls(self, of_class: Tensor) -> tuple[Tensor, Tensor]:
        """What weighs on yes and on no of each event, of what each class weighs."""
        total, inside = self.shares(of_class)
        own = [pad(self.sets.sum(part), (1, 0)) for part in (of_class, (of_class != 0).to(of_class.dtype))]
        own = [torch.cat([whole, part[:, 1:]], 1) for whole, part in zip((total, inside), own, strict=True)]
        if self.asked == "path":
            total, inside = (part.index_select(1, self.parent) for part in own)
        weights = self.weights.to(of_class.dtype)
        # Where every class of weight is at or below there is nothing else, which rounding must not hide.
        without = (total - own[0]).masked_fill(inside == own[1], 0)
        return own[0] * weights * self.pos_weight.to(of_class.dtype), without * weights

    @staticmethod
    def shares(of_class: Tensor) -> tuple[Tensor, Tensor]:
        """What all classes weigh, and how many weigh anything: ``[rows, 1]`` each."""
        return of_class.sum(1, keepdim=True), (of_class != 0).to(of_class.dtype).sum(1, keepdim=True)

    def is_open(self, scores: Tensor) -> Tensor:
        """Which classes are not masked: ``[rows, classes]``."""
        closed = self.levels.any_above(scores.detach() == _NONE)
        return ~closed.index_select(1, self.class_node)

    # The options.

    def sample_weight(self, target: Target, dtype: torch.dtype) -> Tensor:
        if target.kind != "multi_hot" or self.class_weight is None:
            return super().sample_weight(target, dtype)
        # The mean over the classes at or below the named nodes; where none is named, over all.
        positive, _, _ = self.states(target)
        ends = positive & ~self.has_positive_child(positive)
        ends = torch.cat([torch.zeros_like(ends[:, :1]), ends[:, 1:]], 1)
        meant = self.levels.any_above(ends).index_select(1, self.class_node)
        meant = (meant | ~meant.any(1, keepdim=True)).to(dtype)
        return (meant * self.class_weight.to(dtype)).sum(1) / meant.sum(1)

    def normalizer(self, target: Target, dtype: torch.dtype) -> Tensor:
        if not self.counts_terms:
            return super().normalizer(target, dtype)
        if target.kind == "probabilities":
            count = (self.weights > 0).sum().expand(target.ignored.shape)
        else:
            count = self.term_count(target)
        return count.masked_fill(target.ignored, 0).sum().to(dtype)

    def term_count(self, target: Target) -> Tensor:
        """How many events have a term in each row: ``[rows]``."""
        has_term = (self.weights > 0).expand(target.ignored.shape[0], -1)
        _, asked, masked = self.states(target)
        if asked is not None:
            has_term = has_term & asked
        if masked is not None:
            has_term = has_term & ~masked
        return has_term.sum(1)

    def judged_signs(self, weight: Tensor, scores: Tensor, positive: Tensor) -> tuple[Tensor, Tensor]:
        """The losses of rows, and which are infinite, of sigmoids that are so or not: with one logarithm each."""
        masked = scores == _NONE
        x = torch.where(positive, scores, -scores).masked_fill(masked, 0)
        log_p = logsigmoid(x).masked_fill(masked, 0).masked_fill(masked & positive, _NONE)
        log_q = log_p if self.gamma == 0 else logsigmoid(-x)
        return weighted(weight, log_p, log_q, self.gamma)

    def judged(self, yes: Tensor, no: Tensor, log_yes: Tensor, log_no: Tensor) -> tuple[Tensor, Tensor]:
        """The losses of rows, and which are infinite, from log-probabilities of the events and of their complements."""
        of_yes, yes_infinite = weighted(yes, log_yes, log_no, self.gamma)
        of_no, no_infinite = weighted(no, log_no, log_yes, self.gamma)
        return of_yes + of_no, yes_infinite | no_infinite


class Independent(Bernoulli):
    """``sigma(s_v)``."""

    def __init__(self, hierarchy: Hierarchy, tables: dict[str, Any]) -> None:
        super().__init__(hierarchy, tables)
        self.scores = Scores(hierarchy)
        self.siblings: _PathSiblings | None = None
        if self.asked == "path":
            self.siblings = _PathSiblings(hierarchy, tables)

    def rows(self, input: Tensor, target: Target, step: int | Tensor) -> tuple[Tensor, Tensor]:
        if self.siblings is not None and target.kind == "index":
            weight, scores, positive = self.siblings(input, self.node.index_select(0, target.values))
            if self.class_weight is not None:
                weight = weight * self.factor(target, input.dtype).unsqueeze(1)
            return self.judged_signs(weight, scores, positive)
        scores = self.scores(input)
        if target.kind == "probabilities":
            of_class, impossible = self.class_target(target, self.is_open(scores), scores.dtype)
            loss, infinite = self.judged(*self.soft_pulls(of_class), *sigmoid(scores))
            return loss, infinite | impossible
        weight, positive = self.pulls(target, scores.dtype)
        return self.judged_signs(weight, scores, positive)


class _PathSiblings(Buffers):
    """The nodes that are asked about where the label is one node: those of its path, and their siblings."""

    own: Tensor
    no: Tensor
    yes: Tensor

    def __init__(self, hierarchy: Hierarchy, tables: dict[str, Any]) -> None:
        super().__init__()
        nodes = hierarchy.num_nodes
        parent = np.zeros(nodes, dtype=np.int64)
        parent[hierarchy.edges[:, 1]] = hierarchy.edges[:, 0]
        by_parent = 1 + np.argsort(parent[1:], kind="stable")
        end = np.cumsum(np.bincount(parent[1:], minlength=nodes))
        start = np.concatenate([[0], end[:-1]])
        place = np.zeros(nodes, dtype=np.int64)
        place[by_parent] = np.arange(nodes - 1)
        label, node = tables["lineage"].T
        slot = hierarchy.depths[node] - 1
        members = Members(column_by_node(hierarchy)[by_parent], start, end)
        paths = Paths(members, label, parent[node], slot, np.ones(len(node)), nodes)
        assert paths.ends is not None  # there is a node
        self.groups = paths.ends
        # By label and slot, where the node of the path is among all; an empty slot has none.
        own = np.full((nodes, int(slot.max()) + 1), -1)
        own[label, slot] = place[node]
        self.table("own", own)
        weights = tables["weights"][by_parent]
        self.table("no", weights)
        self.table("yes", weights * tables["pos_weight"][by_parent])

    def forward(self, input: Tensor, label: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What each node weighs, its score, and whether it is on the path: ``[rows, widths]``."""
        at, columns, outside = self.groups.gathered(label)
        own = self.own.index_select(0, label).gather(1, self.groups.piece.expand(len(label), -1))
        is_own = at == own
        weight = torch.where(is_own, self.yes[at], self.no[at]).to(input.dtype)
        nothing = own < 0 if outside is None else outside | (own < 0)
        return weight.masked_fill(nothing, 0), input.gather(1, columns), is_own


class NoisyOr(Bernoulli):
    """``1 - prod (1 - sigma(z_k))`` over the classes below."""

    has_node_columns = False

    def rows(self, input: Tensor, target: Target, step: int | Tensor) -> tuple[Tensor, Tensor]:
        log_yes, log_no = noisy_or(input, self.sets)
        if target.kind == "probabilities":
            of_class, impossible = self.class_target(target, input.detach() > _NONE, input.dtype)
            yes, no = self.soft_pulls(of_class)
            loss, infinite = self.judged(yes[:, 1:], no[:, 1:], log_yes, log_no)
            return loss, infinite | impossible
        weight, positive = self.pulls(target, input.dtype)
        positive = positive[:, 1:]
        log_p, log_q = torch.where(positive, log_yes, log_no), torch.where(positive, log_no, log_yes)
        return weighted(weight[:, 1:], log_p, log_q, self.gamma)


class _Extremum(Bernoulli):
    """No by the largest score at or below a node."""

    def __init__(self, hierarchy: Hierarchy, tables: dict[str, Any]) -> None:
        super().__init__(hierarchy, tables)
        self.scores = Scores(hierarchy)

    def by_sign(self, weight: Tensor, positive: Tensor, scores: Tensor, best: Tensor) -> tuple[Tensor, Tensor]:
        """The losses where a node is so or not; where it is, its score is that of the node in ``best``."""
        at = torch.where(positive, best, self.levels.largest_below(scores))
        return self.judged_signs(weight, scores.gather(1, at), positive)

    def negative(self, no: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
        log_yes, log_no = sigmoid(scores.gather(1, self.levels.largest_below(scores)))
        return weighted(no, log_no, log_yes, self.gamma)


class SmallestAbove(_Extremum):
    """Yes by the smallest score at or above a node."""

    def rows(self, input: Tensor, target: Target, step: int | Tensor) -> tuple[Tensor, Tensor]:
        scores = self.scores(input)
        best = self.levels.smallest_above(scores)
        if target.kind != "probabilities":
            weight, positive = self.pulls(target, scores.dtype)
            return self.by_sign(weight, positive, scores, best)
        of_class, impossible = self.class_target(target, self.is_open(scores), scores.dtype)
        yes, no = self.soft_pulls(of_class)
        of_no, no_infinite = self.negative(no, scores)
        of_yes, yes_infinite = weighted(yes, *sigmoid(scores.gather(1, best)), self.gamma)
        return of_yes + of_no, yes_infinite | no_infinite | impossible


class LargestBelow(_Extremum):
    """Yes by the largest score of a positive node at or below."""

    def __init__(self, hierarchy: Hierarchy, tables: dict[str, Any]) -> None:
        super().__init__(hierarchy, tables)
        self.pairs = PathMaximum(hierarchy)

    def rows(self, input: Tensor, target: Target, step: int | Tensor) -> tuple[Tensor, Tensor]:
        scores = self.scores(input)
        if target.kind != "probabilities":
            weight, positive = self.pulls(target, scores.dtype)
            best = self.levels.largest_below(scores.masked_fill(~positive, _NONE))
            return self.by_sign(weight, positive, scores, best)
        of_class, impossible = self.class_target(target, self.is_open(scores), scores.dtype)
        of_no, no_infinite = self.negative(self.soft_pulls(of_class)[1], scores)
        # Which score a positive node is judged by depends on which others are positive: class by class.
        weight = (self.weights * self.pos_weight).to(scores.dtype)
        yes = of_class.index_select(1, self.pairs.class_) * weight.index_select(0, self.pairs.above)
        of_yes, yes_infinite = weighted(yes, *sigmoid(scores.gather(1, self.pairs.largest(scores))), self.gamma)
        return of_yes + of_no, yes_infinite | no_infinite | impossible


class WeightedSigmoid(Bernoulli):
    """``sum_k W_kv sigma(z_k)`` of the superclasses of a map, and ``sigma(z_k)`` of the classes, which come first."""

    has_node_columns = False

    named: Tensor
    superclass: Tensor

    def __init__(self, hierarchy: Hierarchy, tables: dict[str, Any]) -> None:
        super().__init__(hierarchy, tables)
        self.superclasses: int = tables["superclasses"]
        self.members = Sets.of_map(self.classes, tables["map"], self.superclasses)
        named = np.flatnonzero(tables["superclass_of_node"] >= 0)
        self.table("named", named)
        self.table("superclass", tables["superclass_of_node"][named])

    def _weigh(self, tables: dict[str, Any]) -> None:
        for name in ("weights", "pos_weight"):
            self.table(name, np.roll(tables[name], -tables["superclasses"]))

    def events(self, target: Target, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
        """By class and superclass, how much is positive and how much negative, and which have a term."""
        positive, asked, masked = self.states(target)
        is_positive = positive.index_select(1, self.class_node)
        unknown = torch.zeros_like(is_positive) if asked is None else ~asked.index_select(1, self.class_node)
        yes, no = is_positive & ~unknown, ~is_positive & ~unknown
        yes, no, hidden = (self.members.sum(part.to(dtype)) for part in (yes, no, unknown))
        has_term = hidden == 0
        if masked is not None:
            counts = torch.zeros(len(masked), self.superclasses, dtype=torch.int32, device=masked.device)
            counts = counts.index_add(1, self.superclass, masked.index_select(1, self.named).int())
            has_term = has_term & ~torch.cat([masked.index_select(1, self.class_node), counts > 0], 1)
        return yes, no, has_term

    def rows(self, input: Tensor, target: Target, step: int | Tensor) -> tuple[Tensor, Tensor]:
        dtype = input.dtype
        impossible = None
        if target.kind == "probabilities":
            of_class, impossible = self.class_target(target, input.detach() > _NONE, dtype)
            total, count = self.shares(of_class)
            # Where a class has all of the weight there is nothing outside, which rounding must not hide.
            without = (total - of_class).masked_fill((of_class != 0) & (count == 1), 0)
            yes, no = self.members.sum(of_class), self.members.sum(without)
            has_term = None
        else:
            yes, no, has_term = self.events(target, dtype)
            factor = self.factor(target, dtype).unsqueeze(1)
            yes, no = yes * factor, no * factor
        yes, no = yes * (self.weights * self.pos_weight).to(dtype), no * self.weights.to(dtype)
        if has_term is not None:
            yes, no = yes.masked_fill(~has_term, 0), no.masked_fill(~has_term, 0)
        log_yes, log_no = (self.members.logsumexp(log_p) for log_p in sigmoid(input))
        loss, infinite = self.judged(yes, no, log_yes, log_no)
        return loss, infinite if impossible is None else infinite | impossible

    def term_count(self, target: Target) -> Tensor:
        return (self.events(target, self.weights.dtype)[2] & (self.weights > 0)).sum(1)


def sigmoid(scores: Tensor) -> tuple[Tensor, Tensor]:
    """``log sigma`` of scores and their negatives; of ``-inf`` the first is ``-inf``, and both have a gradient of 0."""
    masked = scores == _NONE
    scores = scores.masked_fill(masked, 0)
    return logsigmoid(scores).masked_fill(masked, _NONE), logsigmoid(-scores).masked_fill(masked, 0)


_EVENTS: dict[str, type[Bernoulli]] = {
    "independent": Independent,
    "largest_below": LargestBelow,
    "noisy_or": NoisyOr,
    "smallest_above": SmallestAbove,
    "weighted": WeightedSigmoid,
}
