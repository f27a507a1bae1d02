"""Labels to targets and back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import klados
from klados import Hierarchy
from klados.torch import HierarchicalLoss


def test_encode_and_decode_go_round(animals: Hierarchy) -> None:
    labels = ["crow", "bird", "", "mammal", "bat", "bear"]
    target = animals.encode(labels)
    assert target.dtype == np.int64
    assert target[0] == 2
    assert target[2] == -100
    assert target[1] == 6 + animals.node("bird")
    assert animals.decode(target) == labels
    # Any index comes back as the same label, a leaf by its class.
    for node in range(animals.num_nodes):
        again = animals.encode(animals.decode(np.array([6 + node])))
        assert animals.decode(again) == animals.decode(np.array([6 + node]))


def test_encode_takes_what_holds_labels(animals: Hierarchy) -> None:
    expected = [0, 2, -100]
    assert animals.encode(["bat", "crow", None]).tolist() == expected
    assert animals.encode(("bat", "crow", "")).tolist() == expected
    assert animals.encode(label for label in ["bat", "crow", ""]).tolist() == expected
    assert animals.encode(np.array(["bat", "crow", ""])).tolist() == expected
    assert animals.encode(np.array(["bat", "crow", None], dtype=object)).tolist() == expected
    assert animals.encode([]).tolist() == []
    assert animals.encode([]).dtype == np.int64
    assert animals.encode(["", "bat"], ignore_index=-1).tolist() == [-1, 0]


@pytest.mark.parametrize(
    "make",
    [
        *(lambda target, dtype=dtype: target.astype(dtype) for dtype in ("int64", "int32", "int16", "int8", ">i8")),
        torch.from_numpy,
        lambda target: torch.from_numpy(target).int(),
        np.ndarray.tolist,
        lambda target: tuple(target),
        lambda target: np.repeat(target, 2)[::2],
    ],
)
def test_decode_takes_integers_of_any_kind(animals: Hierarchy, make) -> None:
    labels = ["bat", "bird", "", "crow"]
    assert animals.decode(make(animals.encode(labels))) == labels


def test_decode_of_unsigned_and_of_nothing(animals: Hierarchy) -> None:
    for dtype in ("uint8", "uint16", "uint32", "uint64"):
        assert animals.decode(np.array([2, 0], dtype=dtype)) == ["crow", "bat"]
    assert animals.decode([]) == []
    assert animals.decode(torch.tensor([], dtype=torch.int64)) == []


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (2, "the target has 0 dimensions, expected 1"),
        ([[2, 0]], "the target has 2 dimensions, expected 1"),
        ([2.0], "the target is float64, expected integers"),
        (torch.tensor([2.0]), "the target is float32, expected integers"),
        ([True], "the target is bool, expected integers"),
        (["crow"], "the target is <U4, expected integers"),
        ([None], "the target is object, expected integers"),
        (np.array([0, 2**64 - 100], dtype=np.uint64), "target 1 is 18446744073709551516, which is no index"),
        ([0, 99], "target 1 is 99, expected 0 to "),
    ],
)
def test_what_decode_does_not_take(animals: Hierarchy, target, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        animals.decode(target)


def test_homonyms_are_told_apart_by_their_path() -> None:
    hierarchy = Hierarchy.from_paths(["left > x > a", "right > x > b", "right > a"])
    assert len(set(hierarchy.classes)) == 3
    assert hierarchy.encode(hierarchy.classes).tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match=r'label 1: .*"x".*left > x'):
        hierarchy.encode(["b", "x"])
    target = hierarchy.encode(["left > x", "right > x", "left > x > a", "right > a"])
    assert len(set(target.tolist())) == 4
    assert hierarchy.encode(hierarchy.decode(target)).tolist() == target.tolist()


def test_a_union_has_no_index_and_the_error_says_what_to_use(animals: Hierarchy) -> None:
    with pytest.raises(
        ValueError, match=r'label 1: "bat\|crow" names several nodes and has no index; use encode_candidates'
    ):
        animals.encode(["bat", "bat|crow"])
    with pytest.raises(
        ValueError, match=r'label 0: "bat;crow" names several nodes and has no index; use encode_multi_hot'
    ):
        animals.encode(["bat;crow"])


def test_an_unknown_label_names_the_row_and_the_nearest(animals: Hierarchy) -> None:
    with pytest.raises(ValueError, match='label 1: unknown label "crwo"; the nearest names are "crow"'):
        animals.encode(["bat", "crwo"])
    with pytest.raises(ValueError, match="target 0 is 15, expected 0 to 14"):
        animals.decode(np.array([15]))
    with pytest.raises(ValueError, match="target 1 is -1, expected 0 to 14"):
        animals.decode(np.array([-100, -1]))


def test_encode_candidates(animals: Hierarchy) -> None:
    marks = animals.encode_candidates(["bat|crow", "bird", "", "=dog", "mammal|robin"])
    assert marks.dtype == np.bool_
    assert marks.shape == (5, 6)
    found = [[animals.classes[k] for k in np.flatnonzero(row)] for row in marks]
    assert found == [["bat", "crow"], ["crow", "pigeon", "robin"], [], ["dog"], ["bat", "bear", "dog", "robin"]]
    with pytest.raises(ValueError, match='label 0: "bat;crow" is not one class of several'):
        animals.encode_candidates(["bat;crow"])


def test_encode_multi_hot(animals: Hierarchy) -> None:
    marks = animals.encode_multi_hot(["bat;crow", "bird", ";", "bat;"])
    assert marks.dtype == np.bool_
    assert marks.shape == (4, 8)
    found = [sorted(animals.name(animals.node_columns[at]) for at in np.flatnonzero(row)) for row in marks]
    assert found == [["bat", "bird", "crow", "mammal"], ["bird"], [], ["bat", "mammal"]]
    with pytest.raises(ValueError, match=r'label 0: "bat\|crow" is not a set of nodes; write a;b'):
        animals.encode_multi_hot(["bat|crow"])
    with pytest.raises(ValueError, match='label 0: "" is not a set of nodes'):
        animals.encode_multi_hot([""])


def test_superclasses_of_a_weighted_loss(animals: Hierarchy) -> None:
    rows = [("bat", "flies", 1), ("bear", "walks", 1), ("crow", "flies", 0.75), ("crow", "walks", 0.25)]
    rows += [("dog", "walks", 1), ("pigeon", "flies", 1), ("robin", "flies", 1)]
    loss = klados.loss("weighted_cross_entropy", map=rows)
    criterion = HierarchicalLoss(animals, loss)
    target = criterion.encode(["bat", "flies", "walks", ""])
    assert target.tolist() == [0, 15, 16, -100]
    assert loss.compile(animals).decode(target.numpy()) == ["bat", "flies", "walks", ""]
    value, _ = klados.loss_and_grad(np.zeros((1, 6)), [15], animals, loss)
    assert value == pytest.approx(-np.log(3.75 / 6))
    with pytest.raises(ValueError, match="a superclass of the map .15 to 16."):
        klados.loss_and_grad(np.zeros((1, 6)), [17], animals, loss)
    with pytest.raises(ValueError, match='unknown label "flies"'):
        animals.encode(["flies"])


@pytest.mark.parametrize("labels", ["bat", 7, None, [1], [b"bat"], [["bat"]], np.arange(3), [float("nan")]])
def test_labels_that_are_no_text(animals: Hierarchy, labels) -> None:
    with pytest.raises(TypeError):
        animals.encode(labels)


def test_a_label_that_is_no_text_names_its_row(animals: Hierarchy) -> None:
    with pytest.raises(TypeError, match="label 1: expected a name or None, got float"):
        animals.encode(["bat", float("nan")])
