"""The fused path on tensors of any type and layout."""

from __future__ import annotations

import every_loss
import pytest
import torch
from every_loss import Example
from fused_losses import FLAT, TARGET, close, each_loss, fused, gradient
from torch import nn

from klados.torch import MarginalCrossEntropyLoss, functional

# What opcheck uses of torch, and a convention of a paper.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated", "ignore:weighting .height.")


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
