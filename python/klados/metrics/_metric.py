"""What all metrics have in common."""

from __future__ import annotations

import copy
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

from klados._json import finite_json
from klados._klados import Accumulator, Hierarchy, _most_probable, judged_levels
from klados.arrays import Array, Form, NativeTarget, Scores, TargetKind, as_array, read_target, scores

M = TypeVar("M", bound="Metric")
A = TypeVar("A", bound="AnswerMetric")
S = TypeVar("S", bound="ScoreMetric")


class Metric:
    """A metric that is fed batch by batch: the base of the classes of :mod:`klados.metrics`.

    Args:
        hierarchy: what the classes roll up into.
        ignore_index: the label of samples that take no part.

    Example::

        >>> import klados
        >>> issubclass(klados.metrics.Accuracy, klados.metrics.Metric)
        True
    """

    _name: ClassVar[str]

    def __init__(self, hierarchy: Hierarchy, *, ignore_index: int = -100, **options: Any) -> None:
        if not isinstance(hierarchy, Hierarchy):
            raise TypeError(f"the hierarchy is of type {type(hierarchy).__name__}, expected a klados.Hierarchy")
        self.hierarchy = hierarchy
        self.ignore_index = ignore_index
        self._options = finite_json(options, "a metric")
        self.reset()

    def reset(self) -> None:
        """Forgets all rows."""
        self._accumulator = Accumulator(self._name, self._options, self.hierarchy)

    def copy_without_rows(self: M) -> M:
        """A metric with the same options, and no rows yet."""
        fresh = copy.copy(self)
        fresh.reset()
        return fresh

    def merge(self: M, other: M) -> M:
        """Adds what another metric has seen: of another thread, process or machine. Exact, so that any split of the
        rows, merged in any order, gives the same bits.

        Returns:
            The metric itself.

        Raises:
            ValueError: if the other one is of another hierarchy or has other options.
            TypeError: if it is another metric.
        """
        if type(other) is not type(self):
            raise TypeError(f"a {type(other).__name__} cannot be merged into a {type(self).__name__}")
        if other._options != self._options:
            raise ValueError(f"the options are {other._options}, expected {self._options}; the two cannot be merged")
        self._accumulator.merge(other._accumulator)
        return self

    def _ratio_places(self) -> dict[Any, int]:
        """The places of the numbers that :meth:`compute` gives among those of which the core tells what each row adds;
        of a single number under the key ``None``."""
        raise ValueError(f"{type(self).__name__} is no ratio of two sums over the rows, and has no bootstrap")

    def details(self) -> Any:
        """All that the metric knows of the rows so far, in dicts and lists; what is undefined is ``None``."""
        return self._accumulator.compute()

    def state(self) -> bytes:
        """The rows so far, as bytes that :meth:`load_state` takes, on another machine too."""
        return self._accumulator.state

    def load_state(self: M, state: bytes) -> M:
        """Takes the rows of a :meth:`state` in place of its own.

        Returns:
            The metric itself.

        Raises:
            ValueError: if the state is that of another metric, hierarchy or options.
        """
        self._accumulator = Accumulator(self._name, self._options, self.hierarchy, bytes(state))
        return self

    def __repr__(self) -> str:
        options = "" if self._options == "{}" else f", {self._options}"
        return f"klados.metrics.{type(self).__name__}({self.hierarchy.num_classes} classes{options})"


class AnswerMetric(Metric):
    """A metric of one answer a row."""

    def update(self: A, y_true: Any, y_pred: Any, sample_weight: npt.ArrayLike | None = None) -> A:
        r"""Adds rows.

        Args:
            y_true: the labels, at any level: indices (see :meth:`Hierarchy.encode`), names, or candidates.
            y_pred: the answers, at any level: indices, as :func:`klados.decide` gives them, or names.
            sample_weight: how much each row counts, at least 0; 1 each by default.

        Shape:
            - y_true: :math:`(N)`, or :math:`(N, \text{classes})` for candidates.
            - y_pred, sample_weight: :math:`(N)`.

        Returns:
            The metric itself.

        Raises:
            ValueError: if a shape, a label, an answer or a weight does not fit; the message names the row. Nothing is
                added then.
        """
        answers = answers_of(y_pred, self.hierarchy)
        if answers.ndim != 1:
            raise ValueError(f"the answers have shape {answers.shape}, expected one dimension")
        return self._update("nodes", answers, y_true, sample_weight)

    def _ratios(self, y_true: Any, y_pred: Any, sample_weight: npt.ArrayLike | None) -> Array:
        """What each row adds to each number's numerator and denominator."""
        answers = answers_of(y_pred, self.hierarchy)
        if answers.ndim != 1:
            raise ValueError(f"the answers have shape {answers.shape}, expected one dimension")
        target, _alive = read_target(y_true, len(answers), "candidates")
        _also_alive, weights = _weights(sample_weight, len(answers))
        answered = ("nodes", answers.ctypes.data, 1)
        return self._accumulator._ratios(len(answers), target, answered, weights, self.ignore_index)

    def _update(
        self: A,
        kind: str,
        answers: Array,
        y_true: Any,
        sample_weight: npt.ArrayLike | None,
        rows_are: TargetKind = "candidates",
    ) -> A:
        rows, columns = answers.shape[0], answers.shape[1] if answers.ndim == 2 else 1
        target, _alive = read_target(y_true, rows, rows_are)
        _also_alive, weights = _weights(sample_weight, rows)
        answered = (kind, answers.ctypes.data, columns)
        self._accumulator._update(rows, target, answered, weights, self.ignore_index)
        return self


class ScoreMetric(Metric):
    """A metric of what a model puts out."""

    # What a target of two dimensions holds.
    _rows_are: ClassVar[TargetKind] = "candidates"

    def __init__(
        self, hierarchy: Hierarchy, *, form: Form = "class_softmax", ignore_index: int = -100, **options: Any
    ) -> None:
        super().__init__(hierarchy, ignore_index=ignore_index, **options)
        self.form = form

    def update(self: S, y_true: Any, y_score: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> S:
        r"""Adds rows.

        Args:
            y_true: the labels, at any level: indices (see :meth:`Hierarchy.encode`), names, or candidates.
            y_score: the outputs of a model, of the metric's form; they are read in ``float64``.
            sample_weight: how much each row counts, at least 0; 1 each by default.

        Shape:
            - y_true: :math:`(N)`, or :math:`(N, \text{classes})` for candidates.
            - y_score: :math:`(N, C)`, with a column a class, or a node but the root where the form says so; of the form
              ``"node_log_probs"`` with a column a node, the root included.
            - sample_weight: :math:`(N)`.

        Returns:
            The metric itself.

        Raises:
            ValueError: if a shape, a label, a score or a weight does not fit; the message names the row. Nothing is
                added then.
        """
        arguments, _alive = self._read(y_true, y_score, sample_weight)
        self._accumulator._update_scores(*arguments)
        return self

    def _ratios(self, y_true: Any, y_score: npt.ArrayLike, sample_weight: npt.ArrayLike | None) -> Array:
        """What each row adds to each number's numerator and denominator."""
        arguments, _alive = self._read(y_true, y_score, sample_weight)
        return self._accumulator._ratios_of_scores(*arguments)

    def _read(
        self, y_true: Any, y_score: npt.ArrayLike, sample_weight: npt.ArrayLike | None
    ) -> tuple[tuple[Scores, NativeTarget, int, int], Any]:
        """Rows as the core reads them, and what has to live as long."""
        given, values, shape = scores(y_score, self.hierarchy, self.form)
        if len(shape) != 2:
            raise ValueError(f"the scores have shape {shape}, expected two dimensions")
        target, target_alive = read_target(y_true, len(values), self._rows_are)
        weights_alive, weights = _weights(sample_weight, len(values))
        return (given, target, weights, self.ignore_index), (values, target_alive, weights_alive)


class LevelMetric(Metric):
    """A metric with a number a level."""

    # The key of the number in what the core computes of a level.
    _value: ClassVar[str] = "value"

    def __init__(self, hierarchy: Hierarchy, *, level: str | int | None = None, **options: Any) -> None:
        super().__init__(hierarchy, **options)
        self.level = level
        self._place = None if level is None else level_place(hierarchy, level)

    def compute(self) -> Any:
        """The number of each level, from the top, in a dict; or of the level that was asked for. NaN where no row takes
        part."""
        values = {level["level"]: number(level[self._value]) for level in self._levels()}
        return values if self._place is None else list(values.values())[self._place]

    def _levels(self) -> Any:
        return self.details()

    def _by_level(self, first: int = 0, step: int = 1) -> dict[Any, int]:
        """The places of the numbers of the levels, or of the one that was asked for, where they are *step* apart."""
        if self._place is not None:
            return {None: first + step * self._place}
        return {level: first + step * at for at, level in enumerate(judged_levels(self.hierarchy))}


def answers_of(y_pred: Any, hierarchy: Hierarchy) -> Array:
    """Answers by index or by name, as ``int64``."""
    if isinstance(y_pred, (list, tuple)) and any(isinstance(answer, str) for answer in y_pred):
        return hierarchy.encode(y_pred)
    values = as_array(y_pred)
    if values.dtype.kind in "USO":
        return hierarchy.encode(values.tolist())
    if values.dtype.kind not in "iu" and values.size > 0:
        expected = "indices or names; klados.decide makes answers of logits"
        raise ValueError(f"the answers are {values.dtype}, expected {expected}")
    return np.require(values, np.int64, ["C_CONTIGUOUS", "ALIGNED"])


def _weights(sample_weight: npt.ArrayLike | None, rows: int) -> tuple[Array | None, int]:
    """Sample weights, which have to live as long as their address; 0 where there are none."""
    if sample_weight is None:
        return None, 0
    weights = as_array(sample_weight)
    if weights.dtype.kind not in "biuf":
        raise ValueError(f"the sample weights are {weights.dtype}, expected numbers")
    if weights.shape != (rows,):
        raise ValueError(f"the sample weights have shape {weights.shape}, expected ({rows},)")
    weights = np.require(weights, np.float64, ["C_CONTIGUOUS", "ALIGNED"])
    return weights, weights.ctypes.data


def number(value: float | None) -> float:
    """A number; NaN where it is undefined."""
    return float("nan") if value is None else value


def level_place(hierarchy: Hierarchy, level: str | int) -> int:
    """The place of a level among those at which predictions are judged."""
    names = judged_levels(hierarchy)
    if isinstance(level, str):
        if level in names:
            return names.index(level)
    else:
        # A depth: its level is named after it, but that the last one is that of the classes.
        depths = [name for name in names if name != "class"]
        if f"depth {level}" in names:
            return names.index(f"depth {level}")
        if len(names) > len(depths) and level == len(names):
            return len(names) - 1
    raise ValueError(f"there is no level {level!r}; the levels are {', '.join(names)}")


def levels(hierarchy: Hierarchy) -> list[str]:
    """The names of the levels at which predictions are judged, from the top: the ranks, or where there are none the
    depths; and the classes, where they are not the last of these: ``class``, or ``class (leaves)`` where a rank is named
    ``class``.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> klados.metrics.levels(hierarchy)
        ['depth 1', 'class']
    """
    return judged_levels(hierarchy)


def most_probable(logits: npt.ArrayLike, hierarchy: Hierarchy, *, form: Form = "class_softmax") -> Array:
    r"""The most probable node of each level, each for itself: what :class:`Accuracy` takes as answers that are right or
    wrong level by level, though they may contradict each other.

    Args:
        logits, hierarchy, form: as in :func:`klados.decide`.

    Shape:
        - output: :math:`(N, \text{levels})` of ``int64``; see :func:`levels`.

    Raises:
        ValueError: if there is no such form, or a shape does not fit.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("bird", "crow"), ("bird", "robin"), ("bird", "wren")]
        ... )
        >>> best = klados.metrics.most_probable([[1.0, 0.5, 0.5, 0.5]], hierarchy)
        >>> hierarchy.decode(best[0])  # a bird, all in all; but of the classes the bat is the most probable
        ['bird', 'bat']
    """
    given, values, shape = scores(logits, hierarchy, form)
    out = np.empty((len(values), len(judged_levels(hierarchy))), dtype=np.int64)
    _most_probable(hierarchy, given, out.ctypes.data)
    return out.reshape(*shape[:-1], -1)
