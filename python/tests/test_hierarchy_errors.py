"""What makes no hierarchy is a clear error, never a crash."""

from __future__ import annotations

import pickle

import networkx
import pytest
from conftest import ANIMALS, CLASSES

from klados import Hierarchy


@pytest.mark.parametrize(
    ("edges", "error", "words"),
    [
        ([], ValueError, "no node"),
        ([("a", "a")], ValueError, '"a" is given as its own parent'),
        ([("a", "b"), ("b", "c"), ("c", "a")], ValueError, "3 nodes form a cycle"),
        ([("", "b")], ValueError, '"b" has no parent'),
        ([("a", "")], ValueError, "empty"),
        ([(1, 2)], TypeError, "edge 0: expected a pair of names"),
        ([("a", "b"), ("a",)], TypeError, "edge 1: expected a pair of names"),
        ([("a", "b"), "abc"], TypeError, "edge 1: expected a pair of names"),
        ([("a", "b", "c")], TypeError, "edge 0: expected a pair of names"),
        ([None], TypeError, "edge 0: expected a pair of names"),
        ([("a", None)], TypeError, "edge 0: expected a pair of names"),
        ([("a", b"b")], TypeError, "edge 0: expected a pair of names"),
        (7, TypeError, "iterable"),
        (None, TypeError, "iterable"),
    ],
)
def test_edges_that_are_none(edges, error, words) -> None:
    with pytest.raises(error, match=words):
        Hierarchy.from_edges(edges)


def test_a_string_of_two_letters_is_no_edge() -> None:
    with pytest.raises(TypeError, match="edge 0: expected a pair of names"):
        Hierarchy.from_edges(["ab", "ac"])


def test_an_iterator_that_fails_says_why() -> None:
    def edges():
        yield "a", "b"
        raise RuntimeError("the disk is gone")

    with pytest.raises(RuntimeError, match="the disk is gone"):
        Hierarchy.from_edges(edges())


@pytest.mark.parametrize(
    "make",
    [
        lambda: Hierarchy.from_dict({1: ["a"]}),
        lambda: Hierarchy.from_dict({"a": [1]}),
        lambda: Hierarchy.from_dict({"a": 1}),
        lambda: Hierarchy.from_dict([("a", "b")]),
        lambda: Hierarchy.from_dict({"a": ["b", None]}),
        lambda: Hierarchy.from_paths([["a", 1]]),
        lambda: Hierarchy.from_paths([1]),
        lambda: Hierarchy.from_paths("a > b"),
        lambda: Hierarchy.from_csv(None),
        lambda: Hierarchy.from_edges(ANIMALS, classes="bat"),
        lambda: Hierarchy.from_edges(ANIMALS, classes=[0, 1]),
        lambda: Hierarchy.from_edges(ANIMALS, ranks=["class"]),
        lambda: Hierarchy.from_edges(ANIMALS, ranks={"bat": 3}),
        lambda: Hierarchy(),
    ],
)
def test_the_wrong_type_is_a_type_error(make) -> None:
    with pytest.raises(TypeError):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: Hierarchy.from_dict({}),
        lambda: Hierarchy.from_paths([]),
        lambda: Hierarchy.from_paths([[]]),
        lambda: Hierarchy.from_paths([""]),
        lambda: Hierarchy.from_networkx(networkx.DiGraph()),
        lambda: Hierarchy.from_edges(ANIMALS, classes=[]),
        lambda: Hierarchy.from_edges(ANIMALS, classes=["bat", "bat"]),
        lambda: Hierarchy.from_edges(ANIMALS, classes=["snake"]),
    ],
)
def test_what_makes_no_hierarchy_is_a_value_error(make) -> None:
    with pytest.raises(ValueError):
        make()


def test_names_may_be_anything_but_empty_or_binary() -> None:
    names = ["ü", "狼", "a|b", "c;d", "e > f", "=g", "x" * 10_000, "tab\tand\nline"]
    hierarchy = Hierarchy.from_edges([("root", name) for name in names])
    assert hierarchy.num_classes == len(names)
    assert pickle.loads(pickle.dumps(hierarchy)) == hierarchy
    for name in names:
        if name.strip() == name:
            assert hierarchy.encode([name]).tolist() == [names.index(name)]
    with pytest.raises((TypeError, UnicodeEncodeError)):
        Hierarchy.from_edges([("root", "\ud800")])
    for control in ("\0", "a\x1fb"):
        with pytest.raises(ValueError, match=r"holds the control character U\+00"):
            Hierarchy.from_edges([("root", control)])


@pytest.mark.parametrize("node", [9, -1, 10**30, 1.5, None, b"bat", "snake", "", [0]])
def test_nodes_that_are_none(animals: Hierarchy, node) -> None:
    with pytest.raises((ValueError, TypeError, OverflowError)):
        animals.path(node)


def test_a_node_may_be_a_numpy_integer(animals: Hierarchy) -> None:
    assert animals.name(animals.node_columns[0]) == "bat"


@pytest.mark.parametrize("level", [3, "genus", -1, 1.5, None, b"class"])
def test_levels_that_are_none(animals: Hierarchy, level) -> None:
    with pytest.raises((ValueError, TypeError, OverflowError)):
        animals.level_nodes(level)


def test_a_hierarchy_does_not_change(animals: Hierarchy) -> None:
    with pytest.raises(AttributeError):
        animals.classes = []
    animals.classes.append("snake")
    animals.depths[:] = 7
    assert animals.classes == CLASSES
    assert animals.depths.max() == 2
