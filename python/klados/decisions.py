"""From logits to answers: rules that say how far up to back off."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from klados._json import finite_json
from klados._klados import Decider, Hierarchy, _calibrate, decision_names, decision_warnings, normalize_decision
from klados.arrays import Array, Form, TargetKind, read_target, scores

__all__ = ["Decision", "calibrate", "decide"]


class Decision:
    """A rule by which the probabilities of nodes become an answer, with its parameters: the same names as on the
    command line and in Rust.

    - ``argmax_leaf``: the most probable class. It never backs off.
    - ``top_down`` (*threshold*): to the most probable child, again and again, as long as it is probable enough.
    - ``threshold`` (*tau*, 0.5): the most specific node with ``P > tau``; 0.5 is the majority rule.
    - ``plurality``: the most specific node that is more probable than every node that excludes it.
    - ``expected_information``: the node with the largest probability times information.
    - ``min_risk`` (*cost*, *over*): the node with the least expected cost: ``"lca_height"`` or ``"path_length"``.
    - ``rollup`` (*levels*, *tau*): the first of some levels at which the most probable node has ``P > tau``.
    - ``hedge`` (*accuracy*): as informative as an accuracy allows; :func:`calibrate` fits it to validation data.
    - ``conformal`` (*alpha*): the smallest node that is right with probability ``1 - alpha``; fitted too.
    - ``consistent`` (*by*, *threshold*): for several labels at once, a set of nodes without contradiction.

    Equal where name and parameters are; can be pickled.

    Args:
        name: the rule.
        **parameters: those that are not given have their defaults.

    Raises:
        ValueError: if there is no such rule, or it has no such parameter; the message lists what there is.
        TypeError: if the name is no text, or a parameter has no JSON form.

    Example::

        >>> import klados
        >>> decision = klados.Decision("threshold", tau=0.7)
        >>> decision
        klados.Decision('threshold', tau=0.7)
        >>> decision == klados.Decision.from_json('{"threshold": {"tau": 0.7}}')
        True
        >>> klados.Decision("threshold").parameters
        {'tau': 0.5}
        >>> klados.Decision("treshold")
        Traceback (most recent call last):
        ValueError: unknown decision "treshold"; the decisions are ...
    """

    NAMES: tuple[str, ...] = tuple(decision_names())
    """The names of all rules."""

    __slots__ = {"_json": "The rule as the core reads it."}

    def __init__(self, name: str, /, **parameters: Any) -> None:
        if not isinstance(name, str):
            raise TypeError(f"the name of a decision is of type {type(name).__name__}, expected text")
        self._json = normalize_decision(finite_json({"name": name, **parameters}, "a decision"))

    @classmethod
    def from_json(cls, text: str) -> Decision:
        """The rule that :meth:`to_json` wrote, or that the command line takes: a bare name has default parameters."""
        decision = cls.__new__(cls)
        decision._json = normalize_decision(text)
        return decision

    def to_json(self) -> str:
        """The rule as JSON with all of its parameters, those of the calibration too: what a model is stored with."""
        return self._json

    @property
    def name(self) -> str:
        """The name of the rule, such as ``threshold``."""
        [name] = json.loads(self._json)
        return str(name)

    @property
    def parameters(self) -> dict[str, Any]:
        """All of its parameters, those that were not given at their defaults."""
        [parameters] = json.loads(self._json).values()
        return dict(parameters)

    @property
    def warnings(self) -> list[str]:
        """What is legal but surprising in the parameters, a sentence each: :func:`calibrate` warns of too few rows."""
        return decision_warnings(self._json)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Decision) and self._json == other._json

    def __hash__(self) -> int:
        return hash(self._json)

    def __reduce__(self) -> tuple[Any, ...]:
        return Decision.from_json, (self._json,)

    def __repr__(self) -> str:
        parameters = "".join(f", {name}={value!r}" for name, value in self.parameters.items())
        return f"klados.Decision({self.name!r}{parameters})"


AnyDecision: TypeAlias = "str | Mapping[str, Any] | Decision"


def decide(
    logits: npt.ArrayLike, hierarchy: Hierarchy, decision: AnyDecision = "argmax_leaf", *, form: Form = "class_softmax"
) -> Array:
    r"""What a model answers: a node a row, from its logits.

    The answers are indices as those of :meth:`Hierarchy.encode`, so that :meth:`Hierarchy.decode` has their names, and
    :mod:`klados.metrics` takes them beside the labels. It computes in ``float64``.

    Args:
        logits: the outputs of a model; a tensor is taken too.
        hierarchy: what the classes roll up into.
        decision: a :class:`Decision`, its name, or a dict such as ``{"threshold": {"tau": 0.7}}``.
        form: what the logits are, as in :func:`node_log_probs`. ``"class_probabilities"`` are probabilities of the
            classes, ``"node_probabilities"`` of the nodes, and ``"node_log_probs"`` what :func:`node_log_probs` gave.

    Shape:
        - logits: :math:`(N, C)`, or :math:`(C)`, with a column a class, or a node but the root where the form says so;
          of the form ``"node_log_probs"`` with a column a node, the root included.
        - output: :math:`(N)` of ``int64``: a class ``k`` as ``k``, another node as ``classes + node``. Of
          ``consistent``, which answers with sets, :math:`(N, \text{nodes} - 1)` of ``bool``, in the order of
          :attr:`Hierarchy.node_columns`. Without the first dimension where the logits have none.

    Raises:
        ValueError: if there is no such decision or form, a parameter is out of range, the decision has to be calibrated
            first (see :func:`calibrate`), a shape does not fit, or a row has a NaN; the message names the row.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> logits = [[0.0, 0.2, 2.0, 1.9], [3.0, 0.0, 0.0, 0.0]]
        >>> klados.decide(logits, hierarchy)  # classes
        array([2, 0])
        >>> answers = klados.decide(logits, hierarchy, {"threshold": {"tau": 0.6}})
        >>> hierarchy.decode(answers)  # crow or robin, but a bird
        ['bird', 'bat']
    """
    decider = Decider(decision_of(decision).to_json(), hierarchy)
    given, values, shape = scores(logits, hierarchy, form)
    if decider.answers_with_sets:
        sets = np.zeros((len(values), hierarchy.num_nodes - 1), dtype=np.bool_)
        decider._decide(given, sets.ctypes.data)
        return sets.reshape(*shape[:-1], -1)
    answers = np.empty(len(values), dtype=np.int64)
    decider._decide(given, answers.ctypes.data)
    return answers.reshape(shape[:-1])


def calibrate(
    logits: npt.ArrayLike,
    target: Any,
    hierarchy: Hierarchy,
    decision: AnyDecision,
    *,
    form: Form = "class_softmax",
    ignore_index: int = -100,
    kind: TargetKind | None = None,
) -> Decision:
    r"""A decision with the numbers that it takes from validation data: of ``hedge`` and ``conformal``.

    The data have to be new to the model: on its training data it is too sure of itself, and what is promised does not
    hold. One that needs no calibration is given back as it is.

    Args:
        logits: as in :func:`decide`.
        target: the labels of the rows, at any level: indices, names, or candidates.
        hierarchy: what the classes roll up into.
        decision: a :class:`Decision`, its name, or a dict.
        form: what the logits are, as in :func:`decide`.
        ignore_index: the target of samples that take no part.
        kind: what a target of numbers holds; by default indices in one dimension, else candidates.

    Shape:
        - logits: as in :func:`decide`.
        - target: :math:`(N)`: names as :meth:`Hierarchy.encode` takes them, also several with ``|`` between them; or
          indices; or :math:`(N, \text{classes})`, candidates.

    Raises:
        ValueError: as :func:`decide`; if there are too few rows, or rows on which what the rule promises cannot be
            reached.

    Warns:
        UserWarning: of each of the result's :attr:`Decision.warnings`, such as too few rows for an *alpha*.

    Example::

        >>> import numpy as np, klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> rng = np.random.default_rng(0)
        >>> target = rng.integers(4, size=500)
        >>> logits = 2 * np.eye(4)[target] + rng.normal(size=(500, 4))
        >>> decision = klados.calibrate(logits, target, hierarchy, {"conformal": {"alpha": 0.1}})
        >>> answers = klados.decide(logits, hierarchy, decision)
        >>> sorted(set(hierarchy.decode(answers)))  # how far up it takes to be right nine times of ten
        ['bat', 'bird', 'crow', 'dog', 'mammal', 'robin', 'root']
    """
    given, values, shape = scores(logits, hierarchy, form)
    native, _alive = read_target(target, len(values), "candidates", kind, one=len(shape) == 1)
    text = _calibrate(decision_of(decision).to_json(), hierarchy, given, native, ignore_index)
    calibrated = Decision.from_json(text)
    for warning in calibrated.warnings:
        warnings.warn(warning, stacklevel=2)
    return calibrated


def decision_of(decision: AnyDecision) -> Decision:
    """A decision, or that of a name or of its JSON form."""
    if isinstance(decision, Decision):
        return decision
    if isinstance(decision, str):
        return Decision.from_json(decision)
    if isinstance(decision, Mapping):
        return Decision.from_json(finite_json(dict(decision), "a decision"))
    expected = 'a klados.Decision, a name, or a dict such as {"threshold": {"tau": 0.7}}'
    raise TypeError(f"the decision is of type {type(decision).__name__}, expected {expected}")
