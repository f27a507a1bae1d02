"""Tree-min loss."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from klados._klados import Hierarchy
from klados.arrays import TargetKind
from klados.torch._dispatch import Impl, Reduction
from klados.torch._function import loss_of
from klados.torch._module import HierarchicalLoss, loss_with

__all__ = ["TreeMinLoss", "tree_min"]


class TreeMinLoss(HierarchicalLoss):
    r"""Tree-min loss (Li et al., "Deep Hierarchical Semantic Segmentation", CVPR 2022), from one logit a node.

    .. math::
        \ell(x, t) = -\sum_{v \text{ positive}} w_v \log \sigma\Big(\min_{u \text{ at or above } v} x_u\Big)
            - \sum_{v \text{ negative}} w_v \log \sigma\Big(-\max_{u \text{ at or below } v} x_u\Big)

    A node is no surer than its ancestors, and no less likely than its descendants: a violation of the hierarchy costs, and the
    gradient goes to the logit that violates, of equal ones to the first. What is below an internal label of a target by index
    has no term; what is below a node of a multi-hot target is negative. Defined on trees and DAGs; candidates are an error.

    Use it for multi-label data or dense prediction where a child must not exceed its parent. On one level it is binary
    cross-entropy.

    Args:
        hierarchy: of nodes, with a column each.
        weights: of the nodes: ``"uniform"``, ``"leaves"``, ``"balanced"``, ``"lazy"``, ``"greedy"``,
            ``{"power": {"q": 0.5, "total": 1}}``, or ``{"levels": [1, 0.5]}`` by depth from the top or
            ``{"levels": {"genus": 0.5}}`` by rank.
        weight: a weight a class, of size ``classes``; any other label has the mean of the classes at or below it.
        ignore_index, reduction, impl: see :class:`HierarchicalLoss`. In a multi-hot target, ``ignore_index`` marks nodes
            that have no term.
        gamma: of the focal factor :math:`(1 - p)^\gamma` on each term, which is differentiated too; the paper's focal
            tree-min has 2.

    Shape:
        - input: :math:`(N, V)`, :math:`(N, V, d_1, ..., d_K)` or :math:`(V)`, with :math:`V` the number of nodes but the
          root, ``hierarchy.num_nodes - 1``, in the order of :attr:`Hierarchy.node_columns`.
        - target: :math:`(N)`, :math:`(N, d_1, ..., d_K)` or :math:`()` of indices; multi-hot :math:`(N, V, ...)`, or
          :math:`(N, C, ...)` with :math:`C` the number of classes. What is above a positive node is positive. With
          ``kind="probabilities"`` distributions over the classes. See :class:`HierarchicalLoss`.
        - output: a scalar; with ``reduction="none"`` as a target of indices.

    Example::

        >>> import torch, klados
        >>> from klados.torch import TreeMinLoss
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> criterion = TreeMinLoss(hierarchy)
        >>> input = torch.tensor([[5.0, -3.0, -9.0, -9.0, -9.0]], requires_grad=True)  # "bat, but no mammal"
        >>> criterion(input, torch.tensor([0])).backward()
        >>> bat, mammal = input.grad[0, :2].tolist()
        >>> bat == 0 and mammal < -1.9  # bat and mammal both pull mammal up
        True
    """

    def __init__(
        self,
        hierarchy: Hierarchy,
        weights: str | dict[str, Any] = "uniform",
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        *,
        gamma: float = 0.0,
        impl: Impl = "auto",
    ) -> None:
        loss = loss_with("tree_min", weights=weights, gamma=gamma, class_weight=weight)
        super().__init__(hierarchy, loss, ignore_index=ignore_index, reduction=reduction, impl=impl)


def tree_min(
    input: Tensor,
    target: Tensor,
    hierarchy: Hierarchy,
    weights: str | dict[str, Any] = "uniform",
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    *,
    gamma: float = 0.0,
    impl: Impl = "auto",
    kind: TargetKind | None = None,
) -> Tensor:
    """A child is no surer than its parent. See :class:`klados.torch.TreeMinLoss`.

    Example::

        >>> import torch, klados
        >>> from klados.torch import functional
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> functional.tree_min(torch.zeros(1, 5), torch.tensor([2]), hierarchy).item()  # 5 log 2
        3.4657...
    """
    parameters = {"weights": weights, "gamma": gamma, "class_weight": weight}
    return loss_of("tree_min", parameters, input, target, hierarchy, ignore_index, reduction, impl, kind)
