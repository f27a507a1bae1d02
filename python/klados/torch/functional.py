"""The losses as functions, and the log-probabilities of nodes.

A function compiles its loss when it first meets a hierarchy and parameters, and remembers some of the last. In a training
loop prefer the modules, which are compiled once. Under ``torch.compile`` the functions take no class weights, and run on the
fused path alone; the modules on both.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from klados._klados import Hierarchy
from klados.torch import _dispatch
from klados.torch._cache import operation
from klados.torch._dispatch import Impl
from klados.torch.linear import linear_marginal_cross_entropy
from klados.torch.losses.binary_cross_entropy import binary_cross_entropy
from klados.torch.losses.conditional_sigmoid import conditional_sigmoid
from klados.torch.losses.descendant_softmax import descendant_softmax
from klados.torch.losses.hierarchical_cross_entropy import hierarchical_cross_entropy
from klados.torch.losses.levelwise_softmax import levelwise_softmax
from klados.torch.losses.marginal_cross_entropy import marginal_cross_entropy
from klados.torch.losses.parameter_sharing_softmax import parameter_sharing_softmax
from klados.torch.losses.random_cut import random_cut
from klados.torch.losses.sibling_softmax import sibling_softmax
from klados.torch.losses.soft_labels import soft_labels
from klados.torch.losses.softmax_margin import softmax_margin
from klados.torch.losses.tree_min import tree_min
from klados.torch.losses.weighted_cross_entropy import weighted_cross_entropy

__all__ = [
    "binary_cross_entropy",
    "conditional_sigmoid",
    "descendant_softmax",
    "hierarchical_cross_entropy",
    "levelwise_softmax",
    "linear_marginal_cross_entropy",
    "marginal_cross_entropy",
    "node_log_probs",
    "parameter_sharing_softmax",
    "random_cut",
    "sibling_softmax",
    "soft_labels",
    "softmax_margin",
    "tree_min",
    "weighted_cross_entropy",
]


def node_log_probs(
    logits: Tensor,
    hierarchy: Hierarchy,
    form: str | dict[str, Any] = "class_softmax",
    level: int | str | None = None,
    *,
    impl: Impl = "auto",
) -> Tensor:
    r"""The log-probabilities of the nodes of a hierarchy, or of those of a level, differentiable: for a loss of your own.

    They are log-probabilities, not logits: they must not go through another softmax or into a BCE-with-logits. A node's
    logit is :math:`\log P - \log(1 - P)`.

    Args:
        logits: on any device.
        hierarchy: what the classes roll up into.
        form: what the logits are; see :func:`klados.node_log_probs`.
        level: a rank by name, or a depth from 1; all nodes where it is not given.
        impl: see :class:`klados.torch.HierarchicalLoss`.

    Shape:
        - logits: :math:`(N, C)` or :math:`(*, C)`, with a column a class, or a node but the root where the form says so.
        - output: :math:`(*, V)`: the nodes by their index, the root included; of a level in the order of
          :meth:`Hierarchy.level_nodes`; of the weighted forms the superclasses of the map.

    Example::

        >>> import torch, klados
        >>> from klados.torch import functional
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> logits = torch.zeros(1, 3, requires_grad=True)
        >>> log_p = functional.node_log_probs(logits, hierarchy, level=1)  # mammal, bird
        >>> loss = torch.nn.functional.nll_loss(log_p, torch.tensor([1]))  # a bird; no softmax comes after log_p
        >>> loss.backward()
        >>> loss.exp().item()
        3.0...
    """
    _dispatch.check_options("none", impl)
    of_nodes = operation(hierarchy, form, level)
    return _dispatch.node_log_probs(logits, of_nodes, of_nodes.tables, impl)
