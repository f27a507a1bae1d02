"""The golden suite of ``testdata/golden``: the same cases for every engine.

The format and the tolerances are those of ``crates/klados-testing/src/golden``. A batch of a case mixes labels of every
kind, an array of targets has one kind; so a case comes apart into one :class:`Part` a kind, each with all rows of the
batch, of which those that belong to the part are compared.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import klados

Array = npt.NDArray[Any]

DIRECTORY = Path(__file__).resolve().parents[2] / "testdata" / "golden"

FILES = sorted(path.stem for path in DIRECTORY.glob("*.json"))
"""The losses that have a golden file."""

IGNORED = -100


@dataclass(frozen=True)
class Precision:
    """What is asked of an engine: see ``crates/klados-testing/src/golden/check.rs``."""

    name: str
    relative: float
    least: float
    floor: float


F32 = Precision("float32", 1e-6, 0.0, 1e-35)
F64 = Precision("float64", 1e-13, 0.0, 1e-300)
COMPOSED = Precision("composed", 2e-5, 1.0, 0.0)
"""Tensor operations in float32; cases of the scale ``"extreme"`` are beyond them."""


@dataclass(frozen=True)
class Part:
    """The rows of a case whose labels are of one kind.

    Attributes:
        kind: of the target.
        target: of all rows of the batch. Rows that do not belong are ignored where the kind has a way to say so.
        rows: which rows belong.
        fillers: whether the other rows have a label that stands in, for want of such a way.
    """

    kind: str
    target: Array
    rows: Array
    fillers: bool


@dataclass
class Case:
    name: str
    scale: str
    hierarchy: klados.Hierarchy
    loss: klados.Loss
    logits: Array
    labels: list[Any]
    losses: Array
    grads: Array
    magnitude: Array
    mean: float
    skipped: dict[int, str] = field(default_factory=dict)
    """The rows whose label has no target that means the same, with the reason."""

    @functools.cached_property
    def criterion(self) -> Any:
        return self.loss.compile(self.hierarchy)

    @functools.cached_property
    def parts(self) -> list[Part]:
        """The targets of the case. The ignored rows belong to the part of the indices."""
        rows: dict[str, dict[int, Any]] = {}
        for row, label in enumerate(self.labels):
            kind, value = _target(self, label)
            if kind == "none":
                self.skipped[row] = value
            else:
                rows.setdefault(kind, {})[row] = value
        return [_part(kind, values, len(self.labels), self.hierarchy) for kind, values in rows.items()]


@functools.cache
def load(stem: str) -> tuple[Case, ...]:
    """The cases of a loss."""
    return tuple(_case(case) for case in json.loads((DIRECTORY / f"{stem}.json").read_text())["cases"])


def _case(case: dict[str, Any]) -> Case:
    ((name, parameters),) = case["loss"].items()
    loss, of = klados.loss(name, **parameters), hierarchy(case["hierarchy"])
    if of.num_nodes - 1 == of.num_classes and not loss.compile(of).has_node_columns:
        # Where classes and nodes are as many, the columns of a multi-hot target may be either.
        of = of.with_node_columns(of.classes)
    return Case(
        case["name"],
        case["scale"],
        of,
        loss,
        _numbers(case["logits"]),
        case["labels"],
        _numbers(case["losses"]),
        _numbers(case["grads"]),
        _numbers(case["magnitude"]),
        float(case["mean"]),
    )


def hierarchy(spec: dict[str, Any]) -> klados.Hierarchy:
    edges = [(parent, child) for child, parent in spec["edges"]]
    ranks = spec.get("ranks")
    alone = [name for name in spec["classes"] if not any(name in edge for edge in edges)]
    if not alone:
        return klados.Hierarchy.from_edges(edges, spec["classes"], ranks=ranks)
    # A class in no edge: nodes by first appearance, the child before the parent, and then these.
    nodes = list(dict.fromkeys([name for edge in spec["edges"] for name in edge] + alone))
    form = {
        "nodes": nodes,
        "edges": [[nodes.index(name) for name in edge] for edge in edges],
        "classes": [nodes.index(name) for name in spec["classes"]],
    }
    assert not ranks
    return klados.Hierarchy.from_json(json.dumps(form))


def _numbers(values: list[Any]) -> Array:
    # float() reads "nan", "inf" and "-inf" as they are written.
    if values and isinstance(values[0], list):
        return np.array([[float(value) for value in row] for row in values])
    return np.array([float(value) for value in values])


def _target(case: Case, label: Any) -> tuple[str, Any]:
    """The kind of a label, and its index or its row."""
    hierarchy = case.hierarchy
    if isinstance(label, dict):
        if "class" in label:
            return "index", label["class"]
        if "soft" in label:
            return "probabilities", [float(value) for value in label["soft"]]
        return _multi_hot(case, label["set"], label["masked"])
    try:
        return "index", int(case.criterion.encode([label], IGNORED)[0])
    except ValueError as error:
        if "encode_multi_hot" in str(error):
            return _multi_hot(case, [part for part in label.split(";") if part], [])
        assert "encode_candidates" in str(error), error
    return _union(case, [hierarchy.node(part.strip()) for part in label.split("|")], label)


def _union(case: Case, named: list[int], label: str) -> tuple[str, Any]:
    hierarchy = case.hierarchy
    named = [node for node in dict.fromkeys(named) if not set(hierarchy.ancestors(node)) & set(named)]
    if len(named) == 1:
        return "index", hierarchy.num_classes + named[0]
    marks = hierarchy.encode_candidates([label])[0]
    above = [{node, *hierarchy.ancestors(node)} for node in named]
    classes = hierarchy.class_nodes[marks]
    above_classes = [{node, *hierarchy.ancestors(node)} for node in classes]
    if set.intersection(*above) != set.intersection(*above_classes):
        return "none", "the classes of this union have more ancestors in common than the nodes that it names"
    if case.loss.parameters.get("weighting") == "height" and any(hierarchy.heights[node] > 0 for node in named):
        return "none", "by height, a union of nodes weighs as the tallest of them, and candidates are classes"
    return "candidates", marks


def _multi_hot(case: Case, positive: list[str], masked: list[str]) -> tuple[str, Any]:
    hierarchy = case.hierarchy
    named, hidden = ([hierarchy.node(name.strip()) for name in names] for names in (positive, masked))
    above = {int(node) for name in named for node in hierarchy.ancestors(name)}
    if set(named) & above and case.loss.parameters.get("class_weight") is not None:
        return "none", "a class weight is the mean over all named nodes, and a multi-hot row has the lowest of them"
    if set(named) & set(hidden) and _asks_what_a_masked_node_is(case.loss):
        return "none", "the label names a node that it masks, and a masked entry does not say that it is positive"
    row = np.zeros(hierarchy.num_nodes, dtype=np.int64)
    row[[*named, *above]] = 1
    row[hidden] = IGNORED
    row = row[hierarchy.node_columns]
    if not masked:
        assert (row == hierarchy.encode_multi_hot([";".join(positive) + ";"])[0]).all()
    return "multi_hot", row


def _asks_what_a_masked_node_is(loss: klados.Loss) -> bool:
    """Whether it matters that a masked node is positive: to a weight, a maximum, a superclass, what is unknown."""
    parameters = loss.parameters
    weighs = parameters.get("class_weight") is not None
    form = parameters.get("form") in ("max", "weighted")
    return weighs or form or loss.name == "conditional_sigmoid" or parameters.get("incomplete", False)


def _part(kind: str, values: dict[int, Any], batch: int, hierarchy: klados.Hierarchy) -> Part:
    rows = np.array(list(values))
    if kind == "index":
        target = np.full(batch, IGNORED, dtype=np.int64)
    elif kind == "probabilities":
        target = np.full((batch, hierarchy.num_classes), 1 / hierarchy.num_classes)
    elif kind == "candidates":
        target = np.zeros((batch, hierarchy.num_classes), dtype=bool)
    else:
        target = np.zeros((batch, hierarchy.num_nodes - 1), dtype=np.int64)
    target[rows] = np.array(list(values.values()))
    return Part(kind, target, rows, kind in ("probabilities", "multi_hot"))


def differences(case: Case, rows: Array, losses: Array, grads: Array, precision: Precision) -> Iterator[str]:
    """Where unreduced losses of some rows and their gradients are further from the truth than the precision allows."""
    for what, got, expected, measure in (
        ("loss", losses, case.losses[rows], np.abs(case.losses[rows])),
        ("gradient", grads, case.grads[rows], np.broadcast_to(case.magnitude[rows, None], grads.shape)),
    ):
        for at in np.argwhere(~close(got, expected, measure, precision)):
            row = int(rows[at[0]])
            column = "" if len(at) == 1 else f", column {at[1]}"
            yield (
                f"{case.name}, row {row}, label {case.labels[row]!r}{column}: {what} is {got[tuple(at)]!r}, "
                f"expected {expected[tuple(at)]!r} ({precision.name})"
            )


def close(got: Array, expected: Array, measure: Array, precision: Precision) -> Array:
    """Where numbers are as close to the expected ones as the precision asks for."""
    got, expected = np.asarray(got, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    same = (got == expected) | (np.isnan(got) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        error = np.abs(got - expected)
    allowed = precision.relative * np.maximum(measure, precision.least) + precision.floor
    return same | (np.isfinite(expected) & (error <= allowed))
