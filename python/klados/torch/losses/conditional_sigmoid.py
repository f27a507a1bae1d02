"""Conditional-sigmoid binary cross-entropy."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from klados._klados import Hierarchy
from klados.arrays import TargetKind
from klados.torch._dispatch import Impl, Reduction
from klados.torch._function import loss_of
from klados.torch._module import HierarchicalLoss, loss_with

__all__ = ["ConditionalSigmoidLoss", "conditional_sigmoid"]


class ConditionalSigmoidLoss(HierarchicalLoss):
    r"""Conditional-sigmoid binary cross-entropy (Brust & Denzler, "Integrating domain knowledge", ACPR 2019), from one logit a
    node: a sigmoid for each child at each step down.

    .. math::
        \ell(x, y) = \sum_{a \text{ strictly above } y} \ \sum_{v \text{ child of } a}
            w_v \operatorname{BCE}(\sigma(x_v), [v \text{ at or above } y])

    :math:`\sigma(x_v)` is the probability of :math:`v` given its parent, so that :math:`\log P(v)` is the sum of
    :math:`\log \sigma` down the path. The children of an internal label are unknown, not negative. A multi-hot target has the
    terms of the children of every positive node that has a positive child. The hierarchy has to be a tree; candidates are an
    error.

    Use it where labels stop at any depth and siblings may hold together, or nothing may hold. On one level it is binary
    cross-entropy.

    Args:
        hierarchy: a tree of nodes, with a column each.
        weights: of the nodes: ``"uniform"``, ``"leaves"``, ``"balanced"``, ``"lazy"``, ``"greedy"``,
            ``{"power": {"q": 0.5, "total": 1}}``, or ``{"levels": [1, 0.5]}`` by depth from the top or
            ``{"levels": {"genus": 0.5}}`` by rank.
        weight: a weight a class, of size ``classes``; any other label has the mean of the classes at or below it.
        ignore_index, reduction, impl: see :class:`HierarchicalLoss`. In a multi-hot target, ``ignore_index`` marks nodes
            that have no term.

    Shape:
        - input: :math:`(N, V)`, :math:`(N, V, d_1, ..., d_K)` or :math:`(V)`, with :math:`V` the number of nodes but the
          root, ``hierarchy.num_nodes - 1``, in the order of :attr:`Hierarchy.node_columns`.
        - target: :math:`(N)`, :math:`(N, d_1, ..., d_K)` or :math:`()` of indices; multi-hot :math:`(N, V, ...)`, or
          :math:`(N, C, ...)` with :math:`C` the number of classes. What is above a positive node is positive. With
          ``kind="probabilities"`` distributions over the classes. See :class:`HierarchicalLoss`.
        - output: a scalar; with ``reduction="none"`` as a target of indices.

    Example::

        >>> import torch, klados
        >>> from klados.torch import ConditionalSigmoidLoss
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> criterion = ConditionalSigmoidLoss(hierarchy)
        >>> input = torch.zeros(1, 5, requires_grad=True)  # bat, mammal, dog, crow, bird
        >>> criterion(input, criterion.encode(["mammal"])).backward()  # mammal yes, bird no
        >>> input.grad.tolist()
        [[0.0, -0.5, 0.0, 0.0, 0.5]]
        >>> target = torch.from_numpy(hierarchy.encode_multi_hot(["bat;crow"]))  # both
        >>> round(criterion(input, target).item(), 4)  # five yes or no questions: 5 log 2
        3.4657
    """

    def __init__(
        self,
        hierarchy: Hierarchy,
        weights: str | dict[str, Any] = "uniform",
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        *,
        impl: Impl = "auto",
    ) -> None:
        loss = loss_with("conditional_sigmoid", weights=weights, class_weight=weight)
        super().__init__(hierarchy, loss, ignore_index=ignore_index, reduction=reduction, impl=impl)


def conditional_sigmoid(
    input: Tensor,
    target: Tensor,
    hierarchy: Hierarchy,
    weights: str | dict[str, Any] = "uniform",
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    *,
    impl: Impl = "auto",
    kind: TargetKind | None = None,
) -> Tensor:
    """A sigmoid for each child at each step down. See :class:`klados.torch.ConditionalSigmoidLoss`.

    Example::

        >>> import torch, klados
        >>> from klados.torch import functional
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> functional.conditional_sigmoid(torch.zeros(1, 5), torch.tensor([2]), hierarchy).item()  # 3 log 2
        2.0794...
    """
    parameters = {"weights": weights, "class_weight": weight}
    return loss_of("conditional_sigmoid", parameters, input, target, hierarchy, ignore_index, reduction, impl, kind)
