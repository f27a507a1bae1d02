"""The losses for PyTorch: modules, functions, and differentiable log-probabilities of nodes.

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
from klados.torch.modules import HierarchicalLoss, MarginalCrossEntropyLoss

__all__ = ["HierarchicalLoss", "MarginalCrossEntropyLoss", "functional"]
