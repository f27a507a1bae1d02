"""What the tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

import klados

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


@pytest.fixture
def animals() -> klados.Hierarchy:
    """Two levels, six classes."""
    return klados.Hierarchy.from_edges(ANIMALS)


@pytest.fixture(autouse=True)
def fixed_seed() -> Iterator[None]:
    """Every test draws the same numbers, alone or among others."""
    torch.manual_seed(20261124)
    yield
