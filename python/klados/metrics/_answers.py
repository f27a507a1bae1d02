"""How often a model answers, how often it is wrong then, and what it answers instead."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from klados._klados import Hierarchy, judged_levels, level_candidates
from klados.arrays import Array
from klados.metrics._metric import AnswerMetric, LevelMetric, level_place


class Coverage(LevelMetric, AnswerMetric):
    """Coverage per level: of the rows whose label reaches down to a level, the share that is answered at the level or
    below. From 0 to 1. Read it beside :class:`Risk`: accuracy is ``coverage * (1 - risk)``.

    :meth:`details` has both, and over all levels the share of answers that are right, their mean depth and information.

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
        >>> metric = klados.metrics.Coverage(hierarchy, level="class")
        >>> round(metric.update(["bat", "dog", "crow", "bird"], ["bat", "bat", "bird", "bat"]).compute(), 4)
        0.6667
        >>> metric.details()["depth"]
        1.75
    """

    _name = "coverage"
    _value = "coverage"

    def _levels(self) -> Any:
        return self.details()["levels"]

    def _ratio_places(self) -> dict[Any, int]:
        # Behind three of all levels.
        return self._by_level(first=3, step=2)


class Risk(Coverage):
    """Risk per level: of the rows that are answered at a level, the share that is wrong (El-Yaniv & Wiener 2010). From
    0, which is best, to 1. Read it beside :class:`Coverage`.

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
        >>> metric = klados.metrics.Risk(hierarchy)
        >>> metric.update(["bat", "dog", "crow", "bird"], ["bat", "bat", "bird", "bat"]).compute()
        {'depth 1': 0.25, 'class': 0.5}
    """

    _value = "risk"

    def _ratio_places(self) -> dict[Any, int]:
        return self._by_level(first=4, step=2)


class Confusion(AnswerMetric):
    r"""The confusion matrix of a level: how often a node is answered with another.

    :meth:`details` has the pairs of all levels that occur, by the index of the nodes.

    Args:
        hierarchy: what the classes roll up into.
        level: a name of :func:`levels`, or a depth from 1; the classes where it is not given.
        ignore_index: the label of samples that take no part.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.metrics.Confusion(hierarchy, level="depth 1")
        >>> metric.update(["bat", "dog", "crow", "bird"], ["bat", "root", "bat", "robin"]).compute()
        array([[1., 0., 1.],
               [1., 1., 0.]])
    """

    _name = "confusion"

    def __init__(self, hierarchy: Hierarchy, *, level: str | int | None = None, ignore_index: int = -100) -> None:
        super().__init__(hierarchy, ignore_index=ignore_index)
        self.level = level
        last = len(judged_levels(hierarchy)) - 1
        self._place = last if level is None else level_place(hierarchy, level)

    def compute(self) -> Array:
        r"""The rows of each pair, or their weights, :math:`(L, L + 1)` of ``float64``: a row for each node of the level
        as truth, a column for each as answer, and a last one for no answer at the level. The nodes are those of
        :func:`level_nodes`."""
        nodes = level_candidates(self.hierarchy, self._place).tolist()
        classes, class_nodes = self.hierarchy.num_classes, self.hierarchy.class_nodes.tolist()
        place = {class_nodes[node] if node < classes else node - classes: at for at, node in enumerate(nodes)}
        matrix = np.zeros((len(nodes), len(nodes) + 1))
        for pair in self.details()[self._place]["pairs"]:
            column = len(nodes) if pair["answer"] is None else place[pair["answer"]]
            matrix[place[pair["truth"]], column] = pair["rows"]
        return matrix


def level_nodes(hierarchy: Hierarchy, level: str | int) -> Array:
    r"""The nodes of a level at which predictions are judged: those of the level, then the classes that end above it.

    Args:
        hierarchy: what the classes roll up into.
        level: a name of :func:`levels`, or a depth from 1.

    Shape:
        - output: :math:`(L)` of ``int64``, as :meth:`Hierarchy.encode` gives them.

    Raises:
        ValueError: if there is no such level.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> hierarchy.decode(klados.metrics.level_nodes(hierarchy, 1))
        ['mammal', 'bird']
    """
    return level_candidates(hierarchy, level_place(hierarchy, level))


def coverage(
    y_true: Any,
    y_pred: Any,
    hierarchy: Hierarchy,
    *,
    level: str | int | None = None,
    sample_weight: npt.ArrayLike | None = None,
    ignore_index: int = -100,
) -> Any:
    """Coverage per level, or at one: see :class:`Coverage`.

    Args:
        y_true, y_pred, sample_weight: as in :meth:`Coverage.update`.
        hierarchy, level, ignore_index: as those of :class:`Coverage`.

    Returns:
        A dict by level, or a number where *level* is given. NaN where no row takes part.

    Raises:
        ValueError: as :meth:`Coverage.update`, or if there is no such level.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> klados.metrics.coverage(["bat", "dog", "crow", "bird"], ["bat", "bat", "bird", "bat"], hierarchy, level=1)
        1.0
    """
    metric = Coverage(hierarchy, level=level, ignore_index=ignore_index)
    return metric.update(y_true, y_pred, sample_weight).compute()


def risk(
    y_true: Any,
    y_pred: Any,
    hierarchy: Hierarchy,
    *,
    level: str | int | None = None,
    sample_weight: npt.ArrayLike | None = None,
    ignore_index: int = -100,
) -> Any:
    """Risk per level, or at one: see :class:`Risk`.

    Args:
        y_true, y_pred, sample_weight: as in :meth:`Risk.update`.
        hierarchy, level, ignore_index: as those of :class:`Risk`.

    Returns:
        A dict by level, or a number where *level* is given. NaN where no row is answered.

    Raises:
        ValueError: as :meth:`Risk.update`, or if there is no such level.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> klados.metrics.risk(["bat", "dog", "crow", "bird"], ["bat", "bat", "bird", "bat"], hierarchy)
        {'depth 1': 0.25, 'class': 0.5}
    """
    metric = Risk(hierarchy, level=level, ignore_index=ignore_index)
    return metric.update(y_true, y_pred, sample_weight).compute()


def confusion(
    y_true: Any,
    y_pred: Any,
    hierarchy: Hierarchy,
    *,
    level: str | int | None = None,
    sample_weight: npt.ArrayLike | None = None,
    ignore_index: int = -100,
) -> Array:
    """The confusion matrix of a level: see :class:`Confusion`.

    Args:
        y_true, y_pred, sample_weight: as in :meth:`Confusion.update`.
        hierarchy, level, ignore_index: as those of :class:`Confusion`.

    Returns:
        The matrix of :meth:`Confusion.compute`, whose nodes are those of :func:`level_nodes`.

    Raises:
        ValueError: as :meth:`Confusion.update`, or if there is no such level.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> klados.metrics.confusion(["bat", "dog", "crow", "bird"], ["bat", "root", "bat", "robin"], hierarchy, level=1)
        array([[1., 0., 1.],
               [1., 1., 0.]])
    """
    metric = Confusion(hierarchy, level=level, ignore_index=ignore_index)
    return metric.update(y_true, y_pred, sample_weight).compute()
