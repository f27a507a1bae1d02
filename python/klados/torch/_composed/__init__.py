"""The composed path: every loss from torch's own operations, on any device, differentiable twice.

The tables of a compiled loss say what its terms are; here they are computed, form by form. Each row reads the columns that
its own label needs, or all sets are reduced once where the target is a distribution. There is no mask of classes x nodes,
no loop over rows, and nothing is asked of the host, so that ``torch.compile`` makes one graph.

This is plain floating point: a log-probability is a difference of two numbers of the size of the logits, so its error is
absolute, some units in the last place of the largest logit. A loss of ``1e-9`` comes out as 0 or as ``1e-7``; the fused
path has it to 6 digits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from klados._klados import Criterion, Hierarchy, NodeLogProbs
from klados.torch._composed.bernoulli import bernoulli
from klados.torch._composed.buffers import Buffers
from klados.torch._composed.class_softmax import Conditional, Marginal, SoftLabels, WeightedSoftmax
from klados.torch._composed.descendant_softmax import DescendantSoftmax
from klados.torch._composed.form import Form
from klados.torch._composed.group_softmax import GroupSoftmax
from klados.torch._composed.margin import Margin
from klados.torch._composed.nodes import (
    ClassSoftmaxNodes,
    NodeForm,
    NoisyOrNodes,
    ParameterSharingNodes,
    WeightedSigmoidNodes,
    WeightedSoftmaxNodes,
)
from klados.torch._composed.random_cut import RandomCut
from klados.torch._composed.score_nodes import (
    ConditionalSigmoidNodes,
    DescendantSoftmaxNodes,
    IndependentSigmoidNodes,
    MaxNodes,
    MinNodes,
    NodeSoftmaxNodes,
    SiblingSoftmaxNodes,
)
from klados.torch._composed.target import Target

__all__ = ["NodeTables", "Tables", "losses", "node_log_probs"]

_FORMS: dict[str, Callable[[Hierarchy, dict[str, Any]], Form]] = {
    "bernoulli": bernoulli,
    "conditional": Conditional,
    "descendant_softmax": DescendantSoftmax,
    "group_softmax": GroupSoftmax,
    "margin": Margin,
    "marginal": Marginal,
    "random_cut": RandomCut,
    "soft_labels": SoftLabels,
    "weighted_softmax": WeightedSoftmax,
}

_NODE_FORMS: dict[str, type[NodeForm]] = {
    "class_softmax": ClassSoftmaxNodes,
    "conditional_sigmoid": ConditionalSigmoidNodes,
    "descendant_softmax": DescendantSoftmaxNodes,
    "independent_sigmoid": IndependentSigmoidNodes,
    "max": MaxNodes,
    "min": MinNodes,
    "node_softmax": NodeSoftmaxNodes,
    "noisy_or": NoisyOrNodes,
    "parameter_sharing_softmax": ParameterSharingNodes,
    "sibling_softmax": SiblingSoftmaxNodes,
    "weighted_class_softmax": WeightedSoftmaxNodes,
    "weighted_sigmoid": WeightedSigmoidNodes,
}


class Tables(Buffers):
    """The tables of a compiled loss."""

    def __init__(self, criterion: Criterion) -> None:
        super().__init__()
        tables = criterion.tables()
        self.form = _FORMS[tables["form"]](criterion.hierarchy, tables)
        self.refuses: dict[str, str] = tables["refuses"]
        self.classes = criterion.hierarchy.num_classes
        self.nodes = criterion.hierarchy.num_nodes - 1
        # In a hierarchy of one level classes and nodes are as many, and in either order.
        orders = (criterion.hierarchy.class_nodes.tolist(), criterion.hierarchy.node_columns.tolist())
        self.has_two_orders = self.classes == self.nodes and not criterion.has_node_columns and orders[0] != orders[1]

    def check(self, target: Tensor, kind: str) -> None:
        """That the loss takes targets of this kind and shape, in the words of the core."""
        if kind in self.refuses:
            raise ValueError(self.refuses[kind])
        if kind == "multi_hot" and self.has_two_orders:
            raise ValueError(
                "the columns of the target may be the classes or the nodes, which are as many and in another order; "
                "hierarchy.with_node_columns(hierarchy.classes) gives them one order"
            )
        allowed = {self.classes: f"{self.classes} (classes)"}
        if kind == "multi_hot":
            allowed.setdefault(self.nodes, f"{self.nodes} (nodes but the root)")
        if kind != "index" and target.shape[1] not in allowed:
            raise ValueError(f"the target has {target.shape[1]} columns, expected {' or '.join(allowed.values())}")


def losses(
    input: Tensor, target: Tensor, tables: Tables, kind: str, ignore_index: int, step: int | Tensor, reduction: str
) -> Tensor:
    """The losses of a batch, reduced or not.

    Shape:
        - input: ``[rows, columns]``.
        - target: ``[rows]`` of indices, else ``[rows, ...]``; on the same device.
        - output: ``[rows]`` for ``"none"``, else ``[]``; ``float64`` for ``float64``, else ``float32``.

    Raises:
        ValueError: if the loss does not take such targets. What is in them is not looked at.
    """
    tables.check(target, kind)
    input = _widened(input)
    dtype = input.dtype
    of = Target.of(target, kind, ignore_index, dtype)
    loss = tables.form.losses(input, of, step)
    if reduction == "none":
        return loss
    if reduction == "sum":
        return loss.sum()
    divisor = tables.form.normalizer(of, dtype)
    # A mean over nothing is 0: every row is.
    return loss.sum() / divisor.masked_fill(divisor == 0, 1)


class NodeTables(Buffers):
    """The tables of a form, and which nodes are asked for."""

    nodes: Tensor | None

    def __init__(self, operation: NodeLogProbs, form: str | dict[str, Any]) -> None:
        super().__init__()
        name = form if isinstance(form, str) else next(iter(form))
        if name not in _NODE_FORMS:
            raise ValueError(f"{name} has no gradient and is not composed; klados.node_log_probs takes it")
        self.form = _NODE_FORMS[name](operation)
        nodes = operation.nodes
        is_all = len(operation.superclasses) > 0 or np.array_equal(nodes, np.arange(operation.hierarchy.num_nodes))
        self.table("nodes", None if is_all else nodes)


def node_log_probs(input: Tensor, tables: NodeTables) -> Tensor:
    """The log-probabilities of nodes, or of superclasses.

    Shape:
        - input: ``[rows, columns]``.
        - output: ``[rows, width]``; ``float64`` for ``float64``, else ``float32``.
    """
    log_p: Tensor = tables.form(_widened(input))
    return log_p if tables.nodes is None else log_p.index_select(1, tables.nodes)


def _widened(input: Tensor) -> Tensor:
    return input if input.dtype in (torch.float32, torch.float64) else input.float()
