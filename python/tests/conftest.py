"""What the tests share."""

from __future__ import annotations

from collections.abc import Iterator

import every_loss
import pytest
import torch
from torch import Tensor

import klados
from klados.torch import MarginalCrossEntropyLoss

# Torch's threads wait for each other by spinning, which on small batches beside other work is most of the time.
torch.set_num_threads(1)

ANIMALS = [
    ("mammal", "bat"),
    ("mammal", "bear"),
    ("bird", "crow"),
    ("mammal", "dog"),
    ("bird", "pigeon"),
    ("bird", "robin"),
]
CLASSES = ["bat", "bear", "crow", "dog", "pigeon", "robin"]

RANKED = [
    ["Animalia", "Chordata", "Aves"],
    ["Animalia", "Chordata", "Mammalia"],
    ["Animalia", "Arthropoda", "Insecta"],
    ["Plantae", "Tracheophyta", "Liliopsida"],
]


@pytest.fixture
def animals() -> klados.Hierarchy:
    """Two levels, six classes."""
    return klados.Hierarchy.from_edges(ANIMALS)


@pytest.fixture(autouse=True)
def fixed_seed() -> Iterator[None]:
    """Every test draws the same numbers, alone or among others."""
    torch.manual_seed(20261124)
    yield


@pytest.fixture
def criterion() -> MarginalCrossEntropyLoss:
    return MarginalCrossEntropyLoss(every_loss.tree(), impl="fused")


@pytest.fixture
def input() -> Tensor:
    return torch.randn(5, 8, requires_grad=True)


@pytest.fixture
def dynamo():
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    yield torch._dynamo
    torch._dynamo.reset()
