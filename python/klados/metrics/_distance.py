"""How far off the answers are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from klados._klados import Hierarchy
from klados.arrays import Form
from klados.metrics._metric import AnswerMetric, ScoreMetric, number


class LcaHeight(AnswerMetric):
    """The mean height of the lowest common ancestor of answer and label: how many steps up they meet. 0 is best, for an
    answer at or below the label's node; the largest is the height of the root (Deng et al. 2010).

    :meth:`details` has the rows of each height, and the share of rows above 0, of which :class:`MistakeSeverity` is the
    mean: ``lca_height = error * mistake_severity``.

    Args:
        hierarchy: what the classes roll up into.
        ignore_index: the label of samples that take no part.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.metrics.LcaHeight(hierarchy)
        >>> metric.update(["crow", "crow", "crow", "bird"], ["crow", "robin", "bat", "robin"]).compute()
        0.75
        >>> metric.details()["heights"]  # two right, a robin for a crow, a bat for a crow
        [2.0, 1.0, 1.0]
    """

    _name = "lca_height"

    def compute(self) -> float:
        """The mean over all rows; NaN where there are none."""
        return number(self.details()["lca_height"])

    def _ratio_places(self) -> dict[Any, int]:
        return {None: 0}


class MistakeSeverity(LcaHeight):
    """The mean height of the lowest common ancestor of answer and label over the rows where it is above 0 (Bertinetto
    et al. 2020). Low is good, but not alone: it falls where a model adds small mistakes. Read it beside the error.

    Args:
        hierarchy: what the classes roll up into.
        ignore_index: the label of samples that take no part.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.metrics.MistakeSeverity(hierarchy)
        >>> metric.update(["crow", "crow", "crow", "bird"], ["crow", "robin", "bat", "robin"]).compute()
        1.5
        >>> metric.details()["error"]
        0.5
    """

    def compute(self) -> float:
        """The mean over the mistakes; NaN where there are none."""
        return number(self.details()["mistake_severity"])

    def _ratio_places(self) -> dict[Any, int]:
        # Between the two is the error.
        return {None: 2}


class DistanceAtK(ScoreMetric):
    """How far off the most probable classes are: the mean, over the rows and the *k* most probable classes of each, of
    the height of the lowest common ancestor with the label (Bertinetto et al. 2020). Low is good.

    Args:
        hierarchy: what the classes roll up into.
        k: how many classes; several numbers give a dict.
        form: what the scores are, as in :func:`klados.decide`.
        ignore_index: the label of samples that take no part.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.metrics.DistanceAtK(hierarchy, k=[1, 2])
        >>> metric.update(["crow"], [[3.0, 0.0, 2.0, 1.0]]).compute()  # bat: 2, crow: 0
        {1: 2.0, 2: 1.0}
    """

    _name = "distance_at_k"

    def __init__(self, hierarchy: Hierarchy, *, k: int | Sequence[int] = 1, **options: Any) -> None:
        self.k = k
        super().__init__(hierarchy, k=list(k) if isinstance(k, Sequence) else [k], **options)

    def compute(self) -> Any:
        """The mean for each *k*, in a dict; or for the one that was asked for. NaN where there are no rows."""
        values = {at["k"]: number(at["value"]) for at in self.details()}
        return values if isinstance(self.k, Sequence) else values[self.k]

    def _ratio_places(self) -> dict[Any, int]:
        return {k: at for at, k in enumerate(self.k)} if isinstance(self.k, Sequence) else {None: 0}


class Wasserstein(ScoreMetric):
    """The tree distance between the predicted distribution and the label: how many edges the probability would have to
    be carried, on average. 0 is best; the largest is twice the height of the tree. Trees.

    Args:
        hierarchy: what the classes roll up into.
        form: what the scores are, as in :func:`klados.decide`.
        ignore_index: the label of samples that take no part.

    Raises:
        ValueError: if the hierarchy is a DAG.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("bird", "crow"), ("bird", "robin")])
        >>> metric = klados.metrics.Wasserstein(hierarchy, form="class_probabilities")
        >>> metric.update(["crow"], [[0.25, 0.5, 0.25]]).compute()  # robin is two edges off, bat four
        1.5
    """

    _name = "wasserstein"

    def compute(self) -> float:
        """The mean over the rows; NaN where there are none."""
        return number(self.details())

    def _ratio_places(self) -> dict[Any, int]:
        return {None: 0}


def lca_height(
    y_true: Any,
    y_pred: Any,
    hierarchy: Hierarchy,
    *,
    sample_weight: npt.ArrayLike | None = None,
    ignore_index: int = -100,
) -> float:
    """The mean height of the lowest common ancestor of answer and label: see :class:`LcaHeight`.

    Args:
        y_true, y_pred, sample_weight: as in :meth:`LcaHeight.update`.
        hierarchy, ignore_index: as those of :class:`LcaHeight`.

    Returns:
        A number; NaN where no row takes part.

    Raises:
        ValueError: as :meth:`LcaHeight.update`.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> klados.metrics.lca_height(["crow", "crow", "crow", "bird"], ["crow", "robin", "bat", "robin"], hierarchy)
        0.75
    """
    return LcaHeight(hierarchy, ignore_index=ignore_index).update(y_true, y_pred, sample_weight).compute()


def mistake_severity(
    y_true: Any,
    y_pred: Any,
    hierarchy: Hierarchy,
    *,
    sample_weight: npt.ArrayLike | None = None,
    ignore_index: int = -100,
) -> float:
    """The mean height of the lowest common ancestor over the mistakes: see :class:`MistakeSeverity`.

    Args:
        y_true, y_pred, sample_weight: as in :meth:`MistakeSeverity.update`.
        hierarchy, ignore_index: as those of :class:`MistakeSeverity`.

    Returns:
        A number; NaN where there is no mistake.

    Raises:
        ValueError: as :meth:`MistakeSeverity.update`.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> klados.metrics.mistake_severity(["crow", "crow", "crow", "bird"], ["crow", "robin", "bat", "robin"], hierarchy)
        1.5
    """
    return MistakeSeverity(hierarchy, ignore_index=ignore_index).update(y_true, y_pred, sample_weight).compute()


def distance_at_k(
    y_true: Any,
    y_score: npt.ArrayLike,
    hierarchy: Hierarchy,
    *,
    k: int | Sequence[int] = 1,
    form: Form = "class_softmax",
    sample_weight: npt.ArrayLike | None = None,
    ignore_index: int = -100,
) -> Any:
    """How far off the most probable classes are: see :class:`DistanceAtK`, which is fed batch by batch.

    Args:
        y_true, y_score, sample_weight: as in :meth:`DistanceAtK.update`.
        hierarchy, k, form, ignore_index: as those of :class:`DistanceAtK`.

    Returns:
        A number, or a dict where *k* is several; NaN where no row takes part.

    Raises:
        ValueError: as :meth:`DistanceAtK.update`, or if *k* is not from 1 to the number of classes.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> klados.metrics.distance_at_k(["crow"], [[3.0, 0.0, 2.0, 1.0]], hierarchy, k=2)  # bat: 2, crow: 0
        1.0
    """
    metric = DistanceAtK(hierarchy, k=k, form=form, ignore_index=ignore_index)
    return metric.update(y_true, y_score, sample_weight).compute()


def wasserstein(
    y_true: Any,
    y_score: npt.ArrayLike,
    hierarchy: Hierarchy,
    *,
    form: Form = "class_softmax",
    sample_weight: npt.ArrayLike | None = None,
    ignore_index: int = -100,
) -> float:
    """The tree distance between the predicted distribution and the label: see :class:`Wasserstein`.

    Args:
        y_true, y_score, sample_weight: as in :meth:`Wasserstein.update`.
        hierarchy, form, ignore_index: as those of :class:`Wasserstein`.

    Returns:
        A number; NaN where no row takes part.

    Raises:
        ValueError: as :meth:`Wasserstein.update`, or if the hierarchy is a DAG.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("bird", "crow"), ("bird", "robin")])
        >>> klados.metrics.wasserstein(["bird"], [[0.25, 0.5, 0.25]], hierarchy, form="class_probabilities")  # bat is three off
        0.75
    """
    return Wasserstein(hierarchy, form=form, ignore_index=ignore_index).update(y_true, y_score, sample_weight).compute()
