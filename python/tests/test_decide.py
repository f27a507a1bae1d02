"""From logits to answers."""

from __future__ import annotations

import json
import pickle
import warnings

import numpy as np
import pytest
import torch

import klados

EDGES = [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
HIERARCHY = klados.Hierarchy.from_edges(EDGES)
# P of crow is 0.457 and of robin 0.413; of bird 0.870: the numbers of the core's own example.
LOGITS = np.array([[0.0, 0.2, 2.0, 1.9], [3.0, 0.0, 0.0, 0.0]])


def names(decision: klados.decisions.AnyDecision, logits: object = LOGITS, **options: str) -> list[str]:
    return HIERARCHY.decode(klados.decide(logits, HIERARCHY, decision, **options))


def test_a_name_a_dict_and_an_object_say_the_same() -> None:
    assert names("argmax_leaf") == ["crow", "bat"]
    for decision in (
        {"threshold": {"tau": 0.6}},
        {"name": "threshold", "tau": 0.6},
        '{"threshold": {"tau": 0.6}}',
        klados.Decision("threshold", tau=0.6),
        klados.Decision("threshold", tau=np.float64(0.6)),
    ):
        assert names(decision) == ["bird", "bat"]
    assert names("threshold") == ["bird", "bat"]


def test_answers_are_in_the_code_of_targets() -> None:
    answers = klados.decide(LOGITS, HIERARCHY, klados.Decision("threshold", tau=0.6))
    assert answers.dtype == np.int64
    assert answers.tolist() == [HIERARCHY.num_classes + HIERARCHY.node("bird"), 0]
    assert answers.tolist() == HIERARCHY.encode(["bird", "bat"]).tolist()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_tensors(dtype: torch.dtype) -> None:
    assert names("argmax_leaf", torch.tensor(LOGITS, dtype=dtype, requires_grad=True)) == ["crow", "bat"]


def test_one_row_and_none() -> None:
    answer = klados.decide(LOGITS[0], HIERARCHY)
    assert answer.shape == () and int(answer) == 2
    assert klados.decide(np.empty((0, 4)), HIERARCHY).shape == (0,)


def test_forms() -> None:
    p = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
    assert names("threshold", p, form="class_probabilities") == ["bird", "bat"]
    assert names("threshold", klados.node_log_probs(LOGITS, HIERARCHY), form="node_log_probs") == ["bird", "bat"]
    # bat, mammal, dog, crow, bird, robin
    of_nodes = [[0.1, 0.3, 0.2, 0.6, 0.7, 0.1]]
    assert names("threshold", of_nodes, form="node_probabilities") == ["crow"]


def test_single_precision_is_decided_in_double() -> None:
    # bat and dog differ by less than what log-probabilities of float32 can tell apart.
    logits = np.array([[20, np.nextafter(np.float32(20), np.float32(30)), 0, 0]], dtype=np.float32)
    assert names("argmax_leaf", logits) == ["dog"]


def test_sets_are_in_the_order_of_the_node_columns() -> None:
    # Columns bat, mammal, dog, crow, bird, robin. A robin is more probable than a bird: that is a contradiction.
    p = np.array([[0.9, 0.95, 0.1, 0.1, 0.2, 0.8], [0.1] * 6])
    sets = klados.decide(p, HIERARCHY, "consistent", form="node_probabilities")
    assert sets.dtype == np.bool_ and sets.shape == (2, 6)
    found = {HIERARCHY.name(node) for node, is_in in zip(HIERARCHY.node_columns, sets[0], strict=True) if is_in}
    assert found == {"mammal", "bat", "bird", "robin"}
    assert not sets[1].any()
    assert klados.decide(p[0], HIERARCHY, "consistent", form="node_probabilities").shape == (6,)


def test_many_rows_are_those_of_parts_and_errors_name_the_row() -> None:
    rng = np.random.default_rng(0)
    wide = klados.Hierarchy.from_edges([(f"group {k % 10}", f"class {k}") for k in range(1000)])
    logits = rng.normal(size=(700, 1000)) * 5  # several chunks of the native module
    whole = klados.decide(logits, wide, "threshold")
    parts = [klados.decide(part, wide, "threshold") for part in np.array_split(logits, 9)]
    assert np.array_equal(whole, np.concatenate(parts))
    logits[600, 7] = np.nan
    with pytest.raises(ValueError, match="row 600: the log-probability of .* is NaN"):
        klados.decide(logits, wide, "threshold")


def test_calibration() -> None:
    rng = np.random.default_rng(0)
    target = rng.integers(4, size=2000)
    logits = 1.5 * np.eye(4)[target] + rng.normal(size=(2000, 4))
    conformal = klados.calibrate(logits[:1000], target[:1000], HIERARCHY, {"conformal": {"alpha": 0.2}})
    by_name = klados.calibrate(
        logits[:1000], HIERARCHY.decode(target[:1000]), HIERARCHY, klados.Decision("conformal", alpha=0.2)
    )
    assert by_name == conformal and conformal.parameters["alpha"] == 0.2
    with pytest.raises(ValueError, match="conformal"):
        klados.decide(logits, HIERARCHY, "conformal")
    # The answer holds for 80 of 100 rows or more, up to what 1000 rows can tell (three standard deviations: 0.04).
    answers = klados.decide(logits[1000:], HIERARCHY, conformal)
    below = [HIERARCHY.classes_below(int(node)) for node in nodes_of(answers)]
    right = np.mean([k in classes for k, classes in zip(target[1000:], below, strict=True)])
    assert right > 0.76
    assert klados.calibrate(logits, target, HIERARCHY, "threshold") == klados.Decision("threshold")
    ignored = target.copy()
    ignored[500:] = -1
    first = klados.calibrate(logits, ignored, HIERARCHY, "hedge", ignore_index=-1)
    assert first == klados.calibrate(logits[:500], target[:500], HIERARCHY, "hedge")


def test_what_is_surprising_in_a_calibration_is_a_user_warning() -> None:
    # The quantile of n rows is the score of rank ceil((n + 1) (1 - alpha)): of alpha = 0.1 nine rows have one, eight none.
    logits, target = LOGITS[:1].repeat(9, 0), [2] * 9
    with pytest.warns(UserWarning, match="8 rows are too few for alpha = 0.1: .* 9 rows are needed") as caught:
        decision = klados.calibrate(logits[:8], target[:8], HIERARCHY, {"conformal": {"alpha": 0.1}})
    assert [str(warning.message) for warning in caught] == decision.warnings
    assert caught[0].filename == __file__
    assert names(decision) == ["root", "root"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert klados.calibrate(logits, target, HIERARCHY, {"conformal": {"alpha": 0.1}}).warnings == []
        assert klados.Decision("threshold").warnings == []
        # It is said where it is calibrated, and can be asked for later.
        assert klados.Decision.from_json(decision.to_json()).warnings == decision.warnings


def nodes_of(answers: np.ndarray) -> np.ndarray:
    classes = HIERARCHY.num_classes
    return np.where(answers < classes, HIERARCHY.class_nodes[np.minimum(answers, classes - 1)], answers - classes)


def test_a_decision_is_a_value() -> None:
    decision = klados.Decision("threshold", tau=0.7)
    assert decision == klados.Decision.from_json(decision.to_json()) == pickle.loads(pickle.dumps(decision))
    assert hash(decision) == hash(klados.Decision("threshold", tau=0.7)) and decision != klados.Decision("threshold")
    assert (decision.name, decision.parameters) == ("threshold", {"tau": 0.7})
    assert json.loads(decision.to_json()) == {"threshold": {"tau": 0.7}}
    assert eval(repr(decision)) == decision
    assert {"argmax_leaf", "threshold"} <= set(klados.Decision.NAMES)


def test_the_help_has_every_rule() -> None:
    text = klados.Decision.__doc__ or ""
    assert [name for name in klados.Decision.NAMES if f"- ``{name}``" not in text] == []


@pytest.mark.parametrize("name", klados.Decision.NAMES)
def test_every_rule_answers(name: str) -> None:
    decision = klados.Decision(name)
    if name in ("hedge", "conformal"):
        decision = klados.calibrate(LOGITS.repeat(200, 0), ["crow", "bat"] * 200, HIERARCHY, decision)
    answers = klados.decide(LOGITS, HIERARCHY, decision)
    if name == "consistent":
        assert answers.shape == (2, 6)
        return
    # Each is at or above the truth of the second row, of which the model is sure.
    node = int(nodes_of(answers)[1])
    assert HIERARCHY.class_index("bat") in HIERARCHY.classes_below(node)
    assert decision.parameters == klados.Decision.from_json(decision.to_json()).parameters


def test_errors() -> None:
    with pytest.raises(ValueError, match='unknown decision "treshold"; the decisions are argmax_leaf'):
        klados.decide(LOGITS, HIERARCHY, "treshold")
    with pytest.raises(ValueError, match="expected `tau`"):
        klados.Decision("threshold", t=0.7)
    with pytest.raises(ValueError, match="tau is nan, expected a finite number"):
        klados.Decision("threshold", tau=float("nan"))
    with pytest.raises(ValueError, match=r"tau is 2, expected a number in \[0, 1\)"):
        klados.decide(LOGITS, HIERARCHY, {"threshold": {"tau": 2}})
    with pytest.raises(TypeError, match="the decision is of type int"):
        klados.decide(LOGITS, HIERARCHY, 3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"the logits have shape \(2, 3\), expected \(batch, 4\)"):
        klados.decide(LOGITS[:, :3], HIERARCHY)
    with pytest.raises(ValueError, match=r"the log-probabilities of the nodes have shape \(2, 4\), expected \(batch, 7\)"):
        klados.decide(LOGITS, HIERARCHY, form="node_log_probs")
    with pytest.raises(ValueError, match="the form has superclasses of its map"):
        klados.decide(
            LOGITS,
            HIERARCHY,
            form={"weighted_class_softmax": {"map": [[name, "all", 1.0] for name in HIERARCHY.classes]}},
        )
    with pytest.raises(ValueError, match="there are 1 labels, expected 2"):
        klados.calibrate(LOGITS, ["crow"], HIERARCHY, "hedge")
    with pytest.raises(ValueError, match="row 1: the target is 99"):
        klados.calibrate(LOGITS, [0, 99], HIERARCHY, "hedge")
