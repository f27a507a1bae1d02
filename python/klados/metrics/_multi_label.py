"""Whether the probabilities of nodes are right, each for itself: for several labels at once."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, TypeVar, get_args

import numpy as np
import numpy.typing as npt

from klados._klados import Hierarchy
from klados.arrays import Form, NativeTarget, Scores, TargetKind, as_array
from klados.metrics._metric import ScoreMetric, level_place, number

Average = Literal["micro", "macro"]

N = TypeVar("N", bound="NodeScoreMetric")


class NodeScoreMetric(ScoreMetric):
    """A metric of the probabilities of nodes, whose labels may be several."""

    _rows_are: ClassVar[TargetKind] = "multi_hot"

    def __init__(self, hierarchy: Hierarchy, *, form: Form = "independent_sigmoid", **options: Any) -> None:
        super().__init__(hierarchy, form=form, **options)

    def update(self: N, y_true: Any, y_score: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> N:
        r"""Adds rows.

        Args:
            y_true: the labels: multi-hot rows, where entries of *ignore_index* take no part; or names (``"bat;crow"``),
                or indices.
            y_score: the outputs of a model, of the metric's form; they are read in ``float64``.
            sample_weight: how much each row counts, at least 0; 1 each by default.

        Shape:
            - y_true: :math:`(N, \text{classes})` or :math:`(N, \text{nodes} - 1)`, or :math:`(N)` of names or indices.
            - y_score: :math:`(N, C)`, with a column a node but the root, or a class where the form says so; of the form
              ``"node_log_probs"`` with a column a node, the root included.
            - sample_weight: :math:`(N)`.

        Returns:
            The metric itself.

        Raises:
            ValueError: if a shape, a label, a score or a weight does not fit; the message names the row. Nothing is
                added then.
        """
        return super().update(y_true, y_score, sample_weight)


class Auprc(NodeScoreMetric):
    """The area under the precision-recall curve of the nodes: how well the probabilities find the rows that a node
    holds of. From 0 to 1; 1 is best, and scores that say nothing have the share of positives.

    The area is the average precision, as scikit-learn has it. :meth:`details` has that of every level and node.
    Exactly, 16 bytes a row and node are kept; with thresholds 16 bytes a node and threshold, for probabilities that are
    rounded down to one of them.

    Args:
        hierarchy: what the classes roll up into.
        average: ``"micro"``: over all pairs of a row and a node, the AU(PRC) of work on hierarchical multi-label
            classification; ``"macro"``: the mean over the nodes that hold of a row.
        level: of the nodes of a level alone: a name of :func:`levels`, or a depth from 1.
        thresholds: the number of thresholds from 0 to 1, without sample weights; exact where it is not given.
        form: what the scores are, as in :func:`klados.decide`.
        ignore_index: in a multi-hot label the entry of nodes that take no part, else the label of samples that take
            none.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("bird", "crow"), ("bird", "robin")])
        >>> metric = klados.metrics.Auprc(hierarchy, average="macro", form="node_probabilities")
        >>> p = [[0.8, 0.9, 0.3, 0.4, 0.1], [0.1, 0.2, 0.6, 0.7, 0.5]]  # bat, mammal, crow, bird, robin
        >>> metric.update(["bat;crow", "robin;"], p).compute()  # of the crow the wrong row is before the right one
        0.9
    """

    _name = "auprc"

    def __init__(
        self,
        hierarchy: Hierarchy,
        *,
        average: Average = "micro",
        level: str | int | None = None,
        thresholds: int | None = None,
        **options: Any,
    ) -> None:
        if average not in get_args(Average):
            raise ValueError(f"average {average!r}: expected 'micro' or 'macro'")
        super().__init__(hierarchy, thresholds=thresholds, **options)
        self.average, self.level = average, level
        self._place = None if level is None else level_place(hierarchy, level)

    def compute(self) -> float:
        """The area; NaN where nothing holds."""
        details = self.details()
        of = details if self._place is None else details["levels"][self._place]
        return number(of["micro" if self.average == "micro" else "macro_average"])


class Violations(NodeScoreMetric):
    """The share of edges, over all rows, along which the child is more probable than the parent, which cannot be. From
    0, which is best, to 1.

    Labels are not looked at, but that rows without one take no part; ``None`` stands for all.

    Args:
        hierarchy: what the classes roll up into.
        form: what the scores are, as in :func:`klados.decide`.
        ignore_index: the label of samples that take no part.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("bird", "crow"), ("bird", "robin")])
        >>> metric = klados.metrics.Violations(hierarchy, form="node_probabilities")
        >>> metric.update(None, [[0.3, 0.2, 0.9, 0.9, 0.1]]).compute()  # the bat, of five
        0.2
    """

    _name = "violations"

    def _read(
        self, y_true: Any, y_score: npt.ArrayLike, sample_weight: npt.ArrayLike | None
    ) -> tuple[tuple[Scores, NativeTarget, int, int], Any]:
        if y_true is not None:
            return super()._read(y_true, y_score, sample_weight)
        # Any class does; it is not ignored, whatever the index of labels that are.
        some_class = np.zeros(as_array(y_score).shape[:1], dtype=np.int64)
        (given, target, weights, _ignore_index), alive = super()._read(some_class, y_score, sample_weight)
        return (given, target, weights, -1), alive

    def compute(self) -> float:
        """The share; NaN where there are no rows."""
        return number(self.details())

    def _ratio_places(self) -> dict[Any, int]:
        return {None: 0}


def auprc(
    y_true: Any,
    y_score: npt.ArrayLike,
    hierarchy: Hierarchy,
    *,
    average: Average = "micro",
    level: str | int | None = None,
    thresholds: int | None = None,
    form: Form = "independent_sigmoid",
    sample_weight: npt.ArrayLike | None = None,
    ignore_index: int = -100,
) -> float:
    """The area under the precision-recall curve of the nodes: see :class:`Auprc`.

    Args:
        y_true, y_score, sample_weight: as in :meth:`Auprc.update`.
        hierarchy, average, level, thresholds, form, ignore_index: as those of :class:`Auprc`.

    Returns:
        A number; NaN where nothing holds.

    Raises:
        ValueError: as :meth:`Auprc.update`, or if an option is out of range.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("bird", "crow"), ("bird", "robin")])
        >>> p = [[0.8, 0.9, 0.3, 0.4, 0.1], [0.1, 0.2, 0.6, 0.7, 0.5]]  # bat, mammal, crow, bird, robin
        >>> y_true = hierarchy.encode_multi_hot(["bat;crow", "robin;"])
        >>> klados.metrics.auprc(y_true, p, hierarchy, average="macro", form="node_probabilities")
        0.9
    """
    metric = Auprc(hierarchy, average=average, level=level, thresholds=thresholds, form=form, ignore_index=ignore_index)
    return metric.update(y_true, y_score, sample_weight).compute()


def violations(
    y_score: npt.ArrayLike,
    hierarchy: Hierarchy,
    *,
    form: Form = "independent_sigmoid",
    sample_weight: npt.ArrayLike | None = None,
) -> float:
    """The share of edges along which the child is more probable than the parent: see :class:`Violations`.

    Args:
        y_score, sample_weight: as in :meth:`Violations.update`.
        hierarchy, form: as those of :class:`Violations`.

    Returns:
        A number; NaN where there are no rows.

    Raises:
        ValueError: as :meth:`Violations.update`.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("bird", "crow"), ("bird", "robin")])
        >>> klados.metrics.violations([[0.3, 0.2, 0.9, 0.9, 0.1]], hierarchy, form="node_probabilities")  # the bat, of five
        0.2
    """
    return Violations(hierarchy, form=form).update(None, y_score, sample_weight).compute()
