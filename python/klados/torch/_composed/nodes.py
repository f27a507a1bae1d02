"""The log-probabilities of nodes, form by form."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from klados._klados import NodeLogProbs
from klados.torch._composed.buffers import Buffers
from klados.torch._composed.class_softmax import AncestorSums
from klados.torch._composed.noisy_or import noisy_or
from klados.torch._composed.reduce import log_softmax
from klados.torch._composed.sets import Sets

__all__ = ["ClassSoftmaxNodes", "NodeForm", "NoisyOrNodes", "ParameterSharingNodes", "WeightedSigmoidNodes", "WeightedSoftmaxNodes"]

_NONE = -float("inf")


class NodeForm(Buffers):
    """From the logits of a form to log-probabilities.

    Args:
        operation: the core's, for its hierarchy and its map.
    """

    def __init__(self, operation: NodeLogProbs) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        """``[rows, columns]`` to ``[rows, nodes]``, the root first, or to ``[rows, superclasses]``. In a row with NaN or
        ``+inf`` all is NaN, and so is its gradient; a node of probability 0 has gradient 0."""
        raise NotImplementedError


class ClassSoftmaxNodes(NodeForm):
    """``logsumexp`` over the classes below, of the ``log_softmax`` over all."""

    def __init__(self, operation: NodeLogProbs) -> None:
        super().__init__(operation)
        self.sets = Sets.of_nodes(operation.hierarchy)

    def forward(self, input: Tensor) -> Tensor:
        return with_root(self.sets.logsumexp(_class_log_probs(input)))


class ParameterSharingNodes(ClassSoftmaxNodes):
    """The same, of class logits that are sums over the ancestors."""

    def __init__(self, operation: NodeLogProbs) -> None:
        super().__init__(operation)
        self.sums = AncestorSums(operation.hierarchy)

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(self.sums(input))


class WeightedSoftmaxNodes(NodeForm):
    """``log sum_k W_kv p_k`` of superclasses ``v``."""

    def __init__(self, operation: NodeLogProbs) -> None:
        super().__init__(operation)
        self.classes = operation.hierarchy.num_classes
        weights = operation.map()
        assert weights is not None  # the form has a map
        self.sets = Sets.of_map(self.classes, weights, operation.width)

    def forward(self, input: Tensor) -> Tensor:
        return self.sets.logsumexp(_class_log_probs(input))[:, self.classes :]


class WeightedSigmoidNodes(WeightedSoftmaxNodes):
    """``log sum_k W_kv sigma(z_k)`` of superclasses ``v``."""

    def forward(self, input: Tensor) -> Tensor:
        return self.sets.logsumexp(logsigmoid(spread_nan(input)))[:, self.classes :]


class NoisyOrNodes(NodeForm):
    """``log(1 - prod_k (1 - sigma(z_k)))`` over the classes below."""

    def __init__(self, operation: NodeLogProbs) -> None:
        super().__init__(operation)
        self.sets = Sets.of_nodes(operation.hierarchy)

    def forward(self, input: Tensor) -> Tensor:
        return with_root(noisy_or(spread_nan(input), self.sets)[0])


def spread_nan(input: Tensor) -> Tensor:
    """The same, but for rows with NaN or ``+inf``, of which all is NaN then; as is all of the gradient of what follows."""
    top = input.detach().amax(1, keepdim=True)
    return input + torch.zeros_like(top).masked_fill(top.isnan() | top.isposinf(), float("nan"))


def without_gradient_of_none(log_p: Tensor) -> Tensor:
    """The same, but that nothing flows back to what is ``-inf``."""
    return log_p.masked_fill(log_p.detach() == _NONE, _NONE)


def with_root(log_p: Tensor) -> Tensor:
    """The root before the other nodes, which is certain; NaN where they are."""
    root = log_p.new_zeros(log_p.shape[0], 1).masked_fill(log_p.detach()[:, :1].isnan(), float("nan"))
    return torch.cat([root, log_p], 1)


def _class_log_probs(logits: Tensor) -> Tensor:
    masked = logits.detach().amax(1) == _NONE
    return without_gradient_of_none(log_softmax(logits, masked).masked_fill(masked.unsqueeze(1), _NONE))
