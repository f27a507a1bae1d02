"""The losses for PyTorch: modules, functions, and differentiable log-probabilities of nodes.

With a logit a class:

- :class:`MarginalCrossEntropyLoss`: cross-entropy at every level; marginal likelihood for coarse labels. Start here.
- :class:`HierarchicalCrossEntropyLoss`, :class:`SoftLabelsLoss`: mistakes count by how high up they are.
- :class:`WeightedCrossEntropyLoss`: superclasses by a matrix of weights.
- :class:`LinearMarginalCrossEntropyLoss`: the last linear layer and the first of these, for many classes.

With a logit a node: :class:`SiblingSoftmaxLoss`, :class:`LevelwiseSoftmaxLoss`, :class:`ParameterSharingSoftmaxLoss`,
:class:`DescendantSoftmaxLoss`, :class:`SoftmaxMarginLoss`, :class:`RandomCutLoss`.

For multi-label data: :class:`BinaryCrossEntropyLoss`, :class:`ConditionalSigmoidLoss`, :class:`TreeMinLoss`.

:class:`HierarchicalLoss` is any of them by its name, :class:`NodeLogProbs` is for a loss of your own, and
:mod:`klados.torch.functional` has them as functions.

Example::

    >>> import torch, klados
    >>> from klados.torch import MarginalCrossEntropyLoss
    >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    >>> criterion = MarginalCrossEntropyLoss(hierarchy)  # in place of torch.nn.CrossEntropyLoss()
    >>> criterion(torch.randn(8, 3, requires_grad=True), torch.randint(3, (8,))).backward()
"""

try:
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("klados.torch needs PyTorch: pip install 'klados[torch]'") from error

from klados.torch import functional
from klados.torch._module import HierarchicalLoss
from klados.torch.distributed import GlobalMean
from klados.torch.linear import LinearMarginalCrossEntropyLoss
from klados.torch.losses.binary_cross_entropy import BinaryCrossEntropyLoss
from klados.torch.losses.conditional_sigmoid import ConditionalSigmoidLoss
from klados.torch.losses.descendant_softmax import DescendantSoftmaxLoss
from klados.torch.losses.hierarchical_cross_entropy import HierarchicalCrossEntropyLoss
from klados.torch.losses.levelwise_softmax import LevelwiseSoftmaxLoss
from klados.torch.losses.marginal_cross_entropy import MarginalCrossEntropyLoss
from klados.torch.losses.parameter_sharing_softmax import ParameterSharingSoftmaxLoss
from klados.torch.losses.random_cut import RandomCutLoss
from klados.torch.losses.sibling_softmax import SiblingSoftmaxLoss
from klados.torch.losses.soft_labels import SoftLabelsLoss
from klados.torch.losses.softmax_margin import SoftmaxMarginLoss
from klados.torch.losses.tree_min import TreeMinLoss
from klados.torch.losses.weighted_cross_entropy import WeightedCrossEntropyLoss
from klados.torch.nodes import NodeLogProbs
from klados.torch.sharded import ShardedMarginalCrossEntropyLoss, shard_bounds

__all__ = [
    "BinaryCrossEntropyLoss",
    "ConditionalSigmoidLoss",
    "DescendantSoftmaxLoss",
    "GlobalMean",
    "HierarchicalCrossEntropyLoss",
    "HierarchicalLoss",
    "LevelwiseSoftmaxLoss",
    "LinearMarginalCrossEntropyLoss",
    "MarginalCrossEntropyLoss",
    "NodeLogProbs",
    "ParameterSharingSoftmaxLoss",
    "RandomCutLoss",
    "ShardedMarginalCrossEntropyLoss",
    "SiblingSoftmaxLoss",
    "SoftLabelsLoss",
    "SoftmaxMarginLoss",
    "TreeMinLoss",
    "WeightedCrossEntropyLoss",
    "functional",
    "shard_bounds",
]
