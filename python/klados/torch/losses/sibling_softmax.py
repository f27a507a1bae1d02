"""Sibling-softmax cross-entropy."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from klados._klados import Hierarchy
from klados.arrays import TargetKind
from klados.torch._dispatch import Impl, Reduction
from klados.torch._function import loss_of
from klados.torch._module import HierarchicalLoss, loss_with
from klados.torch.losses.hierarchical_cross_entropy import Weighting

__all__ = ["SiblingSoftmaxLoss", "sibling_softmax"]


class SiblingSoftmaxLoss(HierarchicalLoss):
    r"""Sibling-softmax cross-entropy (WordTree; Redmon & Farhadi, "YOLO9000", CVPR 2017), from one logit a node: a softmax
    over the children at each step down.

    .. math::
        \ell(x, y) = -\sum_{u \text{ at or above } y} \lambda_u \log P(u \mid \text{parent of } u), \qquad
        P(u \mid \text{parent}) = \frac{e^{x_u}}{\sum_{v \text{ sibling of } u \text{, or } u} e^{x_v}}

    An internal label ends the sum there: what is below it gets no gradient. Of candidates the sum goes to their lowest common
    ancestor and ends with a term for the candidates. An only child has conditional probability 1. The hierarchy has to be a
    tree.

    Use it where labels stop at any depth and each step down is a decision of its own. On one level it is cross-entropy.

    Args:
        hierarchy: a tree of nodes, with a column each.
        alpha: how fast the weights :math:`\lambda` fall with the depth, from 0; 0: all steps count 1.
        weight: a weight a class, of size ``classes``; a coarse label has the mean of its classes.
        ignore_index, reduction, impl: see :class:`HierarchicalLoss`.
        label_smoothing: in :math:`[0, 1]`, towards the uniform distribution over the classes.
        weighting: see :class:`HierarchicalCrossEntropyLoss`.
        tau: the strength of the logit adjustment (Plaud et al., CoNLL 2024): in training, :math:`\tau \log \nu_u` is added to
            the logits, with :math:`\nu` a node's share of its siblings' counts. Add nothing at test time: that is what makes
            rare nodes count.
        frequencies: the counts of the nodes by their names, which ``tau`` needs: of every node that has a sibling.
        gamma: of the focal factor :math:`(1 - P(u \mid \text{parent}))^\gamma` on each term.

    Shape:
        - input: :math:`(N, V)`, :math:`(N, V, d_1, ..., d_K)` or :math:`(V)`, with :math:`V` the number of nodes but the
          root, ``hierarchy.num_nodes - 1``, in the order of :attr:`Hierarchy.node_columns`.
        - target: :math:`(N)`, :math:`(N, d_1, ..., d_K)` or :math:`()` of indices; for distributions and candidates
          :math:`(N, C, ...)` with :math:`C` the number of classes. See :class:`HierarchicalLoss`.
        - output: a scalar; with ``reduction="none"`` as a target of indices.

    Example::

        >>> import torch, klados
        >>> from klados.torch import SiblingSoftmaxLoss
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> criterion = SiblingSoftmaxLoss(hierarchy)
        >>> input = torch.zeros(1, 5, requires_grad=True)  # bat, mammal, dog, crow, bird
        >>> criterion(input, criterion.encode(["mammal"])).backward()
        >>> input.grad.tolist()  # what kind of mammal is not asked
        [[0.0, -0.5, 0.0, 0.0, 0.5]]
        >>> counts = {"mammal": 90, "bird": 10, "bat": 30, "dog": 60}
        >>> criterion = SiblingSoftmaxLoss(hierarchy, tau=1, frequencies=counts)
        >>> round(criterion(input, criterion.encode(["bird"])).item(), 4)  # -log 0.1: a rare label costs more
        2.3026
    """

    def __init__(
        self,
        hierarchy: Hierarchy,
        alpha: float = 0.0,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        label_smoothing: float = 0.0,
        *,
        weighting: Weighting = "depth",
        tau: float = 0.0,
        frequencies: Mapping[str, float] | None = None,
        gamma: float = 0.0,
        impl: Impl = "auto",
    ) -> None:
        loss = loss_with(
            "sibling_softmax",
            alpha=alpha,
            weighting=weighting,
            tau=tau,
            frequencies=None if frequencies is None else list(frequencies.items()),
            label_smoothing=label_smoothing,
            gamma=gamma,
            class_weight=weight,
        )
        super().__init__(hierarchy, loss, ignore_index=ignore_index, reduction=reduction, impl=impl)


def sibling_softmax(
    input: Tensor,
    target: Tensor,
    hierarchy: Hierarchy,
    alpha: float = 0.0,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
    *,
    weighting: Weighting = "depth",
    tau: float = 0.0,
    frequencies: Mapping[str, float] | None = None,
    gamma: float = 0.0,
    impl: Impl = "auto",
    kind: TargetKind | None = None,
) -> Tensor:
    """A softmax over the children at each step down. See :class:`klados.torch.SiblingSoftmaxLoss`.

    Example::

        >>> import torch, klados
        >>> from klados.torch import functional
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> functional.sibling_softmax(torch.zeros(1, 5), torch.tensor([2]), hierarchy).item()  # log 2: a bird, so a crow
        0.6931...
    """
    parameters = {
        "alpha": alpha,
        "weighting": weighting,
        "tau": tau,
        "frequencies": None if frequencies is None else list(frequencies.items()),
        "label_smoothing": label_smoothing,
        "gamma": gamma,
        "class_weight": weight,
    }
    return loss_of("sibling_softmax", parameters, input, target, hierarchy, ignore_index, reduction, impl, kind)
