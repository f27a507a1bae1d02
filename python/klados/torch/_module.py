"""The module around a compiled loss, which the modules of all losses are."""

from __future__ import annotations

import reprlib
import warnings
from typing import TYPE_CHECKING, Any, overload

import torch
from torch import Tensor, nn

from klados._klados import Hierarchy
from klados.arrays import TargetKind
from klados.explanations import Explanation, MeanExplanation, explain
from klados.gradients import GradientCheck, check_gradient
from klados.losses import Loss, loss_of
from klados.torch import _dispatch
from klados.torch._dispatch import Compiled, Impl, Reduction
from klados.torch._tabled import Tabled

if TYPE_CHECKING:
    from klados.torch._composed import Tables


class HierarchicalLoss(Tabled["Tables"]):
    r"""Any of the losses, by its name or as a :class:`klados.Loss`: what serves a loss that is known at run time only.

    Args:
        hierarchy: what the classes roll up into.
        loss: a loss, or the name of one with its default parameters.
        ignore_index: the target of samples that take no part; in a multi-hot target, of nodes that take no part.
        reduction: ``"none"``, ``"sum"`` or ``"mean"``. The mean divides by the sum of the class weights of the samples that
            take part, a distribution counting as 1, as in :class:`torch.nn.CrossEntropyLoss`; ``binary_cross_entropy`` by the
            number of terms. A mean over nothing is 0 with a gradient of 0, not NaN.
        impl: ``"fused"`` is the core's kernel on CPU tensors, the gradient formed in the forward pass; ``"composed"`` is
            torch operations on any device, which can be differentiated twice; ``"auto"`` is fused on the CPU.

    Shape:
        - input: :math:`(N, C)`, :math:`(N, C, d_1, ..., d_K)` or :math:`(C)`, with :math:`C` = :attr:`columns`: the classes
          in the order of :attr:`Hierarchy.classes`, or the nodes in that of :attr:`Hierarchy.node_columns`.
        - target: by index, :math:`(N)`, :math:`(N, d_1, ..., d_K)` or :math:`()`, each a class
          :math:`0 \le k < \text{classes}`, a node as ``classes + node``, or *ignore_index*. Otherwise as the input, with
          a column a class: a distribution (floats) that sums to 1, or candidates, "one of these classes" (integers or
          booleans). For the losses of sigmoids a multi-hot row, with a column a class or a node but the root; in a hierarchy
          of one level, where these are as many, with the columns of the input.
        - output: a scalar; with ``"none"`` as a target by index. ``float32`` for half inputs.

    Example::

        >>> import torch, klados
        >>> from klados.torch import HierarchicalLoss
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> criterion = HierarchicalLoss(hierarchy, klados.loss("soft_labels", beta=4))
        >>> input = torch.randn(3, 3, requires_grad=True)
        >>> target = torch.from_numpy(hierarchy.encode(["crow", "mammal", "bat"]))
        >>> output = criterion(input, target)
        >>> output.backward()
    """

    hierarchy: Hierarchy
    """What the classes roll up into."""
    loss: Loss
    """The loss with its parameters."""
    columns: int
    """The number of columns of the input: classes, or nodes but the root."""
    weight: Tensor | None
    """The class weights of the loss, in the default type, on the device of the module; ``None`` without. As of
    :class:`torch.nn.CrossEntropyLoss`, but not in the state, and not to be set: other weights are another loss. A
    ``weight`` in a state that is loaded, such as that of a :class:`torch.nn.CrossEntropyLoss`, is passed over, with a
    warning where it is another than that of the loss."""
    step: Tensor | None
    """How many forward passes in training mode there were, for a loss that draws at random: see :class:`RandomCutLoss`."""

    _what = "loss"

    def __init__(
        self,
        hierarchy: Hierarchy,
        loss: str | Loss = "marginal_cross_entropy",
        *,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        impl: Impl = "auto",
    ) -> None:
        super().__init__()
        self.hierarchy = hierarchy
        self.loss = loss_of(loss)
        self.ignore_index = ignore_index
        self.reduction = reduction
        self.impl = impl
        _dispatch.check_options(reduction, impl)
        self._compiled = Compiled(self.loss, hierarchy)
        self.columns = self._compiled.columns
        self.__dict__["weight"] = class_weight(self.loss, torch.device("cpu"))
        self._draws = self._compiled.criterion.draws_at_random
        self.register_buffer("step", torch.zeros((), dtype=torch.int64) if self._draws else None)
        self._begin_tables()

    @property
    def label_smoothing(self) -> float:
        """The label smoothing of the loss; 0 of a loss that has none. It cannot be set: another one is another loss."""
        smoothing: float = self.loss.parameters.get("label_smoothing", 0.0)
        return smoothing

    def forward(self, input: Tensor, target: Tensor, *, kind: TargetKind | None = None) -> Tensor:
        """The loss of a batch. ``kind`` says what the target holds where its shape and type do not: ``"index"``,
        ``"probabilities"``, ``"candidates"`` or ``"multi_hot"``."""
        step = self.step if self._draws else None
        output = _dispatch.apply(
            input,
            target,
            self._compiled,
            self._tables_on,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            impl=self.impl,
            kind=kind,
            step=0 if step is None else step,
        )
        if step is not None and self.training:
            step.add_(1)
        return output

    def normalizer(self, input: Tensor, target: Tensor, *, kind: TargetKind | None = None) -> Tensor:
        """What the mean of a batch divides by: the sum of the class weights of the samples that take part; of
        ``binary_cross_entropy`` the number of terms.

        With it the mean over several batches is exact: divide the sum of their sums by the sum of these, where gradients are
        accumulated, or wrap the loss in :class:`GlobalMean`, where the batches are on several machines. Of the input only
        the shape and the device are looked at. A target on another device is copied to the host.

        Shape:
            - input, target: as of the loss.
            - output: a scalar, ``float64`` (on ``mps`` ``float32``), on the device of the input.

        Example::

            >>> import torch, klados
            >>> from klados.torch import MarginalCrossEntropyLoss
            >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
            >>> criterion = MarginalCrossEntropyLoss(hierarchy, weight=torch.tensor([1.0, 2.0, 4.0]))
            >>> criterion.normalizer(torch.zeros(3, 3), torch.tensor([1, -100, 2]))
            tensor(6., dtype=torch.float64)
        """
        divisor = _dispatch.normalizer(input, target, self._compiled, self.ignore_index, kind)
        # Apple's devices have no wider type than float32.
        dtype = torch.float32 if input.device.type == "mps" else torch.float64
        return torch.tensor(divisor, dtype=dtype, device=input.device)

    @overload
    def explain(self, input: Tensor, target: Tensor, *, row: int, kind: TargetKind | None = ...) -> Explanation: ...
    @overload
    def explain(
        self, input: Tensor, target: Tensor, *, row: None = ..., kind: TargetKind | None = ...
    ) -> MeanExplanation: ...
    def explain(
        self, input: Tensor, target: Tensor, *, row: int | None = None, kind: TargetKind | None = None
    ) -> Explanation | MeanExplanation:
        """Where the loss of a row, or without *row* the mean over the batch, and its gradient come from: see
        :func:`klados.explain`. Tensors on another device are copied to the host.

        Shape:
            - input, target: as of the loss; rows count in the order of the target by index, flattened.

        Example::

            >>> import torch, klados
            >>> from klados.torch import MarginalCrossEntropyLoss
            >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
            >>> criterion = MarginalCrossEntropyLoss(hierarchy)
            >>> input = torch.tensor([[0.5, -1.0, 2.0]], requires_grad=True)
            >>> explanation = criterion.explain(input, torch.tensor([0]), row=0)
            >>> [(term.quantity, round(term.value, 4)) for term in explanation.terms]
            [('P(bat)', 1.7413), ('P(mammal)', 1.5399)]
        """
        rows, labels, kind = _dispatch.checked_rows(input, target, self._compiled, kind)
        options: dict[str, Any] = {"ignore_index": self.ignore_index, "kind": kind, "step": self._next_step()}
        return explain(rows, labels, self.hierarchy, self.loss, row=row, **options)

    def check_gradient(
        self,
        gradient: Tensor,
        input: Tensor,
        target: Tensor,
        *,
        kind: TargetKind | None = None,
        tolerance: float | None = None,
    ) -> GradientCheck:
        """Checks the gradient of code of your own, which should compute this loss with this reduction, and names the usual
        mistake that gives it: see :func:`klados.check_gradient`. Tensors on another device are copied to the host.

        Shape:
            - input, target: as of the loss.
            - gradient: as the input.

        Example::

            >>> import torch, klados
            >>> from klados.torch import MarginalCrossEntropyLoss
            >>> hierarchy = klados.Hierarchy.from_edges(
            ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
            ... )
            >>> input = torch.tensor([[0.5, -1.0, 2.0, 0.25]], requires_grad=True)
            >>> log_p = input.softmax(1).log_softmax(1)
            >>> own = -log_p[0, 2] - log_p[0, 2:].logsumexp(0)  # somebody saw a crow, a bird
            >>> own.backward()
            >>> check = MarginalCrossEntropyLoss(hierarchy).check_gradient(input.grad, input, torch.tensor([2]))
            >>> [mistake.name for mistake in check.mistakes]
            ['softmax_twice']
        """
        rows, labels, kind = _dispatch.checked_rows(input, target, self._compiled, kind)
        if gradient.shape != input.shape:
            raise ValueError(f"the gradient has shape {tuple(gradient.shape)}, expected {tuple(input.shape)} as the logits")
        return check_gradient(
            _dispatch.by_rows(gradient, target, kind)[0],
            rows,
            labels,
            self.hierarchy,
            self.loss,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            kind=kind,
            step=self._next_step(),
            tolerance=tolerance,
        )

    def _next_step(self) -> int:
        """The step of the next forward pass, of a loss that draws at random."""
        return 0 if self.step is None else int(self.step.item())

    def encode(self, labels: Any) -> Tensor:
        """Labels by index, as :meth:`Hierarchy.encode`; with the superclasses of the loss's own map where it has one."""
        return torch.from_numpy(self._compiled.criterion.encode(labels, self.ignore_index))

    def _make_tables(self) -> Tables:
        from klados.torch import _composed

        return _composed.Tables(self._compiled.criterion)

    def _apply(self, fn: Any, recurse: bool = True) -> HierarchicalLoss:
        lost = self.step is not None and self.step.is_meta
        super()._apply(fn, recurse)
        if lost and self.step is not None and not self.step.is_meta:
            self.step.zero_()  # until a checkpoint is loaded
        if self.__dict__.get("weight") is not None:
            self.__dict__["weight"] = class_weight(self.loss, self._device.device)
        return self

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "weight" and "weight" in self.__dict__ and not isinstance(value, nn.Parameter):
            raise AttributeError("the class weights cannot be set, since tables are made of them; make another loss")
        super().__setattr__(name, value)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        key = prefix + "weight"
        if "weight" in self.__dict__ and key in state_dict:
            own = class_weight(self.loss, torch.device("cpu"), torch.float64)
            saved = state_dict[key]
            if own is None or own.shape != saved.shape or not torch.equal(own.to(saved.dtype), saved.cpu()):
                warnings.warn(f"{key!r} in the state is not the class weights of the loss, which stay", stacklevel=2)
            state_dict = {name: value for name, value in state_dict.items() if name != key}
        super()._load_from_state_dict(state_dict, prefix, *args)

    def extra_repr(self) -> str:
        options = [f"ignore_index={self.ignore_index}", f"reduction={self.reduction!r}", f"impl={self.impl!r}"]
        return ", ".join([f"columns={self.columns}", *described(self.loss), *options])


def described(loss: Loss) -> list[str]:
    """The parameters of a loss that are not its defaults, as they are written in a call."""
    defaults = Loss(loss.name).parameters
    changed = {name: value for name, value in loss.parameters.items() if value != defaults.get(name)}
    return [f"{name}={reprlib.repr(value)}" for name, value in changed.items()]


def class_weight(loss: Loss, device: torch.device, dtype: torch.dtype | None = None) -> Tensor | None:
    """The class weights of a loss as a tensor, by default of the default type."""
    values = loss.parameters.get("class_weight")
    return None if values is None else torch.tensor(values, device=device, dtype=dtype)


def loss_with(name: str, **parameters: Any) -> Loss:
    """A loss with the parameters that are given: those that are ``None`` are left to the core."""
    return Loss(name, **given(parameters))


def given(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters that are not ``None``."""
    return {name: value for name, value in parameters.items() if value is not None}
