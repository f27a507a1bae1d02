"""Random cut."""

from __future__ import annotations

from torch import Tensor

from klados._klados import Hierarchy
from klados.arrays import TargetKind
from klados.torch._dispatch import Impl, Reduction
from klados.torch._function import loss_of
from klados.torch._module import HierarchicalLoss, loss_with

__all__ = ["RandomCutLoss", "random_cut"]


class RandomCutLoss(HierarchicalLoss):
    r"""Random cut (Wu et al., "Solving Long-Tailed Recognition with Deep Realistic Taxonomic Classifier", ECCV 2020), from one
    logit a node: cross-entropy over a cut of the tree that is drawn anew for each sample.

    .. math::
        \ell(x, y) = -x_a + \operatorname{logsumexp}_{v \text{ in the cut}} x_v, \qquad a \text{ in the cut, at or above } y

    Each internal node is closed with probability ``p``; the cut is the topmost closed nodes and the leaves that are not below
    one. So a model learns to answer at every depth. Targets are classes and distributions over them. The hierarchy has to be a
    tree.

    The draw is a hash of the seed, :attr:`step`, the row in the batch and the node: it depends on nothing else, so that a run
    can be repeated, on any device and with any number of threads. Each forward in training mode makes a step; in evaluation
    mode the step stays, so that two evaluations of one model have the same cuts. :attr:`step` is a persistent buffer: it is in
    ``state_dict()``, and a run that is resumed goes on with new cuts. ``criterion.step.fill_(n)`` sets it. Give each of several
    workers a seed of its own, or all draw the same cuts.

    Use it where a model has to be right at the depth at which it stops. With ``p=0`` it is cross-entropy over the leaves.

    Args:
        hierarchy: a tree of nodes, with a column each.
        p: the probability that an internal node is closed, in :math:`[0, 1]`.
        weight: a weight a class, of size ``classes``.
        ignore_index, reduction, impl: see :class:`HierarchicalLoss`.
        seed: of the draws, in :math:`[0, 2^{64})`.

    Shape:
        - input: :math:`(N, V)`, :math:`(N, V, d_1, ..., d_K)` or :math:`(V)`, with :math:`V` the number of nodes but the
          root, ``hierarchy.num_nodes - 1``, in the order of :attr:`Hierarchy.node_columns`.
        - target: :math:`(N)`, :math:`(N, d_1, ..., d_K)` or :math:`()` of classes; for distributions :math:`(N, C, ...)`
          with :math:`C` the number of classes. See :class:`HierarchicalLoss`.
        - output: a scalar; with ``reduction="none"`` as a target of indices.

    Example::

        >>> import torch, klados
        >>> from klados.torch import RandomCutLoss
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> criterion = RandomCutLoss(hierarchy, p=1)
        >>> output = criterion(torch.zeros(1, 5, requires_grad=True), torch.tensor([0]))
        >>> round(output.exp().item(), 4)  # all closed: mammal or bird
        2.0
        >>> criterion.step
        tensor(1)
        >>> output = criterion.eval()(torch.zeros(1, 5), torch.tensor([0]))
        >>> criterion.step
        tensor(1)
    """

    def __init__(
        self,
        hierarchy: Hierarchy,
        p: float = 0.1,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        *,
        seed: int = 0,
        impl: Impl = "auto",
    ) -> None:
        loss = loss_with("random_cut", p=p, seed=seed, class_weight=weight)
        super().__init__(hierarchy, loss, ignore_index=ignore_index, reduction=reduction, impl=impl)


def random_cut(
    input: Tensor,
    target: Tensor,
    hierarchy: Hierarchy,
    p: float = 0.1,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    *,
    seed: int = 0,
    step: int | Tensor = 0,
    impl: Impl = "auto",
    kind: TargetKind | None = None,
) -> Tensor:
    """Cross-entropy over a cut of the tree that is drawn for each sample. See :class:`klados.torch.RandomCutLoss`.

    Args:
        step: the number of the step of training, from 0: the same step draws the same cuts. A tensor has no dimensions.

    Example::

        >>> import torch, klados
        >>> from klados.torch import functional
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> input, target = torch.randn(20, 5), torch.randint(3, (20,))
        >>> losses = [functional.random_cut(input, target, hierarchy, p=0.5, step=step).item() for step in (0, 1, 0)]
        >>> losses[0] == losses[2] and losses[0] != losses[1]
        True
    """
    parameters = {"p": p, "seed": seed, "class_weight": weight}
    return loss_of("random_cut", parameters, input, target, hierarchy, ignore_index, reduction, impl, kind, step)
