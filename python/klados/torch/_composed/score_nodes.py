"""The log-probabilities of nodes in the forms with a logit a node."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from klados._klados import NodeLogProbs
from klados.torch._composed.branches import Branches
from klados.torch._composed.group_softmax import log_in_group
from klados.torch._composed.levels import Levels
from klados.torch._composed.nodes import NodeForm
from klados.torch._composed.rows import Scores, settled

__all__ = [
    "ConditionalSigmoidNodes",
    "DescendantSoftmaxNodes",
    "IndependentSigmoidNodes",
    "MaxNodes",
    "MinNodes",
    "NodeSoftmaxNodes",
    "SiblingSoftmaxNodes",
]

_NONE = -float("inf")


class _ScoreNodes(NodeForm):
    """From scores by node, the root's of 0, to log-probabilities; of rows without NaN and ``+inf``."""

    def __init__(self, operation: NodeLogProbs) -> None:
        super().__init__(operation)
        self.scores = Scores(operation.hierarchy)

    def forward(self, input: Tensor) -> Tensor:
        input, poisoned = settled(input, torch.zeros_like(input[:, 0], dtype=torch.bool))
        log_p = self.log_probs(self.scores(input))
        # A node of probability 0 sends nothing back, and the root is certain.
        log_p = log_p.masked_fill(log_p.detach() == _NONE, _NONE)
        log_p = torch.cat([torch.zeros_like(log_p[:, :1]), log_p[:, 1:]], 1)
        return log_p.masked_fill(poisoned.unsqueeze(1), float("nan"))

    def log_probs(self, scores: Tensor) -> Tensor:
        """``[rows, nodes]`` to the same; what is at the root does not matter."""
        raise NotImplementedError


class IndependentSigmoidNodes(_ScoreNodes):
    """``log sigma(s_v)``."""

    def log_probs(self, scores: Tensor) -> Tensor:
        return _log_sigmoid(scores)


class ConditionalSigmoidNodes(IndependentSigmoidNodes):
    """``sum log sigma(s_u)`` over a node and all above it."""

    def __init__(self, operation: NodeLogProbs) -> None:
        super().__init__(operation)
        self.levels = Levels(operation.hierarchy)

    def log_probs(self, scores: Tensor) -> Tensor:
        own = super().log_probs(scores)
        return self.levels.sum_above(torch.cat([torch.zeros_like(own[:, :1]), own[:, 1:]], 1))


class SiblingSoftmaxNodes(_ScoreNodes):
    """The product of the softmaxes over siblings, over a node and all above it."""

    parent: Tensor

    def __init__(self, operation: NodeLogProbs) -> None:
        super().__init__(operation)
        hierarchy = operation.hierarchy
        self.levels = Levels(hierarchy)
        parent = np.zeros(hierarchy.num_nodes, dtype=np.int64)
        parent[hierarchy.edges[:, 1]] = hierarchy.edges[:, 0]
        self.nodes = hierarchy.num_nodes
        self.table("parent", parent[1:])

    def log_probs(self, scores: Tensor) -> Tensor:
        return self.levels.sum_above(log_in_group(scores, self.parent, self.nodes))


class MaxNodes(_ScoreNodes):
    """``log sigma`` of the largest score at or below a node."""

    def __init__(self, operation: NodeLogProbs) -> None:
        super().__init__(operation)
        self.levels = Levels(operation.hierarchy)

    def log_probs(self, scores: Tensor) -> Tensor:
        return _log_sigmoid(scores.gather(1, self.levels.largest_below(scores)))


class MinNodes(MaxNodes):
    """``log sigma`` of the smallest score at or above a node."""

    def log_probs(self, scores: Tensor) -> Tensor:
        return _log_sigmoid(scores.gather(1, self.levels.smallest_above(scores)))


class DescendantSoftmaxNodes(_ScoreNodes):
    """The share of a node and all below it in a softmax over all nodes."""

    ROOT = _NONE

    def __init__(self, operation: NodeLogProbs) -> None:
        super().__init__(operation)
        self.branches = Branches(operation.hierarchy, Levels(operation.hierarchy))

    def log_probs(self, scores: Tensor) -> Tensor:
        rootless = torch.cat([torch.full_like(scores[:, :1], self.ROOT), scores[:, 1:]], 1)
        subtrees = self.branches.subtrees(rootless, 0)
        masked = subtrees == _NONE
        subtrees = subtrees.masked_fill(masked, 0)
        return (subtrees - subtrees[:, :1]).masked_fill(masked, _NONE)


class NodeSoftmaxNodes(DescendantSoftmaxNodes):
    """The same with a score of 0 for the root."""

    ROOT = 0.0


def _log_sigmoid(scores: Tensor) -> Tensor:
    masked = scores == _NONE
    return logsigmoid(scores.masked_fill(masked, 0)).masked_fill(masked, _NONE)
