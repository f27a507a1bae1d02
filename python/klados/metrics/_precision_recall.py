"""Precision, recall and F1 of the nodes at and above answer and label."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, TypeVar, get_args

import numpy as np
import numpy.typing as npt

from klados._klados import Hierarchy
from klados.arrays import Array, as_array
from klados.metrics._metric import AnswerMetric, number

Average = Literal["micro", "macro", "samples"]
Value = Literal["depth", "information"]

# In the core's order.
_SCORES = ("precision", "recall", "f1")

H = TypeVar("H", bound="Hierarchical")


class Hierarchical(AnswerMetric):
    """What the three of ancestor sets have in common."""

    _name = "hierarchical"
    _score: ClassVar[str]

    def __init__(self, hierarchy: Hierarchy, *, average: Average | None = "micro", ignore_index: int = -100) -> None:
        if average is not None and average not in get_args(Average):
            raise ValueError(f"average {average!r}: expected 'micro', 'macro', 'samples' or None")
        super().__init__(hierarchy, ignore_index=ignore_index)
        self.average = average

    def update(self: H, y_true: Any, y_pred: Any, sample_weight: npt.ArrayLike | None = None) -> H:
        r"""Adds rows, of one answer each or of sets.

        Args:
            y_true: the labels, at any level: indices (see :meth:`Hierarchy.encode`), names, or candidates; beside sets
                also multi-label: names (``"bat;crow"``) or multi-hot rows.
            y_pred: the answers, at any level: indices, as :func:`klados.decide` gives them, or names; or sets, as it
                gives them of ``consistent``. What is above a node of a set is in it.
            sample_weight: how much each row counts, at least 0; 1 each by default.

        Shape:
            - y_true: :math:`(N)`; or :math:`(N, \text{classes})` of candidates; beside sets :math:`(N, \text{classes})`
              or :math:`(N, \text{nodes} - 1)` of multi-hot rows, where entries of *ignore_index* take no part.
            - y_pred: :math:`(N)`; sets are :math:`(N, \text{nodes} - 1)` or :math:`(N, \text{classes})` of zeros and
                ones.
            - sample_weight: :math:`(N)`.

        Returns:
            The metric itself.

        Raises:
            ValueError: if a shape, a label, an answer or a weight does not fit; the message names the row. Nothing is
                added then.
        """
        if isinstance(y_pred, (list, tuple)) and any(isinstance(answer, str) for answer in y_pred):
            return super().update(y_true, y_pred, sample_weight)
        sets = as_array(y_pred)
        if sets.ndim != 2:
            return super().update(y_true, sets, sample_weight)
        return self._update("sets", as_sets(sets), y_true, sample_weight, "multi_hot")

    def compute(self) -> Any:
        """A number, NaN where it is undefined; or without average one a node, :math:`(\text{nodes} - 1)` of ``float64``
        in the order of :attr:`Hierarchy.node_columns`, NaN where nothing holds or is predicted."""
        details = self.details()
        if self.average is not None:
            return number(details["macro_average" if self.average == "macro" else self.average][self._score])
        by_node = np.full(self.hierarchy.num_nodes, np.nan)
        for node in details["nodes"]:
            by_node[node["node"]] = number(node["scores"][self._score])
        return by_node[self.hierarchy.node_columns]

    def _ratio_places(self) -> dict[Any, int]:
        if self.average not in ("micro", "samples"):
            return super()._ratio_places()
        return {None: _SCORES.index(self._score) + (0 if self.average == "micro" else len(_SCORES))}


def as_sets(sets: Array) -> Array:
    """Sets of zeros and ones, as the core reads them."""
    if sets.dtype.kind not in "biu":
        raise ValueError(f"the sets are {sets.dtype}, expected zeros and ones; klados.decide makes sets of logits")
    other = np.argwhere((sets != 0) & (sets != 1))
    if len(other) > 0:
        row, column = other[0].tolist()
        raise ValueError(f"row {row}, column {column}: the set has {sets[row, column]}, expected 0 or 1")
    return np.require(sets, np.bool_, ["C_CONTIGUOUS", "ALIGNED"])


class HierarchicalPrecision(Hierarchical):
    """Of the nodes that are predicted, the share that holds: an answer predicts itself and all that is above it but the
    root, and of a label holds its node and all that is above that (Kiritchenko et al. 2006). From 0 to 1; 1 is best.
    What a label does not say takes no part.

    :meth:`details` has precision, recall and F1 in all averages, and of every node, by its index.

    Args:
        hierarchy: what the classes roll up into.
        average: in scikit-learn's words. ``"micro"``: of the sums over all rows; ``"macro"``: the mean over the nodes
            that hold or are predicted; ``"samples"``: the mean over the rows; ``None``: one a node.
        ignore_index: the label of samples that take no part.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.metrics.HierarchicalPrecision(hierarchy)
        >>> round(metric.update(["crow", "crow", "bird"], ["robin", "bird", "robin"]).compute(), 4)
        0.75
    """

    _score = "precision"


class HierarchicalRecall(Hierarchical):
    """Of the nodes that hold, the share that is predicted: an answer predicts itself and all that is above it but the
    root, and of a label holds its node and all that is above that (Kiritchenko et al. 2006). From 0 to 1; 1 is best.
    What a label does not say takes no part.

    :meth:`details` has precision, recall and F1 in all averages, and of every node, by its index.

    Args:
        hierarchy: what the classes roll up into.
        average: in scikit-learn's words. ``"micro"``: of the sums over all rows; ``"macro"``: the mean over the nodes
            that hold or are predicted; ``"samples"``: the mean over the rows; ``None``: one a node.
        ignore_index: the label of samples that take no part.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.metrics.HierarchicalRecall(hierarchy)
        >>> round(metric.update(["crow", "crow", "bird"], ["robin", "bird", "robin"]).compute(), 4)
        0.6
    """

    _score = "recall"


class HierarchicalF1(Hierarchical):
    """The harmonic mean of hierarchical precision and recall: an answer predicts itself and all that is above it but
    the root, and of a label holds its node and all that is above that (Kiritchenko et al. 2006). From 0 to 1; 1 is
    best. What a label does not say takes no part.

    :meth:`details` has precision, recall and F1 in all averages, and of every node, by its index.

    Args:
        hierarchy: what the classes roll up into.
        average: in scikit-learn's words. ``"micro"``: of the sums over all rows; ``"macro"``: the mean over the nodes
            that hold or are predicted; ``"samples"``: the mean over the rows; ``None``: one a node.
        ignore_index: the label of samples that take no part.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.metrics.HierarchicalF1(hierarchy)
        >>> round(metric.update(["crow", "crow", "bird"], ["robin", "bird", "robin"]).compute(), 4)
        0.6667
    """

    _score = "f1"


def hierarchical_precision(
    y_true: Any,
    y_pred: Any,
    hierarchy: Hierarchy,
    *,
    average: Average | None = "micro",
    sample_weight: npt.ArrayLike | None = None,
    ignore_index: int = -100,
) -> Any:
    """Of the nodes that are predicted, the share that holds, with all that is above answer and label: see
    :class:`HierarchicalPrecision`.

    Args:
        y_true, y_pred, sample_weight: as in :meth:`HierarchicalPrecision.update`.
        hierarchy, average, ignore_index: as those of :class:`HierarchicalPrecision`.

    Returns:
        A number, NaN where it is undefined; or without average one a node: see :meth:`HierarchicalPrecision.compute`.

    Raises:
        ValueError: as :meth:`HierarchicalPrecision.update`, or if an option is none of those that there are.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> y_true, y_pred = ["crow", "crow", "bird"], ["robin", "bird", "robin"]
        >>> round(klados.metrics.hierarchical_precision(y_true, y_pred, hierarchy), 4)
        0.75
    """
    metric = HierarchicalPrecision(hierarchy, average=average, ignore_index=ignore_index)
    return metric.update(y_true, y_pred, sample_weight).compute()


def hierarchical_recall(
    y_true: Any,
    y_pred: Any,
    hierarchy: Hierarchy,
    *,
    average: Average | None = "micro",
    sample_weight: npt.ArrayLike | None = None,
    ignore_index: int = -100,
) -> Any:
    """Of the nodes that hold, the share that is predicted, with all that is above answer and label: see
    :class:`HierarchicalRecall`.

    Args:
        y_true, y_pred, sample_weight: as in :meth:`HierarchicalRecall.update`.
        hierarchy, average, ignore_index: as those of :class:`HierarchicalRecall`.

    Returns:
        A number, NaN where it is undefined; or without average one a node: see :meth:`HierarchicalRecall.compute`.

    Raises:
        ValueError: as :meth:`HierarchicalRecall.update`, or if an option is none of those that there are.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> y_true, y_pred = ["crow", "crow", "bird"], ["robin", "bird", "robin"]
        >>> round(klados.metrics.hierarchical_recall(y_true, y_pred, hierarchy), 4)
        0.6
    """
    metric = HierarchicalRecall(hierarchy, average=average, ignore_index=ignore_index)
    return metric.update(y_true, y_pred, sample_weight).compute()


def hierarchical_f1(
    y_true: Any,
    y_pred: Any,
    hierarchy: Hierarchy,
    *,
    average: Average | None = "micro",
    sample_weight: npt.ArrayLike | None = None,
    ignore_index: int = -100,
) -> Any:
    """The harmonic mean of hierarchical precision and recall, with all that is above answer and label: see
    :class:`HierarchicalF1`.

    Args:
        y_true, y_pred, sample_weight: as in :meth:`HierarchicalF1.update`.
        hierarchy, average, ignore_index: as those of :class:`HierarchicalF1`.

    Returns:
        A number, NaN where it is undefined; or without average one a node: see :meth:`HierarchicalF1.compute`.

    Raises:
        ValueError: as :meth:`HierarchicalF1.update`, or if an option is none of those that there are.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> y_true, y_pred = ["crow", "crow", "bird"], ["robin", "bird", "robin"]
        >>> round(klados.metrics.hierarchical_f1(y_true, y_pred, hierarchy), 4)
        0.6667
    """
    metric = HierarchicalF1(hierarchy, average=average, ignore_index=ignore_index)
    return metric.update(y_true, y_pred, sample_weight).compute()


def hierarchical_precision_recall_fscore_support(
    y_true: Any,
    y_pred: Any,
    hierarchy: Hierarchy,
    *,
    average: Average | None = None,
    sample_weight: npt.ArrayLike | None = None,
    ignore_index: int = -100,
) -> tuple[Any, Any, Any, Any]:
    """Hierarchical precision, recall, F1 and support in one call, as scikit-learn's
    ``precision_recall_fscore_support``: see :class:`HierarchicalPrecision`.

    Args:
        y_true, y_pred, sample_weight: as in :meth:`HierarchicalPrecision.update`.
        hierarchy, average, ignore_index: as those of :class:`HierarchicalPrecision`.

    Returns:
        Precision, recall, F1 and the rows of which each node holds, each with an entry a node; with an average numbers,
        and ``None`` for the rows.

    Raises:
        ValueError: as :meth:`HierarchicalPrecision.update`.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> y_true, y_pred = ["crow", "crow", "bird"], ["robin", "bird", "robin"]
        >>> _, recall, _, support = klados.metrics.hierarchical_precision_recall_fscore_support(y_true, y_pred, hierarchy)
        >>> at = [hierarchy.name(node) for node in hierarchy.node_columns].index("bird")
        >>> recall[at].item(), support[at].item()
        (1.0, 3.0)
    """
    first = HierarchicalPrecision(hierarchy, average=average, ignore_index=ignore_index)
    state = first.update(y_true, y_pred, sample_weight).state()
    precision, recall, f1 = (
        of(hierarchy, average=average).load_state(state).compute()
        for of in (HierarchicalPrecision, HierarchicalRecall, HierarchicalF1)
    )
    if average is not None:
        return precision, recall, f1, None
    support = np.zeros(hierarchy.num_nodes)
    for node in first.details()["nodes"]:
        support[node["node"]] = node["support"]
    return precision, recall, f1, support[hierarchy.node_columns]


class LcaScore(AnswerMetric):
    """What the three by the lowest common ancestor have in common."""

    _name = "lca_scores"
    _score: ClassVar[str]

    def __init__(self, hierarchy: Hierarchy, *, value: Value = "depth", ignore_index: int = -100) -> None:
        if value not in get_args(Value):
            raise ValueError(f"value {value!r}: expected 'depth' or 'information'")
        super().__init__(hierarchy, ignore_index=ignore_index, value=value)
        self.value = value

    def compute(self) -> float:
        """The mean over the rows; NaN where there are none."""
        return number(self.details()["scores"][self._score])

    def _ratio_places(self) -> dict[Any, int]:
        return {None: _SCORES.index(self._score)}


class LcaPrecision(LcaScore):
    """How much of an answer is right: the mean of ``value(a) / value(p)``, where ``a`` is the lowest common ancestor of
    answer ``p`` and label ``t`` (Valmadre 2022). From 0 to 1; 1 is best.

    Args:
        hierarchy: what the classes roll up into.
        value: what a node is worth: its ``"depth"``, or its ``"information"`` ``-log2(classes below it / classes)``.
        ignore_index: the label of samples that take no part.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.metrics.LcaPrecision(hierarchy)
        >>> round(metric.update(["crow", "crow", "bird"], ["robin", "bird", "robin"]).compute(), 4)
        0.8333
    """

    _score = "precision"


class LcaRecall(LcaScore):
    """How much of a label an answer says: the mean of ``value(a) / value(t)``, where ``a`` is the lowest common
    ancestor of answer ``p`` and label ``t`` (Valmadre 2022). From 0 to 1; 1 is best.

    Args:
        hierarchy: what the classes roll up into.
        value: what a node is worth: its ``"depth"``, or its ``"information"`` ``-log2(classes below it / classes)``.
        ignore_index: the label of samples that take no part.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.metrics.LcaRecall(hierarchy)
        >>> round(metric.update(["crow", "crow", "bird"], ["robin", "bird", "robin"]).compute(), 4)
        0.6667
    """

    _score = "recall"


class LcaF1(LcaScore):
    """How much answer and label share: the mean of ``2 value(a) / (value(p) + value(t))``, where ``a`` is the lowest
    common ancestor of answer ``p`` and label ``t`` (Valmadre 2022). From 0 to 1; 1 is best.

    Args:
        hierarchy: what the classes roll up into.
        value: what a node is worth: its ``"depth"``, or its ``"information"`` ``-log2(classes below it / classes)``.
        ignore_index: the label of samples that take no part.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> metric = klados.metrics.LcaF1(hierarchy)
        >>> round(metric.update(["crow", "crow", "bird"], ["robin", "bird", "robin"]).compute(), 4)
        0.7222
    """

    _score = "f1"


def lca_precision(
    y_true: Any,
    y_pred: Any,
    hierarchy: Hierarchy,
    *,
    value: Value = "depth",
    sample_weight: npt.ArrayLike | None = None,
    ignore_index: int = -100,
) -> float:
    """How much of an answer is right, by their lowest common ancestor: see :class:`LcaPrecision`.

    Args:
        y_true, y_pred, sample_weight: as in :meth:`LcaPrecision.update`.
        hierarchy, value, ignore_index: as those of :class:`LcaPrecision`.

    Returns:
        A number; NaN where no row takes part.

    Raises:
        ValueError: as :meth:`LcaPrecision.update`, or if an option is none of those that there are.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> y_true, y_pred = ["crow", "crow", "bird"], ["robin", "bird", "robin"]
        >>> round(klados.metrics.lca_precision(y_true, y_pred, hierarchy), 4)
        0.8333
    """
    metric = LcaPrecision(hierarchy, value=value, ignore_index=ignore_index)
    return metric.update(y_true, y_pred, sample_weight).compute()


def lca_recall(
    y_true: Any,
    y_pred: Any,
    hierarchy: Hierarchy,
    *,
    value: Value = "depth",
    sample_weight: npt.ArrayLike | None = None,
    ignore_index: int = -100,
) -> float:
    """How much of a label an answer says, by their lowest common ancestor: see :class:`LcaRecall`.

    Args:
        y_true, y_pred, sample_weight: as in :meth:`LcaRecall.update`.
        hierarchy, value, ignore_index: as those of :class:`LcaRecall`.

    Returns:
        A number; NaN where no row takes part.

    Raises:
        ValueError: as :meth:`LcaRecall.update`, or if an option is none of those that there are.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> y_true, y_pred = ["crow", "crow", "bird"], ["robin", "bird", "robin"]
        >>> round(klados.metrics.lca_recall(y_true, y_pred, hierarchy), 4)
        0.6667
    """
    metric = LcaRecall(hierarchy, value=value, ignore_index=ignore_index)
    return metric.update(y_true, y_pred, sample_weight).compute()


def lca_f1(
    y_true: Any,
    y_pred: Any,
    hierarchy: Hierarchy,
    *,
    value: Value = "depth",
    sample_weight: npt.ArrayLike | None = None,
    ignore_index: int = -100,
) -> float:
    """How much answer and label share, by their lowest common ancestor: see :class:`LcaF1`.

    Args:
        y_true, y_pred, sample_weight: as in :meth:`LcaF1.update`.
        hierarchy, value, ignore_index: as those of :class:`LcaF1`.

    Returns:
        A number; NaN where no row takes part.

    Raises:
        ValueError: as :meth:`LcaF1.update`, or if an option is none of those that there are.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> y_true, y_pred = ["crow", "crow", "bird"], ["robin", "bird", "robin"]
        >>> round(klados.metrics.lca_f1(y_true, y_pred, hierarchy), 4)
        0.7222
    """
    metric = LcaF1(hierarchy, value=value, ignore_index=ignore_index)
    return metric.update(y_true, y_pred, sample_weight).compute()
