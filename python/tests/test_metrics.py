"""Metrics of arrays, and of batches that come one by one."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import klados
from klados import metrics

HIERARCHY = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")])
OTHER = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "wren")])
CLASSES, NODES = HIERARCHY.num_classes, HIERARCHY.num_nodes

# What every metric that is fed one answer a row does.
ANSWER_METRICS: list[Callable[[klados.Hierarchy], Any]] = [metrics.Accuracy]


def rows(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels and answers at any level, with ignored labels, and weights whose sums are not exact in floating point."""
    rng = np.random.default_rng(20261124)
    y_true = rng.integers(CLASSES + NODES, size=count)
    y_true[rng.random(count) < 0.1] = -100
    return y_true, rng.integers(CLASSES + NODES, size=count), rng.random(count)


def bits(value: Any) -> Any:
    """What may be compared though it has NaN."""
    return repr(value)


def test_accuracy_of_coarse_labels_and_answers_that_back_off() -> None:
    # Right at the top: crow, bird and bat. Of the classes crow and bat are asked for, of which bat is right.
    y_true, y_pred = ["crow", "bird", "bat", "", "dog"], ["robin", "crow", "bat", "dog", "root"]
    expected = {"depth 1": 3 / 4, "class": 1 / 3}
    assert metrics.accuracy(y_true, y_pred, HIERARCHY) == expected
    assert metrics.accuracy(HIERARCHY.encode(y_true), HIERARCHY.encode(y_pred), HIERARCHY) == expected
    assert metrics.accuracy(y_true, y_pred, HIERARCHY, level="class") == 1 / 3
    assert metrics.accuracy(y_true, y_pred, HIERARCHY, level=1) == 3 / 4
    assert metrics.accuracy(y_true, y_pred, HIERARCHY, level=2) == 1 / 3
    assert metrics.accuracy(y_true, y_pred, HIERARCHY, sample_weight=[3, 1, 1, 9, 0]) == {"depth 1": 1.0, "class": 1 / 4}


def test_accuracy_of_answers_level_by_level() -> None:
    hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("bird", "crow"), ("bird", "robin"), ("bird", "wren")])
    logits = [[1.0, 0.5, 0.5, 0.5], [0.0, 1.0, 0.0, 0.0]]
    best = metrics.most_probable(logits, hierarchy)
    assert [hierarchy.decode(row) for row in best] == [["bird", "bat"], ["bird", "crow"]]
    assert metrics.accuracy(["bat", "crow"], best, hierarchy) == {"depth 1": 0.5, "class": 1.0}
    assert metrics.most_probable(logits[0], hierarchy).tolist() == best[0].tolist()
    with pytest.raises(ValueError, match="the answers have 1 columns, expected 2, one a level"):
        metrics.accuracy(["bat", "crow"], best[:, :1], hierarchy)


def test_accuracy_of_classes_is_that_of_arrays() -> None:
    rng = np.random.default_rng(1)
    y_true, y_pred, weight = rng.integers(4, size=50), rng.integers(4, size=50), rng.integers(1, 5, size=50)
    found = metrics.accuracy(y_true, y_pred, HIERARCHY, sample_weight=weight)
    assert found["class"] == np.average(y_true == y_pred, weights=weight)
    assert found["depth 1"] == np.average(y_true // 2 == y_pred // 2, weights=weight)


def test_labels_of_every_kind() -> None:
    expected = {"depth 1": 2 / 3, "class": 1.0}
    y_pred = HIERARCHY.encode(["crow", "bat", "robin"])
    candidates = HIERARCHY.encode_candidates(["crow", "bat|dog", "bat|dog"])
    # A union says what its nodes have in common.
    for y_true in (["crow", "bat|dog", "bat|dog"], np.array(["crow", "bat|dog", "bat|dog"]), candidates):
        assert metrics.accuracy(y_true, y_pred, HIERARCHY) == expected
    target = torch.tensor(HIERARCHY.encode(["crow", "mammal", "mammal"]))
    assert metrics.accuracy(target, torch.tensor(y_pred), HIERARCHY) == expected
    assert metrics.accuracy(target.int(), y_pred.astype(np.uint8), HIERARCHY) == expected


@pytest.mark.parametrize("make", ANSWER_METRICS)
def test_any_split_merged_in_any_order_gives_the_same_bits(make: Callable[[klados.Hierarchy], Any]) -> None:
    y_true, y_pred, weight = rows(200)
    whole = make(HIERARCHY).update(y_true, y_pred, weight)
    rng = np.random.default_rng(3)
    for _ in range(5):
        order = rng.permutation(200)
        parts = [make(HIERARCHY).update(y_true[at], y_pred[at], weight[at]) for at in np.array_split(order, 7)]
        merged = make(HIERARCHY)
        for at in rng.permutation(7):
            merged.merge(pickle.loads(pickle.dumps(parts[at])))
        assert bits(merged.compute()) == bits(whole.compute())
        assert bits(merged.details()) == bits(whole.details())
    batches = make(HIERARCHY)
    for at in np.array_split(np.arange(200), 9):
        batches.update(y_true[at], y_pred[at], weight[at])
    assert bits(batches.compute()) == bits(whole.compute())


@pytest.mark.parametrize("make", ANSWER_METRICS)
def test_life_of_a_metric(make: Callable[[klados.Hierarchy], Any]) -> None:
    y_true, y_pred, _ = rows(30)
    metric = make(HIERARCHY)
    nothing = bits(metric.compute())
    metric.update(y_true, y_pred)
    value = bits(metric.compute())
    assert value != nothing
    copied = copy.deepcopy(metric)
    copied.update(y_true[::-1], y_pred)
    assert bits(metric.compute()) == value == bits(pickle.loads(pickle.dumps(metric)).compute())
    assert bits(make(HIERARCHY).load_state(metric.state()).compute()) == value
    metric.update(np.full(3, -100), np.zeros(3, dtype=int))
    metric.update([], [])
    assert bits(metric.compute()) == value
    metric.reset()
    assert bits(metric.compute()) == nothing
    assert "4 classes" in repr(metric)


@pytest.mark.parametrize("make", ANSWER_METRICS)
def test_what_does_not_fit_is_refused_and_nothing_is_added(make: Callable[[klados.Hierarchy], Any]) -> None:
    metric = make(HIERARCHY).update(["crow"], ["bat"])
    before = metric.state()
    beyond = CLASSES + NODES
    for y_true, y_pred, weight, message in [
        ([0, 1], [0], None, r"the target has shape \(2,\), expected \(1,\)"),
        (["crow", "bat"], [0], None, "there are 2 labels, expected 1"),
        ([0, 99], [0, 1], None, "row 1: the target is 99, expected a class"),
        ([0, 1], [0, beyond], None, f"row 1: the prediction is {beyond}, expected a class"),
        ([0, 1], [0, -100], None, "row 1: the prediction is -100"),
        (["crow", "cow"], [0, 1], None, 'label 1: unknown label "cow"'),
        (["crow"], ["cow"], None, 'label 0: unknown label "cow"'),
        ([0, 1], [0.5, 1], None, "the answers are float64, expected indices or names"),
        ([0, 1], [0, 1], [1.0, -1], "row 1: the sample weight -1 is not a finite number of at least 0"),
        ([0, 1], [0, 1], [1.0, np.nan], "row 1: the sample weight NaN"),
        ([0, 1], [0, 1], [1.0], r"the sample weights have shape \(1,\), expected \(2,\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            metric.update(y_true, y_pred, weight)
    assert metric.state() == before


@pytest.mark.parametrize("make", ANSWER_METRICS)
def test_what_does_not_go_together_is_not_merged(make: Callable[[klados.Hierarchy], Any]) -> None:
    metric = make(HIERARCHY)
    with pytest.raises(ValueError, match="cannot be merged"):
        metric.merge(make(klados.Hierarchy.from_edges([("a", "b"), ("b", "c"), ("c", "d"), ("c", "e")])))
    with pytest.raises(TypeError, match=f"a Metric cannot be merged into a {type(metric).__name__}"):
        metric.merge(object.__new__(metrics.Metric))
    with pytest.raises(TypeError, match="the hierarchy is of type list, expected a klados.Hierarchy"):
        make([("mammal", "bat")])  # type: ignore[arg-type]


def test_levels() -> None:
    assert metrics.levels(HIERARCHY) == ["depth 1", "class"]
    ranked = HIERARCHY.with_level_names(["order", "species"])
    assert metrics.levels(ranked) == ["order", "species"]
    assert metrics.accuracy(["crow"], ["robin"], ranked) == {"order": 1.0, "species": 0.0}
    for level in ("genus", 3, 0):
        with pytest.raises(ValueError, match=f"there is no level {level!r}; the levels are depth 1, class"):
            metrics.Accuracy(HIERARCHY, level=level)
