"""Soft-max-margin."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from klados._klados import Hierarchy
from klados.arrays import TargetKind
from klados.torch._dispatch import Impl, Reduction
from klados.torch._function import loss_of
from klados.torch._module import HierarchicalLoss, loss_with

__all__ = ["SoftmaxMarginLoss", "softmax_margin"]

Margin = Literal["path_length"]


class SoftmaxMarginLoss(HierarchicalLoss):
    r"""Soft-max-margin (Valmadre, "Hierarchical classification at multiple operating points", NeurIPS 2022), from one logit a
    node.

    .. math::
        \ell(x, y) = -x_y + \operatorname{logsumexp}_v (x_v + \tau m(y, v))

    over all nodes and the root, whose logit is 0; :math:`m` is the number of edges between :math:`y` and :math:`v`. A node has
    to be beaten by the more, the farther it is from the label. With ``hard`` it is the hinge loss,
    :math:`\max_v (x_v + \tau m(y, v)) - x_y`, which is 0 once every margin is kept. Any node may be the label, the root too.
    The hierarchy has to be a tree; candidates are an error.

    Use it where answers at several depths are wanted from one model. With ``tau=0`` it is cross-entropy over all nodes and the
    root.

    Args:
        hierarchy: a tree of nodes, with a column each.
        tau: the margin an edge, from 0.
        weight: a weight a class, of size ``classes``; a coarse label has the mean of its classes.
        ignore_index, reduction, impl: see :class:`HierarchicalLoss`.
        margin: what the margin grows with: ``"path_length"``.
        hard: whether the maximum is taken in place of the log-sum-exp.

    Shape:
        - input: :math:`(N, V)`, :math:`(N, V, d_1, ..., d_K)` or :math:`(V)`, with :math:`V` the number of nodes but the
          root, ``hierarchy.num_nodes - 1``, in the order of :attr:`Hierarchy.node_columns`.
        - target: :math:`(N)`, :math:`(N, d_1, ..., d_K)` or :math:`()` of indices; for distributions :math:`(N, C, ...)`
          with :math:`C` the number of classes. See :class:`HierarchicalLoss`.
        - output: a scalar; with ``reduction="none"`` as a target of indices.

    Example::

        >>> import torch, klados
        >>> from klados.torch import SoftmaxMarginLoss
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> criterion = SoftmaxMarginLoss(hierarchy, tau=0)
        >>> output = criterion(torch.zeros(1, 5), torch.tensor([0]))
        >>> round(output.exp().item(), 4)  # five nodes and the root, all equal
        6.0
        >>> criterion = SoftmaxMarginLoss(hierarchy, hard=True)
        >>> criterion(torch.zeros(1, 5), torch.tensor([0])).item()  # the crow is four edges from the bat
        4.0
    """

    def __init__(
        self,
        hierarchy: Hierarchy,
        tau: float = 1.0,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        *,
        margin: Margin = "path_length",
        hard: bool = False,
        impl: Impl = "auto",
    ) -> None:
        loss = loss_with("softmax_margin", tau=tau, margin=margin, hard=hard, class_weight=weight)
        super().__init__(hierarchy, loss, ignore_index=ignore_index, reduction=reduction, impl=impl)


def softmax_margin(
    input: Tensor,
    target: Tensor,
    hierarchy: Hierarchy,
    tau: float = 1.0,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    *,
    margin: Margin = "path_length",
    hard: bool = False,
    impl: Impl = "auto",
    kind: TargetKind | None = None,
) -> Tensor:
    """A margin that grows with the distance. See :class:`klados.torch.SoftmaxMarginLoss`.

    Example::

        >>> import torch, klados
        >>> from klados.torch import functional
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> functional.softmax_margin(torch.zeros(1, 5), torch.tensor([2]), hierarchy, hard=True).item()
        4.0
    """
    parameters = {"tau": tau, "margin": margin, "hard": hard, "class_weight": weight}
    return loss_of("softmax_margin", parameters, input, target, hierarchy, ignore_index, reduction, impl, kind)
