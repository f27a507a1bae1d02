"""Losses by name: values, and errors that say what there is."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from conftest import ANIMALS

import klados
from klados import Hierarchy
from klados.torch import MarginalCrossEntropyLoss


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
