"""The fused path of PyTorch: derivatives, rows that are special, threads."""

from __future__ import annotations

import threading

import every_loss
import pytest
import torch
from every_loss import Example
from fused_losses import FLAT, INF, NAN, TARGET, each_loss, fused, gradient
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

import klados
from klados.torch import MarginalCrossEntropyLoss

# What opcheck uses of torch, and a convention of a paper.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated", "ignore:weighting .height.")


@each_loss
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_gradcheck(example: Example, reduction: str) -> None:
    for kind, target in example.targets(9).items():
        criterion = fused(example, reduction=reduction)
        input = example.logits(9).requires_grad_()
        assert torch.autograd.gradcheck(lambda input: criterion(input, target, kind=kind), input)


@each_loss
def test_nothing_is_computed_for_a_gradient_that_nobody_asks_for(example: Example) -> None:
    criterion = fused(example)
    made: list[str] = []

    class Record(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            made.append(str(func))
            return func(*args, **(kwargs or {}))

    target = example.index(4)
    input = example.logits(4)
    with Record():
        loss = criterion(input, target)
    assert loss.grad_fn is None
    assert not loss.requires_grad
    assert not any("empty_like" in name for name in made)
    with torch.no_grad():
        assert criterion(input.requires_grad_(), target).grad_fn is None
    with torch.inference_mode():
        assert criterion(input, target).item() == loss.item()
    tracked = criterion(input, target)
    assert tracked.item() == loss.item()  # the same bits with the gradient


def test_backward_twice_with_retain_graph_gives_twice_the_gradient(criterion, input) -> None:
    loss = criterion(input, TARGET)
    loss.backward(retain_graph=True)
    first = input.grad.clone()
    loss.backward(retain_graph=True)
    torch.testing.assert_close(input.grad, 2 * first)
    loss.backward()
    torch.testing.assert_close(input.grad, 3 * first)


def test_a_second_backward_without_it_is_an_error_that_says_so(criterion, input) -> None:
    loss = criterion(input, TARGET)
    loss.backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        loss.backward()


def test_double_backward_is_an_error(criterion, input) -> None:
    (first,) = torch.autograd.grad(criterion(input, TARGET), input, create_graph=True)
    torch.testing.assert_close(first, gradient(criterion(input, TARGET), input))
    # Also where what comes from above has no gradient, as here: a missing term would be a silent error.
    with pytest.raises(RuntimeError, match="the fused path is differentiable once; use impl='composed'"):
        (first.square().sum() + input.sum()).backward()
    (first,) = torch.autograd.grad(criterion(input, TARGET).square(), input, create_graph=True)
    with pytest.raises(RuntimeError, match="the fused path is differentiable once; use impl='composed'"):
        first.sum().backward()


def test_the_upstream_gradient_scales(criterion, input) -> None:
    expected = gradient(criterion(input, TARGET), input)
    torch.testing.assert_close(gradient(criterion(input, TARGET) * -2.5, input), -2.5 * expected)
    torch.testing.assert_close(gradient(criterion(input, TARGET) + criterion(input, TARGET), input), 2 * expected)
    loss = criterion(input, TARGET)
    torch.testing.assert_close(gradient(loss * loss, input), 2 * loss.detach() * expected)
    assert not gradient(criterion(input, TARGET) * 0, input).any()
    assert gradient(criterion(input, TARGET) * NAN, input).isnan().any()


def test_an_upstream_gradient_a_row(input) -> None:
    criterion = MarginalCrossEntropyLoss(every_loss.tree(), reduction="none", impl="fused")
    each = torch.stack([gradient(criterion(input, TARGET)[row], input)[row] for row in range(5)])
    upstream = torch.tensor([1.0, 0.0, -3.0, 2.0, 0.5])
    torch.testing.assert_close(gradient(criterion(input, TARGET), input, upstream), upstream[:, None] * each)
    torch.testing.assert_close(gradient(criterion(input, TARGET).sum(), input), each)  # expanded, with a stride of 0
    loss = criterion(input, TARGET)
    first = gradient_keeping(loss, input, upstream)
    assert torch.equal(first, gradient_keeping(loss, input, upstream))


def gradient_keeping(loss: Tensor, input: Tensor, upstream: Tensor) -> Tensor:
    return torch.autograd.grad(loss, input, upstream, retain_graph=True)[0]


def test_gradients_accumulate_and_nothing_changes_them_later(criterion, input) -> None:
    loss = criterion(input, TARGET)
    loss.backward(retain_graph=True)
    kept, copied = input.grad, input.grad.clone()
    input.grad = None
    loss.backward()
    assert torch.equal(kept, copied)
    assert kept.data_ptr() != input.grad.data_ptr()
    input.grad.zero_()
    criterion(input, TARGET).backward()
    assert torch.equal(input.grad, copied)
    criterion(input, TARGET).backward()
    assert torch.equal(input.grad, 2 * copied)
    assert torch.equal(kept, copied)


def test_the_logits_may_change_between_forward_and_backward() -> None:
    """The gradient is formed in the forward pass, so that nothing of the logits is needed after it."""
    criterion = MarginalCrossEntropyLoss(FLAT)
    weight = torch.randn(8, 8, requires_grad=True)
    logits = torch.eye(8) @ weight
    loss = criterion(logits, torch.arange(8))
    expected = gradient_keeping(loss, weight, torch.ones(()))
    logits.detach().fill_(NAN)
    assert torch.equal(gradient(loss, weight), expected)


def test_a_hook_sees_the_gradient(criterion, input) -> None:
    seen: list[Tensor] = []
    logits = input * 1
    logits.register_hook(lambda grad: seen.append(grad.clone()) or grad * 2)
    criterion(logits, TARGET).backward()
    torch.testing.assert_close(input.grad, 2 * seen[0])


def test_under_activation_checkpointing(criterion, input) -> None:
    expected = gradient(criterion(input * 2, TARGET), input)
    loss = torch.utils.checkpoint.checkpoint(lambda input: criterion(input * 2, TARGET), input, use_reentrant=False)
    assert torch.equal(gradient(loss, input), expected)


@each_loss
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_an_empty_batch(example: Example, reduction: str) -> None:
    input = example.logits(0).requires_grad_()
    for kind, target in example.targets(0).items():
        loss = fused(example, reduction=reduction)(input, target, kind=kind)
        assert loss.shape == ((0,) if reduction == "none" else ())
        assert loss.sum().item() == 0
        assert gradient(loss.sum(), input).shape == input.shape


@each_loss
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_a_batch_that_is_ignored(example: Example, reduction: str) -> None:
    input = torch.full((3, example.columns()), NAN, requires_grad=True)
    loss = fused(example, reduction=reduction)(input, torch.full((3,), -100))
    assert not loss.any()
    assert not gradient(loss.sum(), input).any()


@each_loss
def test_nan_in_an_ignored_row_harms_nothing(example: Example) -> None:
    input, target = example.logits(8), example.index(8)
    ignored = target == -100
    assert ignored.any()
    criterion = fused(example)
    clean = input.clone().requires_grad_()
    dirty = input.clone()
    dirty[ignored] = NAN
    dirty.requires_grad_()
    expected, loss = criterion(clean, target), criterion(dirty, target)
    assert torch.equal(loss, expected)
    assert torch.equal(gradient(loss, dirty), gradient(expected, clean))


@each_loss
@pytest.mark.parametrize("size", [1e4, -1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_large_logits(example: Example, size: float, dtype: torch.dtype) -> None:
    input = example.logits(9, dtype)
    input[:, 0] = size
    input[3:, -1] = -size
    input.requires_grad_()
    for kind, target in example.targets(9).items():
        loss = fused(example, reduction="none")(input, target, kind=kind)
        assert loss.isfinite().all()
        assert gradient(loss.sum(), input).isfinite().all()


@each_loss
def test_a_masked_column_has_no_gradient(example: Example) -> None:
    input = example.logits(9)
    masked = example.hierarchy.class_index("newt") if example.columns() == 8 else None
    if masked is None:
        columns = example.hierarchy.node_columns.tolist()
        masked = columns.index(example.hierarchy.node("newt"))
    input[:, masked] = -INF
    input.requires_grad_()
    loss = fused(example, reduction="none")(input, example.index(9))
    grad = gradient(loss.sum(), input)
    assert not loss.isnan().any()
    assert not grad[:, masked].any()
    assert grad.isfinite().all()


def test_a_row_that_is_all_masked_is_infinite_without_a_gradient(criterion) -> None:
    input = torch.randn(5, 8)
    input[1] = -INF
    input.requires_grad_()
    loss = criterion(input, TARGET)
    assert loss.item() == INF
    assert not gradient(loss, input)[1].any()


def test_logits_of_1e4_are_exact(criterion) -> None:
    input = torch.tensor([[1e4, 0, -1e4, 0, 0, 0, 0, 0]], requires_grad=True)
    loss = MarginalCrossEntropyLoss(FLAT)(input, torch.tensor([2]))
    assert loss.item() == 2e4
    assert gradient(loss, input).tolist() == [[1, 0, -1, 0, 0, 0, 0, 0]]


@each_loss
def test_deterministic(example: Example) -> None:
    torch.use_deterministic_algorithms(True)
    try:
        input, target = example.logits(9).requires_grad_(), example.index(9)
        criterion = fused(example)
        losses = [criterion(input, target) for _ in range(2)]
        assert torch.equal(*losses)
        assert torch.equal(*[gradient(loss, input) for loss in losses])
    finally:
        torch.use_deterministic_algorithms(False)


def test_the_number_of_threads_does_not_change_a_bit() -> None:
    hierarchy = klados.Hierarchy.from_edges([(f"group {k % 30}", f"class {k}") for k in range(1000)])
    input, target = torch.randn(1024, 1000), torch.randint(1000, (1024,))
    criterion = MarginalCrossEntropyLoss(hierarchy)
    before = klados.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 3):
            klados.set_num_threads(threads)
            assert klados.get_num_threads() == threads
            tracked = input.clone().requires_grad_()
            loss = criterion(tracked, target)
            found.append((loss.detach(), gradient(loss, tracked)))
    finally:
        klados.set_num_threads(before)
    for loss, grad in found[1:]:
        assert torch.equal(loss, found[0][0])
        assert torch.equal(grad, found[0][1])
    with pytest.raises((ValueError, TypeError, OverflowError)):
        klados.set_num_threads(0)


def test_threads_of_python_share_a_module(criterion, input) -> None:
    expected = gradient(criterion(input, TARGET), input)
    found: list[Tensor] = []

    def work() -> None:
        own = input.detach().clone().requires_grad_()
        criterion(own, TARGET).backward()
        found.append(own.grad)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(torch.equal(grad, expected) for grad in found)
