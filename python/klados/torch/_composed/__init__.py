"""The composed path: every loss from torch's own operations, on any device, differentiable twice.

The tables of a compiled loss say what its terms are; here they are computed, form by form. Each row reads the columns that
its own label needs, or all sets are reduced once where the target is a distribution. There is no mask of classes x nodes,
no loop over rows, and nothing is asked of the host, so that ``torch.compile`` makes one graph.

This is plain floating point: a log-probability is a difference of two numbers of the size of the logits, so its error is
absolute, some units in the last place of the largest logit. A loss of ``1e-9`` comes out as 0 or as ``1e-7``; the fused
path has it to 6 digits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from klados._klados import Criterion, NodeLogProbs
from klados.torch._composed.buffers import Buffers
from klados.torch._composed.class_softmax import Conditional, Marginal, SoftLabels, WeightedSoftmax
from klados.torch._composed.form import Form
from klados.torch._composed.nodes import (
    ClassSoftmaxNodes,
    NodeForm,
    NoisyOrNodes,
    ParameterSharingNodes,
    WeightedSigmoidNodes,
    WeightedSoftmaxNodes,
)
from klados.torch._composed.target import Target

__all__ = ["NodeTables", "Tables", "losses", "node_log_probs"]

_FORMS: dict[str, type[Form]] = {
    "conditional": Conditional,
    "marginal": Marginal,
    "soft_labels": SoftLabels,
    "weighted_softmax": WeightedSoftmax,
}

_NODE_FORMS: dict[str, type[NodeForm]] = {
    "class_softmax": ClassSoftmaxNodes,
    "noisy_or": NoisyOrNodes,
    "parameter_sharing_softmax": ParameterSharingNodes,
    "weighted_class_softmax": WeightedSoftmaxNodes,
    "weighted_sigmoid": WeightedSigmoidNodes,
}


class Tables(Buffers):
    """The tables of a compiled loss."""

    def __init__(self, criterion: Criterion) -> None:
        super().__init__()
        tables = criterion.tables()
        form = _FORMS.get(tables["form"])
        if form is None:
            raise ValueError(f"{criterion.name} has no composed path yet; use impl='fused'")
        self.form = form(criterion.hierarchy, tables)
        self.refuses: dict[str, str] = tables["refuses"]


def losses(
    input: Tensor, target: Tensor, tables: Tables, kind: str, ignore_index: int, step: int, reduction: str
) -> Tensor:
    """The losses of a batch, reduced or not.

    Shape:
        - input: ``[rows, columns]``.
        - target: ``[rows]`` of indices, else ``[rows, ...]``; on the same device.
        - output: ``[rows]`` for ``"none"``, else ``[]``; ``float64`` for ``float64``, else ``float32``.

    Raises:
        ValueError: if the loss does not take such targets. What is in them is not looked at.
    """
    if kind in tables.refuses:
        raise ValueError(tables.refuses[kind])
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

    def __init__(self, operation: NodeLogProbs, form: str | dict[str, Any]) -> None:
        super().__init__()
        name = form if isinstance(form, str) else next(iter(form))
        node_form = _NODE_FORMS.get(name)
        if node_form is None:
            raise ValueError(f"{name} has no composed path yet; use impl='fused'")
        self.form = node_form(operation)
        nodes = operation.nodes
        is_all = len(operation.superclasses) > 0 or np.array_equal(nodes, np.arange(operation.hierarchy.num_nodes))
        self.table("nodes", None if is_all else nodes)


def node_log_probs(input: Tensor, tables: NodeTables) -> Tensor:
    """The log-probabilities of nodes, or of superclasses.

    Shape:
        - input: ``[rows, columns]``.
        - output: ``[rows, width]``; ``float64`` for ``float64``, else ``float32``.
    """
    log_p = tables.form(_widened(input))
    return log_p if tables.nodes is None else log_p.index_select(1, tables.nodes)


def _widened(input: Tensor) -> Tensor:
    return input if input.dtype in (torch.float32, torch.float64) else input.float()
