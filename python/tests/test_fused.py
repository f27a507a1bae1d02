"""The fused path of PyTorch: against ``nn.CrossEntropyLoss``, and what autograd, compilers and modules ask."""

from __future__ import annotations

import copy
import io
import itertools
import pickle
import subprocess
import sys
import textwrap
import threading

import every_loss
import pytest
import torch
from every_loss import EVERY_LOSS, Example
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

import klados
from klados.torch import HierarchicalCrossEntropyLoss, HierarchicalLoss, MarginalCrossEntropyLoss, functional

INF = float("inf")
NAN = float("nan")

# What opcheck uses of torch, and a convention of a paper.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated", "ignore:weighting .height.")

each_loss = pytest.mark.parametrize("example", EVERY_LOSS, ids=lambda example: example.name)


def fused(example: Example, **options) -> HierarchicalLoss:
    # In evaluation, where random cut draws the same at each call.
    return HierarchicalLoss(example.hierarchy, example.loss, impl="fused", **options).eval()


def gradient(loss: Tensor, input: Tensor, upstream: Tensor | None = None) -> Tensor:
    return torch.autograd.grad(loss, input, upstream)[0]


# Against nn.CrossEntropyLoss, where they must agree: one level, or all the weight on the leaves.

FLAT = klados.Hierarchy.from_edges([("root", f"class {k}") for k in range(8)])

SAME_AS_FLAT = {
    "one_level": lambda **options: MarginalCrossEntropyLoss(FLAT, **options),
    "leaves": lambda **options: MarginalCrossEntropyLoss(every_loss.tree(), weights="leaves", **options),
    "alpha_0": lambda **options: HierarchicalCrossEntropyLoss(every_loss.tree(), alpha=0.0, **options),
}

SHAPES = [(8,), (5, 8), (0, 8), (3, 8, 4), (2, 8, 3, 4)]


def class_target(shape: tuple[int, ...], ignore_index: int) -> Tensor:
    target = torch.randint(8, shape[:1] + shape[2:] if len(shape) > 1 else ())
    if target.dim() and target.numel():
        target.view(-1)[0] = ignore_index
    return target


def close(ours: Tensor, theirs: Tensor, dtype: torch.dtype) -> None:
    """To the accuracy of ``docs/definitions.md``, gradients of halves to one rounding."""
    rounding = {torch.float64: 1e-13, torch.float32: 1e-6, torch.bfloat16: 2**-8, torch.float16: 2**-10}[dtype]
    torch.testing.assert_close(ours.double(), theirs, rtol=rounding, atol=rounding, equal_nan=True)


@pytest.mark.parametrize("make", SAME_AS_FLAT.values(), ids=SAME_AS_FLAT)
@pytest.mark.parametrize("targets", ["classes", "probabilities"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_agrees_with_cross_entropy(shape: tuple[int, ...], dtype: torch.dtype, targets: str, make) -> None:
    weights = [None, torch.tensor(every_loss.WEIGHT)]
    ignored = [-100, 1] if targets == "classes" else [-100]
    for reduction, ignore_index, weight, smoothing in itertools.product(
        ["none", "sum", "mean"], ignored, weights, [0.0, 0.1]
    ):
        options = {"reduction": reduction, "ignore_index": ignore_index, "label_smoothing": smoothing}
        input = torch.randn(shape, dtype=dtype).mul(3).requires_grad_()
        if targets == "classes":
            target = class_target(shape, ignore_index)
        else:
            target = torch.randn(shape, dtype=torch.float64).softmax(min(1, len(shape) - 1))
        ours = make(weight=weight, **options)(input, target)
        exact = input.detach().double().requires_grad_()
        theirs = nn.CrossEntropyLoss(weight=None if weight is None else weight.double(), **options)(exact, target)
        if reduction == "mean" and theirs.isnan():
            theirs = (exact * 0).sum()  # a mean over nothing is 0 here
        assert ours.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
        assert ours.shape == theirs.shape
        close(ours, theirs, torch.float64 if dtype == torch.float64 else torch.float32)
        upstream = torch.rand(theirs.shape, dtype=torch.float64)
        ours_grad = gradient(ours, input, upstream.to(ours.dtype))
        assert ours_grad.dtype == dtype
        assert ours_grad.shape == input.shape
        close(ours_grad, gradient(theirs, exact, upstream), dtype)


class TestWhatDiffersFromCrossEntropy:
    """What the documentation of :class:`HierarchicalLoss` says, and nothing else."""

    def test_a_mean_over_nothing_is_0_with_a_gradient_of_0(self) -> None:
        input = torch.randn(3, 8, requires_grad=True)
        target = torch.full((3,), -100)
        assert nn.CrossEntropyLoss()(input, target).isnan()
        loss = MarginalCrossEntropyLoss(FLAT)(input, target)
        assert loss.item() == 0
        assert not gradient(loss, input).any()

    def test_the_loss_of_half_logits_is_float32(self) -> None:
        input = torch.randn(3, 8, dtype=torch.bfloat16)
        assert nn.CrossEntropyLoss()(input, torch.tensor([0, 1, 2])).dtype == torch.bfloat16
        assert MarginalCrossEntropyLoss(FLAT)(input, torch.tensor([0, 1, 2])).dtype == torch.float32

    def test_probabilities_must_sum_to_1(self) -> None:
        with pytest.raises(ValueError, match="row 0: the soft label sums to 2, expected 1"):
            MarginalCrossEntropyLoss(FLAT)(torch.randn(1, 8), torch.full((1, 8), 0.25))

    def test_a_target_beyond_the_classes_is_a_node(self) -> None:
        input = torch.randn(1, 8)
        with pytest.raises(IndexError):
            nn.CrossEntropyLoss()(input, torch.tensor([8]))
        assert MarginalCrossEntropyLoss(FLAT)(input, torch.tensor([8])).item() == 0  # the root
        with pytest.raises(ValueError, match=r"row 0: the target is 17, expected a class \(0 to 7\)"):
            MarginalCrossEntropyLoss(FLAT)(input, torch.tensor([17]))

    def test_a_masked_class_costs_nothing_in_label_smoothing(self) -> None:
        input = torch.tensor([[0.0, -INF, 1, 2, 3, 4, 5, 6]])
        assert nn.CrossEntropyLoss(label_smoothing=0.1)(input, torch.tensor([0])).isinf()
        assert MarginalCrossEntropyLoss(FLAT, label_smoothing=0.1)(input, torch.tensor([0])).isfinite()

    def test_a_row_that_is_not_finite_spoils_its_own_gradient_only(self) -> None:
        input = torch.randn(3, 8).index_fill(0, torch.tensor([1]), NAN).requires_grad_()
        loss = MarginalCrossEntropyLoss(FLAT, reduction="none")(input, torch.tensor([0, 1, 2]))
        assert loss.isnan().tolist() == [False, True, False]
        assert gradient(loss.sum(), input).isnan().any(1).tolist() == [False, True, False]

    def test_weights_of_a_soft_target_do_not_enter_the_divisor(self) -> None:
        """As in PyTorch: the mean of distributions divides by their number, of classes by the sum of their weights."""
        weight = torch.tensor(every_loss.WEIGHT)
        input, hard = torch.randn(3, 8), torch.tensor([0, 2, 5])
        soft = nn.functional.one_hot(hard, 8).float()
        for make in (nn.CrossEntropyLoss, lambda **options: MarginalCrossEntropyLoss(FLAT, **options)):
            total = make(weight=weight, reduction="sum")(input, hard)
            assert make(weight=weight)(input, hard).item() == pytest.approx(
                total.item() / weight[hard].sum().item(), rel=1e-6
            )
            assert make(weight=weight)(input, soft).item() == pytest.approx(total.item() / 3, rel=1e-6)


# Derivatives.


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


@pytest.fixture
def criterion() -> MarginalCrossEntropyLoss:
    return MarginalCrossEntropyLoss(every_loss.tree(), impl="fused")


@pytest.fixture
def input() -> Tensor:
    return torch.randn(5, 8, requires_grad=True)


TARGET = torch.tensor([0, 9, 2, -100, 7])


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


# Types.


def test_autocast(criterion) -> None:
    layer = nn.Linear(4, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = layer(torch.randn(5, 4))
        loss = criterion(logits, TARGET)
    assert logits.dtype == torch.bfloat16
    assert loss.dtype == torch.float32
    loss.backward()
    assert layer.weight.grad.dtype == torch.float32
    assert layer.weight.grad.any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_a_scaled_loss_of_halves_keeps_small_gradients(dtype: torch.dtype, compiled: bool) -> None:
    """What loss scaling is for: gradients that are 0 in half precision until they are scaled."""
    criterion = MarginalCrossEntropyLoss(FLAT, impl="fused")
    function = torch.compile(criterion, backend="aot_eager", fullgraph=True) if compiled else criterion
    rows = 512
    logits = torch.zeros(rows, 8, dtype=dtype)
    logits[:, 0] = 12  # the others have a probability of 6e-6
    logits.requires_grad_()
    target = torch.zeros(rows, dtype=torch.int64)
    (function(logits, target) * 65536).backward()
    exact = logits.detach().double().requires_grad_()
    (criterion(exact, target) * 65536).backward()
    torch.testing.assert_close(
        logits.grad.double(), exact.grad, rtol=2**-8 if dtype == torch.bfloat16 else 2**-10, atol=0
    )


@each_loss
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_halves_are_those_of_their_values_in_float64(example: Example, dtype: torch.dtype) -> None:
    input = example.logits(6).to(dtype).requires_grad_()
    exact = input.detach().double().requires_grad_()
    for kind, target in example.targets(6).items():
        criterion = fused(example, reduction="none")
        ours, theirs = criterion(input, target, kind=kind), criterion(exact, target, kind=kind)
        close(ours, theirs, torch.float32)
        ours, theirs = gradient(ours.sum(), input), gradient(theirs.sum(), exact)
        assert ours.dtype == dtype
        close(ours, theirs, dtype)


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool], ids=str)
def test_targets_of_any_integers(criterion, input, dtype: torch.dtype) -> None:
    target = torch.tensor([0, 1, 0, 1, 1])
    assert torch.equal(criterion(input, target.to(dtype)), criterion(input, target))


def test_segmentation_with_bytes_and_255_for_the_rest() -> None:
    criterion = MarginalCrossEntropyLoss(every_loss.tree(), ignore_index=255)
    input = torch.randn(2, 8, 4, 5, requires_grad=True)
    target = torch.randint(8, (2, 4, 5), dtype=torch.uint8)
    target[0, 0] = 255
    loss = criterion(input, target)
    grad = gradient(loss, input)
    assert not grad[0, :, 0].any()
    assert grad[1].any()
    rows = criterion(input.movedim(1, -1).reshape(-1, 8), target.reshape(-1))
    assert torch.equal(loss, rows)


@pytest.mark.parametrize("dtype", [torch.uint16, torch.uint32, torch.complex64, torch.float32], ids=str)
def test_a_target_of_another_type_is_an_error(criterion, input, dtype: torch.dtype) -> None:
    with pytest.raises(ValueError, match=str(dtype).removeprefix("torch.")):
        criterion(input, torch.zeros(5).to(dtype))


@pytest.mark.parametrize("dtype", [torch.int64, torch.complex64, torch.bool, torch.float8_e4m3fn], ids=str)
def test_logits_of_another_type_are_an_error(criterion, dtype: torch.dtype) -> None:
    with pytest.raises(ValueError, match=f"the logits are {dtype}, expected float16, bfloat16, float32 or float64"):
        criterion(torch.zeros(5, 8).to(dtype), TARGET)


@each_loss
def test_candidates_and_multi_hot_rows_of_floats_and_bools(example: Example) -> None:
    input = example.logits(4)
    for kind, target in example.targets(4).items():
        if kind in ("candidates", "multi_hot"):
            criterion = fused(example, reduction="none")
            expected = criterion(input, target, kind=kind)
            for dtype in (torch.float32, torch.float64, torch.int8, torch.int32):
                assert torch.equal(criterion(input, target.to(dtype), kind=kind), expected)


# Layouts.


@each_loss
def test_what_is_not_contiguous(example: Example) -> None:
    criterion = fused(example, reduction="none")
    for kind, target in example.targets(6).items():
        dense = example.logits(6)
        expected_input = dense.clone().requires_grad_()
        expected = criterion(expected_input, target, kind=kind)
        expected_grad = gradient(expected.sum(), expected_input)
        twice = torch.stack([target, target], dim=-1)[..., 1]
        assert not twice.is_contiguous()
        for strided in (
            dense.t().contiguous().t(),
            dense.repeat_interleave(2, 1)[:, ::2],
            dense.repeat(2, 2)[:6, : dense.shape[1]],
        ):
            assert not strided.is_contiguous()
            input = strided.detach().requires_grad_()
            loss = criterion(input, twice, kind=kind)
            assert torch.equal(loss, expected)
            assert torch.equal(gradient(loss.sum(), input), expected_grad)
    row = example.logits(1).expand(6, -1).requires_grad_()
    assert torch.equal(criterion(row, example.index(6)), criterion(row.contiguous(), example.index(6)))


@pytest.mark.filterwarnings("ignore:The given buffer is not writable")
def test_what_is_not_aligned_is_an_error(criterion, input) -> None:
    logits = torch.frombuffer(b"\0" * (4 * 8 + 1), dtype=torch.float32, offset=1).reshape(1, 8)
    assert logits.is_contiguous()
    with pytest.raises(ValueError, match="not aligned in memory; a copy of it is"):
        criterion(logits, TARGET[:1])
    assert criterion(logits.clone(), TARGET[:1]).isfinite()
    target = torch.frombuffer(b"\0" * (8 * 5 + 1), dtype=torch.int64, offset=1)
    with pytest.raises(ValueError, match="not aligned in memory; a copy of it is"):
        criterion(input, target)
    with pytest.raises(ValueError, match="not aligned in memory; a copy of it is"):
        functional.node_log_probs(logits, every_loss.tree())


@pytest.mark.filterwarnings("ignore:Sparse CSR")
def test_what_is_not_strided_is_an_error(criterion) -> None:
    for logits in (torch.eye(8).to_sparse(), torch.eye(8).to_sparse_csr(), torch.eye(8).to_mkldnn()):
        with pytest.raises((RuntimeError, ValueError, NotImplementedError)):
            criterion(logits, torch.arange(8))


def test_lazily_conjugated_views() -> None:
    """Of a conjugate the imaginary part is a view whose sign is not there in memory."""
    numbers = torch.complex(torch.randn(1, 8, dtype=torch.float64), torch.randn(1, 8, dtype=torch.float64))
    logits = torch.view_as_real(numbers.conj().resolve_conj())[..., 1]
    lazy = numbers.conj().imag
    assert lazy.is_neg()
    criterion = MarginalCrossEntropyLoss(every_loss.tree())
    assert torch.equal(criterion(lazy, torch.tensor([2])), criterion(logits, torch.tensor([2])))


def test_channels_last(criterion) -> None:
    input = torch.randn(2, 8, 4, 5)
    target = torch.randint(8, (2, 5, 4)).transpose(1, 2)
    expected = criterion(input, target.contiguous())
    assert torch.equal(criterion(input.to(memory_format=torch.channels_last), target), expected)


@each_loss
def test_one_sample_without_a_batch(example: Example) -> None:
    for kind, target in example.targets(5).items():
        input = example.logits(5).requires_grad_()
        criterion = fused(example, reduction="none")
        loss = criterion(input[0], target[0], kind=kind)
        assert loss.shape == ()
        assert torch.equal(loss, criterion(input[:1], target[:1], kind=kind)[0])
        assert gradient(loss, input).shape == input.shape


@each_loss
def test_dimensions_after_the_classes(example: Example) -> None:
    for kind, target in example.targets(12).items():
        rows = example.logits(12)
        criterion = fused(example, reduction="none")
        shape = (2, 3, 2)
        input = rows.reshape(*shape, -1).movedim(-1, 1)
        folded = target.reshape(shape) if kind == "index" else target.reshape(*shape, -1).movedim(-1, 1)
        loss = criterion(input, folded, kind=kind)
        assert loss.shape == shape
        assert torch.equal(loss.reshape(-1), criterion(rows, target, kind=kind))


# Rows that are special.


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


# torch.library, torch.compile, torch.export, torch.func.


@pytest.mark.parametrize("tracked", [True, False])
@pytest.mark.parametrize("reduction", ["none", "mean"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16], ids=str)
def test_opcheck_of_the_loss(tracked: bool, reduction: str, dtype: torch.dtype) -> None:
    example = EVERY_LOSS[1]
    criterion = fused(example)
    for kind, target in example.targets(5).items():
        input = example.logits(5, dtype).requires_grad_(tracked)
        step = torch.zeros((), dtype=torch.int64)
        arguments = (input, target, step, criterion._compiled.handle, kind, -100, reduction, tracked)
        torch.library.opcheck(torch.ops.klados.loss.default, arguments)


def recompiled() -> int:
    """How many graphs dynamo made since it was reset."""
    return torch._dynamo.utils.counters["stats"]["unique_graphs"]


@pytest.fixture
def dynamo():
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    yield torch._dynamo
    torch._dynamo.reset()


@each_loss
def test_compile_is_one_graph_for_all_batch_sizes(example: Example, dynamo) -> None:
    criterion = fused(example)
    compiled = torch.compile(criterion, backend="aot_eager", fullgraph=True)
    for rows in (4, 7, 9, 12, 33):
        input = example.logits(rows, torch.float32)
        ours, theirs = (input.clone().requires_grad_() for _ in range(2))
        target = example.index(rows)
        loss, expected = compiled(ours, target), criterion(theirs, target)
        assert torch.equal(loss, expected)
        torch.testing.assert_close(gradient(loss * 2, ours), gradient(expected * 2, theirs), rtol=1e-6, atol=0)
    # One for the first size, and one for all others.
    assert recompiled() <= 2


@pytest.mark.parametrize("kind", ["probabilities", "candidates", "multi_hot"])
def test_compile_with_a_target_of_each_kind(kind: str, dynamo) -> None:
    examples = [example for example in EVERY_LOSS if kind in example.targets(1)]
    for example in examples[:3]:
        criterion = fused(example, reduction="none")
        compiled = torch.compile(criterion, backend="aot_eager", fullgraph=True)
        target = example.targets(5)[kind]
        input = example.logits(5).requires_grad_()
        loss = compiled(input, target, kind=kind)
        assert torch.equal(loss, criterion(input, target, kind=kind))
        assert gradient(loss.sum(), input).any()


def test_compile_without_a_gradient_and_with_it(criterion, dynamo) -> None:
    compiled = torch.compile(criterion, backend="aot_eager", fullgraph=True)
    input = torch.randn(5, 8)
    expected = criterion(input, TARGET)
    assert torch.equal(compiled(input, TARGET), expected)
    with torch.no_grad():
        assert torch.equal(compiled(input, TARGET), expected)
    tracked = input.clone().requires_grad_()
    loss = compiled(tracked, TARGET)
    assert gradient(loss, tracked).any()
    assert recompiled() <= 3


class Step(nn.Module):
    """A network and its loss, in one graph."""

    def __init__(self, criterion: nn.Module) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 8)
        self.criterion = criterion

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.criterion(self.layer(input).tanh() * 2, target)


def test_compile_with_inductor(dynamo) -> None:
    step = Step(MarginalCrossEntropyLoss(every_loss.tree(), impl="fused"))
    compiled = torch.compile(step, fullgraph=True)
    for rows in (5, 6):
        input, target = torch.randn(rows, 4), torch.arange(rows)
        loss, expected = compiled(input, target), step(input, target)
        torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-6)
        grads = [torch.autograd.grad(loss.sum(), step.layer.weight)[0] for loss in (loss, expected)]
        torch.testing.assert_close(*grads, rtol=1e-5, atol=1e-6)


def test_export(criterion) -> None:
    step = Step(criterion)
    input, target = torch.randn(5, 4), TARGET
    batch = torch.export.Dim("batch")
    program = torch.export.export(step, (input, target), dynamic_shapes=({0: batch}, {0: batch}))
    assert any("klados.loss" in str(node.target) for node in program.graph.nodes)
    for rows in (5, 3):
        assert torch.equal(program.module()(input[:rows], target[:rows]), step(input[:rows], target[:rows]))


def test_an_exported_loss_in_another_process_says_what_is_wrong(criterion, tmp_path) -> None:
    file = tmp_path / "step.pt2"
    torch.export.save(torch.export.export(Step(criterion), (torch.randn(5, 4), TARGET)), file)
    code = f"""
        import torch, klados.torch
        program = torch.export.load({str(file)!r})
        try:
            program.module()(torch.randn(5, 4), torch.tensor([0, 9, 2, -100, 7]))
        except RuntimeError as error:
            assert "impl='composed'" in str(error), error
        else:
            raise AssertionError("no error")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("transform", ["vmap", "grad", "jacrev", "jvp"])
def test_transforms_of_functions_say_what_to_use(criterion, transform: str) -> None:
    def loss(row: Tensor) -> Tensor:
        return criterion(row, torch.tensor(2))

    with pytest.raises(RuntimeError, match="the fused path does not run under torch.func transforms .*impl='composed'"):
        if transform == "vmap":
            torch.vmap(loss)(torch.randn(3, 8))
        elif transform == "jvp":
            torch.func.jvp(loss, (torch.randn(8),), (torch.randn(8),))
        else:
            getattr(torch.func, transform)(loss)(torch.randn(8))


def test_forward_mode_is_an_error(criterion) -> None:
    with torch.autograd.forward_ad.dual_level(), pytest.raises((RuntimeError, NotImplementedError)):
        dual = torch.autograd.forward_ad.make_dual(torch.randn(5, 8), torch.randn(5, 8))
        criterion(dual, TARGET)


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


def test_functions_from_many_threads_with_more_losses_than_are_remembered() -> None:
    tree, rows = every_loss.tree(), torch.randn(3, 8)
    target = torch.tensor([0, 1, 2])
    betas = [1 + at / 10 for at in range(100)]
    expected = [HierarchicalLoss(tree, klados.loss("soft_labels", beta=beta))(rows, target).item() for beta in betas]
    wrong: list[object] = []

    def work() -> None:
        try:
            found = [functional.soft_labels(rows, target, tree, beta=beta).item() for beta in betas]
            wrong.extend(pair for pair in zip(found, expected, strict=True) if pair[0] != pair[1])
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_functions_tell_losses_apart() -> None:
    """By their values at the call, not by the identity of what holds them."""
    tree, rows, target = every_loss.tree(), torch.randn(3, 8), torch.tensor([0, 1, 2])
    weight = torch.ones(8)
    first = functional.marginal_cross_entropy(rows, target, tree, weight=weight, reduction="sum")
    weight.mul_(2)
    assert functional.marginal_cross_entropy(rows, target, tree, weight=weight, reduction="sum") == 2 * first
    flat = functional.marginal_cross_entropy(rows, target, FLAT, reduction="sum")
    assert flat != functional.marginal_cross_entropy(rows, target, tree, reduction="sum")
    assert flat == functional.marginal_cross_entropy(rows, target, tree, weights="leaves", reduction="sum")


def test_a_function_does_not_keep_many_hierarchies() -> None:
    rows, target = torch.randn(3, 8), torch.tensor([0, 1, 2])
    losses = set()
    for at in range(200):
        # A new hierarchy may have the address of one that is gone.
        hierarchy = klados.Hierarchy.from_edges([(f"group {k % (1 + at % 4)}", f"class {k}") for k in range(8)])
        loss = functional.marginal_cross_entropy(rows, target, hierarchy)
        assert loss == MarginalCrossEntropyLoss(hierarchy)(rows, target)
        losses.add(loss.item())
    assert len(losses) == 4


# Devices.


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


# Modules.


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


def test_a_module_that_was_unpickled_compiles(dynamo) -> None:
    """A compiled graph knows its loss by a number, which means another one elsewhere."""
    dump = pickle.dumps(MarginalCrossEntropyLoss(every_loss.tree(), weights="leaves", impl="fused"))
    others = [MarginalCrossEntropyLoss(FLAT) for _ in range(3)]
    again = pickle.loads(dump)
    compiled = torch.compile(again, backend="aot_eager", fullgraph=True)
    input = torch.randn(3, 8)
    assert torch.equal(compiled(input, torch.tensor([0, 1, 2])), again(input, torch.tensor([0, 1, 2])))
    assert len({other._compiled.handle for other in others} | {again._compiled.handle}) == 4
    code = f"""
        import pickle, torch, klados, klados.torch
        again = pickle.loads({dump!r})
        flat = klados.torch.MarginalCrossEntropyLoss(klados.Hierarchy.from_edges([("r", str(k)) for k in range(8)]))
        for loss in (again, flat):
            compiled = torch.compile(loss, backend="aot_eager", fullgraph=True)
            input = torch.randn(3, 8)
            assert torch.equal(compiled(input, torch.tensor([0, 1, 2])), loss(input, torch.tensor([0, 1, 2])))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


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


# What makes no sense is an error that says so.


@pytest.mark.parametrize(
    ("input", "target", "words"),
    [
        (torch.zeros(5, 7), TARGET, r"the logits have shape \(5, 7\), expected \(N, 8, ...\) or \(8,\)"),
        (torch.zeros(()), torch.tensor(0), r"the logits have shape \(\)"),
        (torch.zeros(7), torch.tensor(0), r"the logits have shape \(7,\)"),
        (torch.zeros(5, 8), torch.zeros(4, dtype=torch.long), r"the target has shape \(4,\), expected \(5,\)"),
        (torch.zeros(5, 8), torch.zeros((), dtype=torch.long), "the target has 0 dimensions"),
        (torch.zeros(5, 8), torch.zeros(5, 8, 1), "the target has 3 dimensions"),
        (
            torch.zeros(5, 8, 2),
            torch.zeros(5, 3, dtype=torch.long),
            r"the target has shape \(5, 3\), expected \(5, 2\)",
        ),
        (torch.zeros(5, 8), torch.full((5, 7), 1 / 7), "the target has 7 columns, expected 8"),
        (torch.zeros(5, 8), torch.full((4, 8), 1 / 8), r"the target has shape \(4, 8\), which does not fit"),
        (torch.zeros(2, 8), torch.tensor([0, 99]), "row 1: the target is 99, expected a class"),
        (torch.zeros(2, 8), torch.tensor([0, -1]), "row 1: the target is -1, expected a class"),
        (torch.zeros(2, 8), torch.full((2, 8), 0.5), "row 0: .*sum"),
        (torch.zeros(1, 8), torch.full((1, 8), NAN), "row 0"),
        (torch.zeros(1, 8), torch.tensor([[-0.5, 1.5, 0, 0, 0, 0, 0, 0]]), "row 0"),
        (torch.zeros(1, 8), torch.full((1, 8), 2), "row 0, column 0: the target is 2, expected 0 or 1"),
    ],
)
@pytest.mark.parametrize("impl", ["auto", "fused"])
def test_calls_that_make_no_sense(input: Tensor, target: Tensor, words: str, impl: str) -> None:
    with pytest.raises(ValueError, match=words):
        MarginalCrossEntropyLoss(every_loss.tree(), impl=impl)(input, target)


@pytest.mark.parametrize("options", [{"reduction": "average"}, {"impl": "fast"}, {"reduction": None}])
def test_options_that_do_not_exist(options, input) -> None:
    (value,) = options.values()
    with pytest.raises(ValueError, match=f"{value!r}: expected '"):
        MarginalCrossEntropyLoss(every_loss.tree(), **options)
    with pytest.raises(ValueError, match=f"{value!r}: expected '"):
        functional.marginal_cross_entropy(input, TARGET, every_loss.tree(), **options)


def test_kinds_that_do_not_exist_or_do_not_fit(criterion, input) -> None:
    with pytest.raises(ValueError, match="one_hot"):
        criterion(input, torch.zeros(5, 8), kind="one_hot")
    with pytest.raises(ValueError, match="multi"):
        criterion(input, torch.zeros(5, 8), kind="multi_hot")
    with pytest.raises(ValueError, match="index|indices"):
        criterion(input, torch.zeros(5, 8), kind="index")


def test_a_target_that_asks_for_a_gradient(criterion, input) -> None:
    target = torch.full((5, 8), 1 / 8, requires_grad=True)
    with pytest.raises(ValueError, match="no gradient flows into the target; detach it"):
        criterion(input, target)


def test_labels_that_a_loss_does_not_take_name_the_row() -> None:
    tree = every_loss.tree()
    with pytest.raises(ValueError, match="row 1: .*union"):
        HierarchicalLoss(tree, "levelwise_softmax")(torch.zeros(2, 12), torch.tensor([[1] + [0] * 7, [1, 1] + [0] * 6]))
    with pytest.raises(ValueError, match="row 0: "):
        HierarchicalLoss(tree, "random_cut")(torch.zeros(1, 12), torch.tensor([8 + tree.node("mammal")]))
