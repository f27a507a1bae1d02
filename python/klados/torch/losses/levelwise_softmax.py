"""Level-wise softmax."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from klados._klados import Hierarchy
from klados.arrays import TargetKind
from klados.torch._dispatch import Impl, Reduction
from klados.torch._function import loss_of
from klados.torch._module import HierarchicalLoss, loss_with

__all__ = ["LevelwiseSoftmaxLoss", "levelwise_softmax"]


class LevelwiseSoftmaxLoss(HierarchicalLoss):
    r"""Level-wise softmax, from one logit a node: cross-entropy over the nodes of each level, what a network with a head for
    each level minimises.

    .. math::
        \ell(x, y) = -\sum_{u \text{ at or above } y} w_u
            \left(x_u - \operatorname{logsumexp}_{v \text{ on the level of } u} x_v\right)

    A level is a rank where the hierarchy names ranks, else the depth. An internal label ends the sum. The hierarchy has to
    be a tree; candidates are an error.

    Use it as a baseline. Its levels know nothing of each other: the probability of a species can exceed that of its genus.
    :class:`MarginalCrossEntropyLoss` and :class:`SiblingSoftmaxLoss` are consistent. On one level it is cross-entropy.

    Args:
        hierarchy: a tree of nodes, with a column each.
        weights: of the nodes: ``"uniform"``, ``"leaves"``, ``"balanced"``, ``"lazy"``, ``"greedy"``,
            ``{"power": {"q": 0.5, "total": 1}}``, or ``{"levels": [1, 0.5]}`` by depth from the top or
            ``{"levels": {"genus": 0.5}}`` by rank.
        weight: a weight a class, of size ``classes``; a coarse label has the mean of its classes.
        ignore_index, reduction, impl: see :class:`HierarchicalLoss`.
        label_smoothing: in :math:`[0, 1]`, towards the uniform distribution over the classes.
        gamma: of the focal factor :math:`(1 - P)^\gamma` on each term.

    Shape:
        - input: :math:`(N, V)`, :math:`(N, V, d_1, ..., d_K)` or :math:`(V)`, with :math:`V` the number of nodes but the
          root, ``hierarchy.num_nodes - 1``, in the order of :attr:`Hierarchy.node_columns`.
        - target: :math:`(N)`, :math:`(N, d_1, ..., d_K)` or :math:`()` of indices; for distributions :math:`(N, C, ...)`
          with :math:`C` the number of classes. See :class:`HierarchicalLoss`.
        - output: a scalar; with ``reduction="none"`` as a target of indices.

    Example::

        >>> import torch, klados
        >>> from klados.torch import LevelwiseSoftmaxLoss
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> criterion = LevelwiseSoftmaxLoss(hierarchy)
        >>> [hierarchy.name(node) for node in hierarchy.node_columns]
        ['bat', 'mammal', 'dog', 'crow', 'bird']
        >>> output = criterion(torch.zeros(1, 5), torch.tensor([0]))  # a bat: one of three, and one of two
        >>> round(output.item(), 4)
        1.7918
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
        gamma: float = 0.0,
        impl: Impl = "auto",
    ) -> None:
        loss = loss_with(
            "levelwise_softmax", weights=weights, label_smoothing=label_smoothing, gamma=gamma, class_weight=weight
        )
        super().__init__(hierarchy, loss, ignore_index=ignore_index, reduction=reduction, impl=impl)


def levelwise_softmax(
    input: Tensor,
    target: Tensor,
    hierarchy: Hierarchy,
    weights: str | dict[str, Any] = "uniform",
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
    *,
    gamma: float = 0.0,
    impl: Impl = "auto",
    kind: TargetKind | None = None,
) -> Tensor:
    """Cross-entropy over the nodes of each level. See :class:`klados.torch.LevelwiseSoftmaxLoss`.

    Example::

        >>> import torch, klados
        >>> from klados.torch import functional
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> functional.levelwise_softmax(torch.zeros(1, 5), torch.tensor([2]), hierarchy).item()  # log 3 + log 2
        1.7917...
    """
    parameters = {"weights": weights, "label_smoothing": label_smoothing, "gamma": gamma, "class_weight": weight}
    return loss_of("levelwise_softmax", parameters, input, target, hierarchy, ignore_index, reduction, impl, kind)
