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
from klados.metrics._metric import ScoreMetric

HIERARCHY = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")])
OTHER = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "wren")])
CLASSES, NODES = HIERARCHY.num_classes, HIERARCHY.num_nodes

# What every metric that is fed one answer a row does.
ANSWER_METRICS: list[Callable[[klados.Hierarchy], Any]] = [
    metrics.Accuracy,
    metrics.BalancedAccuracy,
    metrics.LcaHeight,
    metrics.MistakeSeverity,
    metrics.HierarchicalPrecision,
    lambda hierarchy: metrics.HierarchicalRecall(hierarchy, average="samples"),
    lambda hierarchy: metrics.HierarchicalF1(hierarchy, average="macro"),
    metrics.LcaPrecision,
    lambda hierarchy: metrics.LcaRecall(hierarchy, value="information"),
    metrics.LcaF1,
    metrics.Coverage,
    metrics.Risk,
    metrics.Confusion,
]

# What every metric that is fed the outputs of a model does.
SCORE_METRICS: list[Callable[[klados.Hierarchy], Any]] = [
    metrics.LogLoss,
    metrics.Brier,
    lambda hierarchy: metrics.ExpectedCalibrationError(hierarchy, bins=7),
    lambda hierarchy: metrics.DistanceAtK(hierarchy, k=[1, 3]),
    metrics.OperatingCurve,
    metrics.RiskCoverage,
    metrics.Wasserstein,
    lambda hierarchy: metrics.Auprc(hierarchy, average="macro", form="class_softmax"),
    lambda hierarchy: metrics.Violations(hierarchy, form="noisy_or"),
]
ALL_METRICS = [*ANSWER_METRICS, *SCORE_METRICS]


def rows(count: int, metric: Any = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels at any level, also ignored ones, and answers at any level or logits, as a metric needs them; and weights, whose sums
    are not exact in floating point."""
    rng = np.random.default_rng(20261124)
    y_true = rng.integers(CLASSES + NODES, size=count)
    y_true[rng.random(count) < 0.1] = -100
    if isinstance(metric, ScoreMetric):
        return y_true, rng.normal(size=(count, CLASSES)) * 2, rng.random(count)
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


@pytest.mark.parametrize("make", ALL_METRICS)
def test_any_split_merged_in_any_order_gives_the_same_bits(make: Callable[[klados.Hierarchy], Any]) -> None:
    y_true, y_pred, weight = rows(200, make(HIERARCHY))
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


@pytest.mark.parametrize("make", ALL_METRICS)
def test_life_of_a_metric(make: Callable[[klados.Hierarchy], Any]) -> None:
    y_true, y_pred, _ = rows(30, make(HIERARCHY))
    metric = make(HIERARCHY)
    nothing = bits(metric.compute())
    metric.update(y_true, y_pred)
    value = bits(metric.compute())
    assert value != nothing
    copied = copy.deepcopy(metric)
    copied.update(y_true[::-1], y_pred)
    assert bits(metric.compute()) == value == bits(pickle.loads(pickle.dumps(metric)).compute())
    assert bits(make(HIERARCHY).load_state(metric.state()).compute()) == value
    metric.update(np.full(3, -100), y_pred[:3])
    metric.update([], y_pred[:0])
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


@pytest.mark.parametrize("make", ALL_METRICS)
def test_what_does_not_go_together_is_not_merged(make: Callable[[klados.Hierarchy], Any]) -> None:
    metric = make(HIERARCHY)
    with pytest.raises(ValueError, match="cannot be merged"):
        metric.merge(make(OTHER))
    with pytest.raises(TypeError, match=f"a Metric cannot be merged into a {type(metric).__name__}"):
        metric.merge(object.__new__(metrics.Metric))
    with pytest.raises(TypeError, match="the hierarchy is of type list, expected a klados.Hierarchy"):
        make([("mammal", "bat")])  # type: ignore[arg-type]


@pytest.mark.parametrize("make", SCORE_METRICS)
def test_scores_that_do_not_fit_are_refused_and_nothing_is_added(make: Callable[[klados.Hierarchy], Any]) -> None:
    scores = np.zeros((2, CLASSES))
    metric = make(HIERARCHY).update(["crow"], scores[:1])
    before = metric.state()
    with_nan = np.array([[0.0] * CLASSES, [np.nan] * CLASSES])
    for y_true, y_score, weight, message in [
        ([0], scores, None, r"the target has shape \(1,\), expected \(2,\)"),
        ([0, 99], scores, None, "row 1: the target is 99"),
        ([0, 1], with_nan, None, "row 1: the log-probability of .* is NaN"),
        ([0, 1], scores[:, 1:], None, r"the logits have shape \(2, 3\), expected"),
        ([0, 1], scores[0], None, r"the scores have shape \(4,\), expected two dimensions"),
        ([0, 1], scores, [1, -1], "row 1: the sample weight -1"),
        (np.zeros((2, 5)), scores, None, "the target has 5 columns"),
    ]:
        with pytest.raises(ValueError, match=message):
            metric.update(y_true, y_score, weight)
    assert metric.state() == before
    metric.update([0, -100], with_nan)  # of an ignored row nothing is looked at


def test_scores_in_several_chunks() -> None:
    hierarchy = klados.Hierarchy.from_edges([(f"group {k % 7}", f"class {k}") for k in range(2000)])
    rng = np.random.default_rng(0)
    y_true, scores = rng.integers(2000, size=500), rng.normal(size=(500, 2000)).astype(np.float32)
    whole = metrics.LogLoss(hierarchy).update(y_true, scores)
    parts = metrics.LogLoss(hierarchy)
    for at in np.array_split(np.arange(500), 11):
        parts.update(y_true[at], scores[at])
    assert bits(whole.details()) == bits(parts.details())
    assert whole.compute() == metrics.log_loss(
        y_true, klados.node_log_probs(scores.astype(np.float64), hierarchy), hierarchy, form="node_log_probs"
    )
    before = whole.state()
    scores[480, 3] = np.nan
    with pytest.raises(ValueError, match="row 480: the log-probability of"):
        whole.update(y_true, scores)
    assert whole.state() == before


def test_against_scikit_learn() -> None:
    sklearn = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    rng = np.random.default_rng(5)
    y_true, weight = rng.integers(CLASSES, size=80), rng.random(80)
    logits = rng.normal(size=(80, CLASSES))
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    y_pred = klados.decide(logits, HIERARCHY)
    # The class at each level, and the probabilities there.
    for level, true, answer, of_level in [
        ("class", y_true, y_pred, p),
        ("depth 1", y_true // 2, y_pred // 2, p.reshape(80, 2, 2).sum(2)),
    ]:
        options: dict[str, Any] = {"level": level, "sample_weight": weight}
        found = metrics.accuracy(y_true, y_pred, HIERARCHY, **options)
        assert found == pytest.approx(sklearn.accuracy_score(true, answer, sample_weight=weight), rel=1e-12)
        found = metrics.balanced_accuracy(y_true, y_pred, HIERARCHY, **options)
        assert found == pytest.approx(sklearn.balanced_accuracy_score(true, answer, sample_weight=weight), rel=1e-12)
        found = metrics.log_loss(y_true, logits, HIERARCHY, **options)
        assert found == pytest.approx(sklearn.log_loss(true, of_level, sample_weight=weight), rel=1e-12)
        found = metrics.brier(y_true, logits, HIERARCHY, **options)
        off = ((of_level - np.eye(of_level.shape[1])[true]) ** 2).sum(1)
        assert found == pytest.approx(np.average(off, weights=weight), rel=1e-12)
        details = metrics.BalancedAccuracy(HIERARCHY).update(y_true, y_pred, weight).details()
        scores = next(at for at in details if at["level"] == level)
        for average, key in [("micro", "micro"), ("macro", "macro_average")]:
            expected = sklearn.precision_recall_fscore_support(true, answer, average=average, sample_weight=weight)[:3]
            assert [scores[key][name] for name in ("precision", "recall", "f1")] == pytest.approx(expected, rel=1e-12)


DAG = klados.Hierarchy.from_edges(
    [("pet", "dog"), ("mammal", "dog"), ("pet", "parrot"), ("bird", "parrot"), ("mammal", "bat"), ("bird", "crow")]
)


def indicators(hierarchy: klados.Hierarchy, indices: np.ndarray) -> np.ndarray:
    """The nodes at and above a class or node, but the root, in the order of the node columns."""
    classes = hierarchy.num_classes
    nodes = [hierarchy.class_nodes[index] if index < classes else index - classes for index in indices]
    matrix = np.zeros((len(indices), hierarchy.num_nodes), dtype=int)
    for row, node in enumerate(nodes):
        matrix[row, node] = 1
        matrix[row, hierarchy.ancestors(int(node))] = 1
    return matrix[:, hierarchy.node_columns]


@pytest.mark.parametrize("hierarchy", [HIERARCHY, DAG], ids=["tree", "DAG"])
def test_ancestor_sets_against_scikit_learn(hierarchy: klados.Hierarchy) -> None:
    sklearn = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    rng = np.random.default_rng(6)
    y_true, weight = rng.integers(hierarchy.num_classes, size=90), rng.random(90)
    y_pred = rng.integers(hierarchy.num_classes + hierarchy.num_nodes, size=90)
    true, predicted = indicators(hierarchy, y_true), indicators(hierarchy, y_pred)
    for average in ("micro", "macro", "samples", None):
        of_klados: dict[str, Any] = {"average": average, "sample_weight": weight}
        # Of a node that is never predicted scikit-learn has 0, here it is undefined; of a row without predictions it is 1.
        expected = sklearn.precision_recall_fscore_support(
            true, predicted, average=average, sample_weight=weight, zero_division=1 if average == "samples" else 0
        )
        found = metrics.hierarchical_precision_recall_fscore_support(y_true, y_pred, hierarchy, **of_klados)
        alone = (metrics.hierarchical_precision, metrics.hierarchical_recall, metrics.hierarchical_f1)
        for function, one, other in zip(alone, found[:3], expected[:3], strict=True):
            assert one == pytest.approx(other, rel=1e-12)
            assert function(y_true, y_pred, hierarchy, **of_klados) == pytest.approx(one, rel=0)
        if average is None:
            assert found[3] == pytest.approx(expected[3], rel=1e-12)
        # The same as sets, of which the predicted nodes are enough.
        of_sets = metrics.hierarchical_f1(y_true, predicted, hierarchy, **of_klados)
        assert of_sets == pytest.approx(found[2], rel=1e-14, nan_ok=True)
    # Averages over rows by hand, where 0/0 is 1.
    both, some = (true & predicted).sum(1), predicted.sum(1)
    of_rows = np.where(some == 0, 1, both / np.maximum(some, 1))
    found = metrics.hierarchical_precision(y_true, y_pred, hierarchy, average="samples", sample_weight=weight)
    assert found == pytest.approx(np.average(of_rows, weights=weight), rel=1e-12)


def test_sets_of_multi_label_rows() -> None:
    # Columns bat, mammal, dog, crow, bird, robin.
    y_pred = np.array([[1, 0, 0, 0, 1, 0], [0, 0, 0, 1, 0, 0]], dtype=bool)
    # Of the first row all are right but bird, and nothing is missed; of the second nobody looked for the crow, which is no mistake.
    y_true = np.array([[1, 0, 0, 0, 0, 0], [0, 0, 1, -100, 0, 0]])
    found = metrics.hierarchical_precision_recall_fscore_support(y_true, y_pred, HIERARCHY, average="micro")
    # Predicted: bat, mammal, bird; bird. True: bat, mammal; dog, mammal.
    assert found == (2 / 4, 2 / 4, 2 / 4, None)
    by_name = metrics.hierarchical_recall(["bat;", "dog;"], y_pred, HIERARCHY)
    of_classes = metrics.hierarchical_recall(y_true[:, [0, 2, 3, 5]].clip(0), y_pred, HIERARCHY)
    assert by_name == of_classes == 0.5
    sets = klados.decide(np.full((2, 6), 0.9), HIERARCHY, "consistent", form="node_probabilities")
    assert metrics.hierarchical_recall(y_true, sets, HIERARCHY) == 1.0
    for bad, message in [
        (y_pred * 2, "row 0, column 0: the set has 2, expected 0 or 1"),
        (y_pred * 0.5, "the sets are float64, expected zeros and ones"),
        (y_pred[:, :5], "the sets have 5 columns, expected 6"),
        (y_pred[:1], r"the target has shape \(2, 6\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            metrics.hierarchical_recall(y_true, bad, HIERARCHY)
    with pytest.raises(ValueError, match="row 0: this metric is of one answer a row, and the label is multi-label"):
        metrics.accuracy(["bat;crow"], ["bat"], HIERARCHY)


def test_what_answers_tell_by_hand() -> None:
    y_true, y_pred = ["crow", "crow", "bird"], ["robin", "bird", "robin"]
    # Depths of the common ancestors 1, 1, 1; of the answers 2, 1, 1, as the last counts as bird; of the labels 2, 2, 1.
    assert metrics.lca_precision(y_true, y_pred, HIERARCHY) == pytest.approx((1 / 2 + 1 + 1) / 3, rel=1e-15)
    assert metrics.lca_recall(y_true, y_pred, HIERARCHY) == pytest.approx((1 / 2 + 1 / 2 + 1) / 3, rel=1e-15)
    assert metrics.lca_f1(y_true, y_pred, HIERARCHY) == pytest.approx((2 / 4 + 2 / 3 + 2 / 2) / 3, rel=1e-15)
    # Of a bird among four classes one bit is known, of a crow two: here the same as the depths.
    for of in (metrics.lca_precision, metrics.lca_recall, metrics.lca_f1):
        assert of(y_true, y_pred, HIERARCHY, value="information") == of(y_true, y_pred, HIERARCHY)
    with pytest.raises(ValueError, match="value 'height': expected 'depth' or 'information'"):
        metrics.LcaF1(HIERARCHY, value="height")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="average 'weighted': expected 'micro', 'macro', 'samples' or None"):
        metrics.HierarchicalF1(HIERARCHY, average="weighted")  # type: ignore[arg-type]

    y_true, y_pred = ["bat", "dog", "crow", "bird"], ["bat", "bat", "bird", "bat"]
    assert metrics.coverage(y_true, y_pred, HIERARCHY) == {"depth 1": 1.0, "class": 2 / 3}
    assert metrics.risk(y_true, y_pred, HIERARCHY) == {"depth 1": 1 / 4, "class": 1 / 2}
    accuracy = metrics.accuracy(y_true, y_pred, HIERARCHY)
    assert accuracy == {"depth 1": 3 / 4, "class": 1 / 3}
    details = metrics.Coverage(HIERARCHY).update(y_true, y_pred).details()
    assert (details["right"], details["depth"]) == (0.5, 1.75)


def test_confusion_by_hand() -> None:
    y_true, y_pred = ["bat", "dog", "crow", "crow", "bird"], ["bat", "bat", "bird", "dog", "bat"]
    matrix = metrics.confusion(y_true, y_pred, HIERARCHY)
    assert HIERARCHY.decode(metrics.level_nodes(HIERARCHY, "class")) == ["bat", "dog", "crow", "robin"]
    expected = [[1, 0, 0, 0, 0], [1, 0, 0, 0, 0], [0, 1, 0, 0, 1], [0, 0, 0, 0, 0]]
    assert matrix.tolist() == expected
    top = metrics.confusion(y_true, y_pred, HIERARCHY, level=1, sample_weight=[1, 1, 1, 1, 0.5])
    assert top.tolist() == [[2, 0, 0], [1.5, 1, 0]]
    # A class that ends above a level is one of its nodes.
    uneven = klados.Hierarchy.from_edges([("animal", "sponge"), ("animal", "bird"), ("bird", "crow"), ("bird", "robin")])
    assert uneven.decode(metrics.level_nodes(uneven, "class")) == ["crow", "robin", "sponge"]
    matrix = metrics.confusion(["sponge", "crow", "crow"], ["crow", "sponge", "bird"], uneven)
    assert matrix.tolist() == [[0, 0, 1, 1], [0, 0, 0, 0], [1, 0, 0, 0]]


def test_distance_at_k_by_hand() -> None:
    scores = [[3.0, 0.0, 2.0, 1.0], [0.0, 1.0, 3.0, 2.0]]
    # crow: bat 2, crow 0, robin 1. bird: crow and robin are at or below it.
    found = metrics.distance_at_k(["crow", "bird"], scores, HIERARCHY, k=[1, 2, 3])
    assert found == pytest.approx({1: (2 + 0) / 2, 2: (1 + 0) / 2, 3: (1 + 2 / 3) / 2}, rel=1e-15)
    assert metrics.distance_at_k(["crow", "bird"], scores, HIERARCHY, k=2) == 0.5
    for k in (0, 5):
        with pytest.raises(ValueError, match=f"{k}"):
            metrics.distance_at_k(["crow"], scores[:1], HIERARCHY, k=k)


def test_several_labels_against_scikit_learn() -> None:
    sklearn = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    rng = np.random.default_rng(8)
    names = [";".join({HIERARCHY.classes[k] for k in rng.integers(4, size=2)}) + ";" for _ in range(60)]
    y_true = HIERARCHY.encode_multi_hot(names)
    logits, weight = rng.normal(size=(60, NODES - 1)).round(1), rng.random(60)  # with ties
    positive = np.zeros((60, NODES), dtype=int)
    for row, name in enumerate(names):
        for node in map(HIERARCHY.node, name.strip(";").split(";")):
            positive[row, [node, *HIERARCHY.ancestors(node)]] = 1
    positive = positive[:, HIERARCHY.node_columns]
    for average in ("micro", "macro"):
        expected = sklearn.average_precision_score(positive, logits, average=average, sample_weight=weight)
        for labels in (y_true, names, positive):
            found = metrics.auprc(labels, logits, HIERARCHY, average=average, sample_weight=weight)
            assert found == pytest.approx(expected, rel=1e-12)
    columns = [HIERARCHY.node_columns.tolist().index(HIERARCHY.node(name)) for name in HIERARCHY.classes]
    expected = sklearn.average_precision_score(positive[:, columns], logits[:, columns], average="macro")
    found = metrics.auprc(y_true, logits, HIERARCHY, average="macro", level="class")
    assert found == pytest.approx(expected, rel=1e-12)
    # The edges by hand.
    node = {name: at for at, name in enumerate(HIERARCHY.name(node) for node in HIERARCHY.node_columns)}
    edges = [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
    wrong = sum((logits[:, node[child]] > logits[:, node[parent]]).sum() for parent, child in edges)
    # Of the six edges those below the root are never violated.
    assert metrics.violations(logits, HIERARCHY) == pytest.approx(wrong / (60 * 6), rel=1e-15)
    assert metrics.violations(klados.node_log_probs(logits[:, :4], HIERARCHY), HIERARCHY, form="node_log_probs") == 0


def test_violations_need_no_labels_whatever_index_is_ignored() -> None:
    logits = np.random.default_rng(5).normal(size=(60, NODES - 1))
    expected = metrics.violations(logits, HIERARCHY)
    assert expected > 0
    for ignored in (-100, -1, 0, 1, CLASSES, CLASSES + NODES - 1):
        metric = metrics.Violations(HIERARCHY, ignore_index=ignored)
        assert metrics.bootstrap(metric, None, logits).value == expected
        assert metric.update(None, logits).compute() == expected
        assert metric.update(None, logits[:0]).update(np.full(60, ignored), logits[::-1]).compute() == expected
    with pytest.raises(ValueError, match=r"the logits have shape \(\), expected \(batch, 6\)"):
        metric.update(None, 3.0)


@pytest.mark.parametrize("make", ALL_METRICS)
@pytest.mark.parametrize("ignored", [-1, 0, 3, CLASSES, CLASSES + NODES - 1])
def test_any_index_may_stand_for_rows_that_take_no_part(make: Callable[[klados.Hierarchy], Any], ignored: int) -> None:
    y_true, y_pred, weight = rows(100, make(HIERARCHY))
    y_true[y_true == -100] = ignored
    there = y_true != ignored
    assert 0 < there.sum() < 100
    metric = make(HIERARCHY)
    metric.ignore_index = ignored
    nothing = bits(metric.compute())
    assert bits(metric.update(y_true[~there], y_pred[~there]).compute()) == nothing
    metric.update(y_true, y_pred, weight)
    assert bits(metric.details()) == bits(make(HIERARCHY).update(y_true[there], y_pred[there], weight[there]).details())


def test_curves_by_hand() -> None:
    # P: mammal 0.2, bird 0.8, crow 0.3, robin 0.5. The root; below 0.8 the bird, which is right; below 0.5 the robin, which is not.
    curve = metrics.operating_curve(["crow"], [[0.1, 0.1, 0.3, 0.5]], HIERARCHY, form="class_probabilities")
    assert curve.recall.tolist() == [0, 0.5, 0.5]
    assert curve.precision.tolist() == [1, 1, 0.5]
    assert curve.correct.tolist() == [1, 1, 0] and curve.exact.tolist() == [0, 0, 0]
    assert curve.below[1:] == pytest.approx([0.8, 0.5], rel=1e-15)
    assert (curve.average_precision, curve.average_correct, curve.average_correct_exact) == (0.5, 0.5, 0.0)
    assert (curve.recall_at_precision(0.9), curve.recall_at_correct(0.9), curve.exact_at_correct(0.5)) == (0.5, 0.5, 0.0)
    assert curve.recall_at_precision(1.1) == 0

    hierarchy = klados.Hierarchy.from_edges([("animal", "bat"), ("animal", "crow")])
    p = [[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.4, 0.6]]
    options: dict[str, Any] = {"form": "class_probabilities"}
    coverage, risk, confidence = metrics.risk_coverage_curve(["bat", "bat", "crow", "bat"], p, hierarchy, **options)
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert risk == pytest.approx([0, 0, 1 / 3, 1 / 2], rel=1e-15)
    assert confidence == pytest.approx([0.9, 0.8, 0.7, 0.6], rel=1e-15)
    area = metrics.aurc(["bat", "bat", "crow", "bat"], p, hierarchy, level="class", **options)
    assert area == pytest.approx((1 / 3 + 1 / 2) / 4, rel=1e-15)
    nothing = metrics.operating_curve([], np.empty((0, 4)), HIERARCHY)
    assert np.isnan(nothing.average_precision)


def test_tree_distance_by_hand() -> None:
    hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("bird", "crow"), ("bird", "robin")])
    p = [[0.25, 0.5, 0.25]]
    assert metrics.wasserstein(["crow"], p, hierarchy, form="class_probabilities") == pytest.approx(0.25 * 2 + 0.25 * 4)
    assert metrics.wasserstein(["bird"], p, hierarchy, form="class_probabilities") == pytest.approx(0.25 * 3)
    with pytest.raises(ValueError, match="trees"):
        metrics.Wasserstein(DAG)


@pytest.mark.parametrize("make", ALL_METRICS)
def test_the_bootstrap_is_around_the_metric(make: Callable[[klados.Hierarchy], Any]) -> None:
    metric = make(HIERARCHY)
    y_true, y_pred, weight = rows(150, metric)
    value = copy.deepcopy(metric).update(y_true, y_pred, weight).compute()
    try:
        found = metrics.bootstrap(metric, y_true, y_pred, sample_weight=weight, replicates=200)
    except ValueError as error:
        assert "has no bootstrap" in str(error)  # noqa: PT017
        assert isinstance(
            metric,
            metrics.BalancedAccuracy
            | metrics.Confusion
            | metrics.HierarchicalF1
            | metrics.ExpectedCalibrationError
            | metrics.OperatingCurve
            | metrics.RiskCoverage
            | metrics.Auprc,
        )
        return
    assert isinstance(value, dict) == (not isinstance(found, metrics.Interval))
    pairs = [(value, found)] if not isinstance(value, dict) else [(value[key], found[key]) for key in value]
    for number, interval in pairs:
        assert interval.value == pytest.approx(number, rel=1e-13)
        assert interval.low <= number <= interval.high
    assert metric.state() == make(HIERARCHY).state()


def test_the_bootstrap_of_a_difference() -> None:
    rng = np.random.default_rng(9)
    y_true = rng.integers(4, size=400)
    ours = np.where(rng.random(400) < 0.8, y_true, (y_true + 1) % 4)
    theirs = np.where(rng.random(400) < 0.05, (ours + 1) % 4, ours)
    metric = metrics.Accuracy(HIERARCHY, level="class")
    difference = metrics.bootstrap(metric, y_true, ours, versus=theirs)
    gain = (ours == y_true).astype(float) - (theirs == y_true)
    assert difference.value == pytest.approx(gain.mean(), rel=1e-12)
    # The standard error of a mean, within what a thousand replicates can tell.
    assert difference.standard_error == pytest.approx(gain.std() / 20, rel=0.15)
    assert difference == metrics.bootstrap(metric, y_true[::-1], ours[::-1], versus=theirs[::-1])
    assert difference != metrics.bootstrap(metric, y_true, ours, versus=theirs, seed=1)
    # Of rows that come in pairs there is half as much.
    twice = np.repeat(np.arange(400), 2)
    alone = metrics.bootstrap(metric, y_true, ours).standard_error
    grouped = metrics.bootstrap(metric, y_true[twice], ours[twice], groups=twice).standard_error
    assert grouped == pytest.approx(alone, rel=0.15)
    for options, message in [
        ({"replicates": 0}, "the number of replicates is 0"),
        ({"confidence": 1.0}, "the confidence is 1"),
        ({"groups": [0, 1]}, r"the groups have shape \(2,\), expected \(400,\)"),
        ({"groups": np.full(400, -1)}, "expected integers from 0"),
        ({"versus": theirs[:3]}, "expected"),
    ]:
        with pytest.raises(ValueError, match=message):
            metrics.bootstrap(metric, y_true, ours, **options)


def test_how_far_off_by_hand() -> None:
    edges = [("animal", "bird"), ("animal", "mammal"), ("bird", "crow"), ("bird", "robin"), ("mammal", "bat")]
    hierarchy = klados.Hierarchy.from_edges(edges)
    y_true, y_pred = ["crow", "crow", "crow", "bird"], ["crow", "robin", "bat", "robin"]
    # Heights 0, 1, 2 and, at or below the label's node, 0.
    assert metrics.lca_height(y_true, y_pred, hierarchy) == 0.75
    assert metrics.mistake_severity(y_true, y_pred, hierarchy) == 1.5
    assert metrics.lca_height(y_true, y_pred, hierarchy, sample_weight=[1, 1, 0, 2]) == 0.25
    assert np.isnan(metrics.mistake_severity(["bird"], ["crow"], hierarchy))
    assert np.isnan(metrics.lca_height([""], ["crow"], hierarchy))


def test_reliability_by_hand() -> None:
    p = [[0.1, 0.2, 0.3, 0.4], [0.5, 0.3, 0.2, 0.0], [0.5, 0.3, 0.2, 0.0]]
    # At the top a bird with 0.7 that is one, and mammals with 0.8 of which one is; in two bins of (0, 0.75] and (0.75, 1].
    right, confidence, count = metrics.reliability_curve(
        ["crow", "mammal", "bird"], p, HIERARCHY, level=1, bins=4, form="class_probabilities"
    )
    assert right.tolist() == [1.0, 0.5] and count.tolist() == [1, 2]
    assert confidence == pytest.approx([0.7, 0.8], rel=1e-15)
    found = metrics.ece(["crow", "mammal", "bird"], p, HIERARCHY, level=1, bins=4, form="class_probabilities")
    assert found == pytest.approx((0.3 + 2 * 0.3) / 3, rel=1e-14)
    empty = metrics.reliability_curve([], np.empty((0, 4)), HIERARCHY, level=1)
    assert [array.shape for array in empty] == [(0,)] * 3
    with pytest.raises(ValueError, match="bins"):
        metrics.ece(["crow"], p[:1], HIERARCHY, bins=0)


def test_levels() -> None:
    assert metrics.levels(HIERARCHY) == ["depth 1", "class"]
    ranked = HIERARCHY.with_level_names(["order", "species"])
    assert metrics.levels(ranked) == ["order", "species"]
    assert metrics.accuracy(["crow"], ["robin"], ranked) == {"order": 1.0, "species": 0.0}
    for level in ("genus", 3, 0):
        with pytest.raises(ValueError, match=f"there is no level {level!r}; the levels are depth 1, class"):
            metrics.Accuracy(HIERARCHY, level=level)
