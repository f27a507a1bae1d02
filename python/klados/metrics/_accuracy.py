"""How often the answers are right."""

from __future__ import annotations

from typing import Any, overload

import numpy.typing as npt

from klados._klados import Hierarchy
from klados.metrics._metric import AnswerMetric, answers_of, level_place, number


class Accuracy(AnswerMetric):
    r"""Accuracy per level: of the rows whose label reaches down to a level, the share where the answer is right at it.

    An answer is right at a level where its ancestor there, or itself, is that of the label. One that backs off above the level
    gives no answer there and is wrong. A row whose label ends above a level takes no part in it.

    Answers may also be given level by level, :math:`(N, \text{levels})`: see :func:`most_probable`.

    Args:
        hierarchy: what the classes roll up into.
        level: the level whose accuracy :meth:`compute` gives: a name of :func:`levels`, or a depth from 1. All of them where it
            is not given.
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

    def __init__(self, hierarchy: Hierarchy, *, level: str | int | None = None, ignore_index: int = -100) -> None:
        super().__init__(hierarchy, ignore_index=ignore_index)
        self.level = level
        self._place = None if level is None else level_place(hierarchy, level)

    def update(self, y_true: Any, y_pred: Any, sample_weight: npt.ArrayLike | None = None) -> Accuracy:
        answers = answers_of(y_pred, self.hierarchy)
        if answers.ndim != 2:
            return super().update(y_true, answers, sample_weight)
        expected = len(self.details())
        if answers.shape[1] != expected:
            raise ValueError(f"the answers have {answers.shape[1]} columns, expected {expected}, one a level")
        self._update(len(answers), y_true, ("by_level", answers.ctypes.data, expected), sample_weight)
        return self

    update.__doc__ = AnswerMetric.update.__doc__

    def compute(self) -> Any:
        """The accuracy at each level, from the top, or that of the level that was asked for; NaN where no row takes part."""
        values = {level["level"]: number(level["value"]) for level in self.details()}
        return values if self._place is None else list(values.values())[self._place]


@overload
def accuracy(
    y_true: Any,
    y_pred: Any,
    hierarchy: Hierarchy,
    *,
    level: None = ...,
    sample_weight: npt.ArrayLike | None = ...,
    ignore_index: int = ...,
) -> dict[str, float]: ...
@overload
def accuracy(
    y_true: Any,
    y_pred: Any,
    hierarchy: Hierarchy,
    *,
    level: str | int,
    sample_weight: npt.ArrayLike | None = ...,
    ignore_index: int = ...,
) -> float: ...
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
