"""The metrics of :mod:`klados.metrics` for torchmetrics: in training loops, in a ``MetricCollection``, in Lightning's
``log``.

They have the order of torchmetrics, ``update(preds, target)``. Of several processes the rows are merged exactly, so
that any number of them gives the same bits as one.

Example::

    >>> import torch, klados
    >>> from torchmetrics import MetricCollection
    >>> from klados.torch.metrics import Accuracy, LcaHeight
    >>> hierarchy = klados.Hierarchy.from_edges(
    ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
    ... )
    >>> metrics = MetricCollection([Accuracy(hierarchy, level="class"), LcaHeight(hierarchy)])
    >>> logits = torch.tensor([[0.0, 0.0, 1.0, 2.0], [3.0, 0.0, 0.0, 0.0]])
    >>> metrics.update(logits, torch.tensor([2, 0]))
    >>> metrics.compute()
    {'Accuracy': tensor(0.5000), 'LcaHeight': tensor(0.5000)}
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from klados import metrics
from klados._klados import Hierarchy
from klados.arrays import Form, as_array
from klados.decisions import AnyDecision, decide, decision_of
from klados.metrics._metric import ScoreMetric
from klados.metrics._precision_recall import Average, Value
from klados.torch._rows import Rows, states

try:
    import torchmetrics
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("klados.torch.metrics needs torchmetrics: pip install torchmetrics") from error

__all__ = [
    "Accuracy",
    "Auprc",
    "BalancedAccuracy",
    "Brier",
    "Confusion",
    "Coverage",
    "DistanceAtK",
    "ExpectedCalibrationError",
    "HierarchicalF1",
    "HierarchicalMetric",
    "HierarchicalPrecision",
    "HierarchicalRecall",
    "LcaF1",
    "LcaHeight",
    "LcaPrecision",
    "LcaRecall",
    "LogLoss",
    "MistakeSeverity",
    "OperatingCurve",
    "Risk",
    "RiskCoverage",
    "Violations",
    "Wasserstein",
]


class HierarchicalMetric(torchmetrics.Metric):
    r"""A metric of :mod:`klados.metrics` as one of torchmetrics: the base of the classes of this module, and for those
    that have none here.

    Its state is what the metric has seen, as bytes in a tensor. Processes gather them and merge them exactly.

    Args:
        metric: the metric; it is not changed.
        decision: how logits become answers, where the metric is of answers: see :func:`klados.decide`.
        form: what the logits are, as in :func:`klados.decide`.
        **kwargs: those of :class:`torchmetrics.Metric`, such as ``process_group`` and ``sync_on_compute``.

    Shape:
        - preds: of metrics of answers :math:`(N)` integers, or logits; of metrics of probabilities logits. Logits are
          :math:`(N, C)`, or :math:`(N, C, d_1, \dots)` as those of :class:`torch.nn.CrossEntropyLoss`.
        - target: :math:`(N)` or :math:`(N, d_1, \dots)` integers, labels at any level as
          :meth:`klados.Hierarchy.encode` makes them; or :math:`(N, \text{classes})` candidates.
        - output of ``compute``: a number, or a dict of numbers by level.

    Example::

        >>> import torch, klados.torch.metrics
        >>> from klados.torch.metrics import HierarchicalMetric
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> metric = HierarchicalMetric(klados.metrics.Accuracy(hierarchy), decision={"threshold": {"tau": 0.9}})
        >>> metric(torch.tensor([[2.0, 2.0, 0.0]]), torch.tensor([0]))  # a mammal: right, and no class; of the batch
        {'depth 1': tensor(1.), 'class': tensor(0.)}
    """

    is_differentiable = False
    full_state_update = False

    def __init__(
        self,
        metric: metrics.Metric,
        *,
        decision: AnyDecision = "argmax_leaf",
        form: Form = "class_softmax",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._of_scores = isinstance(metric, ScoreMetric)
        self._decision, self._form = decision_of(decision), form
        self._empty = metric.copy_without_rows()
        # Two metrics may have the same rows by chance; torchmetrics would take them for one.
        which = [type(metric).__name__, metric._options, metric.ignore_index, self._decision.to_json(), form]
        self._header = json.dumps(which, default=str).encode() + b"\n"
        self._rows: list[Tensor] | Tensor
        self.add_state("rows", default=[], dist_reduce_fx="cat")

    @property
    def rows(self) -> list[Tensor] | Tensor:
        """What it has seen, as torchmetrics keeps it: bytes, that are written where something looks at them."""
        return self._rows

    @rows.setter
    def rows(self, rows: list[Tensor] | Tensor) -> None:
        before = self.__dict__.get("_rows")
        if isinstance(before, Rows):
            before.holders -= 1
        if isinstance(rows, Rows):
            rows.holders += 1
        self._rows = rows

    def update(self, preds: Any, target: Any, sample_weight: Any = None) -> None:
        """Adds a batch.

        Raises:
            ValueError: if a shape, a label, an answer or a weight does not fit; the message names the row. Nothing is
                added then.
        """
        preds, target, sample_weight = _flat(preds, target, sample_weight)
        if not self._of_scores and _is_float(preds):
            preds = decide(preds, self._empty.hierarchy, self._decision, form=self._form)
        # In a compute group for all metrics that hold the rows.
        self._own_rows().changing().update(target, preds, sample_weight)  # type: ignore[attr-defined]

    def compute(self) -> Any:
        """The metric of all rows so far, those of the other processes too: a number, or a dict of numbers by level."""
        value = self._seen().compute()  # type: ignore[attr-defined]
        if isinstance(value, dict):
            return {name: self._tensor(number) for name, number in value.items()}
        return self._tensor(value)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Adds a batch and gives the metric of the batch alone.

        Raises:
            ValueError: as :meth:`update`; nothing is added then.
        """
        # torchmetrics would copy what was there before.
        before, self.rows = self.rows, []
        try:
            value = super().forward(*args, **kwargs)
        except BaseException:
            self.rows = before
            raise
        if len(before) > 0:
            batch, self.rows = self._own_rows(), before
            own = self._own_rows()
            if own.holders > 1:
                # The others of a compute group add the batch themselves.
                self.rows = own = own.copied()
            own.changing().merge(batch.metric)
        return value

    def reset(self) -> None:
        """Forgets all rows."""
        # torchmetrics clears the list, which others of a compute group may hold.
        self.rows = []
        super().reset()

    def merged(self) -> metrics.Metric:
        """What it has seen, as a metric of :mod:`klados.metrics`: for its ``details()``."""
        return self._empty.copy_without_rows().merge(self._seen())

    def __hash__(self) -> int:
        # That of torchmetrics looks at the rows too, as often as something goes over the modules of a model.
        return hash((type(self).__name__, id(self)))

    def _sync_dist(self, *args: Any, **kwargs: Any) -> None:
        # torchmetrics makes a list of the same type of what it gathers. A process without rows has something to send too.
        self.rows = [*self._own_rows()]
        super()._sync_dist(*args, **kwargs)

    def _move_list_states_to_cpu(self) -> None:
        """Rows are nowhere else until they are written."""

    def _tensor(self, value: float) -> Tensor:
        return torch.tensor(value, dtype=torch.get_default_dtype(), device=self.device)

    def _seen(self) -> metrics.Metric:
        metric = copy.copy(self._empty)
        # Of a compute group the rows may be in the metric of another level.
        metric._accumulator = self._own_rows().metric._accumulator
        return metric

    def _own_rows(self) -> Rows:
        """What it has seen, read where others wrote it."""
        rows = self._rows
        if isinstance(rows, Rows):
            return rows
        metric = self._empty.copy_without_rows()
        for part in [rows] if isinstance(rows, Tensor) else rows:
            for state in states(part, self._header):
                metric.merge(self._empty.copy_without_rows().load_state(state))
        self.rows = read = Rows(metric, self._header, self.device)
        return read


def _is_float(values: Any) -> bool:
    if isinstance(values, Tensor):
        return values.is_floating_point()
    return bool(as_array(values).dtype.kind == "f")


def _flat(preds: Any, target: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Rows, where there are dimensions behind those of batch and classes."""
    if not (isinstance(preds, Tensor) and isinstance(target, Tensor) and target.ndim > 1):
        return preds, target, sample_weight
    # Booleans are sets of nodes.
    if preds.shape == target.shape and not preds.is_floating_point() and preds.dtype != torch.bool:
        preds = preds.reshape(-1)
    elif preds.ndim == target.ndim + 1:
        preds = preds.movedim(1, -1).reshape(-1, preds.shape[1])
    else:
        return preds, target, sample_weight
    return preds, target.reshape(-1), None if sample_weight is None else torch.as_tensor(sample_weight).reshape(-1)


class _OfAnswers(HierarchicalMetric):
    _metric: ClassVar[type[metrics.Metric]]

    def __init__(
        self,
        hierarchy: Hierarchy,
        *,
        decision: AnyDecision = "argmax_leaf",
        form: Form = "class_softmax",
        ignore_index: int = -100,
        options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        metric = self._metric(hierarchy, ignore_index=ignore_index, **(options or {}))
        super().__init__(metric, decision=decision, form=form, **kwargs)


class _OfAnswersByLevel(_OfAnswers):
    def __init__(self, hierarchy: Hierarchy, *, level: str | int | None = None, **kwargs: Any) -> None:
        super().__init__(hierarchy, options={"level": level}, **kwargs)


class _OfScores(HierarchicalMetric):
    _metric: ClassVar[type[metrics.Metric]]

    def __init__(
        self,
        hierarchy: Hierarchy,
        *,
        form: Form = "class_softmax",
        ignore_index: int = -100,
        options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        metric = self._metric(hierarchy, form=form, ignore_index=ignore_index, **(options or {}))
        super().__init__(metric, form=form, **kwargs)


class _OfScoresByLevel(_OfScores):
    def __init__(self, hierarchy: Hierarchy, *, level: str | int | None = None, **kwargs: Any) -> None:
        super().__init__(hierarchy, options={"level": level}, **kwargs)


class Accuracy(_OfAnswersByLevel):
    """Accuracy per level: see :class:`klados.metrics.Accuracy`.

    Args:
        hierarchy: what the classes roll up into.
        level: the level whose number it gives: a name of :func:`klados.metrics.levels`, or a depth from 1. All of them
            where it is not given.
        decision: how logits become answers: see :func:`klados.decide`.
        form: what the logits are, as in :func:`klados.decide`.
        ignore_index: the label of samples that take no part.
        **kwargs: those of :class:`torchmetrics.Metric`.

    Example::

        >>> import torch, klados.torch.metrics
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.torch.metrics.Accuracy(hierarchy)
        >>> metric(torch.tensor([[0.0, 0.0, 1.0, 2.0], [3.0, 0.0, 0.0, 0.0]]), torch.tensor([2, 0]))
        {'depth 1': tensor(1.), 'class': tensor(0.5000)}
    """

    _metric = metrics.Accuracy
    higher_is_better = True


class BalancedAccuracy(_OfAnswersByLevel):
    """Balanced accuracy per level: see :class:`klados.metrics.BalancedAccuracy`.

    Args:
        hierarchy: what the classes roll up into.
        level: the level whose number it gives: a name of :func:`klados.metrics.levels`, or a depth from 1. All of them
            where it is not given.
        decision: how logits become answers: see :func:`klados.decide`.
        form: what the logits are, as in :func:`klados.decide`.
        ignore_index: the label of samples that take no part.
        **kwargs: those of :class:`torchmetrics.Metric`.

    Example::

        >>> import torch, klados.torch.metrics
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.torch.metrics.BalancedAccuracy(hierarchy, level="depth 1")
        >>> metric(torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 1, 2]))  # three of three mammals, none of one bird
        tensor(0.5000)
    """

    _metric = metrics.BalancedAccuracy
    higher_is_better = True


class LcaHeight(_OfAnswers):
    """Mean height of the lowest common ancestor of answer and label: see :class:`klados.metrics.LcaHeight`.

    Args:
        hierarchy: what the classes roll up into.
        decision: how logits become answers: see :func:`klados.decide`.
        form: what the logits are, as in :func:`klados.decide`.
        ignore_index: the label of samples that take no part.
        **kwargs: those of :class:`torchmetrics.Metric`.

    Example::

        >>> import torch, klados.torch.metrics
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.torch.metrics.LcaHeight(hierarchy)
        >>> metric(torch.tensor([2, 3, 0, 3]), torch.tensor(hierarchy.encode(["crow", "crow", "crow", "bird"])))
        tensor(0.7500)
    """

    _metric = metrics.LcaHeight
    higher_is_better = False


class MistakeSeverity(_OfAnswers):
    """Mean height of the lowest common ancestor over the mistakes: see :class:`klados.metrics.MistakeSeverity`.

    Args:
        hierarchy: what the classes roll up into.
        decision: how logits become answers: see :func:`klados.decide`.
        form: what the logits are, as in :func:`klados.decide`.
        ignore_index: the label of samples that take no part.
        **kwargs: those of :class:`torchmetrics.Metric`.

    Example::

        >>> import torch, klados.torch.metrics
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.torch.metrics.MistakeSeverity(hierarchy)
        >>> metric(torch.tensor([2, 3, 0, 3]), torch.tensor(hierarchy.encode(["crow", "crow", "crow", "bird"])))
        tensor(1.5000)
    """

    _metric = metrics.MistakeSeverity
    higher_is_better = False


class LogLoss(_OfScoresByLevel):
    """Log loss per level: see :class:`klados.metrics.LogLoss`.

    Args:
        hierarchy: what the classes roll up into.
        level: the level whose number it gives: a name of :func:`klados.metrics.levels`, or a depth from 1. All of them
            where it is not given.
        form: what the logits are, as in :func:`klados.decide`.
        ignore_index: the label of samples that take no part.
        **kwargs: those of :class:`torchmetrics.Metric`.

    Example::

        >>> import torch, klados.torch.metrics
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.torch.metrics.LogLoss(hierarchy)
        >>> metric(torch.zeros(2, 4), torch.tensor([0, 2]))  # log 2, log 4
        {'depth 1': tensor(0.6931), 'class': tensor(1.3863)}
    """

    _metric = metrics.LogLoss
    higher_is_better = False


class Brier(_OfScoresByLevel):
    """Brier score per level: see :class:`klados.metrics.Brier`.

    Args:
        hierarchy: what the classes roll up into.
        level: the level whose number it gives: a name of :func:`klados.metrics.levels`, or a depth from 1. All of them
            where it is not given.
        form: what the logits are, as in :func:`klados.decide`.
        ignore_index: the label of samples that take no part.
        **kwargs: those of :class:`torchmetrics.Metric`.

    Example::

        >>> import torch, klados.torch.metrics
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.torch.metrics.Brier(hierarchy, level="class")
        >>> metric(torch.zeros(2, 4), torch.tensor([0, 2]))
        tensor(0.7500)
    """

    _metric = metrics.Brier
    higher_is_better = False


class Coverage(_OfAnswersByLevel):
    """Coverage per level: see :class:`klados.metrics.Coverage`.

    Args:
        hierarchy: what the classes roll up into.
        level: the level whose number it gives: a name of :func:`klados.metrics.levels`, or a depth from 1. All of them
            where it is not given.
        decision: how logits become answers: see :func:`klados.decide`.
        form: what the logits are, as in :func:`klados.decide`.
        ignore_index: the label of samples that take no part.
        **kwargs: those of :class:`torchmetrics.Metric`.

    Example::

        >>> import torch, klados.torch.metrics
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> target = torch.tensor(hierarchy.encode(["bat", "dog", "crow", "bird"]))
        >>> preds = torch.tensor(hierarchy.encode(["bat", "bat", "bird", "bat"]))
        >>> klados.torch.metrics.Coverage(hierarchy, level="class")(preds, target)
        tensor(0.6667)
    """

    _metric = metrics.Coverage
    higher_is_better = True


class Risk(_OfAnswersByLevel):
    """Risk per level: see :class:`klados.metrics.Risk`.

    Args:
        hierarchy: what the classes roll up into.
        level: the level whose number it gives: a name of :func:`klados.metrics.levels`, or a depth from 1. All of them
            where it is not given.
        decision: how logits become answers: see :func:`klados.decide`.
        form: what the logits are, as in :func:`klados.decide`.
        ignore_index: the label of samples that take no part.
        **kwargs: those of :class:`torchmetrics.Metric`.

    Example::

        >>> import torch, klados.torch.metrics
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> target = torch.tensor(hierarchy.encode(["bat", "dog", "crow", "bird"]))
        >>> preds = torch.tensor(hierarchy.encode(["bat", "bat", "bird", "bat"]))
        >>> klados.torch.metrics.Risk(hierarchy)(preds, target)
        {'depth 1': tensor(0.2500), 'class': tensor(0.5000)}
    """

    _metric = metrics.Risk
    higher_is_better = False


class Confusion(_OfAnswers):
    """The confusion matrix of a level: see :class:`klados.metrics.Confusion`.

    Args:
        hierarchy: what the classes roll up into.
        level: the level of the matrix: a name of :func:`klados.metrics.levels`, or a depth from 1. The classes where
            it is not given.
        decision: how logits become answers: see :func:`klados.decide`.
        form: what the logits are, as in :func:`klados.decide`.
        ignore_index: the label of samples that take no part.
        **kwargs: those of :class:`torchmetrics.Metric`.

    Example::

        >>> import torch, klados.torch.metrics
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> target = torch.tensor(hierarchy.encode(["bat", "dog", "crow", "bird"]))
        >>> preds = torch.tensor(hierarchy.encode(["bat", "bat", "bird", "bat"]))
        >>> klados.torch.metrics.Confusion(hierarchy, level=1)(preds, target)  # the last column is of no answer
        tensor([[2., 0., 0.],
                [1., 1., 0.]])
    """

    _metric = metrics.Confusion
    higher_is_better = None

    def __init__(self, hierarchy: Hierarchy, *, level: str | int | None = None, **kwargs: Any) -> None:
        super().__init__(hierarchy, options={"level": level}, **kwargs)


class HierarchicalPrecision(_OfAnswers):
    """Hierarchical precision: see :class:`klados.metrics.HierarchicalPrecision`.

    Args:
        hierarchy: what the classes roll up into.
        average: ``"micro"``, ``"macro"``, ``"samples"``, or ``None`` for one a node.
        decision: how logits become answers: see :func:`klados.decide`.
        form: what the logits are, as in :func:`klados.decide`.
        ignore_index: the label of samples that take no part.
        **kwargs: those of :class:`torchmetrics.Metric`.

    Example::

        >>> import torch, klados.torch.metrics
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> target = torch.tensor(hierarchy.encode(["crow", "crow", "bird"]))
        >>> preds = torch.tensor(hierarchy.encode(["robin", "bird", "robin"]))
        >>> klados.torch.metrics.HierarchicalPrecision(hierarchy)(preds, target)
        tensor(0.7500)
    """

    _metric = metrics.HierarchicalPrecision
    higher_is_better = True

    def __init__(self, hierarchy: Hierarchy, *, average: Average | None = "micro", **kwargs: Any) -> None:
        super().__init__(hierarchy, options={"average": average}, **kwargs)


class HierarchicalRecall(_OfAnswers):
    """Hierarchical recall: see :class:`klados.metrics.HierarchicalRecall`.

    Args:
        hierarchy: what the classes roll up into.
        average: ``"micro"``, ``"macro"``, ``"samples"``, or ``None`` for one a node.
        decision: how logits become answers: see :func:`klados.decide`.
        form: what the logits are, as in :func:`klados.decide`.
        ignore_index: the label of samples that take no part.
        **kwargs: those of :class:`torchmetrics.Metric`.

    Example::

        >>> import torch, klados.torch.metrics
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> target = torch.tensor(hierarchy.encode(["crow", "crow", "bird"]))
        >>> preds = torch.tensor(hierarchy.encode(["robin", "bird", "robin"]))
        >>> klados.torch.metrics.HierarchicalRecall(hierarchy)(preds, target)
        tensor(0.6000)
    """

    _metric = metrics.HierarchicalRecall
    higher_is_better = True

    def __init__(self, hierarchy: Hierarchy, *, average: Average | None = "micro", **kwargs: Any) -> None:
        super().__init__(hierarchy, options={"average": average}, **kwargs)


class HierarchicalF1(_OfAnswers):
    """Hierarchical F1: see :class:`klados.metrics.HierarchicalF1`.

    Args:
        hierarchy: what the classes roll up into.
        average: ``"micro"``, ``"macro"``, ``"samples"``, or ``None`` for one a node.
        decision: how logits become answers: see :func:`klados.decide`.
        form: what the logits are, as in :func:`klados.decide`.
        ignore_index: the label of samples that take no part.
        **kwargs: those of :class:`torchmetrics.Metric`.

    Example::

        >>> import torch, klados.torch.metrics
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> target = torch.tensor(hierarchy.encode(["crow", "crow", "bird"]))
        >>> preds = torch.tensor(hierarchy.encode(["robin", "bird", "robin"]))
        >>> klados.torch.metrics.HierarchicalF1(hierarchy)(preds, target)
        tensor(0.6667)
    """

    _metric = metrics.HierarchicalF1
    higher_is_better = True

    def __init__(self, hierarchy: Hierarchy, *, average: Average | None = "micro", **kwargs: Any) -> None:
        super().__init__(hierarchy, options={"average": average}, **kwargs)


class LcaPrecision(_OfAnswers):
    """Precision by the lowest common ancestor: see :class:`klados.metrics.LcaPrecision`.

    Args:
        hierarchy: what the classes roll up into.
        value: what a node is worth: its ``"depth"`` or its ``"information"``.
        decision: how logits become answers: see :func:`klados.decide`.
        form: what the logits are, as in :func:`klados.decide`.
        ignore_index: the label of samples that take no part.
        **kwargs: those of :class:`torchmetrics.Metric`.

    Example::

        >>> import torch, klados.torch.metrics
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> target = torch.tensor(hierarchy.encode(["crow", "crow", "bird"]))
        >>> preds = torch.tensor(hierarchy.encode(["robin", "bird", "robin"]))
        >>> klados.torch.metrics.LcaPrecision(hierarchy)(preds, target)
        tensor(0.8333)
    """

    _metric = metrics.LcaPrecision
    higher_is_better = True

    def __init__(self, hierarchy: Hierarchy, *, value: Value = "depth", **kwargs: Any) -> None:
        super().__init__(hierarchy, options={"value": value}, **kwargs)


class LcaRecall(_OfAnswers):
    """Recall by the lowest common ancestor: see :class:`klados.metrics.LcaRecall`.

    Args:
        hierarchy: what the classes roll up into.
        value: what a node is worth: its ``"depth"`` or its ``"information"``.
        decision: how logits become answers: see :func:`klados.decide`.
        form: what the logits are, as in :func:`klados.decide`.
        ignore_index: the label of samples that take no part.
        **kwargs: those of :class:`torchmetrics.Metric`.

    Example::

        >>> import torch, klados.torch.metrics
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> target = torch.tensor(hierarchy.encode(["crow", "crow", "bird"]))
        >>> preds = torch.tensor(hierarchy.encode(["robin", "bird", "robin"]))
        >>> klados.torch.metrics.LcaRecall(hierarchy)(preds, target)
        tensor(0.6667)
    """

    _metric = metrics.LcaRecall
    higher_is_better = True

    def __init__(self, hierarchy: Hierarchy, *, value: Value = "depth", **kwargs: Any) -> None:
        super().__init__(hierarchy, options={"value": value}, **kwargs)


class LcaF1(_OfAnswers):
    """F1 by the lowest common ancestor: see :class:`klados.metrics.LcaF1`.

    Args:
        hierarchy: what the classes roll up into.
        value: what a node is worth: its ``"depth"`` or its ``"information"``.
        decision: how logits become answers: see :func:`klados.decide`.
        form: what the logits are, as in :func:`klados.decide`.
        ignore_index: the label of samples that take no part.
        **kwargs: those of :class:`torchmetrics.Metric`.

    Example::

        >>> import torch, klados.torch.metrics
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> target = torch.tensor(hierarchy.encode(["crow", "crow", "bird"]))
        >>> preds = torch.tensor(hierarchy.encode(["robin", "bird", "robin"]))
        >>> klados.torch.metrics.LcaF1(hierarchy)(preds, target)
        tensor(0.7222)
    """

    _metric = metrics.LcaF1
    higher_is_better = True

    def __init__(self, hierarchy: Hierarchy, *, value: Value = "depth", **kwargs: Any) -> None:
        super().__init__(hierarchy, options={"value": value}, **kwargs)


class ExpectedCalibrationError(_OfScores):
    """Expected calibration error per level: see :class:`klados.metrics.ExpectedCalibrationError`.

    Args:
        hierarchy: what the classes roll up into.
        level: the level whose number it gives: a name of :func:`klados.metrics.levels`, or a depth from 1. All of them
            where it is not given.
        bins: into how many bins of equal width the confidence is sorted.
        form: what the logits are, as in :func:`klados.decide`.
        ignore_index: the label of samples that take no part.
        **kwargs: those of :class:`torchmetrics.Metric`.

    Example::

        >>> import torch, klados.torch.metrics
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.torch.metrics.ExpectedCalibrationError(hierarchy, level="depth 1", form="class_probabilities")
        >>> metric(torch.tensor([[0.1, 0.2, 0.3, 0.4]] * 2), torch.tensor([2, 0]))  # a bird with 0.7, once of two
        tensor(0.2000)
    """

    _metric = metrics.ExpectedCalibrationError
    higher_is_better = False

    def __init__(
        self, hierarchy: Hierarchy, *, level: str | int | None = None, bins: int = 15, **kwargs: Any
    ) -> None:
        super().__init__(hierarchy, options={"level": level, "bins": bins}, **kwargs)


class RiskCoverage(_OfScoresByLevel):
    """The area under the risk-coverage curve of each level: see :class:`klados.metrics.RiskCoverage`.

    Args:
        hierarchy: what the classes roll up into.
        level: the level whose number it gives: a name of :func:`klados.metrics.levels`, or a depth from 1. All of them
            where it is not given.
        form: what the logits are, as in :func:`klados.decide`.
        ignore_index: the label of samples that take no part.
        **kwargs: those of :class:`torchmetrics.Metric`.

    Example::

        >>> import torch, klados.torch.metrics
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.torch.metrics.RiskCoverage(hierarchy, level="class", form="class_probabilities")
        >>> metric(torch.tensor([[0.0, 0.0, 0.75, 0.25], [0.25, 0.5, 0.25, 0.0]]), torch.tensor([2, 0]))
        tensor(0.2500)
    """

    _metric = metrics.RiskCoverage
    higher_is_better = False


class OperatingCurve(_OfScores):
    """The average precision of the operating curve: see :class:`klados.metrics.OperatingCurve`.

    Args:
        hierarchy: what the classes roll up into.
        value: what a node is worth: its ``"depth"`` or its ``"information"``.
        form: what the logits are, as in :func:`klados.decide`.
        ignore_index: the label of samples that take no part.
        **kwargs: those of :class:`torchmetrics.Metric`.

    Example::

        >>> import torch, klados.torch.metrics
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.torch.metrics.OperatingCurve(hierarchy, form="class_probabilities")
        >>> metric(torch.tensor([[0.125, 0.125, 0.25, 0.5]]), torch.tensor([2]))
        tensor(0.5000)
        >>> metric.merged().curve().recall.tolist()
        [0.0, 0.5, 0.5]
    """

    _metric = metrics.OperatingCurve
    higher_is_better = True

    def __init__(self, hierarchy: Hierarchy, *, value: Value = "depth", **kwargs: Any) -> None:
        super().__init__(hierarchy, options={"value": value}, **kwargs)


class DistanceAtK(_OfScores):
    """How far off the most probable classes are: see :class:`klados.metrics.DistanceAtK`.

    Args:
        hierarchy: what the classes roll up into.
        k: how many classes; several numbers give a dict.
        form: what the logits are, as in :func:`klados.decide`.
        ignore_index: the label of samples that take no part.
        **kwargs: those of :class:`torchmetrics.Metric`.

    Example::

        >>> import torch, klados.torch.metrics
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.torch.metrics.DistanceAtK(hierarchy, k=2)
        >>> metric(torch.tensor([[3.0, 0.0, 2.0, 1.0]]), torch.tensor([2]))  # bat: 2, crow: 0
        tensor(1.)
    """

    _metric = metrics.DistanceAtK
    higher_is_better = False

    def __init__(self, hierarchy: Hierarchy, *, k: int | Sequence[int] = 1, **kwargs: Any) -> None:
        super().__init__(hierarchy, options={"k": k}, **kwargs)


class Wasserstein(_OfScores):
    """The tree distance between the predicted distribution and the label: see :class:`klados.metrics.Wasserstein`.

    Args:
        hierarchy: what the classes roll up into.
        form: what the logits are, as in :func:`klados.decide`.
        ignore_index: the label of samples that take no part.
        **kwargs: those of :class:`torchmetrics.Metric`.

    Example::

        >>> import torch, klados.torch.metrics
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.torch.metrics.Wasserstein(hierarchy, form="class_probabilities")
        >>> metric(torch.tensor([[0.0, 0.0, 0.5, 0.5]]), torch.tensor([2]))  # robin is two edges off
        tensor(1.)
    """

    _metric = metrics.Wasserstein
    higher_is_better = False


class Auprc(_OfScores):
    """The area under the precision-recall curve of the nodes: see :class:`klados.metrics.Auprc`.

    Args:
        hierarchy: what the classes roll up into.
        average: ``"micro"`` or ``"macro"``.
        level: of the nodes of a level alone: a name of :func:`klados.metrics.levels`, or a depth from 1.
        thresholds: the number of thresholds from 0 to 1; exact where it is not given, which keeps every row.
        form: what the logits are, as in :func:`klados.decide`.
        ignore_index: in a multi-hot target the entry of nodes that take no part, else the label of samples that take
            none.
        **kwargs: those of :class:`torchmetrics.Metric`.

    Example::

        >>> import torch, klados.torch.metrics
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.torch.metrics.Auprc(hierarchy)
        >>> preds = torch.tensor([[2.0, 3.0, 0.0, -1.0, -2.0, -3.0]])  # bat, mammal, dog, crow, bird, robin
        >>> metric(preds, torch.tensor([[1, 0, 0, 0, 0, 0]]))
        tensor(1.)
    """

    _metric = metrics.Auprc
    higher_is_better = True

    def __init__(
        self,
        hierarchy: Hierarchy,
        *,
        average: Literal["micro", "macro"] = "micro",
        level: str | int | None = None,
        thresholds: int | None = None,
        form: Form = "independent_sigmoid",
        **kwargs: Any,
    ) -> None:
        options = {"average": average, "level": level, "thresholds": thresholds}
        super().__init__(hierarchy, form=form, options=options, **kwargs)


class Violations(_OfScores):
    """The share of edges along which the child is more probable than the parent: see
    :class:`klados.metrics.Violations`.

    Args:
        hierarchy: what the classes roll up into.
        form: what the logits are, as in :func:`klados.decide`.
        ignore_index: in a multi-hot target the entry of nodes that take no part, else the label of samples that take
            none.
        **kwargs: those of :class:`torchmetrics.Metric`.

    Example::

        >>> import torch, klados.torch.metrics
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.torch.metrics.Violations(hierarchy)
        >>> preds = torch.tensor([[2.0, 1.0, 0.0, -2.0, -1.0, -3.0]])  # bat, mammal, dog, crow, bird, robin
        >>> metric(preds, torch.tensor([[1, 0, 0, 0, 0, 0]]))  # the bat, of six
        tensor(0.1667)
    """

    _metric = metrics.Violations
    higher_is_better = False

    def __init__(self, hierarchy: Hierarchy, *, form: Form = "independent_sigmoid", **kwargs: Any) -> None:
        super().__init__(hierarchy, form=form, **kwargs)
