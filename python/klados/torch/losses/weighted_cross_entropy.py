"""Weighted cross-entropy: superclasses by a sparse matrix of weights."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from klados._klados import Hierarchy
from klados.arrays import TargetKind
from klados.torch._dispatch import Impl, Reduction
from klados.torch._function import loss_of
from klados.torch._module import HierarchicalLoss, loss_with

__all__ = ["WeightedCrossEntropyLoss", "weighted_cross_entropy"]


class WeightedCrossEntropyLoss(HierarchicalLoss):
    r"""Cross-entropy at the classes, and at superclasses that classes belong to by weights, from one logit a class.

    .. math::
        \ell(x, y) = -a \log P(y) - b \sum_v W_{yv} \log P(v), \qquad
        \log P(v) = \operatorname{logsumexp}_k (\log W_{kv} + x_k) - \operatorname{logsumexp}_k x_k

    with :math:`a` ``leaf_weight`` and :math:`b` ``superclass_weight``. The weights of a class sum to 1. A label that is a
    superclass has the term :math:`-b \log P(v)` and none at the classes. The superclasses need not be nodes of the
    hierarchy.

    Use it where membership is a matter of degree (a word in two topics, a product on two shelves), or where the superclasses
    are no hierarchy. Where every weight is 0 or 1, :class:`MarginalCrossEntropyLoss` says the same and is faster.

    Args:
        hierarchy: what has the classes.
        map: the matrix :math:`W`, as rows of class, superclass and weight; without rows it is plain cross-entropy.
        weight: a weight a class, of size ``classes``; a superclass has the mean of its classes.
        ignore_index, reduction, impl: see :class:`HierarchicalLoss`.
        label_smoothing: in :math:`[0, 1]`, towards the uniform distribution over the classes.
        normalize: whether the weights of a class are divided by their sum; otherwise a sum that is not 1 is an error.
        leaf_weight: of the term of the class.
        superclass_weight: of the terms of the superclasses.
        gamma: of the focal factor :math:`(1 - P)^\gamma` on each term.

    Shape:
        - input: :math:`(N, C)`, :math:`(N, C, d_1, ..., d_K)` or :math:`(C)`, with :math:`C` the number of classes.
        - target: :math:`(N)`, :math:`(N, d_1, ..., d_K)` or :math:`()` of indices: a class, or a superclass of the map, as
          :meth:`encode` gives it; as the input for distributions. See :class:`HierarchicalLoss`.
        - output: a scalar; with ``reduction="none"`` as a target of indices.

    Example::

        >>> import torch, klados
        >>> from klados.torch import WeightedCrossEntropyLoss
        >>> hierarchy = klados.Hierarchy.from_edges([("animal", "bat"), ("animal", "crow"), ("animal", "dog")])
        >>> map = [("bat", "flies", 0.5), ("bat", "furry", 0.5), ("crow", "flies", 1.0), ("dog", "furry", 1.0)]
        >>> criterion = WeightedCrossEntropyLoss(hierarchy, map, reduction="none")
        >>> target = criterion.encode(["crow", "furry"])  # a class, and a superclass of the map
        >>> output = criterion(torch.zeros(2, 3), target)  # log 3 + log 2, and log 2
        >>> [round(loss, 4) for loss in output.tolist()]
        [1.7918, 0.6931]
    """

    def __init__(
        self,
        hierarchy: Hierarchy,
        map: Iterable[tuple[str, str, float]] = (),
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        label_smoothing: float = 0.0,
        *,
        normalize: bool = False,
        leaf_weight: float = 1.0,
        superclass_weight: float = 1.0,
        gamma: float = 0.0,
        impl: Impl = "auto",
    ) -> None:
        loss = loss_with(
            "weighted_cross_entropy",
            map=list(map),
            normalize=normalize,
            leaf_weight=leaf_weight,
            superclass_weight=superclass_weight,
            label_smoothing=label_smoothing,
            gamma=gamma,
            class_weight=weight,
        )
        super().__init__(hierarchy, loss, ignore_index=ignore_index, reduction=reduction, impl=impl)


def weighted_cross_entropy(
    input: Tensor,
    target: Tensor,
    hierarchy: Hierarchy,
    map: Iterable[tuple[str, str, float]] = (),
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
    *,
    normalize: bool = False,
    leaf_weight: float = 1.0,
    superclass_weight: float = 1.0,
    gamma: float = 0.0,
    impl: Impl = "auto",
    kind: TargetKind | None = None,
) -> Tensor:
    """Cross-entropy at classes and weighted superclasses. See :class:`klados.torch.WeightedCrossEntropyLoss`.

    Example::

        >>> import torch, klados
        >>> from klados.torch import functional
        >>> hierarchy = klados.Hierarchy.from_edges([("animal", "bat"), ("animal", "crow"), ("animal", "dog")])
        >>> map = [("bat", "flies", 0.5), ("bat", "furry", 0.5), ("crow", "flies", 1.0), ("dog", "furry", 1.0)]
        >>> functional.weighted_cross_entropy(torch.zeros(1, 3), torch.tensor([1]), hierarchy, map).item()  # log 3 + log 2
        1.7917...
    """
    parameters = {
        "map": list(map),
        "normalize": normalize,
        "leaf_weight": leaf_weight,
        "superclass_weight": superclass_weight,
        "label_smoothing": label_smoothing,
        "gamma": gamma,
        "class_weight": weight,
    }
    return loss_of("weighted_cross_entropy", parameters, input, target, hierarchy, ignore_index, reduction, impl, kind)
