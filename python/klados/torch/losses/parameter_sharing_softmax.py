"""Parameter-sharing softmax."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from klados._klados import Hierarchy
from klados.arrays import TargetKind
from klados.torch._dispatch import Impl, Reduction
from klados.torch._function import loss_of
from klados.torch._module import HierarchicalLoss, loss_with

__all__ = ["ParameterSharingSoftmaxLoss", "parameter_sharing_softmax"]


class ParameterSharingSoftmaxLoss(HierarchicalLoss):
    r"""Parameter-sharing softmax (Salakhutdinov et al., "Learning to Share Visual Appearance for Multiclass Object Detection",
    CVPR 2011), from one logit a node: :class:`MarginalCrossEntropyLoss` of class logits that are sums over the ancestors.

    .. math::
        z_k = \sum_{u \text{ at or above } k} x_u, \qquad
        \ell(x, y) = -\sum_{u \text{ at or above } y} w_u \log P(u), \qquad
        \log P(u) = \operatorname{logsumexp}_{k \text{ below } u} z_k - \operatorname{logsumexp}_k z_k

    What classes have in common is learned once, by the node above them: a rare class inherits the score of its genus. With
    the default weights it is cross-entropy, and marginal likelihood for coarse labels. On a DAG each ancestor counts once.

    Use it where some classes have few samples and their superclasses many.

    Args:
        hierarchy: of nodes, with a column each.
        weights: of the nodes: ``"leaves"``, ``"uniform"``, ``"balanced"``, ``"lazy"``, ``"greedy"``,
            ``{"power": {"q": 0.5, "total": 1}}``, or ``{"levels": [1, 0.5]}`` by depth from the top or
            ``{"levels": {"genus": 0.5}}`` by rank.
        weight: a weight a class, of size ``classes``; a coarse label has the mean of its classes.
        ignore_index, reduction, impl: see :class:`HierarchicalLoss`.
        label_smoothing: in :math:`[0, 1]`, towards the uniform distribution over the classes.
        gamma: of the focal factor :math:`(1 - P(u))^\gamma` on each term.

    Shape:
        - input: :math:`(N, V)`, :math:`(N, V, d_1, ..., d_K)` or :math:`(V)`, with :math:`V` the number of nodes but the
          root, ``hierarchy.num_nodes - 1``, in the order of :attr:`Hierarchy.node_columns`.
        - target: :math:`(N)`, :math:`(N, d_1, ..., d_K)` or :math:`()` of indices; for distributions and candidates
          :math:`(N, C, ...)` with :math:`C` the number of classes. See :class:`HierarchicalLoss`.
        - output: a scalar; with ``reduction="none"`` as a target of indices.

    Example::

        >>> import math, torch, klados
        >>> from klados.torch import ParameterSharingSoftmaxLoss
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> criterion = ParameterSharingSoftmaxLoss(hierarchy)
        >>> input = torch.tensor([[0, math.log(2), 0, 0, 0]])  # bat, mammal, dog, crow, bird
        >>> output = criterion(input, torch.tensor([0]))  # the score of mammal lifts both: 2 / (2 + 2 + 1)
        >>> round(math.exp(-output.item()), 4)
        0.4
    """

    def __init__(
        self,
        hierarchy: Hierarchy,
        weights: str | dict[str, Any] = "leaves",
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        label_smoothing: float = 0.0,
        *,
        gamma: float = 0.0,
        impl: Impl = "auto",
    ) -> None:
        loss = loss_with(
            "parameter_sharing_softmax",
            weights=weights,
            label_smoothing=label_smoothing,
            gamma=gamma,
            class_weight=weight,
        )
        super().__init__(hierarchy, loss, ignore_index=ignore_index, reduction=reduction, impl=impl)


def parameter_sharing_softmax(
    input: Tensor,
    target: Tensor,
    hierarchy: Hierarchy,
    weights: str | dict[str, Any] = "leaves",
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
    *,
    gamma: float = 0.0,
    impl: Impl = "auto",
    kind: TargetKind | None = None,
) -> Tensor:
    """Cross-entropy of logits summed over ancestors. See :class:`klados.torch.ParameterSharingSoftmaxLoss`.

    Example::

        >>> import torch, klados
        >>> from klados.torch import functional
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> functional.parameter_sharing_softmax(torch.zeros(1, 5), torch.tensor([2]), hierarchy).item()  # log 3
        1.0986...
    """
    parameters = {"weights": weights, "label_smoothing": label_smoothing, "gamma": gamma, "class_weight": weight}
    return loss_of("parameter_sharing_softmax", parameters, input, target, hierarchy, ignore_index, reduction, impl, kind)
