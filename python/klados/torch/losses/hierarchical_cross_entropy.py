"""Hierarchical cross-entropy (HXE)."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from klados._klados import Hierarchy
from klados.arrays import TargetKind
from klados.torch._dispatch import Impl, Reduction
from klados.torch._function import loss_of
from klados.torch._module import HierarchicalLoss, loss_with

__all__ = ["HierarchicalCrossEntropyLoss", "hierarchical_cross_entropy"]

Weighting = Literal["depth", "depth_normalized", "height"]


class HierarchicalCrossEntropyLoss(HierarchicalLoss):
    r"""Hierarchical cross-entropy, HXE (Bertinetto et al., "Making Better Mistakes", CVPR 2020), from one logit a class.

    .. math::
        \ell(x, y) = -\sum_{u \text{ at or above } y} \lambda_u \log P(u \mid \text{parent of } u)

    The probabilities are those of :class:`MarginalCrossEntropyLoss`. The weights :math:`\lambda` fall with the depth, so a
    mistake that a level decides early costs more. An internal label ends the sum there; of candidates the sum goes to their
    lowest common ancestor and ends with a term for the candidates. The hierarchy has to be a tree.

    Use it where the height of mistakes counts more than their number. With ``alpha=0`` it is cross-entropy.

    Args:
        hierarchy: what the classes roll up into; a tree.
        alpha: how fast the weights fall, from 0.
        weight: a weight a class, of size ``classes``; a coarse label has the mean of its classes.
        ignore_index, reduction, impl: see :class:`HierarchicalLoss`.
        label_smoothing: in :math:`[0, 1]`, towards the uniform distribution over the classes.
        weighting: of a node at depth :math:`d` and height :math:`h`: ``"depth"``, :math:`e^{-\alpha (d - 1)}`;
            ``"depth_normalized"``, :math:`e^{-\alpha d}` over its sum over all nodes, as the authors' code has it; or
            ``"height"``, :math:`e^{-\alpha h}`, as the paper's words have it. A published number belongs to one of them.
        gamma: of the focal factor :math:`(1 - P(u \mid \text{parent}))^\gamma` on each term.

    Shape:
        - input: :math:`(N, C)`, :math:`(N, C, d_1, ..., d_K)` or :math:`(C)`, with :math:`C` the number of classes.
        - target: :math:`(N)`, :math:`(N, d_1, ..., d_K)` or :math:`()` of indices; as the input for distributions and
          candidates. See :class:`HierarchicalLoss`.
        - output: a scalar; with ``reduction="none"`` as a target of indices.

    Example::

        >>> import torch, klados
        >>> from klados.torch import HierarchicalCrossEntropyLoss
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> criterion = HierarchicalCrossEntropyLoss(hierarchy, alpha=0.5)
        >>> input = torch.zeros(2, 3, requires_grad=True)
        >>> target = torch.tensor([0, 2])  # a bat, a crow
        >>> output = criterion(input, target)  # (log 3/2 + e^-0.5 log 2 + log 3) / 2
        >>> round(output.item(), 4)
        0.9622
        >>> output.backward()
    """

    def __init__(
        self,
        hierarchy: Hierarchy,
        alpha: float = 0.1,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        label_smoothing: float = 0.0,
        *,
        weighting: Weighting = "depth",
        gamma: float = 0.0,
        impl: Impl = "auto",
    ) -> None:
        loss = loss_with(
            "hierarchical_cross_entropy",
            alpha=alpha,
            weighting=weighting,
            label_smoothing=label_smoothing,
            gamma=gamma,
            class_weight=weight,
        )
        super().__init__(hierarchy, loss, ignore_index=ignore_index, reduction=reduction, impl=impl)


def hierarchical_cross_entropy(
    input: Tensor,
    target: Tensor,
    hierarchy: Hierarchy,
    alpha: float = 0.1,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
    *,
    weighting: Weighting = "depth",
    gamma: float = 0.0,
    impl: Impl = "auto",
    kind: TargetKind | None = None,
) -> Tensor:
    """Hierarchical cross-entropy. See :class:`klados.torch.HierarchicalCrossEntropyLoss`.

    Example::

        >>> import torch, klados
        >>> from klados.torch import functional
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> functional.hierarchical_cross_entropy(torch.zeros(1, 3), torch.tensor([2]), hierarchy).item()  # log 3
        1.0986...
    """
    parameters = {
        "alpha": alpha,
        "weighting": weighting,
        "label_smoothing": label_smoothing,
        "gamma": gamma,
        "class_weight": weight,
    }
    return loss_of("hierarchical_cross_entropy", parameters, input, target, hierarchy, ignore_index, reduction, impl, kind)
