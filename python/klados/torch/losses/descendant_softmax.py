"""Descendant softmax."""

from __future__ import annotations

from torch import Tensor

from klados._klados import Hierarchy
from klados.arrays import TargetKind
from klados.torch._dispatch import Impl, Reduction
from klados.torch._function import loss_of
from klados.torch._module import HierarchicalLoss, loss_with

__all__ = ["DescendantSoftmaxLoss", "descendant_softmax"]


class DescendantSoftmaxLoss(HierarchicalLoss):
    r"""Descendant softmax (Valmadre, "Hierarchical classification at multiple operating points", NeurIPS 2022), from one logit
    a node.

    .. math::
        \ell(x, y) = \sum_{a \text{ at or above } y} \Big(-x_a + \log\Big(e^{x_a} +
            \sum_{b \text{ at or above } a} \ \sum_{c \text{ sibling of } b} e^{E_c}\Big)\Big), \qquad
        E_c = \operatorname{logsumexp}_{v \text{ at or below } c} x_v

    Each node on the path stands against all that branches off the path above it, and not against its own ancestors and
    descendants: its logit scores its whole subtree. An internal label has the terms down to itself. The hierarchy has to be a
    tree; candidates are an error.

    Use it where answers at several depths are wanted from one model, and labels stop at any depth. On one level it is
    cross-entropy.

    Args:
        hierarchy: a tree of nodes, with a column each.
        weight: a weight a class, of size ``classes``; a coarse label has the mean of its classes.
        ignore_index, reduction, impl: see :class:`HierarchicalLoss`.

    Shape:
        - input: :math:`(N, V)`, :math:`(N, V, d_1, ..., d_K)` or :math:`(V)`, with :math:`V` the number of nodes but the
          root, ``hierarchy.num_nodes - 1``, in the order of :attr:`Hierarchy.node_columns`.
        - target: :math:`(N)`, :math:`(N, d_1, ..., d_K)` or :math:`()` of indices; for distributions :math:`(N, C, ...)`
          with :math:`C` the number of classes. See :class:`HierarchicalLoss`.
        - output: a scalar; with ``reduction="none"`` as a target of indices.

    Example::

        >>> import torch, klados
        >>> from klados.torch import DescendantSoftmaxLoss
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> criterion = DescendantSoftmaxLoss(hierarchy)
        >>> output = criterion(torch.zeros(1, 5), torch.tensor([0]))  # a bat
        >>> round(output.exp().item(), 4)  # mammal against bird and crow: 3; bat against dog, bird and crow: 4
        12.0
    """

    def __init__(
        self,
        hierarchy: Hierarchy,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        *,
        impl: Impl = "auto",
    ) -> None:
        loss = loss_with("descendant_softmax", class_weight=weight)
        super().__init__(hierarchy, loss, ignore_index=ignore_index, reduction=reduction, impl=impl)


def descendant_softmax(
    input: Tensor,
    target: Tensor,
    hierarchy: Hierarchy,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    *,
    impl: Impl = "auto",
    kind: TargetKind | None = None,
) -> Tensor:
    """Each node of the path against what branches off. See :class:`klados.torch.DescendantSoftmaxLoss`.

    Example::

        >>> import torch, klados
        >>> from klados.torch import functional
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> functional.descendant_softmax(torch.zeros(1, 5), torch.tensor([2]), hierarchy).exp().item()  # 4 x 4
        16.0...
    """
    return loss_of(
        "descendant_softmax", {"class_weight": weight}, input, target, hierarchy, ignore_index, reduction, impl, kind
    )
