"""Modules that are on the meta device, as a model is that is made without memory for its weights."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from every_loss import EVERY_LOSS, Example, tree
from torch import nn

from klados.torch import (
    HierarchicalLoss,
    LinearMarginalCrossEntropyLoss,
    MarginalCrossEntropyLoss,
    NodeLogProbs,
    RandomCutLoss,
)

pytestmark = pytest.mark.filterwarnings("ignore:weighting .height.")

each_loss = pytest.mark.parametrize("example", EVERY_LOSS, ids=lambda example: example.name)
ways_back = pytest.mark.parametrize("back", [lambda m: m.to_empty(device="cpu"), lambda m: m.to("cpu")])


def same_tables(a: HierarchicalLoss, b: HierarchicalLoss) -> None:
    """Bit by bit: a NaN of one is the same NaN of the other."""
    ours, theirs = dict(a.tables.named_buffers()), dict(b.tables.named_buffers())
    assert list(ours) == list(theirs)
    for name, table in ours.items():
        assert table.dtype == theirs[name].dtype, name
        torch.testing.assert_close(table, theirs[name], rtol=0, atol=0, equal_nan=True)


@each_loss
def test_tables_are_filled_again(example: Example) -> None:
    fresh = HierarchicalLoss(tree(), example.loss, impl="composed")
    moved = HierarchicalLoss(tree(), example.loss, impl="composed").to("meta")
    assert all(table.is_meta for table in moved.buffers())
    moved = moved.half()
    assert all(table.is_meta for table in moved.buffers())
    moved = moved.to_empty(device="cpu")
    same_tables(moved, fresh)
    logits = example.logits(6)
    for kind, target in example.targets(6).items():
        assert torch.equal(moved(logits, target, kind=kind), fresh(logits, target, kind=kind))


@ways_back
@pytest.mark.parametrize("impl", ["auto", "fused", "composed"])
def test_there_and_back(impl, back) -> None:
    fresh = MarginalCrossEntropyLoss(tree(), weight=torch.arange(1.0, 9.0), impl=impl)
    moved = back(copy.deepcopy(fresh).to("meta"))
    logits, target = torch.randn(4, 8), torch.tensor([0, 8, 3, -100])
    assert torch.equal(moved(logits, target), fresh(logits, target))
    assert torch.equal(back(copy.deepcopy(fresh))(logits, target), fresh(logits, target))
    nodes = NodeLogProbs(tree(), level=1, impl=impl)
    assert torch.equal(back(copy.deepcopy(nodes).to("meta"))(logits), nodes(logits))


def test_shapes_on_the_meta_device() -> None:
    logits = torch.empty(4, 8, device="meta", requires_grad=True)
    criterion = MarginalCrossEntropyLoss(tree(), reduction="none").to("meta")
    output = criterion(logits, torch.empty(4, dtype=torch.int64, device="meta"))
    assert output.is_meta and output.shape == (4,)
    assert torch.autograd.grad(output.sum(), logits)[0].shape == (4, 8)
    assert NodeLogProbs(tree()).to("meta")(logits).shape == (4, tree().num_nodes)


def test_a_model_that_is_made_on_the_meta_device() -> None:
    for impl in ("auto", "composed"):
        with torch.device("meta"):
            criterion, nodes = MarginalCrossEntropyLoss(tree(), impl=impl), NodeLogProbs(tree(), impl=impl)
            layer = nn.Linear(3, 8)
            head = LinearMarginalCrossEntropyLoss(tree(), 3, impl=impl)
        nn.ModuleList([criterion, nodes, layer]).to("meta").to_empty(device="cpu")
        head.to_empty(device="cpu").reset_parameters()
        layer.reset_parameters()
        input, target = torch.randn(4, 3), torch.arange(4)
        expected = MarginalCrossEntropyLoss(tree(), impl=impl)
        assert torch.equal(criterion(layer(input), target), expected(layer(input), target))
        assert torch.equal(nodes(layer(input)), NodeLogProbs(tree(), impl=impl)(layer(input)))
        torch.testing.assert_close(head(input, target), expected(head.logits(input), target))


def test_a_weight_without_data_is_refused_as_ever() -> None:
    head = LinearMarginalCrossEntropyLoss(tree(), 3, device="meta")
    with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"):
        head.to("cpu")


def test_steps_start_anew_where_they_were_lost() -> None:
    criterion = RandomCutLoss(tree())
    criterion.step.fill_(3)
    state = copy.deepcopy(criterion.state_dict())
    criterion.to("meta").to_empty(device="cpu")
    assert criterion.step == 0
    criterion.load_state_dict(state)
    assert criterion.step == 3 and criterion.double().step == 3


def test_what_is_kept_on_the_host_is_there_once() -> None:
    criterion = MarginalCrossEntropyLoss(tree(), impl="composed")
    for other in (criterion, copy.deepcopy(criterion), pickle.loads(pickle.dumps(criterion)).to("cpu")):
        form = other.tables.form
        assert len(form._on_host) > 0
        assert all(form._buffers[name] is values for name, values in form._on_host.items())
        same_tables(other, criterion)
        same_tables(copy.deepcopy(other).to("meta").to_empty(device="cpu"), criterion)
