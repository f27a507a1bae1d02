"""The last linear layer and the loss in one module, for class counts whose logits do not fit."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from klados._klados import Hierarchy
from klados.arrays import TargetKind
from klados.torch import _linear
from klados.torch._cache import compiled
from klados.torch._dispatch import Impl, Reduction
from klados.torch._module import HierarchicalLoss, given, loss_with

__all__ = ["LinearMarginalCrossEntropyLoss", "linear_marginal_cross_entropy"]


class LinearMarginalCrossEntropyLoss(HierarchicalLoss):
    r"""The last linear layer of a network and :class:`MarginalCrossEntropyLoss` together, in chunks of the batch, so
    that the logits of the batch are never held whole.

    .. math::
        \ell(x, y) = \text{MarginalCrossEntropyLoss}(x W^\top + b, y)

    Loss and gradients are those of the two steps. Beside the gradients of input, weight and bias it takes twice the
    memory of a chunk's logits, where the two steps take twice that of the batch's. The gradients are formed in the
    forward pass, and only of what tracks them. With ``reduction="none"``, and of ``float16``, they are formed in the
    backward pass, since only there it is known what weighs on each row, or by how much a ``GradScaler`` scales: the
    logits are then computed twice.

    The gradient by the weight is added up over the chunks, that of ``bfloat16`` and ``float16`` in ``float32``.
    It cannot be differentiated twice.

    Args:
        hierarchy: what the classes roll up into.
        in_features: the size of a sample of the input.
        bias: whether there is a bias.
        chunk_size: rows of the batch at a time. By default so many that their logits take 32 MiB, or an eighth of the
            memory of the weight where that is more.
        weights, unresolved, gamma, label_smoothing: see :class:`MarginalCrossEntropyLoss`.
        class_weight: a weight a class, which :class:`MarginalCrossEntropyLoss` calls ``weight``.
        ignore_index, reduction: see :class:`HierarchicalLoss`.
        impl: what computes the losses of a chunk: see :class:`HierarchicalLoss`.
        device, dtype: of the weight and the bias.

    Attributes:
        weight: :math:`(C, F)`, initialised as that of :class:`torch.nn.Linear`; a row a class.
        bias: :math:`(C)`, or ``None``.

    Shape:
        - input: :math:`(*, F)` with :math:`F` = ``in_features``.
        - target: by index :math:`(*)`, otherwise :math:`(*, C)`; see :class:`HierarchicalLoss`.
        - output: a scalar; with ``"none"`` :math:`(*)`. ``float32`` for half inputs.

    On the CPU ``torch.compile`` has it in its graph as one operator; elsewhere the graph breaks there.

    Under autocast the matrix products are those of the lower type, as of :class:`torch.nn.Linear`.

    Example::

        >>> import torch, klados
        >>> from klados.torch import LinearMarginalCrossEntropyLoss
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> head = LinearMarginalCrossEntropyLoss(hierarchy, in_features=16)  # in place of nn.Linear(16, 3) and a loss
        >>> features = torch.randn(8, 16, requires_grad=True)
        >>> head(features, torch.randint(3, (8,))).backward()
        >>> head.weight.grad.shape
        torch.Size([3, 16])
        >>> head.logits(features[:2]).shape  # at inference
        torch.Size([2, 3])
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(
        self,
        hierarchy: Hierarchy,
        in_features: int,
        bias: bool = True,
        chunk_size: int | None = None,
        weights: str | dict[str, Any] = "uniform",
        class_weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        label_smoothing: float = 0.0,
        *,
        unresolved: str = "label",
        gamma: float = 0.0,
        impl: Impl = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        loss = loss_with(
            "marginal_cross_entropy",
            weights=weights,
            unresolved=unresolved,
            label_smoothing=label_smoothing,
            gamma=gamma,
            class_weight=class_weight,
        )
        super().__init__(hierarchy, loss, ignore_index=ignore_index, reduction=reduction, impl=impl)
        self.in_features = in_features
        self.chunk_size = chunk_size
        self.weight = nn.Parameter(torch.empty((self.columns, in_features), device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(self.columns, device=device, dtype=dtype)) if bias else None
        self.reset_parameters()
        # The tables go where the weight is.
        self.to(self.weight.device)

    def reset_parameters(self) -> None:
        """Draws the weight and the bias anew, as :class:`torch.nn.Linear` does."""
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
            nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor, target: Tensor, *, kind: TargetKind | None = None) -> Tensor:
        """The loss of a batch. ``kind`` says what the target holds: see :meth:`HierarchicalLoss.forward`."""
        return _linear.apply(
            input,
            self.weight,
            self.bias,
            target,
            self._compiled,
            self._tables_on,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            impl=self.impl,
            kind=kind,
            chunk_size=self.chunk_size,
        )

    def normalizer(self, input: Tensor, target: Tensor, *, kind: TargetKind | None = None) -> Tensor:
        """What the mean of a batch divides by: see :meth:`HierarchicalLoss.normalizer`."""
        divisor = _linear.normalizer(input, target, self._compiled, self.ignore_index, kind)
        return torch.tensor(divisor, dtype=torch.float64, device=input.device)

    def logits(self, input: Tensor) -> Tensor:
        """The logits of a batch, for predictions.

        Shape:
            - input: :math:`(*, F)`.
            - output: :math:`(*, C)`.
        """
        return nn.functional.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, bias={self.bias is not None}, {super().extra_repr()}"


def linear_marginal_cross_entropy(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    target: Tensor,
    hierarchy: Hierarchy,
    weights: str | dict[str, Any] = "uniform",
    class_weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
    *,
    unresolved: str = "label",
    gamma: float = 0.0,
    chunk_size: int | None = None,
    impl: Impl = "auto",
    kind: TargetKind | None = None,
) -> Tensor:
    """``marginal_cross_entropy(linear(input, weight, bias), target, hierarchy)`` in chunks of the batch, so that the
    logits are never held whole. See :class:`klados.torch.LinearMarginalCrossEntropyLoss`.

    Example::

        >>> import torch, klados
        >>> from klados.torch import functional
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> input, weight, bias, target = torch.randn(8, 4), torch.zeros(3, 4), torch.zeros(3), torch.full((8,), 2)
        >>> functional.linear_marginal_cross_entropy(input, weight, bias, target, hierarchy).item()  # 2 log 3
        2.197224...
    """
    parameters = {
        "weights": weights,
        "unresolved": unresolved,
        "label_smoothing": label_smoothing,
        "gamma": gamma,
        "class_weight": class_weight,
    }
    of = compiled("marginal_cross_entropy", given(parameters), hierarchy)
    return _linear.apply(
        input,
        weight,
        bias,
        target,
        of.compiled,
        of.tables,
        ignore_index=ignore_index,
        reduction=reduction,
        impl=impl,
        kind=kind,
        chunk_size=chunk_size,
    )
