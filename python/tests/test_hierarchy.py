"""Hierarchies in Python: building, copying, labels to targets and back, node tables, errors."""

from __future__ import annotations

import copy
import pickle
import threading
import warnings

import networkx
import numpy as np
import pytest
import torch
from conftest import ANIMALS
from torch.utils.data import DataLoader, Dataset

import klados
from klados import Hierarchy
from klados.torch import HierarchicalLoss, MarginalCrossEntropyLoss

CLASSES = ["bat", "bear", "crow", "dog", "pigeon", "robin"]

RANKED = [
    ["Animalia", "Chordata", "Aves"],
    ["Animalia", "Chordata", "Mammalia"],
    ["Animalia", "Arthropoda", "Insecta"],
    ["Plantae", "Tracheophyta", "Liliopsida"],
]


def edges_of(hierarchy: Hierarchy) -> set[tuple[str, str]]:
    return {(hierarchy.name(parent), hierarchy.name(child)) for parent, child in hierarchy.edges}


# Building.


def test_from_edges_takes_parent_and_child(animals: Hierarchy) -> None:
    assert animals.classes == CLASSES
    assert animals.num_classes == 6
    assert animals.num_nodes == len(animals) == 9
    assert animals.is_tree
    assert set(ANIMALS) < edges_of(animals)


def test_from_edges_takes_a_generator_and_numpy_strings() -> None:
    expected = Hierarchy.from_edges(ANIMALS)
    assert Hierarchy.from_edges(edge for edge in ANIMALS) == expected
    assert Hierarchy.from_edges(np.array(ANIMALS)) == expected
    assert Hierarchy.from_edges([list(edge) for edge in ANIMALS]) == expected


def test_the_order_of_the_classes_is_explicit() -> None:
    order = ["robin", "bat", "crow", "dog", "pigeon", "bear"]
    hierarchy = Hierarchy.from_edges(ANIMALS, classes=order)
    assert hierarchy.classes == order
    assert hierarchy.class_index("crow") == 2
    assert Hierarchy.from_edges(ANIMALS).with_classes(order) == hierarchy
    assert Hierarchy.from_edges(ANIMALS, classes=np.array(order)) == hierarchy


def test_from_edges_with_ranks() -> None:
    ranks = {"mammal": "class", "bird": "class", **dict.fromkeys(CLASSES, "species")}
    hierarchy = Hierarchy.from_edges(ANIMALS, ranks=ranks)
    assert hierarchy.levels == ["class", "species"]
    assert [hierarchy.name(node) for node in hierarchy.level_nodes("class")] == ["mammal", "bird"]
    assert hierarchy.ranks[hierarchy.node("bat")] == "species"
    loss = klados.loss("marginal_cross_entropy", weights={"levels": {"class": 1}})
    value, _ = klados.loss_and_grad(np.zeros((1, 6)), [0], hierarchy, loss)
    assert value == pytest.approx(np.log(2))
    with pytest.raises(ValueError, match='ranks: "snake" is a node of no edge'):
        Hierarchy.from_edges(ANIMALS, ranks={"snake": "class"})


def test_from_paths_with_and_without_ranks() -> None:
    hierarchy = Hierarchy.from_paths(RANKED, ranks=["kingdom", "phylum", "class"])
    assert hierarchy.classes == ["Aves", "Mammalia", "Insecta", "Liliopsida"]
    assert hierarchy.levels == ["kingdom", "phylum", "class"]
    assert hierarchy.ranks[hierarchy.node("Chordata")] == "phylum"
    assert Hierarchy.from_paths(" > ".join(path) for path in RANKED).classes == hierarchy.classes
    assert Hierarchy.from_paths(RANKED).levels == [1, 2, 3]
    with pytest.raises(ValueError, match="is longer than the 2 ranks"):
        Hierarchy.from_paths(RANKED, ranks=["kingdom", "phylum"])


def test_from_dict_of_dicts_and_lists() -> None:
    tree = {"mammal": ["bat", "bear", "dog"], "bird": {"crow": None, "pigeon": {}, "robin": []}}
    hierarchy = Hierarchy.from_dict(tree)
    assert hierarchy.classes == ["bat", "bear", "dog", "crow", "pigeon", "robin"]
    assert set(ANIMALS) < edges_of(hierarchy)


@pytest.mark.filterwarnings("error")
def test_from_dict_of_each_parent_to_its_children() -> None:
    nested = Hierarchy.from_dict({"animal": {"mammal": ["bat", "dog"], "bird": ["crow"]}})
    flat = Hierarchy.from_dict({"animal": ["mammal", "bird"], "mammal": ["bat", "dog"], "bird": ["crow"]})
    assert flat == nested
    assert Hierarchy.from_dict({"mammal": ["bat"], "rock": None}).classes == ["rock", "bat"]


def test_from_dict_that_is_deep_does_not_exhaust_the_stack() -> None:
    tree: dict = {}
    for depth in range(20_000):
        tree = {f"node {depth}": tree}
    hierarchy = Hierarchy.from_dict(tree)
    assert hierarchy.depths.max() == 19_999
    while tree:  # or its destructor would recurse
        (tree,) = tree.values()


def test_from_dict_the_wrong_way_round_says_what_to_write() -> None:
    with pytest.raises(
        TypeError, match=r"Hierarchy.from_edges\(\(parent, child\) for child, parent in tree.items\(\)\)"
    ):
        Hierarchy.from_dict({"bat": "mammal", "crow": "bird"})


def test_from_networkx() -> None:
    graph = networkx.DiGraph(ANIMALS)
    hierarchy = Hierarchy.from_networkx(graph, classes=CLASSES)
    assert hierarchy.classes == CLASSES
    assert edges_of(hierarchy) == edges_of(Hierarchy.from_edges(ANIMALS))
    numbered = Hierarchy.from_networkx(networkx.DiGraph([(0, 1), (0, 2), (1, 3), (1, 4)]))
    assert sorted(numbered.classes) == ["2", "3", "4"]
    with pytest.raises(ValueError, match="the graph is undirected; expected a DiGraph with edges from parent to child"):
        Hierarchy.from_networkx(networkx.Graph(ANIMALS))
    with pytest.raises(ValueError, match='two nodes of the graph are written "1"; give them names'):
        Hierarchy.from_networkx(networkx.DiGraph([(0, 1), (0, "1")]))
    with pytest.raises(AttributeError):
        Hierarchy.from_networkx(ANIMALS)


def test_from_csv(tmp_path) -> None:
    file = tmp_path / "animals.csv"
    file.write_text("child,parent\n" + "".join(f"{child},{parent}\n" for parent, child in ANIMALS))
    assert Hierarchy.from_csv(file) == Hierarchy.from_edges(ANIMALS)
    assert Hierarchy.from_csv(str(file), child_column="child", parent_column="parent") == Hierarchy.from_csv(file)
    ranks = tmp_path / "ranks.csv"
    ranks.write_text("kingdom,phylum,class\n" + "".join(",".join(path) + "\n" for path in RANKED))
    hierarchy = Hierarchy.from_csv(ranks, rank_columns=["kingdom", "phylum", "class"])
    assert hierarchy == Hierarchy.from_paths(RANKED, ranks=["kingdom", "phylum", "class"])
    with pytest.raises(ValueError, match="give child_column and parent_column together, or rank_columns alone"):
        Hierarchy.from_csv(file, child_column="child")


def test_a_file_that_is_not_there_is_an_os_error(tmp_path) -> None:
    with pytest.raises(OSError, match="nothing.csv"):
        Hierarchy.from_csv(tmp_path / "nothing.csv")


def test_what_is_wrong_in_a_file_names_file_and_line(tmp_path) -> None:
    file = tmp_path / "cycle.csv"
    file.write_text("child,parent\na,b\nb,a\n")
    with pytest.raises(ValueError, match=r"cycle\.csv:3: 2 nodes form a cycle"):
        Hierarchy.from_csv(file)
    file.write_bytes(b"child,parent\n\xff\xfe,b\n")
    with pytest.raises(ValueError, match="cycle.csv"):
        Hierarchy.from_csv(file)


# Internal classes, DAGs, warnings.


def test_a_class_that_is_internal_has_a_leaf_of_its_own() -> None:
    hierarchy = Hierarchy.from_edges([("dog", "poodle"), ("dog", "beagle"), ("pet", "dog"), ("pet", "cat")])
    hierarchy = hierarchy.with_classes(["dog", "poodle", "beagle", "cat"])
    assert hierarchy.num_classes == 4
    assert hierarchy.classes[1:] == ["poodle", "beagle", "cat"]
    assert hierarchy.encode(hierarchy.classes).tolist() == [0, 1, 2, 3]
    assert hierarchy.encode(["=dog"]).tolist() == [0]
    assert hierarchy.encode(["dog"]).tolist() == [4 + hierarchy.node("dog")]
    assert hierarchy.decode(np.array([0, 4 + hierarchy.node("dog")])) == [hierarchy.classes[0], "dog"]
    assert sorted(hierarchy.classes_below("dog")) == [0, 1, 2]


def test_a_dag() -> None:
    hierarchy = Hierarchy.from_edges([("pet", "dog"), ("mammal", "dog"), ("mammal", "bat"), ("pet", "parrot")])
    assert not hierarchy.is_tree
    assert sorted(hierarchy.name(parent) for parent in hierarchy.parents("dog")) == ["mammal", "pet"]
    assert "DAG" in repr(hierarchy)
    with pytest.raises(ValueError, match="tree"):
        klados.loss("hierarchical_cross_entropy").compile(hierarchy)


def test_what_is_surprising_is_a_user_warning() -> None:
    with pytest.warns(UserWarning, match="bat"):
        hierarchy = Hierarchy.from_edges([*ANIMALS, ("mammal", "bat")])
    assert any("bat" in warning for warning in hierarchy.warnings)
    with pytest.warns(UserWarning, match="bird"):
        pruned = Hierarchy.from_edges(ANIMALS, classes=["bat", "bear", "dog"])
    assert "bird" not in pruned


def test_a_warning_is_given_once() -> None:
    with pytest.warns(UserWarning, match="bat"):
        hierarchy = Hierarchy.from_edges([*ANIMALS, ("mammal", "bat")])
    with pytest.warns(UserWarning, match="bird") as caught:
        pruned = hierarchy.with_classes(["bat", "bear", "dog"])
    assert [str(warning.message) for warning in caught] == pruned.warnings[1:] != []
    assert pruned.warnings[:1] == hierarchy.warnings


def test_a_warning_that_is_an_error_is_raised() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning):
            Hierarchy.from_edges([*ANIMALS, ("mammal", "bat")])


def test_depths_that_no_node_has_are_warned_of_where_the_loss_is_made(animals: Hierarchy) -> None:
    with pytest.warns(UserWarning, match="level|depth") as caught:
        HierarchicalLoss(animals, klados.loss("marginal_cross_entropy", weights={"levels": [1, 1, 1, 1]}))
    assert caught[0].filename == __file__


# Copies.


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickling(protocol: int) -> None:
    hierarchy = Hierarchy.from_paths(RANKED, ranks=["kingdom", "phylum", "class"]).with_classes(
        ["Insecta", "Aves", "Liliopsida", "Mammalia"]
    )
    again = pickle.loads(pickle.dumps(hierarchy, protocol))
    assert again == hierarchy
    assert hash(again) == hash(hierarchy)
    assert again.classes == hierarchy.classes
    assert again.nodes == hierarchy.nodes
    assert again.levels == hierarchy.levels
    assert again.node_columns.tolist() == hierarchy.node_columns.tolist()
    assert again != Hierarchy.from_paths(RANKED)


def test_pickling_keeps_columns_internal_classes_and_dags() -> None:
    edges = [("pet", "dog"), ("mammal", "dog"), ("mammal", "bat"), ("dog", "poodle")]
    hierarchy = Hierarchy.from_edges(edges, classes=["poodle", "dog", "bat"])
    columns = [
        hierarchy.path(node) if hierarchy.name(node) == "dog" else hierarchy.name(node)
        for node in hierarchy.node_columns
    ]
    assert len(columns) == hierarchy.num_nodes - 1
    again = pickle.loads(pickle.dumps(hierarchy))
    assert again == hierarchy
    assert again.encode(["=dog", "dog", "bat"]).tolist() == hierarchy.encode(["=dog", "dog", "bat"]).tolist()
    reordered = Hierarchy.from_edges(ANIMALS).with_node_columns([*CLASSES, "mammal", "bird"])
    assert pickle.loads(pickle.dumps(reordered)).node_columns.tolist() == reordered.node_columns.tolist()


def test_copies_share(animals: Hierarchy) -> None:
    assert copy.copy(animals) is animals
    assert copy.deepcopy(animals) is animals
    assert copy.deepcopy({"hierarchy": [animals]})["hierarchy"][0] is animals


def test_json(animals: Hierarchy) -> None:
    assert Hierarchy.from_json(animals.to_json()) == animals
    for text in ("", "{}", "[]", '{"nodes": ["a"], "edges": [[0, 7]], "classes": [0]}', '{"nodes": "a"}'):
        with pytest.raises(ValueError, match="not a hierarchy"):
            Hierarchy.from_json(text)


class Labels(Dataset):
    """Encodes in the worker, which the hierarchy comes to by pickling."""

    def __init__(self, hierarchy: Hierarchy, labels: list[str]) -> None:
        self.hierarchy = hierarchy
        self.labels = labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, at: int) -> int:
        return int(self.hierarchy.encode([self.labels[at]])[0])


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_through_the_workers_of_a_data_loader(animals: Hierarchy, method: str) -> None:
    labels = ["bat", "mammal", "robin", "", "bird"]
    loader = DataLoader(Labels(animals, labels), batch_size=2, num_workers=1, multiprocessing_context=method)
    assert [target for batch in loader for target in batch.tolist()] == animals.encode(labels).tolist()


def test_threads_share_a_hierarchy(animals: Hierarchy) -> None:
    expected = klados.loss_and_grad(np.eye(6), np.arange(6), animals)[0]
    found: list[float] = []
    work = [
        threading.Thread(target=lambda: found.append(klados.loss_and_grad(np.eye(6), np.arange(6), animals)[0]))
        for _ in range(8)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert found == [expected] * 8


# Text.


def test_repr_draws_the_tree(animals: Hierarchy) -> None:
    lines = repr(animals).splitlines()
    assert lines[0] == "Hierarchy(tree of 9 nodes, 6 classes, height 2)"
    assert lines[1:] == ["  " + line for line in str(animals).splitlines()]
    assert [line.strip() for line in str(animals).splitlines()][:3] == ["mammal", "bat", "bear"]


def test_repr_of_a_large_tree_is_short() -> None:
    hierarchy = Hierarchy.from_edges([("root", f"class {number}") for number in range(1000)])
    assert len(repr(hierarchy).splitlines()) < 50
    assert repr(hierarchy).endswith("more lines; str() has them all")
    assert len(str(hierarchy).splitlines()) >= 1000


# Labels to targets and back.


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


# Node tables.


def test_node_tables(animals: Hierarchy) -> None:
    names = animals.nodes
    assert animals.depths.tolist() == [
        0 if at == 0 else 1 if name in ("mammal", "bird") else 2 for at, name in enumerate(names)
    ]
    assert animals.heights.tolist() == [
        2 if at == 0 else 1 if name in ("mammal", "bird") else 0 for at, name in enumerate(names)
    ]
    assert animals.class_counts[0] == 6
    assert animals.class_counts[animals.node("bird")] == 3
    assert [names[node] for node in animals.class_nodes] == animals.classes
    assert animals.node_classes[animals.class_nodes].tolist() == list(range(6))
    assert (animals.node_classes == -1).sum() == 3
    assert sorted(animals.node_columns.tolist()) == list(range(1, 9))
    # By first appearance, the child before the parent.
    assert [names[node] for node in animals.node_columns] == [
        "bat",
        "mammal",
        "bear",
        "crow",
        "bird",
        "dog",
        "pigeon",
        "robin",
    ]
    for table in (
        animals.depths,
        animals.heights,
        animals.edges,
        animals.closure,
        animals.class_nodes,
        animals.node_columns,
    ):
        assert table.dtype == np.int64


def test_parents_come_before_children(animals: Hierarchy) -> None:
    assert animals.edges.shape == (8, 2)
    assert (animals.edges[:, 0] < animals.edges[:, 1]).all()


def test_the_closure_sums_classes_into_nodes(animals: Hierarchy) -> None:
    mass = np.zeros(animals.num_nodes)
    node, of_class = animals.closure.T
    np.add.at(mass, node, np.full(6, 1 / 6)[of_class])
    counts = animals.class_counts / 6
    # With or without the root, whose sum is 1 in any case.
    assert mass[1:] == pytest.approx(counts[1:])


def test_lca_ancestors_and_levels(animals: Hierarchy) -> None:
    assert animals.name(animals.lca("bat", "dog")) == "mammal"
    assert animals.lca("bat", "crow") == 0
    assert animals.lca(animals.node("bat"), "bat") == animals.node("bat")
    assert animals.node("mammal") in animals.ancestors("bat")
    assert animals.levels == [1, 2]
    assert [animals.name(node) for node in animals.level_nodes(1)] == ["mammal", "bird"]
    assert len(animals.level_nodes(2)) == 6
    assert animals.children("bird") == [animals.node(name) for name in ("crow", "pigeon", "robin")]
    assert animals.path("crow").endswith("bird > crow")


def test_node_columns_in_another_order(animals: Hierarchy) -> None:
    order = ["mammal", "bird", *CLASSES]
    again = animals.with_node_columns(order)
    assert [again.name(node) for node in again.node_columns] == order
    with pytest.raises(ValueError):
        animals.with_node_columns(order[1:])
    with pytest.raises(ValueError):
        animals.with_node_columns([*order[1:], "bird"])


def test_level_names(animals: Hierarchy) -> None:
    assert animals.with_level_names(["class", "species"]).levels == ["class", "species"]


def test_contains_names_not_indices(animals: Hierarchy) -> None:
    assert "crow" in animals
    assert "snake" not in animals
    with pytest.raises(TypeError):
        0 in animals  # noqa: B015


# Hostile input: a clear error, never a crash.


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


def test_names_may_be_anything_but_empty() -> None:
    names = ["ü", "狼", "a|b", "c;d", "e > f", "=g", "x" * 10_000, "tab\tand\nline", "\0"]
    hierarchy = Hierarchy.from_edges([("root", name) for name in names])
    assert hierarchy.num_classes == len(names)
    assert pickle.loads(pickle.dumps(hierarchy)) == hierarchy
    for name in names:
        if name.strip() == name:
            assert hierarchy.encode([name]).tolist() == [names.index(name)]
    with pytest.raises((TypeError, UnicodeEncodeError)):
        Hierarchy.from_edges([("root", "\ud800")])


@pytest.mark.parametrize("labels", ["bat", 7, None, [1], [b"bat"], [["bat"]], np.arange(3), [float("nan")]])
def test_labels_that_are_no_text(animals: Hierarchy, labels) -> None:
    with pytest.raises(TypeError):
        animals.encode(labels)


def test_a_label_that_is_no_text_names_its_row(animals: Hierarchy) -> None:
    with pytest.raises(TypeError, match="label 1: expected a name or None, got float"):
        animals.encode(["bat", float("nan")])


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


# Losses by name.


def test_a_loss_is_compared_hashed_and_pickled() -> None:
    loss = klados.loss("marginal_cross_entropy", weights={"levels": [1, 0.5]}, class_weight=np.ones(3))
    again = pickle.loads(pickle.dumps(loss))
    assert again == loss
    assert hash(again) == hash(loss)
    assert again.parameters == loss.parameters
    assert copy.deepcopy(loss) == loss
    assert loss != klados.loss("marginal_cross_entropy")
    assert loss.parameters["weights"] == {"levels": [1.0, 0.5]}
    assert len(klados.Loss.NAMES) == 13


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: klados.loss("cross_entropy"), ValueError, "marginal_cross_entropy"),
        (lambda: klados.loss(7), (TypeError, ValueError), "."),
        (lambda: klados.loss("soft_labels", beta="high"), ValueError, "beta|float|f64|number"),
        (lambda: klados.loss("soft_labels", beta=object()), TypeError, "object, which has no JSON form"),
        (lambda: klados.loss("soft_labels", alpha=1), ValueError, "unknown field `alpha`, expected one of"),
        (lambda: klados.loss({"name": "soft_labels"}), TypeError, "the loss is of type dict"),
        (lambda: klados.loss("soft_labels", beta=float("nan")), ValueError, "beta is nan, expected a finite number"),
        (lambda: klados.loss("soft_labels", beta=np.float32("inf")), ValueError, "beta is inf, expected a finite"),
        (
            lambda: klados.loss("soft_labels", class_weight=np.array([1, 2, -np.inf])),
            ValueError,
            r"class_weight\[2\] is -inf, expected a finite number",
        ),
        (
            lambda: klados.loss("soft_labels", class_weight=torch.tensor([1, float("nan")])),
            ValueError,
            r"class_weight\[1\] is nan, expected a finite number",
        ),
        (
            lambda: klados.loss("marginal_cross_entropy", weights={"levels": [1, float("nan")]}),
            ValueError,
            r"weights\['levels'\]\[1\] is nan",
        ),
        (
            lambda: klados.loss("weighted_cross_entropy", map=[("bat", "flies", float("inf"))]),
            ValueError,
            r"map\[0\]\[2\] is inf",
        ),
        (
            lambda: MarginalCrossEntropyLoss(Hierarchy.from_edges(ANIMALS), torch.ones(6)),
            ValueError,
            "weights of the classes are weight= of a module",
        ),
        (lambda: klados.loss("hierarchical_cross_entropy", weighting="width"), ValueError, "depth_normalized"),
    ],
)
def test_losses_that_are_none(make, error, words) -> None:
    with pytest.raises(error, match=words):
        make()


def test_parameters_that_do_not_fit_the_hierarchy(animals: Hierarchy) -> None:
    for parameters, words in [
        ({"weights": {"levels": {"genus": 1}}}, "genus"),
        ({"class_weight": [1, 2]}, "2"),
        ({"weights": {"levels": [-1]}}, "negative|-1"),
        ({"label_smoothing": 2}, "2"),
    ]:
        with pytest.raises(ValueError, match=words):
            klados.loss("marginal_cross_entropy", **parameters).compile(animals)


def test_all_public_names_are_there() -> None:
    for name in klados.__all__:
        assert getattr(klados, name) is not None
    assert klados.__version__.count(".") == 2
