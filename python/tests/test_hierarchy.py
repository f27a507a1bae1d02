"""Hierarchies in Python: building, internal classes, DAGs, warnings, node tables, text."""

from __future__ import annotations

import warnings
from pathlib import Path

import networkx
import numpy as np
import pytest
from conftest import ANIMALS, CLASSES, RANKED

import klados
from klados import Hierarchy
from klados.torch import HierarchicalLoss


def edges_of(hierarchy: Hierarchy) -> set[tuple[str, str]]:
    return {(hierarchy.name(parent), hierarchy.name(child)) for parent, child in hierarchy.edges}


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


def test_from_file_with_relationships(tmp_path) -> None:
    file = tmp_path / "body.obo"
    terms = ["[Term]\nid: A:1\nname: hand\n", "[Term]\nid: A:2\nname: finger\nrelationship: part_of A:1 ! hand\n"]
    file.write_text("\n".join(["format-version: 1.4\n", *terms]))
    assert Hierarchy.from_file(file).classes == ["hand", "finger"]
    assert Hierarchy.from_file(file, relationships=["part_of"]).classes == ["finger"]


def test_from_file_with_wordnet(tmp_path) -> None:
    excerpt = Path(__file__).parents[2] / "testdata/hierarchies/wordnet"
    file = tmp_path / "synsets.txt"
    file.write_text("n00000006\nn00000005\n")
    hierarchy = Hierarchy.from_file(file, wordnet=excerpt)
    assert hierarchy.num_classes == 2
    assert hierarchy.encode(["n00000005", "n00000006"]).tolist() == [1, 0]


def test_from_file(tmp_path) -> None:
    file = tmp_path / "animals.csv"
    file.write_text("child,parent\n" + "".join(f"{child},{parent}\n" for parent, child in ANIMALS))
    hierarchy = Hierarchy.from_edges(ANIMALS)
    assert Hierarchy.from_file(file) == hierarchy == Hierarchy.from_file(str(file), format="edges")
    stored = tmp_path / "animals.json"
    stored.write_text(hierarchy.with_classes(CLASSES).to_json())
    assert Hierarchy.from_file(stored).classes == CLASSES
    with pytest.raises(ValueError, match='unknown format "edgs"; the formats are "edges"'):
        Hierarchy.from_file(file, format="edgs")
    file.write_text("what is this\n")
    with pytest.raises(ValueError, match="animals.csv: the format is none .*; say which with format="):
        Hierarchy.from_file(file)
    with pytest.raises(OSError, match="nothing.csv"):
        Hierarchy.from_file(tmp_path / "nothing.csv")


def test_ids_tell_equal_names_apart() -> None:
    text = (
        '{"nodes":["Iris","Iris","life"],"ids":["T:2","T:3","T:1"],"synonyms":[[1,"mantis"]],"edges":[[2,0],[2,1]],'
        '"classes":[0,1]}'
    )
    hierarchy = Hierarchy.from_json(text)
    assert hierarchy.classes == ["T:2", "T:3"]
    assert (hierarchy.name("T:3"), hierarchy.id("T:3"), hierarchy.synonyms("T:3")) == ("Iris", "T:3", ["mantis"])
    assert hierarchy.decode(hierarchy.encode(["T:3", "life"])) == ["T:3", "life"]
    assert Hierarchy.from_json(hierarchy.to_json()) == hierarchy
    with pytest.raises(ValueError, match='ambiguous; give its id: "T:2", "T:3"'):
        hierarchy.id("Iris")


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
