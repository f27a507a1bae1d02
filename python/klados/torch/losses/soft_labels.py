"""Soft labels."""

from __future__ import annotations

from torch import Tensor

from klados._klados import Hierarchy
from klados.arrays import TargetKind
from klados.torch._dispatch import Impl, Reduction
from klados.torch._function import loss_of
from klados.torch._module import HierarchicalLoss, loss_with

__all__ = ["SoftLabelsLoss", "soft_labels"]


class SoftLabelsLoss(HierarchicalLoss):
    r"""Soft labels (Bertinetto et al., "Making Better Mistakes", CVPR 2020): cross-entropy with a target that falls with the
    distance in the hierarchy, from one logit a class.

    .. math::
        \ell(x, y) = -\sum_k q_k \log p_k, \qquad q_k \propto e^{-\beta d(y, k)}

    :math:`p` is the softmax of the logits, and :math:`d` the height of the lowest common ancestor over the height of the
    root. No matrix of distances is made. An internal label :math:`y` is allowed: classes below it have the distance of its
    height. Candidates and distributions are not.

    Use it where near misses should be cheap and the probabilities need not be calibrated: a small ``beta`` flattens them.
    With a large ``beta`` it is cross-entropy, with 0 the target is uniform.

    Args:
        hierarchy: what the classes roll up into.
        beta: how sharply the target falls with the distance, from 0.
        weight: a weight a class, of size ``classes``, on its term.
        ignore_index, reduction, impl: see :class:`HierarchicalLoss`.
        gamma: of the focal factor :math:`(1 - p_k)^\gamma` on each term.

    Shape:
        - input: :math:`(N, C)`, :math:`(N, C, d_1, ..., d_K)` or :math:`(C)`, with :math:`C` the number of classes.
        - target: :math:`(N)`, :math:`(N, d_1, ..., d_K)` or :math:`()`: indices of classes or nodes. See
          :class:`HierarchicalLoss`.
        - output: a scalar; with ``reduction="none"`` as the target.

    Example::

        >>> import torch, klados
        >>> from klados.torch import SoftLabelsLoss
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> criterion = SoftLabelsLoss(hierarchy, beta=4)
        >>> input = torch.zeros(1, 3, requires_grad=True)
        >>> criterion(input, torch.tensor([0])).backward()  # a bat
        >>> bat, dog, crow = input.grad[0].tolist()
        >>> bat < dog < crow  # pulled up: the bat most, then its sibling
        True
    """

    def __init__(
        self,
        hierarchy: Hierarchy,
        beta: float = 10.0,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        *,
        gamma: float = 0.0,
        impl: Impl = "auto",
    ) -> None:
        loss = loss_with("soft_labels", beta=beta, gamma=gamma, class_weight=weight)
        super().__init__(hierarchy, loss, ignore_index=ignore_index, reduction=reduction, impl=impl)


def soft_labels(
    input: Tensor,
    target: Tensor,
    hierarchy: Hierarchy,
    beta: float = 10.0,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    *,
    gamma: float = 0.0,
    impl: Impl = "auto",
    kind: TargetKind | None = None,
) -> Tensor:
    """Cross-entropy with a target that falls with the distance. See :class:`klados.torch.SoftLabelsLoss`.

    Example::

        >>> import torch, klados
        >>> from klados.torch import functional
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> functional.soft_labels(torch.zeros(1, 3), torch.tensor([2]), hierarchy, beta=4).item()  # log 3
        1.0986...
    """
    parameters = {"beta": beta, "gamma": gamma, "class_weight": weight}
    return loss_of("soft_labels", parameters, input, target, hierarchy, ignore_index, reduction, impl, kind)
