"""Losses as modules: copies, state, devices."""

from __future__ import annotations

import copy
import io
import pickle

import every_loss
import pytest
import torch
from every_loss import Example
from fused_losses import TARGET, each_loss, fused, gradient
from torch import Tensor, nn

import klados
from klados.torch import HierarchicalLoss, MarginalCrossEntropyLoss, functional

# What opcheck uses of torch, and a convention of a paper.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated", "ignore:weighting .height.")


def test_another_device_than_the_target_is_an_error(criterion, input) -> None:
    with pytest.raises(ValueError, match="the logits are on cpu and the target is on meta"):
        criterion(input, TARGET.to("meta"))
    with pytest.raises(
        ValueError, match="impl='fused' runs on the CPU and the logits are on meta; use 'auto' or 'composed'"
    ):
        criterion(input.to("meta"), TARGET)
    auto = MarginalCrossEntropyLoss(every_loss.tree())
    with pytest.raises(ValueError, match=r"the logits are on meta and the target is on cpu"):
        auto(input.to("meta"), TARGET)
    with pytest.raises(
        ValueError, match=r"the input is on meta and the tables of the loss on cpu; move it: loss.to\('meta'\)"
    ):
        auto(input.to("meta"), TARGET.to("meta"))
    with pytest.raises(ValueError, match="the logits are on cpu and the target is on meta"):
        auto(input, TARGET.to("meta"))
    with pytest.raises(ValueError, match="the logits are on cpu and the target is on meta"):
        functional.marginal_cross_entropy(input, TARGET.to("meta"), every_loss.tree())


def test_the_default_device_is_not_where_results_go(criterion, input) -> None:
    expected = criterion(input, TARGET)
    expected_grad = gradient(expected, input)
    with torch.device("meta"):
        loss = criterion(input, TARGET)
        again = MarginalCrossEntropyLoss(every_loss.tree())
        assert torch.equal(again(input, TARGET), expected)
    assert torch.equal(loss, expected)
    assert torch.equal(gradient(loss, input), expected_grad)


@each_loss
def test_copies_of_a_module(example: Example) -> None:
    criterion = fused(example, reduction="sum", ignore_index=-1).eval()
    input, target = example.logits(4), example.index(4).clamp(min=-1)
    expected = criterion(input, target)
    for again in (copy.copy(criterion), copy.deepcopy(criterion), pickle.loads(pickle.dumps(criterion))):
        assert torch.equal(again(input, target), expected)
        assert repr(again) == repr(criterion)
        assert again.loss == criterion.loss
    file = io.BytesIO()
    torch.save(criterion, file)
    file.seek(0)
    assert torch.equal(torch.load(file, weights_only=False)(input, target), expected)


def test_a_module_has_no_state_and_moves(criterion, input) -> None:
    assert criterion.state_dict() == {}
    assert list(criterion.parameters()) == []
    criterion.load_state_dict({})
    expected = criterion(input, TARGET)
    for moved in (
        criterion.double(),
        criterion.half(),
        criterion.to("cpu"),
        criterion.to(torch.float32),
        criterion.float(),
    ):
        assert moved is criterion
        assert torch.equal(moved(input, TARGET), expected)
    assert criterion.requires_grad_(False) is criterion


def test_in_a_network(input) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Linear(4, 8), nn.Tanh())
            self.criterion = MarginalCrossEntropyLoss(every_loss.tree())

        def forward(self, input: Tensor, target: Tensor) -> Tensor:
            return self.criterion(self.body(input), target)

    net = Net()
    assert not any("criterion" in name for name in net.state_dict())
    net.load_state_dict(Net().state_dict(), strict=True)
    assert "MarginalCrossEntropyLoss(columns=8" in repr(net)
    net(torch.randn(3, 4), torch.tensor([0, 1, 2])).backward()
    assert net.body[0].weight.grad.any()
    again = copy.deepcopy(net)
    assert again.criterion.hierarchy is net.criterion.hierarchy


def test_what_a_module_prints() -> None:
    loss = HierarchicalLoss(every_loss.tree(), klados.loss("soft_labels", beta=4), reduction="sum", ignore_index=0)
    assert repr(loss) == "HierarchicalLoss(columns=8, beta=4.0, ignore_index=0, reduction='sum', impl='auto')"
