"""Hierarchies that are copied, pickled, sent to workers and shared by threads."""

from __future__ import annotations

import copy
import pickle
import threading

import numpy as np
import pytest
from conftest import ANIMALS, CLASSES, RANKED
from torch.utils.data import DataLoader, Dataset

import klados
from klados import Hierarchy


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
