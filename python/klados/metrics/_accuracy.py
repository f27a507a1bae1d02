"""How often the answers are right."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from klados._klados import Hierarchy
from klados.metrics._metric import AnswerMetric, LevelMetric, answers_of


class Accuracy(LevelMetric, AnswerMetric):
    r"""Accuracy per level: of the rows whose label reaches down to a level, the share where the answer is right at it.
    From 0 to 1; 1 is best.

    An answer is right at a level where its ancestor there, or itself, is that of the label. One that backs off above
    the level gives no answer there and is wrong. A row whose label ends above a level takes no part in it.

    Answers may also be given level by level, :math:`(N, \text{levels})`: see :func:`most_probable`.

    Args:
        hierarchy: what the classes roll up into.
        level: the level whose number :meth:`compute` gives: a name of :func:`levels`, or a depth from 1. All of them
            where it is not given.
        ignore_index: the label of samples that take no part.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.metrics.Accuracy(hierarchy)
        >>> _ = metric.update(["crow", "bird"], ["robin", "crow"])  # two batches
        >>> _ = metric.update(["bat"], ["bat"])
        >>> metric.compute()  # "bird" says nothing about the species
        {'depth 1': 1.0, 'class': 0.5}
        >>> part = klados.metrics.Accuracy(hierarchy).update(["dog"], ["crow"])  # of another process
        >>> metric.merge(part).compute()["depth 1"]
        0.75
    """

    _name = "accuracy"

    def update(self, y_true: Any, y_pred: Any, sample_weight: npt.ArrayLike | None = None) -> Accuracy:
        answers = answers_of(y_pred, self.hierarchy)
        if answers.ndim != 2:
            return super().update(y_true, answers, sample_weight)
        expected = len(self.details())
        if answers.shape[1] != expected:
            raise ValueError(f"the answers have {answers.shape[1]} columns, expected {expected}, one a level")
        return self._update("by_level", answers, y_true, sample_weight)

    update.__doc__ = AnswerMetric.update.__doc__

    def _ratio_places(self) -> dict[Any, int]:
        return self._by_level()


class BalancedAccuracy(LevelMetric, AnswerMetric):
    """Balanced accuracy per level: the mean recall of the nodes of the level that have rows. From 0 to 1; 1 is best,
    and a constant answer has one over the number of nodes (Brodersen et al. 2010).

    :meth:`details` has recall, precision and F1 of every node, by its index, and their averages.

    Args:
        hierarchy, level, ignore_index: as those of :class:`Accuracy`.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.metrics.BalancedAccuracy(hierarchy, level="depth 1")
        >>> metric.update(["bat", "dog", "dog", "crow"], ["bat", "bat", "dog", "dog"]).compute()  # three of three, none of one
        0.5
        >>> metric.details()[0]["nodes"][0]["scores"]["precision"]  # three of four mammals
        0.75
    """

    _name = "balanced_accuracy"
    _value = "balanced_accuracy"


def accuracy(
    y_true: Any,
    y_pred: Any,
    hierarchy: Hierarchy,
    *,
    level: str | int | None = None,
    sample_weight: npt.ArrayLike | None = None,
    ignore_index: int = -100,
) -> Any:
    """Accuracy per level, or at one: see :class:`Accuracy`, which is fed batch by batch.

    Args:
        y_true, y_pred, sample_weight: as in :meth:`Accuracy.update`.
        hierarchy, level, ignore_index: as those of :class:`Accuracy`.

    Returns:
        A dict by level, or a number where *level* is given. NaN where no row takes part.

    Raises:
        ValueError: as :meth:`Accuracy.update`, or if there is no such level.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> y_true, y_pred = hierarchy.encode(["crow", "bird", "bat"]), hierarchy.encode(["robin", "crow", "bat"])
        >>> klados.metrics.accuracy(y_true, y_pred, hierarchy)
        {'depth 1': 1.0, 'class': 0.5}
        >>> klados.metrics.accuracy(y_true, y_pred, hierarchy, level="class")
        0.5
    """
    metric = Accuracy(hierarchy, level=level, ignore_index=ignore_index)
    return metric.update(y_true, y_pred, sample_weight).compute()


def balanced_accuracy(
    y_true: Any,
    y_pred: Any,
    hierarchy: Hierarchy,
    *,
    level: str | int | None = None,
    sample_weight: npt.ArrayLike | None = None,
    ignore_index: int = -100,
) -> Any:
    """Balanced accuracy per level, or at one: see :class:`BalancedAccuracy`, which is fed batch by batch.

    Args:
        y_true, y_pred, sample_weight: as in :meth:`BalancedAccuracy.update`.
        hierarchy, level, ignore_index: as those of :class:`BalancedAccuracy`.

    Returns:
        A dict by level, or a number where *level* is given. NaN where no row takes part.

    Raises:
        ValueError: as :meth:`BalancedAccuracy.update`, or if there is no such level.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> klados.metrics.balanced_accuracy(["bat", "dog", "dog", "crow"], ["bat", "bat", "dog", "dog"], hierarchy)
        {'depth 1': 0.5, 'class': 0.5}
    """
    metric = BalancedAccuracy(hierarchy, level=level, ignore_index=ignore_index)
    return metric.update(y_true, y_pred, sample_weight).compute()
