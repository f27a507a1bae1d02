"""What a model trades for what: curves over all thresholds."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from klados._klados import Hierarchy, judged_levels
from klados.arrays import Array, Form
from klados.metrics._metric import LevelMetric, ScoreMetric, level_place, number

Value = Literal["depth", "information"]


class OperatingPoints(NamedTuple):
    """The points of an :class:`OperatingCurve`, by falling threshold from the root in every row, and their areas.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> curve = klados.metrics.operating_curve(
        ...     ["crow"], [[0.1, 0.1, 0.3, 0.5]], hierarchy, form="class_probabilities"
        ... )
        >>> curve.recall_at_correct(0.9)  # the bird is right, and half of what there is to know
        0.5
    """

    recall: Array
    """How much of the truth is told."""
    precision: Array
    """How much of what is told is true."""
    correct: Array
    """The share of answers that are right."""
    exact: Array
    """The share of answers that are the truth."""
    below: Array
    """The threshold below which these are the answers."""
    average_precision: float
    """The area of precision over recall."""
    average_correct: float
    """The area of right answers over recall."""
    average_correct_exact: float
    """The area of right answers over exact ones."""

    def recall_at_precision(self, precision: float) -> float:
        """The largest recall with at least this precision; 0 where there is none."""
        return _most(self.recall, self.precision >= precision)

    def recall_at_correct(self, correct: float) -> float:
        """The largest recall with at least this share of right answers; 0 where there is none."""
        return _most(self.recall, self.correct >= correct)

    def exact_at_correct(self, correct: float) -> float:
        """The largest share of exact answers with at least this share of right ones; 0 where there is none."""
        return _most(self.exact, self.correct >= correct)


def _most(values: Array, where: Array) -> float:
    return float(values[where].max(initial=0.0))


class OperatingCurve(ScoreMetric):
    """The operating curve of the decision ``threshold``: what it answers as its threshold falls from 1 to 0, from the
    root in every row to ever more specific nodes (Valmadre 2022).

    It compares models over all trade-offs between answering much (recall) and answering right (precision). It keeps a
    few numbers a row.

    Args:
        hierarchy: what the classes roll up into.
        value: what a node is worth: its ``"depth"``, or its ``"information"`` ``-log2(classes below it / classes)``.
        form: what the scores are, as in :func:`klados.decide`.
        ignore_index: the label of samples that take no part.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.metrics.OperatingCurve(hierarchy, form="class_probabilities")
        >>> metric.update(["crow"], [[0.1, 0.1, 0.3, 0.5]]).compute()
        0.5
        >>> metric.curve().recall.tolist()  # the root, the bird, the robin
        [0.0, 0.5, 0.5]
    """

    _name = "operating_curve"

    def __init__(self, hierarchy: Hierarchy, *, value: Value = "depth", **options: Any) -> None:
        if value not in get_args(Value):
            raise ValueError(f"value {value!r}: expected 'depth' or 'information'")
        super().__init__(hierarchy, value=value, **options)
        self.value = value

    def compute(self) -> float:
        """The average precision: the area of precision over recall. NaN where no row takes part."""
        return number(self.details()["average_precision"])

    def curve(self) -> OperatingPoints:
        r"""The curve; its arrays are :math:`(T)` of ``float64``."""
        details = self.details()
        points = details["points"]
        recall, precision, correct, exact, below = (
            np.array([point[key] for point in points], dtype=np.float64)
            for key in ("recall", "precision", "correct", "exact", "below")
        )
        areas = (number(details[key]) for key in ("average_precision", "average_correct", "average_correct_exact"))
        return OperatingPoints(recall, precision, correct, exact, below, *areas)


class RiskCoverage(LevelMetric, ScoreMetric):
    """The area under the risk-coverage curve of each level, AURC: if the least confident rows are not answered, how
    many of the others are wrong? (El-Yaniv & Wiener 2010; Geifman & El-Yaniv 2017). From 0, which is best, to 1.

    A row's answer at a level is the most probable node of it, and its confidence the probability of that node.
    :meth:`details` has the excess over the area of the best order, which says how good the confidences are. It keeps
    two numbers a row and level.

    Args:
        hierarchy: what the classes roll up into.
        level: the level whose number :meth:`compute` gives: a name of :func:`levels`, or a depth from 1. All of them
            where it is not given.
        form: what the scores are, as in :func:`klados.decide`.
        ignore_index: the label of samples that take no part.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.metrics.RiskCoverage(hierarchy, level="class", form="class_probabilities")
        >>> metric.update(["crow", "bat"], [[0.0, 0.0, 0.9, 0.1], [0.3, 0.6, 0.1, 0.0]]).compute()
        0.25
    """

    _name = "risk_coverage"
    _value = "aurc"

    def curve(self, level: str | int | None = None) -> tuple[Array, Array, Array]:
        r"""Coverage, risk and confidence of a level, by falling confidence: each :math:`(T)` of ``float64``. The level
        is that of the metric, or else the classes, where it is not given."""
        if level is not None:
            place = level_place(self.hierarchy, level)
        else:
            place = len(judged_levels(self.hierarchy)) - 1 if self._place is None else self._place
        points = self.details()[place]["curve"]
        coverage, risk, confidence = (
            np.array([point[key] for point in points], dtype=np.float64) for key in ("coverage", "risk", "confidence")
        )
        return coverage, risk, confidence


def operating_curve(
    y_true: Any,
    y_score: npt.ArrayLike,
    hierarchy: Hierarchy,
    *,
    value: Value = "depth",
    form: Form = "class_softmax",
    sample_weight: npt.ArrayLike | None = None,
    ignore_index: int = -100,
) -> OperatingPoints:
    """What the decision ``threshold`` answers at all thresholds: see :class:`OperatingCurve`.

    Args:
        y_true, y_score, sample_weight: as in :meth:`OperatingCurve.update`.
        hierarchy, value, form, ignore_index: as those of :class:`OperatingCurve`.

    Returns:
        The points and their areas.

    Raises:
        ValueError: as :meth:`OperatingCurve.update`, or if the value is neither of the two.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> curve = klados.metrics.operating_curve(
        ...     ["crow"], [[0.1, 0.1, 0.3, 0.5]], hierarchy, form="class_probabilities"
        ... )
        >>> curve.precision.tolist(), curve.average_precision  # the root, the bird, the robin
        ([1.0, 1.0, 0.5], 0.5)
    """
    metric = OperatingCurve(hierarchy, value=value, form=form, ignore_index=ignore_index)
    return metric.update(y_true, y_score, sample_weight).curve()


def risk_coverage_curve(
    y_true: Any,
    y_score: npt.ArrayLike,
    hierarchy: Hierarchy,
    *,
    level: str | int | None = None,
    form: Form = "class_softmax",
    sample_weight: npt.ArrayLike | None = None,
    ignore_index: int = -100,
) -> tuple[Array, Array, Array]:
    r"""Risk against coverage at a level: see :class:`RiskCoverage`.

    Args:
        y_true, y_score, sample_weight: as in :meth:`RiskCoverage.update`.
        hierarchy, form, ignore_index: as those of :class:`RiskCoverage`.
        level: a name of :func:`levels`, or a depth from 1; the classes where it is not given.

    Returns:
        Coverage, risk and confidence by falling confidence, each :math:`(T)` of ``float64``.

    Raises:
        ValueError: as :meth:`RiskCoverage.update`, or if there is no such level.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> p = [[0.0, 0.0, 0.9, 0.1], [0.3, 0.6, 0.1, 0.0]]
        >>> coverage, risk, _ = klados.metrics.risk_coverage_curve(["crow", "bat"], p, hierarchy, form="class_probabilities")
        >>> coverage.tolist(), risk.tolist()
        ([0.5, 1.0], [0.0, 0.5])
    """
    metric = RiskCoverage(hierarchy, level=level, form=form, ignore_index=ignore_index)
    return metric.update(y_true, y_score, sample_weight).curve()


def aurc(
    y_true: Any,
    y_score: npt.ArrayLike,
    hierarchy: Hierarchy,
    *,
    level: str | int | None = None,
    form: Form = "class_softmax",
    sample_weight: npt.ArrayLike | None = None,
    ignore_index: int = -100,
) -> Any:
    """The area under the risk-coverage curve per level, or at one: see :class:`RiskCoverage`.

    Args:
        y_true, y_score, sample_weight: as in :meth:`RiskCoverage.update`.
        hierarchy, level, form, ignore_index: as those of :class:`RiskCoverage`.

    Returns:
        A dict by level, or a number where *level* is given. NaN where no row takes part.

    Raises:
        ValueError: as :meth:`RiskCoverage.update`, or if there is no such level.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> p = [[0.0, 0.0, 0.9, 0.1], [0.3, 0.6, 0.1, 0.0]]
        >>> klados.metrics.aurc(["crow", "bat"], p, hierarchy, form="class_probabilities")
        {'depth 1': 0.0, 'class': 0.25}
    """
    metric = RiskCoverage(hierarchy, level=level, form=form, ignore_index=ignore_index)
    return metric.update(y_true, y_score, sample_weight).compute()
