"""Whether the probabilities are right, level by level."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from klados._klados import Hierarchy
from klados.arrays import Array, Form
from klados.metrics._metric import LevelMetric, ScoreMetric


class LogLoss(LevelMetric, ScoreMetric):
    """Log loss per level: the mean, over the rows whose label reaches down to a level, of ``-log P`` of its node there,
    in nats. 0 is best; a uniform guess among ``n`` nodes has ``log(n)``. A proper scoring rule.

    It is taken from log-probabilities, so that it is infinite only where a true node has the probability 0.

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
        >>> metric = klados.metrics.LogLoss(hierarchy)
        >>> {level: round(value, 4) for level, value in metric.update(["bat", "bird"], [[0.0] * 4] * 2).compute().items()}
        {'depth 1': 0.6931, 'class': 1.3863}
    """

    _name = "log_loss"

    def _ratio_places(self) -> dict[Any, int]:
        return self._by_level()


class Brier(LevelMetric, ScoreMetric):
    """Brier score per level: the mean, over the rows whose label reaches down to a level, of the sum over its nodes of
    the squared difference of probability and truth (Brier 1950). From 0, which is best, to 2. A proper scoring rule.

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
        >>> metric = klados.metrics.Brier(hierarchy)
        >>> metric.update(["bat", "bird"], [[0.0] * 4] * 2).compute()
        {'depth 1': 0.5, 'class': 0.75}
    """

    _name = "brier"

    def _ratio_places(self) -> dict[Any, int]:
        return self._by_level()


class ExpectedCalibrationError(LevelMetric, ScoreMetric):
    """Expected calibration error per level: how far the confidence of the most probable node of a level is from the
    share that is right, on average over bins of confidence (Naeini et al. 2015; Guo et al. 2017). From 0 to 1; 0 is
    best.

    It is above 0 for a perfect model too, the more so the fewer the rows of a bin. :meth:`details` has the bins of the
    reliability diagram.

    Args:
        hierarchy: what the classes roll up into.
        level: the level whose number :meth:`compute` gives: a name of :func:`levels`, or a depth from 1. All of them
            where it is not given.
        bins: into how many bins of equal width the confidence is sorted.
        form: what the scores are, as in :func:`klados.decide`.
        ignore_index: the label of samples that take no part.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.metrics.ExpectedCalibrationError(hierarchy, level="depth 1", form="class_probabilities")
        >>> p = [0.1, 0.2, 0.3, 0.4]  # a bird, with 0.7
        >>> round(metric.update(["crow", "bat"], [p, p]).compute(), 4)  # right once of two
        0.2
    """

    _name = "ece"
    _value = "ece"

    def __init__(self, hierarchy: Hierarchy, *, level: str | int | None = None, bins: int = 15, **options: Any) -> None:
        super().__init__(hierarchy, level=level, bins=bins, **options)


def log_loss(
    y_true: Any,
    y_score: npt.ArrayLike,
    hierarchy: Hierarchy,
    *,
    level: str | int | None = None,
    form: Form = "class_softmax",
    sample_weight: npt.ArrayLike | None = None,
    ignore_index: int = -100,
) -> Any:
    """Log loss per level, or at one: see :class:`LogLoss`, which is fed batch by batch.

    Args:
        y_true, y_score, sample_weight: as in :meth:`LogLoss.update`.
        hierarchy, level, form, ignore_index: as those of :class:`LogLoss`.

    Returns:
        A dict by level, or a number where *level* is given. NaN where no row takes part.

    Raises:
        ValueError: as :meth:`LogLoss.update`, or if there is no such level.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> klados.metrics.log_loss(["bat", "bird"], [[1.0, 0.0, 0.0, 0.0]] * 2, hierarchy, form="class_probabilities", level=2)
        0.0
    """
    metric = LogLoss(hierarchy, level=level, form=form, ignore_index=ignore_index)
    return metric.update(y_true, y_score, sample_weight).compute()


def brier(
    y_true: Any,
    y_score: npt.ArrayLike,
    hierarchy: Hierarchy,
    *,
    level: str | int | None = None,
    form: Form = "class_softmax",
    sample_weight: npt.ArrayLike | None = None,
    ignore_index: int = -100,
) -> Any:
    """Brier score per level, or at one: see :class:`Brier`, which is fed batch by batch.

    Args:
        y_true, y_score, sample_weight: as in :meth:`Brier.update`.
        hierarchy, level, form, ignore_index: as those of :class:`Brier`.

    Returns:
        A dict by level, or a number where *level* is given. NaN where no row takes part.

    Raises:
        ValueError: as :meth:`Brier.update`, or if there is no such level.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> p = [[0.5, 0.0, 0.5, 0.0]] * 2
        >>> klados.metrics.brier(["bat", "bird"], p, hierarchy, form="class_probabilities")
        {'depth 1': 0.5, 'class': 0.5}
    """
    metric = Brier(hierarchy, level=level, form=form, ignore_index=ignore_index)
    return metric.update(y_true, y_score, sample_weight).compute()


def ece(
    y_true: Any,
    y_score: npt.ArrayLike,
    hierarchy: Hierarchy,
    *,
    level: str | int | None = None,
    bins: int = 15,
    form: Form = "class_softmax",
    sample_weight: npt.ArrayLike | None = None,
    ignore_index: int = -100,
) -> Any:
    """Expected calibration error per level, or at one: see :class:`ExpectedCalibrationError`, which is fed batch by
    batch.

    Args:
        y_true, y_score, sample_weight: as in :meth:`ExpectedCalibrationError.update`.
        hierarchy, level, bins, form, ignore_index: as those of :class:`ExpectedCalibrationError`.

    Returns:
        A dict by level, or a number where *level* is given. NaN where no row takes part.

    Raises:
        ValueError: as :meth:`ExpectedCalibrationError.update`, or if there is no such level or the bins are out of
            range.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> p = [0.1, 0.2, 0.3, 0.4]
        >>> found = klados.metrics.ece(["crow", "bat"], [p, p], hierarchy, form="class_probabilities")
        >>> {level: round(value, 4) for level, value in found.items()}
        {'depth 1': 0.2, 'class': 0.4}
    """
    metric = ExpectedCalibrationError(hierarchy, level=level, bins=bins, form=form, ignore_index=ignore_index)
    return metric.update(y_true, y_score, sample_weight).compute()


def reliability_curve(
    y_true: Any,
    y_score: npt.ArrayLike,
    hierarchy: Hierarchy,
    *,
    level: str | int,
    bins: int = 15,
    form: Form = "class_softmax",
    sample_weight: npt.ArrayLike | None = None,
    ignore_index: int = -100,
) -> tuple[Array, Array, Array]:
    r"""The reliability diagram of a level: what is right, by how confident the model was.

    Args:
        y_true, y_score, sample_weight: as in :meth:`ExpectedCalibrationError.update`.
        hierarchy, level, bins, form, ignore_index: as those of :class:`ExpectedCalibrationError`.

    Returns:
        Of each bin that has rows, from the least confident: the share that is right, the mean confidence, and the
        number of rows or the sum of their weights; each :math:`(B)` of ``float64``.

    Raises:
        ValueError: as :func:`ece`.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> p = [0.1, 0.2, 0.3, 0.4]  # a bird, with 0.7
        >>> right, confidence, rows = klados.metrics.reliability_curve(
        ...     ["crow", "bat"], [p, p], hierarchy, level=1, form="class_probabilities"
        ... )
        >>> right.tolist(), confidence.round(4).tolist(), rows.tolist()
        ([0.5], [0.7], [2.0])
    """
    metric = ExpectedCalibrationError(hierarchy, level=level, bins=bins, form=form, ignore_index=ignore_index)
    metric.update(y_true, y_score, sample_weight)
    assert metric._place is not None
    all_bins = metric.details()[metric._place]["bins"]
    kept = [(bin["accuracy"], bin["confidence"], bin["rows"]) for bin in all_bins if bin["rows"] > 0]
    right, confidence, rows = np.array(kept, dtype=np.float64).reshape(-1, 3).T.copy()
    return right, confidence, rows
