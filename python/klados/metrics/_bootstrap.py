"""Confidence intervals."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from klados._klados import _bootstrap
from klados.arrays import as_array
from klados.metrics._metric import AnswerMetric, Metric, ScoreMetric, number


class Interval(NamedTuple):
    """A number with its confidence interval; NaN where it is undefined.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.metrics.Accuracy(hierarchy, level="class")
        >>> interval = klados.metrics.bootstrap(metric, ["crow"] * 80 + ["bat"] * 20, ["crow"] * 100)
        >>> interval.value, interval.low < 0.8 < interval.high
        (0.8, True)
    """

    value: float
    """Of the rows themselves."""
    low: float
    """The lower end."""
    high: float
    """The upper end."""
    standard_error: float
    """The standard deviation of the replicates."""


def bootstrap(
    metric: Metric,
    y_true: Any,
    y_pred: Any,
    *,
    versus: Any = None,
    groups: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
    replicates: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Any:
    """How far a metric would move had other samples been drawn: percentile intervals of the bootstrap (Efron &
    Tibshirani 1993).

    It is of the metrics that are a ratio of two sums over rows: accuracy, the heights, hierarchical (``"micro"`` and
    ``"samples"``) and LCA scores, coverage and risk, distance at *k*, log loss, Brier score, violations and tree
    distance. The result depends on the rows and the seed, and not on the order of the rows or on threads.

    Args:
        metric: the metric with its options, such as ``Accuracy(hierarchy, level="class")``. Rows that it has seen are
            not looked at, and it is not changed.
        y_true, y_pred, sample_weight: as in the metric's ``update``.
        versus: the answers, or the scores, of another model for the same rows. The interval is that of the difference,
            the first less this one: the paired bootstrap, which is narrower than two intervals suggest.
        groups: where rows are not independent, as frames of a video, the number of each row's group; groups are drawn,
            with all their rows.
        replicates: how often it is drawn.
        seed: of what is drawn.
        confidence: the share of replicates in the interval.

    Shape:
        - groups: :math:`(N)` of integers from 0.

    Returns:
        An :class:`Interval`; of a metric that gives a dict, a dict of these.

    Raises:
        ValueError: as the metric's ``update``; if the metric is no such ratio, or a number is out of range.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.metrics.Accuracy(hierarchy)
        >>> y_true = ["crow"] * 170 + ["bat"] * 30
        >>> ours, theirs = ["crow"] * 200, ["crow"] * 160 + ["robin"] * 40
        >>> better = klados.metrics.bootstrap(metric, y_true, ours, versus=theirs)["class"]
        >>> round(better.value, 4), better.low > 0  # ten of two hundred rows
        (0.05, True)
    """
    places = metric._ratio_places()
    ratios = _ratios(metric, y_true, y_pred, sample_weight)
    numbers = ratios.shape[1]
    if versus is not None:
        ratios = np.concatenate([ratios, _ratios(metric, y_true, versus, sample_weight)], axis=1)
    ratios = np.ascontiguousarray(ratios)
    drawn = None if groups is None else _groups(groups, len(ratios))
    wanted = [(at, None if versus is None else numbers + at) for at in places.values()]
    found = _bootstrap(
        (ratios.ctypes.data, len(ratios), ratios.shape[1]),
        0 if drawn is None else drawn.ctypes.data,
        (replicates, seed, confidence),
        wanted,
    )
    intervals = {
        key: Interval(*(number(interval[name]) for name in Interval._fields))
        for key, interval in zip(places, found, strict=True)
    }
    return intervals[None] if None in intervals else intervals


def _ratios(metric: Metric, y_true: Any, y_pred: Any, sample_weight: npt.ArrayLike | None) -> Any:
    if not isinstance(metric, (AnswerMetric, ScoreMetric)):
        raise TypeError(f"the metric is of type {type(metric).__name__}, expected one of klados.metrics")
    return metric._ratios(y_true, y_pred, sample_weight)


def _groups(groups: npt.ArrayLike, rows: int) -> Any:
    values = as_array(groups)
    if values.dtype.kind not in "iu" or (values.dtype.kind == "i" and (values < 0).any()):
        raise ValueError(f"the groups are {values.dtype}, expected integers from 0")
    if values.shape != (rows,):
        raise ValueError(f"the groups have shape {values.shape}, expected ({rows},)")
    return np.require(values, np.uint64, ["C_CONTIGUOUS", "ALIGNED"])
