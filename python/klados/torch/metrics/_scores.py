"""Metrics of what a model puts out: of logits and their form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from typing_extensions import Unpack

from klados import metrics
from klados._klados import Hierarchy
from klados.arrays import Form
from klados.metrics._precision_recall import Value
from klados.torch.metrics._metric import HierarchicalMetric, TorchmetricsOptions


class ScoreOptions(TorchmetricsOptions, total=False):
    """Those of all metrics of scores."""

    form: Form
    ignore_index: int


class _OfScores(HierarchicalMetric):
    _metric: ClassVar[type[metrics.Metric]]

    def __init__(
        self,
        hierarchy: Hierarchy,
        *,
        form: Form = "class_softmax",
        ignore_index: int = -100,
        options: dict[str, Any] | None = None,
        **kwargs: Unpack[TorchmetricsOptions],
    ) -> None:
        metric = self._metric(hierarchy, form=form, ignore_index=ignore_index, **(options or {}))
        super().__init__(metric, form=form, **kwargs)


class _OfScoresByLevel(_OfScores):
    def __init__(self, hierarchy: Hierarchy, *, level: str | int | None = None, **kwargs: Unpack[ScoreOptions]) -> None:
        super().__init__(hierarchy, options={"level": level}, **kwargs)


class LogLoss(_OfScoresByLevel):
    """Log loss per level: see :class:`klados.metrics.LogLoss`.

    Args:
        hierarchy, level, ignore_index: as those of :class:`klados.metrics.LogLoss`.
        form, **kwargs: as those of :class:`HierarchicalMetric`.

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
        hierarchy, level, ignore_index: as those of :class:`klados.metrics.Brier`.
        form, **kwargs: as those of :class:`HierarchicalMetric`.

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


class ExpectedCalibrationError(_OfScores):
    """Expected calibration error per level: see :class:`klados.metrics.ExpectedCalibrationError`.

    Args:
        hierarchy, level, bins, ignore_index: as those of :class:`klados.metrics.ExpectedCalibrationError`.
        form, **kwargs: as those of :class:`HierarchicalMetric`.

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
        self, hierarchy: Hierarchy, *, level: str | int | None = None, bins: int = 15, **kwargs: Unpack[ScoreOptions]
    ) -> None:
        super().__init__(hierarchy, options={"level": level, "bins": bins}, **kwargs)


class RiskCoverage(_OfScoresByLevel):
    """The area under the risk-coverage curve of each level: see :class:`klados.metrics.RiskCoverage`.

    Args:
        hierarchy, level, ignore_index: as those of :class:`klados.metrics.RiskCoverage`.
        form, **kwargs: as those of :class:`HierarchicalMetric`.

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
        hierarchy, value, ignore_index: as those of :class:`klados.metrics.OperatingCurve`.
        form, **kwargs: as those of :class:`HierarchicalMetric`.

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

    def __init__(self, hierarchy: Hierarchy, *, value: Value = "depth", **kwargs: Unpack[ScoreOptions]) -> None:
        super().__init__(hierarchy, options={"value": value}, **kwargs)


class DistanceAtK(_OfScores):
    """How far off the most probable classes are: see :class:`klados.metrics.DistanceAtK`.

    Args:
        hierarchy, k, ignore_index: as those of :class:`klados.metrics.DistanceAtK`.
        form, **kwargs: as those of :class:`HierarchicalMetric`.

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

    def __init__(self, hierarchy: Hierarchy, *, k: int | Sequence[int] = 1, **kwargs: Unpack[ScoreOptions]) -> None:
        super().__init__(hierarchy, options={"k": k}, **kwargs)


class Wasserstein(_OfScores):
    """The tree distance between the predicted distribution and the label: see :class:`klados.metrics.Wasserstein`.

    Args:
        hierarchy, ignore_index: as those of :class:`klados.metrics.Wasserstein`.
        form, **kwargs: as those of :class:`HierarchicalMetric`.

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
        hierarchy, average, level, thresholds, ignore_index: as those of :class:`klados.metrics.Auprc`.
        form, **kwargs: as those of :class:`HierarchicalMetric`.

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
        ignore_index: int = -100,
        **kwargs: Unpack[TorchmetricsOptions],
    ) -> None:
        options = {"average": average, "level": level, "thresholds": thresholds}
        super().__init__(hierarchy, form=form, ignore_index=ignore_index, options=options, **kwargs)


class Violations(_OfScores):
    """The share of edges along which the child is more probable than the parent: see
    :class:`klados.metrics.Violations`.

    Args:
        hierarchy, ignore_index: as those of :class:`klados.metrics.Violations`.
        form, **kwargs: as those of :class:`HierarchicalMetric`.

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

    def __init__(
        self,
        hierarchy: Hierarchy,
        *,
        form: Form = "independent_sigmoid",
        ignore_index: int = -100,
        **kwargs: Unpack[TorchmetricsOptions],
    ) -> None:
        super().__init__(hierarchy, form=form, ignore_index=ignore_index, **kwargs)
