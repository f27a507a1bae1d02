"""Every loss with parameters that are not its defaults, and targets of every kind that it takes."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from torch import Tensor

import klados

# Three levels, an internal class ("dog"), an only child ("tabby"), and classes in another order than the tree's.
EDGES = [
    ("animal", "mammal"),
    ("animal", "bird"),
    ("mammal", "dog"),
    ("mammal", "cat"),
    ("mammal", "bat"),
    ("dog", "poodle"),
    ("dog", "beagle"),
    ("cat", "tabby"),
    ("bird", "crow"),
    ("bird", "robin"),
    ("animal", "newt"),
]
CLASSES = ["robin", "tabby", "poodle", "newt", "dog", "bat", "beagle", "crow"]


@functools.cache
def tree() -> klados.Hierarchy:
    return klados.Hierarchy.from_edges(EDGES, classes=CLASSES)


WEIGHT = [1.0, 0.5, 2.0, 1.0, 1.5, 0.25, 1.0, 3.0]
MAP = [
    ("robin", "flies", 1.0),
    ("tabby", "purrs", 1.0),
    ("poodle", "barks", 0.75),
    ("poodle", "purrs", 0.25),
    ("newt", "swims", 1.0),
    ("dog", "barks", 1.0),
    ("bat", "flies", 0.5),
    ("bat", "swims", 0.5),
    ("beagle", "barks", 1.0),
    ("crow", "flies", 1.0),
]
COLUMNS_OF_THE_WEIGHTED_FORM = [
    ("robin", "flies", 0.5),
    ("crow", "flies", 0.5),
    ("poodle", "barks", 0.4),
    ("beagle", "barks", 0.6),
]


@dataclass(frozen=True)
class Example:
    """A loss on :func:`tree`, and what targets it takes."""

    name: str
    loss: klados.Loss
    coarse: bool = True
    unions: bool = False
    soft: bool = True
    sets: bool = False

    @property
    def hierarchy(self) -> klados.Hierarchy:
        return tree()

    def columns(self) -> int:
        return self.loss.compile(tree()).columns

    def logits(self, rows: int, dtype: torch.dtype = torch.float64) -> Tensor:
        return torch.randn(rows, self.columns(), dtype=dtype)

    def index(self, rows: int) -> Tensor:
        """Classes, nodes and an ignored row."""
        labels = [*CLASSES[:3], "", *("=dog" if name == "dog" else name for name in CLASSES[3:])]
        if self.coarse and self.loss.name != "weighted_cross_entropy":
            labels[1:1] = ["mammal", "dog", "bird", "cat"]
        target = torch.from_numpy(self.loss.compile(tree()).encode(labels))
        return target.repeat(-(-rows // len(target)))[:rows]

    def targets(self, rows: int) -> dict[str, Tensor]:
        """A target of each kind."""
        found = {"index": self.index(rows)}
        classes = tree().num_classes
        if self.soft:
            found["probabilities"] = torch.rand(rows, classes, dtype=torch.float64).softmax(1)
        if self.unions:
            found["candidates"] = torch.rand(rows, classes) < 0.4
        if self.sets:
            labels = ["robin;beagle", "mammal;crow", ";", "newt;"]
            marks = torch.from_numpy(tree().encode_multi_hot(labels)).long()
            marks[1, 0] = -100
            found["multi_hot"] = marks.repeat(-(-rows // 4), 1)[:rows]
        return found


def _example(name: str, loss: str, *, coarse=True, unions=False, soft=True, sets=False, **parameters) -> Example:
    return Example(name, klados.loss(loss, **parameters), coarse, unions, soft, sets)


_LEVELS = {"levels": [0.25, 1, 0.5]}

EVERY_LOSS = [
    _example("marginal", "marginal_cross_entropy", unions=True),
    _example(
        "marginal_all",
        "marginal_cross_entropy",
        unions=True,
        weights=_LEVELS,
        label_smoothing=0.1,
        gamma=1.5,
        class_weight=WEIGHT,
    ),
    _example("marginal_leaves", "marginal_cross_entropy", unions=True, weights="leaves"),
    _example(
        "hierarchical", "hierarchical_cross_entropy", unions=True, alpha=0.5, label_smoothing=0.1, class_weight=WEIGHT
    ),
    _example("hierarchical_height", "hierarchical_cross_entropy", unions=True, alpha=0.5, weighting="height", gamma=2),
    _example("soft_labels", "soft_labels", soft=False, beta=3, gamma=1, class_weight=WEIGHT),
    _example(
        "weighted", "weighted_cross_entropy", map=MAP, label_smoothing=0.1, class_weight=WEIGHT, superclass_weight=0.5
    ),
    _example("levelwise", "levelwise_softmax", weights=_LEVELS, label_smoothing=0.1, gamma=1, class_weight=WEIGHT),
    _example("sibling", "sibling_softmax", unions=True, alpha=0.3, label_smoothing=0.1, gamma=1, class_weight=WEIGHT),
    _example(
        "parameter_sharing",
        "parameter_sharing_softmax",
        unions=True,
        weights=_LEVELS,
        label_smoothing=0.1,
        class_weight=WEIGHT,
    ),
    _example("conditional_sigmoid", "conditional_sigmoid", sets=True, class_weight=WEIGHT),
    _example("binary_independent", "binary_cross_entropy", sets=True, gamma=2, pos_weight=3, incomplete=True),
    _example("binary_noisy_or", "binary_cross_entropy", sets=True, form="noisy_or", weights=_LEVELS),
    _example("binary_max", "binary_cross_entropy", sets=True, form="max"),
    _example("binary_weighted", "binary_cross_entropy", sets=True, form="weighted", map=COLUMNS_OF_THE_WEIGHTED_FORM),
    _example("tree_min", "tree_min", sets=True, gamma=1, class_weight=WEIGHT),
    _example("descendant", "descendant_softmax", class_weight=WEIGHT),
    _example("margin", "softmax_margin", tau=0.5, class_weight=WEIGHT),
    _example("margin_hard", "softmax_margin", hard=True),
    _example("random_cut", "random_cut", coarse=False, p=0.4, seed=7, class_weight=WEIGHT),
]
"""At least one of each loss."""

assert {example.loss.name for example in EVERY_LOSS} == set(klados.Loss.NAMES)
