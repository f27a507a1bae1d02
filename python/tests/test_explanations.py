"""Where a loss and its gradient come from: the values of the terms and their shares add up to what is trained with."""

from __future__ import annotations

import json

import every_loss
import numpy as np
import pytest
import torch
from batches import INF
from every_loss import EVERY_LOSS, Example

import klados
from klados.torch import HierarchicalLoss, MarginalCrossEntropyLoss, RandomCutLoss

# A convention of a paper.
pytestmark = pytest.mark.filterwarnings("ignore:weighting .height.")

each_loss = pytest.mark.parametrize("example", EVERY_LOSS, ids=lambda example: example.name)

# The forum's example: the logits of docs/explain.md.
CROW = [-1.20749462, 0.54933286, -0.38559750, 0.69097888, -0.74239856, 0.15704437]


@each_loss
def test_shares_add_up_to_the_gradient(example: Example) -> None:
    for kind, target in example.targets(6).items():
        logits = example.logits(6).numpy()
        losses, grad = klados.loss_and_grad(
            logits, target.numpy(), example.hierarchy, example.loss, reduction="none", kind=kind
        )
        for row in range(6):
            explained = klados.explain(logits, target.numpy(), example.hierarchy, example.loss, row=row, kind=kind)
            assert explained.loss == pytest.approx(losses[row], rel=1e-12, abs=1e-12)
            assert sum(term.value for term in explained.terms) == pytest.approx(losses[row], rel=1e-12, abs=1e-12)
            np.testing.assert_allclose(explained.shares.sum(0), grad[row], rtol=0, atol=1e-12)
            np.testing.assert_allclose(explained.gradient, grad[row], rtol=0, atol=1e-12)
            assert [column.logit for column in explained.columns] == logits[row].tolist()


@each_loss
def test_the_mean_is_that_of_the_rows(example: Example) -> None:
    for kind, target in example.targets(6).items():
        logits = example.logits(6).numpy()
        options = {"reduction": "none", "kind": kind}
        losses, grad = klados.loss_and_grad(logits, target.numpy(), example.hierarchy, example.loss, **options)
        mean = klados.explain(logits, target.numpy(), example.hierarchy, example.loss, kind=kind)
        assert mean.rows + mean.ignored == 6
        if mean.rows:
            assert mean.loss == pytest.approx(losses.sum() / mean.rows, rel=1e-12)
            np.testing.assert_allclose(mean.gradient, grad.sum(0) / mean.rows, rtol=0, atol=1e-12)
            np.testing.assert_allclose(mean.shares.sum(0), mean.gradient, rtol=0, atol=1e-12)
            assert mean.shares.shape == (len(mean.levels), example.columns())


@each_loss
def test_a_module_explains_what_autograd_differentiates(example: Example) -> None:
    criterion = HierarchicalLoss(example.hierarchy, example.loss, reduction="none").eval()
    for kind, target in example.targets(4).items():
        for dtype in (torch.float32, torch.float64):
            input = example.logits(4, dtype).requires_grad_()
            criterion(input, target, kind=kind).sum().backward()
            assert input.grad is not None
            for row in range(4):
                explained = criterion.explain(input, target, row=row, kind=kind)
                # 2e-7 a unit in the last place of shares of some hundred at most
                tolerance = 1e-12 if dtype == torch.float64 else 1e-4
                np.testing.assert_allclose(explained.gradient, input.grad[row].numpy(), rtol=1e-5, atol=tolerance)


def test_the_text_is_that_of_the_command_line(animals: klados.Hierarchy) -> None:
    # As docs/explain.md has it, and crates/klados-cli/tests/it/explain.rs.
    assert str(klados.explain([CROW], animals.encode(["crow"]), animals, row=0)) == """\
marginal_cross_entropy: 3.2392 (row 0, label crow)

node        logit    log P       P    loss
mammal             -0.4559  0.6339
bird *             -1.0047  0.3661  1.0047
  crow *  -0.3856  -2.2345  0.1070  2.2345
  pigeon  -0.7424  -2.5913  0.0749
  robin    0.1570  -1.6918  0.1842

term     weight  -log P    loss
P(crow)  1.0000  2.2345  2.2345
P(bird)  1.0000  1.0047  1.0047

pushed up  gradient  by
crow        -1.0783  P(crow) -0.8930, P(bird) -0.1853
robin       -0.1347  P(bird) -0.3188; against it P(crow) +0.1842
pigeon      -0.0548  P(bird) -0.1297; against it P(crow) +0.0749

pushed down  gradient  by
dog           +0.6283  P(crow) +0.3141, P(bird) +0.3141
bear          +0.5453  P(crow) +0.2727, P(bird) +0.2727
bat           +0.0941  P(crow) +0.0471, P(bird) +0.0471"""
    assert str(klados.explain([CROW, CROW], animals.encode(["crow", "dog"]), animals)) == """\
marginal_cross_entropy: 2.4265 (mean over 2 rows)

node        logit       P    loss
mammal *           0.6339  0.2280
  bat     -1.2075  0.0471
  bear     0.5493  0.2727
  dog *    0.6910  0.3141  0.5790
bird *             0.3661  0.5024
  crow *  -0.3856  0.1070  1.1172
  pigeon  -0.7424  0.0749
  robin    0.1570  0.1842

term       rows  -log P    loss
P(crow)       1  2.2345  1.1172
P(dog)        1  1.1579  0.5790
P(bird)       1  1.0047  0.5024
P(mammal)     1  0.4559  0.2280

pushed up  gradient  by
crow        -0.4321  depth 2 -0.3930, depth 1 -0.0391
dog         -0.1195  depth 2 -0.1859; against it depth 1 +0.0663

pushed down  gradient  by
bear          +0.3302  depth 2 +0.2727, depth 1 +0.0576
robin         +0.1168  depth 2 +0.1842; against it depth 1 -0.0673
bat           +0.0570  depth 2 +0.0471, depth 1 +0.0099
pigeon        +0.0475  depth 2 +0.0749; against it depth 1 -0.0274"""


def test_special_rows_say_what_they_are(animals: klados.Hierarchy) -> None:
    logits = np.array([CROW] * 4)
    logits[1, 2] = -INF
    logits[2, 0] = np.nan
    target = np.array([2, 2, 2, -1])
    outcomes = []
    for row, words in enumerate(["(row 0, label crow)", "probability 0", "NaN or +inf", "ignored"]):
        explained = klados.explain(logits, target, animals, row=row, ignore_index=-1)
        outcomes.append((explained.outcome, explained.loss))
        assert words in str(explained)
        assert ("pushed up" in str(explained)) == (row == 0)
    assert outcomes[1] == ("impossible", INF)
    assert outcomes[2][0] == "not_a_number" and np.isnan(outcomes[2][1])
    assert outcomes[3] == ("ignored", 0)
    mean = klados.explain(logits, target, animals, ignore_index=-1)
    assert (mean.rows, mean.ignored, mean.impossible, mean.not_a_number) == (1, 1, 1, 1)
    assert mean.loss == outcomes[0][1]
    assert "left out: 1 row with NaN" in str(mean)
    nothing = klados.explain(logits[:0], target[:0], animals)
    assert (nothing.rows, nothing.levels, nothing.shares.shape) == (0, (), (0, 6))
    assert str(nothing) == "marginal_cross_entropy: 0 (mean over 0 rows)"


def test_levels_are_ranks_where_there_are_ranks(animals: klados.Hierarchy) -> None:
    ranked = animals.with_level_names(["order", "species"])
    mean = klados.explain([CROW], ranked.encode(["crow"]), ranked)
    assert mean.levels == ("order", "species")
    union = np.array([[False, True, True, False, False, False]])
    assert klados.explain([CROW], union, ranked).levels == ("unions",)


def test_dicts_are_json(animals: klados.Hierarchy) -> None:
    target = animals.encode(["crow"])
    of_row = json.loads(json.dumps(klados.explain([CROW], target, animals, row=0).to_dict()))
    assert list(of_row) == ["outcome", "loss", "terms", "columns", "nodes"]
    assert of_row["terms"][1]["quantity"] == "P(bird)"
    assert of_row["columns"][5]["shares"][0]["term"] == 1
    mean = json.loads(json.dumps(klados.explain([CROW], target, animals).to_dict()))
    assert mean["levels"] == ["depth 1", "depth 2"]
    assert sum(mean["columns"][5]["shares"]) == pytest.approx(mean["columns"][5]["gradient"], abs=1e-15)


def test_many_children_and_columns_are_cut_and_counted() -> None:
    flat = klados.Hierarchy.from_edges([("all", f"c{at}") for at in range(100)])
    logits = np.arange(100) / 10
    text = str(klados.explain(logits, 0, flat, row=0))
    # Of the nodes c0 and the 19 most probable, c81 to c99; ten of the 99 others are pushed down.
    assert "c81 " in text and "c80 " not in text
    assert "... and 80 more" in text
    assert text.endswith("... and 89 more")
    assert "nodes below depth 1 are left out" not in text
    deep = klados.Hierarchy.from_edges(
        [edge for at in range(100) for edge in ((f"p{at // 10}", f"q{at}"), (f"q{at}", f"r{at}"))]
    )
    text = str(klados.explain(logits, 0, deep))
    assert "nodes below depth 1 are left out" in text and "q0 " not in text


def test_a_chain_of_thousands_is_written() -> None:
    chain = klados.Hierarchy.from_edges([*((f"n{at}", f"n{at + 1}") for at in range(3000)), ("n0", "leaf")])
    text = str(klados.explain([0.0, 1.0], 0, chain, "marginal_cross_entropy", row=0))
    assert max(map(len, text.splitlines())) < 120


def test_batches_of_any_shape_of_a_module(animals: klados.Hierarchy) -> None:
    criterion = MarginalCrossEntropyLoss(animals, ignore_index=-1)
    input, target = torch.randn(2, 6, 3), torch.randint(6, (2, 3))
    assert criterion.explain(input, target).rows == 6
    # Row 4 is at place 1 of sample 1.
    expected = criterion.explain(input[1, :, 1], target[1, 1], row=0)
    assert criterion.explain(input, target, row=4).loss == expected.loss
    half = criterion.explain(input.bfloat16(), target, row=4)
    assert half.loss == pytest.approx(expected.loss, rel=0.05)
    assert criterion.explain(input, torch.full((2, 3), -1)).ignored == 6


def test_a_loss_that_draws_is_explained_as_the_next_pass_draws() -> None:
    criterion = RandomCutLoss(every_loss.tree(), p=0.4, seed=7)
    input, target = torch.randn(3, criterion.columns, dtype=torch.float64), torch.tensor([0, 1, 2])
    for _ in range(4):
        explained = criterion.explain(input, target)
        assert explained.loss == pytest.approx(criterion(input, target).item(), rel=1e-12)


def test_calls_that_make_no_sense(animals: klados.Hierarchy) -> None:
    logits, target = np.array([CROW, CROW]), np.array([2, 3])
    for row in (2, -1):
        with pytest.raises(ValueError, match=rf"row is {row}, expected 0 to 1: the logits have 2 rows"):
            klados.explain(logits, target, animals, row=row)
    with pytest.raises(TypeError):
        klados.explain(logits, target, animals, row="0")
    with pytest.raises(ValueError, match=r"the logits have shape \(2, 5\), expected"):
        klados.explain(logits[:, :5], target, animals)
    with pytest.raises(ValueError, match="row 1: the target is 99"):
        klados.explain(logits, [2, 99], animals)
    with pytest.raises(ValueError, match="row 1: "):
        klados.explain(logits, [[1, 0, 0, 0, 0, 0], [0.5, 0, 0, 0, 0, 0]], animals)
    with pytest.raises(ValueError, match="step is -1"):
        klados.explain(logits, target, animals, step=-1)
