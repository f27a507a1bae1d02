"""The losses as functions, and the log-probabilities of nodes.

A function compiles its loss when it first meets a hierarchy and parameters, and remembers some of the last. In a training
loop, and under ``torch.compile``, use the modules.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from klados._klados import Hierarchy
from klados.arrays import TargetKind
from klados.torch._cache import compiled, operation
from klados.torch import _dispatch, _fused
from klados.torch._dispatch import Impl, Reduction
from klados.torch._module import with_weight

__all__ = ["marginal_cross_entropy", "node_log_probs"]


def marginal_cross_entropy(
    input: Tensor,
    target: Tensor,
    hierarchy: Hierarchy,
    weights: str | dict[str, Any] = "uniform",
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
    *,
    unresolved: str = "label",
    gamma: float = 0.0,
    impl: Impl = "auto",
    kind: TargetKind | None = None,
) -> Tensor:
    """Cross-entropy at every level of a hierarchy. See :class:`klados.torch.MarginalCrossEntropyLoss`.

    Example::

        >>> import torch, klados
        >>> from klados.torch import functional
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> functional.marginal_cross_entropy(torch.zeros(1, 3), torch.tensor([2]), hierarchy).item() # 2 log 3
        2.197224...
    """
    parameters = with_weight({"weights": weights, "unresolved": unresolved, "gamma": gamma}, weight, label_smoothing)
    return _loss("marginal_cross_entropy", parameters, input, target, hierarchy, ignore_index, reduction, impl, kind)


def node_log_probs(
    logits: Tensor,
    hierarchy: Hierarchy,
    form: str | dict[str, Any] = "class_softmax",
    level: int | str | None = None,
    *,
    impl: Impl = "auto",
) -> Tensor:
    r"""The log-probabilities of the nodes of a hierarchy, or of those of a level, differentiable: for a loss of your own.

    They are log-probabilities, not logits: they must not go through another softmax or into a BCE-with-logits. A node's
    logit is :math:`\log P - \log(1 - P)`.

    Args:
        logits: on any device.
        hierarchy: what the classes roll up into.
        form: what the logits are; see :func:`klados.node_log_probs`.
        level: a rank by name, or a depth from 1; all nodes where it is not given.
        impl: see :class:`klados.torch.HierarchicalLoss`.

    Shape:
        - logits: :math:`(N, C)` or :math:`(*, C)`, with a column a class, or a node but the root where the form says so.
        - output: :math:`(*, V)`: the nodes by their index, the root included; of a level in the order of
          :meth:`Hierarchy.level_nodes`; of the weighted forms the superclasses of the map.

    Example::

        >>> import torch, klados
        >>> from klados.torch import functional
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> logits = torch.zeros(1, 3, requires_grad=True)
        >>> log_p = functional.node_log_probs(logits, hierarchy, level=1)  # mammal, bird
        >>> loss = torch.nn.functional.nll_loss(log_p, torch.tensor([1]))  # a bird; no softmax comes after log_p
        >>> loss.backward()
        >>> loss.exp().item()
        3.0...
    """
    of_nodes = operation(hierarchy, form, level)
    if logits.dim() == 0 or logits.shape[-1] != of_nodes.columns:
        raise ValueError(f"the logits have shape {tuple(logits.shape)}, expected (..., {of_nodes.columns})")
    rows = logits.reshape(-1, of_nodes.columns)
    if _dispatch.is_fused(logits, impl):
        out = _fused.node_log_probs(rows, of_nodes.operation, of_nodes.handle)
    else:
        from klados.torch import _composed

        out = _composed.node_log_probs(rows, of_nodes.tables(logits.device))
    return out.reshape(*logits.shape[:-1], out.shape[-1])


def _loss(
    name: str,
    parameters: dict[str, Any],
    input: Tensor,
    target: Tensor,
    hierarchy: Hierarchy,
    ignore_index: int,
    reduction: str,
    impl: str,
    kind: TargetKind | None,
    step: int = 0,
) -> Tensor:
    of = compiled(name, parameters, hierarchy)
    return _dispatch.apply(
        input,
        target,
        of.compiled,
        of.tables,
        ignore_index=ignore_index,
        reduction=reduction,
        impl=impl,
        kind=kind,
        step=step,
    )
