"""Tensors that are not the memory that they say: wrappers, fakes, views that negate, storages that were freed."""

from __future__ import annotations

import pytest
import torch
from every_loss import tree
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.testing._internal.two_tensor import TwoTensor

import klados
from klados.torch import MarginalCrossEntropyLoss, NodeLogProbs


@pytest.fixture
def loss() -> MarginalCrossEntropyLoss:
    return MarginalCrossEntropyLoss(tree())


@pytest.fixture
def batch(loss: MarginalCrossEntropyLoss) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, loss.columns, generator=generator)
    return logits, torch.randint(loss.columns, (4,), generator=generator)


def test_fakes_have_the_shape_of_the_loss(loss: MarginalCrossEntropyLoss) -> None:
    with FakeTensorMode():
        logits = torch.randn(4, loss.columns, requires_grad=True)
        value = loss(logits, torch.zeros(4, dtype=torch.int64))
        assert value.shape == () and value.dtype == torch.float32
        nodes = NodeLogProbs(tree(), level=1)
        assert nodes(logits).shape[0] == 4


def test_a_wrapper_has_the_loss_of_what_it_wraps(
    loss: MarginalCrossEntropyLoss, batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    logits, target = batch
    value = loss(TwoTensor(logits, logits.clone()), target)
    assert isinstance(value, TwoTensor) and torch.equal(value.a, loss(logits, target))


def test_a_recorded_graph_computes_the_loss(
    loss: MarginalCrossEntropyLoss, batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    logits, target = batch
    graph = make_fx(lambda logits, target: loss(logits, target))(logits, target)
    other = logits + torch.arange(loss.columns)
    assert torch.equal(graph(other, target), loss(other, target))


def test_a_freed_storage_is_an_error(
    loss: MarginalCrossEntropyLoss, batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    logits, target = batch
    logits.untyped_storage().resize_(0)
    with pytest.raises(ValueError, match="an array has no memory"):
        loss(logits, target)


def test_a_negated_view_is_negated(
    loss: MarginalCrossEntropyLoss, batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    logits, target = batch
    assert torch.equal(loss(torch._neg_view(logits), target), loss(-logits, target))
    nodes = NodeLogProbs(tree())
    assert torch.equal(nodes(torch._neg_view(logits)), nodes(-logits))


def test_the_operators_check_what_they_are_given(
    loss: MarginalCrossEntropyLoss, batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    logits, target = batch
    handle, step = loss._compiled.handle, torch.tensor(0)
    for rows, targets in ((logits[:, :1], target), (logits, target[:1])):
        with pytest.raises(ValueError, match="the shape of the logits is"):
            torch.ops.klados.loss(rows, targets, step, handle, "index", -100, "mean", True)
    with pytest.raises(RuntimeError, match="came from another process"):
        torch.ops.klados.loss(logits, target, step, 0, "index", -100, "mean", True)
    criterion = loss._compiled.criterion
    with pytest.raises(ValueError, match="an array has no memory"):
        criterion._run((0, "float32", 4), ("index", 0, "int64", 1), -100, 0, "mean", 0, 0)
    assert criterion._run((0, "float32", 0), ("index", 0, "int64", 1), -100, 0, "none", 0, 0) == 1


def test_two_processes_share_no_handle() -> None:
    first, second = (MarginalCrossEntropyLoss(tree())._compiled.handle for _ in range(2))
    # By chance once in 2^31 runs.
    assert min(first, second) > 1 << 30 and first != second


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_softmax_of_any_type_is_a_distribution(dtype: torch.dtype) -> None:
    classes = 20_000
    hierarchy = klados.Hierarchy.from_edges((str(k % 100), f"class {k}") for k in range(classes))
    loss = MarginalCrossEntropyLoss(hierarchy)
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(8, classes, generator=generator)
    target = (5 * torch.randn(8, classes, generator=generator)).softmax(1).to(dtype)
    wide = target.double() / target.double().sum(1, keepdim=True)
    torch.testing.assert_close(loss(logits, target), loss(logits, wide), rtol=1e-6, atol=0)
    with pytest.raises(ValueError, match="row 0: the soft label sums to 0.9"):
        loss(logits, target * 0.95)


def test_many_upstream_gradients_at_once(
    loss: MarginalCrossEntropyLoss, batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    logits, target = batch
    logits.requires_grad_()
    each = MarginalCrossEntropyLoss(tree(), reduction="none")
    (all_at_once,) = torch.autograd.grad(each(logits, target), logits, torch.eye(4), is_grads_batched=True)
    one_by_one = [torch.autograd.grad(each(logits, target), logits, row)[0] for row in torch.eye(4)]
    assert torch.equal(all_at_once, torch.stack(one_by_one))


def test_an_error_is_not_its_own_cause(loss: MarginalCrossEntropyLoss) -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.func.vmap(loss)(torch.zeros(2, 3, loss.columns), torch.zeros(2, 3, dtype=torch.int64))
    assert "impl='composed'" in str(caught.value)
    seen, error = [], caught.value
    while error is not None:
        assert not any(error is other for other in seen)
        seen.append(error)
        error = error.__cause__
