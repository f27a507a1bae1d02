"""Binary cross-entropy over nodes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from torch import Tensor

from klados._klados import Hierarchy
from klados.arrays import TargetKind
from klados.torch._dispatch import Impl, Reduction
from klados.torch._function import loss_of
from klados.torch._module import HierarchicalLoss, loss_with

__all__ = ["BinaryCrossEntropyLoss", "binary_cross_entropy"]

NodeSigmoid = Literal["independent", "max", "noisy_or", "weighted"]


class BinaryCrossEntropyLoss(HierarchicalLoss):
    r"""Binary cross-entropy at every node, for multi-label data: what :class:`torch.nn.BCEWithLogitsLoss` is at the classes,
    at the superclasses as well.

    .. math::
        \ell(x, t) = \sum_v w_v \operatorname{BCE}(P(v), t_v)

    ==================  ============  ================================================================================
    ``form``            logits        :math:`P(v)`
    ==================  ============  ================================================================================
    ``"independent"``   one a node    :math:`\sigma(x_v)`
    ``"max"``           one a node    :math:`\sigma(\max_{u \text{ at or below } v} x_u)` (Giunchiglia & Lukasiewicz,
                                      "Coherent Hierarchical Multi-Label Classification Networks", NeurIPS 2020)
    ``"noisy_or"``      one a class   :math:`1 - \prod_{k \text{ below } v} (1 - \sigma(x_k))`: any of its classes
    ``"weighted"``      one a class   :math:`\sum_k W_{kv} \sigma(x_k)` for the superclasses of ``map``, and
                                      :math:`\sigma(x_k)` for each class
    ==================  ============  ================================================================================

    The label is a set of nodes that all hold; those above them hold too, and all others do not. A target by index is the set
    of that one node. In ``"max"`` a positive term takes the maximum over the positive nodes, as the authors do, so that a
    wrong child is not rewarded for its parent. In ``"weighted"`` the target of a superclass is :math:`\sum_k W_{kv} t_k`.
    Candidates are an error.

    ``"independent"`` is the baseline, whose children can exceed their parents; ``"max"`` cannot contradict the hierarchy;
    ``"noisy_or"`` needs no logits for the superclasses.

    Args:
        hierarchy: what the classes roll up into.
        form: how probabilities follow from logits; see the table.
        ignore_index, impl: see :class:`HierarchicalLoss`. In a multi-hot target, ``ignore_index`` marks nodes that have no
            term.
        reduction: ``"none"``, a loss a sample; ``"sum"``; or ``"mean"``, which divides by the number of terms that take part,
            as :class:`torch.nn.BCEWithLogitsLoss` does.
        pos_weight: what the terms of positive nodes are multiplied with: a number, or one a term, in the order of
            :attr:`Hierarchy.node_columns`; in ``"weighted"`` the superclasses of the map and then the classes.
        weights: of the nodes: ``"uniform"``, ``"leaves"``, or ``{"levels": [1, 0.5]}`` by depth from the top or
            ``{"levels": {"genus": 0.5}}`` by rank.
        gamma: of the focal factor :math:`(1 - p_t)^\gamma` on each term (Lin et al., ICCV 2017), which is differentiated too.
        incomplete: whether the nodes below a positive node that has no positive child are unknown; otherwise they are
            negative.
        map: for ``"weighted"``, the matrix :math:`W` as rows of class, superclass and weight; a superclass's weights sum
            to 1.
        normalize: whether the weights of a superclass are divided by their sum; otherwise a sum that is not 1 is an error.

    Shape:
        - input: :math:`(N, C)`, :math:`(N, C, d_1, ..., d_K)` or :math:`(C)`, with :math:`C` the number of classes for
          ``"noisy_or"`` and ``"weighted"``, else that of the nodes but the root, ``hierarchy.num_nodes - 1``, in the order
          of :attr:`Hierarchy.node_columns`.
        - target: :math:`(N)`, :math:`(N, d_1, ..., d_K)` or :math:`()` of indices; multi-hot :math:`(N, C, ...)` with a column
          a class, or a node but the root. With ``kind="probabilities"`` distributions over the classes. See
          :class:`HierarchicalLoss`.
        - output: a scalar; with ``reduction="none"`` as a target of indices.

    Example::

        >>> import torch, klados
        >>> from klados.torch import BinaryCrossEntropyLoss
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> criterion = BinaryCrossEntropyLoss(hierarchy, "noisy_or", reduction="sum")
        >>> input = torch.zeros(1, 3, requires_grad=True)  # bat, dog, crow
        >>> target = torch.tensor([[1, 0, 1]])  # bat and crow
        >>> output = criterion(input, target)  # bat, crow and bird yes at 1/2, dog no at 1/2, mammal yes at 3/4
        >>> round(output.item(), 4)  # 4 log 2 + log 4/3
        3.0603
        >>> output.backward()
    """

    def __init__(
        self,
        hierarchy: Hierarchy,
        form: NodeSigmoid = "independent",
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        pos_weight: float | Tensor | None = None,
        *,
        weights: str | dict[str, Any] = "uniform",
        gamma: float = 0.0,
        incomplete: bool = False,
        map: Iterable[tuple[str, str, float]] | None = None,
        normalize: bool = False,
        impl: Impl = "auto",
    ) -> None:
        loss = loss_with(
            "binary_cross_entropy",
            form=form,
            weights=weights,
            gamma=gamma,
            pos_weight=pos_weight,
            incomplete=incomplete,
            map=None if map is None else list(map),
            normalize=normalize,
        )
        super().__init__(hierarchy, loss, ignore_index=ignore_index, reduction=reduction, impl=impl)


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    hierarchy: Hierarchy,
    form: NodeSigmoid = "independent",
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    pos_weight: float | Tensor | None = None,
    *,
    weights: str | dict[str, Any] = "uniform",
    gamma: float = 0.0,
    incomplete: bool = False,
    map: Iterable[tuple[str, str, float]] | None = None,
    normalize: bool = False,
    impl: Impl = "auto",
    kind: TargetKind | None = None,
) -> Tensor:
    """Binary cross-entropy at every node, from logits. See :class:`klados.torch.BinaryCrossEntropyLoss`.

    Example::

        >>> import torch, klados
        >>> from klados.torch import functional
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> functional.binary_cross_entropy(torch.zeros(1, 5), torch.tensor([2]), hierarchy).item()  # log 2 a node
        0.6931...
    """
    parameters = {
        "form": form,
        "weights": weights,
        "gamma": gamma,
        "pos_weight": pos_weight,
        "incomplete": incomplete,
        "map": None if map is None else list(map),
        "normalize": normalize,
    }
    return loss_of("binary_cross_entropy", parameters, input, target, hierarchy, ignore_index, reduction, impl, kind)
