"""Metrics of answers: of indices, or of logits and a decision."""

from __future__ import annotations

from typing import Any, ClassVar

from typing_extensions import Unpack

from klados import metrics
from klados._klados import Hierarchy
from klados.arrays import Form
from klados.decisions import AnyDecision
from klados.metrics._precision_recall import Average, Value
from klados.torch.metrics._metric import HierarchicalMetric, TorchmetricsOptions


class AnswerOptions(TorchmetricsOptions, total=False):
    """Those of all metrics of answers."""

    decision: AnyDecision
    form: Form
    ignore_index: int


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
        **kwargs: Unpack[TorchmetricsOptions],
    ) -> None:
        metric = self._metric(hierarchy, ignore_index=ignore_index, **(options or {}))
        super().__init__(metric, decision=decision, form=form, **kwargs)


class _OfAnswersByLevel(_OfAnswers):
    def __init__(
        self, hierarchy: Hierarchy, *, level: str | int | None = None, **kwargs: Unpack[AnswerOptions]
    ) -> None:
        super().__init__(hierarchy, options={"level": level}, **kwargs)


class Accuracy(_OfAnswersByLevel):
    """Accuracy per level: see :class:`klados.metrics.Accuracy`.

    Args:
        hierarchy, level, ignore_index: as those of :class:`klados.metrics.Accuracy`.
        decision, form, **kwargs: as those of :class:`HierarchicalMetric`.

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
        hierarchy, level, ignore_index: as those of :class:`klados.metrics.BalancedAccuracy`.
        decision, form, **kwargs: as those of :class:`HierarchicalMetric`.

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
        hierarchy, ignore_index: as those of :class:`klados.metrics.LcaHeight`.
        decision, form, **kwargs: as those of :class:`HierarchicalMetric`.

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
        hierarchy, ignore_index: as those of :class:`klados.metrics.MistakeSeverity`.
        decision, form, **kwargs: as those of :class:`HierarchicalMetric`.

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


class Coverage(_OfAnswersByLevel):
    """Coverage per level: see :class:`klados.metrics.Coverage`.

    Args:
        hierarchy, level, ignore_index: as those of :class:`klados.metrics.Coverage`.
        decision, form, **kwargs: as those of :class:`HierarchicalMetric`.

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
        hierarchy, level, ignore_index: as those of :class:`klados.metrics.Risk`.
        decision, form, **kwargs: as those of :class:`HierarchicalMetric`.

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
        hierarchy, level, ignore_index: as those of :class:`klados.metrics.Confusion`.
        decision, form, **kwargs: as those of :class:`HierarchicalMetric`.

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

    def __init__(
        self, hierarchy: Hierarchy, *, level: str | int | None = None, **kwargs: Unpack[AnswerOptions]
    ) -> None:
        super().__init__(hierarchy, options={"level": level}, **kwargs)


class HierarchicalPrecision(_OfAnswers):
    """Hierarchical precision: see :class:`klados.metrics.HierarchicalPrecision`.

    Args:
        hierarchy, average, ignore_index: as those of :class:`klados.metrics.HierarchicalPrecision`.
        decision, form, **kwargs: as those of :class:`HierarchicalMetric`.

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

    def __init__(
        self, hierarchy: Hierarchy, *, average: Average | None = "micro", **kwargs: Unpack[AnswerOptions]
    ) -> None:
        super().__init__(hierarchy, options={"average": average}, **kwargs)


class HierarchicalRecall(_OfAnswers):
    """Hierarchical recall: see :class:`klados.metrics.HierarchicalRecall`.

    Args:
        hierarchy, average, ignore_index: as those of :class:`klados.metrics.HierarchicalRecall`.
        decision, form, **kwargs: as those of :class:`HierarchicalMetric`.

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

    def __init__(
        self, hierarchy: Hierarchy, *, average: Average | None = "micro", **kwargs: Unpack[AnswerOptions]
    ) -> None:
        super().__init__(hierarchy, options={"average": average}, **kwargs)


class HierarchicalF1(_OfAnswers):
    """Hierarchical F1: see :class:`klados.metrics.HierarchicalF1`.

    Args:
        hierarchy, average, ignore_index: as those of :class:`klados.metrics.HierarchicalF1`.
        decision, form, **kwargs: as those of :class:`HierarchicalMetric`.

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

    def __init__(
        self, hierarchy: Hierarchy, *, average: Average | None = "micro", **kwargs: Unpack[AnswerOptions]
    ) -> None:
        super().__init__(hierarchy, options={"average": average}, **kwargs)


class LcaPrecision(_OfAnswers):
    """Precision by the lowest common ancestor: see :class:`klados.metrics.LcaPrecision`.

    Args:
        hierarchy, value, ignore_index: as those of :class:`klados.metrics.LcaPrecision`.
        decision, form, **kwargs: as those of :class:`HierarchicalMetric`.

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

    def __init__(self, hierarchy: Hierarchy, *, value: Value = "depth", **kwargs: Unpack[AnswerOptions]) -> None:
        super().__init__(hierarchy, options={"value": value}, **kwargs)


class LcaRecall(_OfAnswers):
    """Recall by the lowest common ancestor: see :class:`klados.metrics.LcaRecall`.

    Args:
        hierarchy, value, ignore_index: as those of :class:`klados.metrics.LcaRecall`.
        decision, form, **kwargs: as those of :class:`HierarchicalMetric`.

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

    def __init__(self, hierarchy: Hierarchy, *, value: Value = "depth", **kwargs: Unpack[AnswerOptions]) -> None:
        super().__init__(hierarchy, options={"value": value}, **kwargs)


class LcaF1(_OfAnswers):
    """F1 by the lowest common ancestor: see :class:`klados.metrics.LcaF1`.

    Args:
        hierarchy, value, ignore_index: as those of :class:`klados.metrics.LcaF1`.
        decision, form, **kwargs: as those of :class:`HierarchicalMetric`.

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

    def __init__(self, hierarchy: Hierarchy, *, value: Value = "depth", **kwargs: Unpack[AnswerOptions]) -> None:
        super().__init__(hierarchy, options={"value": value}, **kwargs)
