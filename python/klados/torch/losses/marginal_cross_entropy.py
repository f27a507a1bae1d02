"""Marginal cross-entropy."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from klados._klados import Hierarchy
from klados.arrays import TargetKind
from klados.torch._dispatch import Impl, Reduction
from klados.torch._function import loss_of
from klados.torch._module import HierarchicalLoss, loss_with

__all__ = ["MarginalCrossEntropyLoss", "marginal_cross_entropy"]


class MarginalCrossEntropyLoss(HierarchicalLoss):
    r"""Cross-entropy at every level of a hierarchy, from one logit a class, with labels at any level.

    A drop-in for :class:`torch.nn.CrossEntropyLoss`: the target may be the same tensor of class indices.

    .. math::
        \ell(x, y) = -\sum_{u \text{ at or above } y} w_u \log P(u), \qquad
        \log P(u) = \operatorname{logsumexp}_{k \text{ below } u} x_k - \operatorname{logsumexp}_k x_k

    A coarse label has the terms that it resolves, and one term for the classes that it stands for, which weighs as much as
    the levels below it; so a coarse sample weighs as much as a fine one.

    Args:
        hierarchy: what the classes roll up into.
        weights: of the nodes: ``"uniform"``, ``"leaves"`` (plain cross-entropy), ``"balanced"``, ``"lazy"``, ``"greedy"``,
            ``{"power": {"q": 0.5, "total": 1}}``, or ``{"levels": [1, 0.5]}`` by depth from the top or
            ``{"levels": {"genus": 0.5}}`` by rank.
        unresolved: ``"label"``, or ``"skip"`` to leave out the term of the levels that a coarse label does not resolve.
        gamma: of the focal factor :math:`(1 - P)^\gamma` on each term.
        weight: a weight a class, of size ``classes``; a coarse label has the mean of its classes.
        ignore_index, reduction, impl: see :class:`HierarchicalLoss`.
        label_smoothing: in :math:`[0, 1]`, towards the uniform distribution over the classes.

    Shape:
        As :class:`HierarchicalLoss`, with a column a class.

    Example::

        >>> import torch, klados
        >>> from klados.torch import MarginalCrossEntropyLoss
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "bear"), ("bird", "crow"), ("mammal", "dog"), ("bird", "pigeon"), ("bird", "robin")]
        ... )
        >>> criterion = MarginalCrossEntropyLoss(hierarchy)
        >>> row = [-1.20749462, 0.54933286, -0.38559750, 0.69097888, -0.74239856, 0.15704437]
        >>> input = torch.tensor([row], requires_grad=True)
        >>> output = criterion(input, torch.tensor([2]))  # a crow: -log P(crow) - log P(bird)
        >>> round(output.item(), 4)
        3.2392
        >>> output.backward()
        >>> output = criterion(input, torch.from_numpy(hierarchy.encode(["bird"])))  # some bird
    """

    def __init__(
        self,
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
    ) -> None:
        loss = loss_with(
            "marginal_cross_entropy",
            weights=weights,
            unresolved=unresolved,
            label_smoothing=label_smoothing,
            gamma=gamma,
            class_weight=weight,
        )
        super().__init__(hierarchy, loss, ignore_index=ignore_index, reduction=reduction, impl=impl)


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
        >>> functional.marginal_cross_entropy(torch.zeros(1, 3), torch.tensor([2]), hierarchy).item()  # 2 log 3
        2.197224...
    """
    parameters = {
        "weights": weights,
        "unresolved": unresolved,
        "label_smoothing": label_smoothing,
        "gamma": gamma,
        "class_weight": weight,
    }
    return loss_of("marginal_cross_entropy", parameters, input, target, hierarchy, ignore_index, reduction, impl, kind)
