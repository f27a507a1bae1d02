"""The hierarchies that the composed path is tried on, and class weights for them."""

from __future__ import annotations

import klados

# Classes at four depths, an internal class, only children, and columns in another order than the tree's.
TREE = [
    ("animal", "bird"),
    ("animal", "mammal"),
    ("mammal", "dog"),
    ("dog", "poodle"),
    ("dog", "beagle"),
    ("mammal", "cat"),
    ("cat", "tabby"),
    ("mammal", "bat"),
    ("bird", "crow"),
    ("bird", "owl"),
    ("owl", "barn owl"),
    ("owl", "snowy owl"),
    ("animal", "newt"),
]
TREE_CLASSES = ["crow", "bat", "poodle", "beagle", "dog", "tabby", "snowy owl", "newt", "barn owl"]
DAG = [
    ("thing", "pet"),
    ("thing", "wild"),
    ("thing", "furry"),
    ("pet", "cat"),
    ("furry", "cat"),
    ("pet", "parrot"),
    ("wild", "parrot"),
    ("wild", "bear"),
    ("furry", "bear"),
    ("wild", "newt"),
    ("bear", "polar bear"),
    ("bear", "brown bear"),
    ("furry", "brown bear"),
]


def tree() -> klados.Hierarchy:
    return klados.Hierarchy.from_edges(TREE, classes=TREE_CLASSES)


def dag() -> klados.Hierarchy:
    return klados.Hierarchy.from_edges(DAG)


def weights(classes: int) -> list[float]:
    return [0.0 if k == 1 else 0.5 + k % 3 for k in range(classes)]
