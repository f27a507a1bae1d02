"""The linear layer and the loss in chunks: what the two steps give, in less memory."""

from __future__ import annotations

import copy
import itertools
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

import klados
from klados.torch import LinearMarginalCrossEntropyLoss, MarginalCrossEntropyLoss, functional

HIERARCHY = klados.Hierarchy.from_edges(
    [("animal", "mammal"), ("animal", "bird"), ("mammal", "bat"), ("mammal", "dog"), ("dog", "poodle"), ("dog", "pug")]
    + [("bird", "crow"), ("bird", "robin"), ("plant", "oak"), ("plant", "fern")],
    classes=["oak", "bat", "poodle", "crow", "pug", "dog", "robin", "fern"],
)
ROWS, FEATURES, CLASSES = 13, 5, HIERARCHY.num_classes
LABELS = ["oak", "dog", "=dog", "mammal", "bird", None, "pug", "animal", "fern", "plant", "crow", "bat", "robin"]
TARGET = torch.from_numpy(HIERARCHY.encode(LABELS))


def tensors(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(4)
    shapes = ((ROWS, FEATURES), (CLASSES, FEATURES), (CLASSES,))
    return tuple(torch.randn(shape, dtype=torch.float64).to(dtype).requires_grad_() for shape in shapes)


def both(
    given: tuple[Tensor, ...],
    target: Tensor = TARGET,
    chunk_size: int | None = 4,
    upstream: Tensor | None = None,
    **options: Any,
) -> tuple[list[Tensor], list[Tensor]]:
    """Loss and gradients in chunks, and of the two steps."""
    input, weight, *bias = given
    bias = bias[0] if bias else None
    whole = functional.linear_marginal_cross_entropy(
        input, weight, bias, target, HIERARCHY, chunk_size=chunk_size, **options
    )
    if "class_weight" in options:
        options["weight"] = options.pop("class_weight")
    steps = functional.marginal_cross_entropy(nn.functional.linear(input, weight, bias), target, HIERARCHY, **options)
    tracked = [tensor for tensor in given if tensor.requires_grad]
    upstream = torch.ones_like(whole) if upstream is None else upstream
    return [[out, *torch.autograd.grad(out, tracked, upstream.to(out.dtype))] for out in (whole, steps)]


def assert_same(got: list[Tensor], expected: list[Tensor], tolerance: float) -> None:
    """Up to a rounding of the largest number of each tensor."""
    for one, other in zip(got, expected, strict=True):
        assert one.dtype == other.dtype and one.shape == other.shape
        largest = other.abs().max().item()
        assert (one - other).abs().max().item() <= tolerance * max(largest, 1e-30), (one, other)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("chunk_size", [1, 4, 13, 100, None])
def test_the_two_steps(reduction: str, chunk_size: int | None) -> None:
    assert_same(*both(tensors(), chunk_size=chunk_size, reduction=reduction), 1e-14)


@pytest.mark.parametrize(
    "options",
    [
        {"weights": "balanced", "unresolved": "skip"},
        {"weights": {"levels": [1, 0.5, 0.25]}, "gamma": 2.0},
        {"class_weight": torch.linspace(0.5, 3, CLASSES), "label_smoothing": 0.1},
        {"ignore_index": 3},
    ],
)
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_every_option(options: dict, reduction: str) -> None:
    target = torch.where(TARGET == -100, options.get("ignore_index", -100), TARGET)
    assert_same(*both(tensors(), target, reduction=reduction, **options), 1e-13)


def test_every_kind_of_target() -> None:
    probabilities = torch.rand(ROWS, CLASSES, dtype=torch.float64).softmax(1)
    candidates = torch.rand(ROWS, CLASSES) < 0.4
    for target in (TARGET.int(), probabilities, candidates, candidates.long()):
        assert_same(*both(tensors(), target, reduction="mean"), 1e-13)
        assert_same(*both(tensors(), target, reduction="none", upstream=torch.linspace(-1, 2, ROWS)), 1e-13)


@pytest.mark.parametrize(
    # The roundings to a half are of single chunks' logits in both; the gradient by the weight is rounded once here.
    ("dtype", "tolerance"),
    [(torch.float32, 2e-6), (torch.bfloat16, 2**-7), (torch.float16, 2**-10)],
)
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_every_type(dtype: torch.dtype, tolerance: float, reduction: str) -> None:
    assert_same(*both(tensors(dtype), reduction=reduction), tolerance)


def test_autocast_is_that_of_the_linear_layer() -> None:
    given = tensors(torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got, expected = both(given)
    assert [tensor.dtype for tensor in got] == [torch.float32] * 4
    assert_same(got, expected, 2**-7)
    double = tensors(torch.float64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert_same(*both(double), 1e-14)


def test_the_gradients_that_are_asked_for() -> None:
    for tracked in itertools.product([False, True], repeat=3):
        given = tuple(tensor.detach().requires_grad_(is_tracked) for tensor, is_tracked in zip(tensors(), tracked))
        if any(tracked):
            assert_same(*both(given), 1e-14)
            assert_same(*both(given, reduction="none"), 1e-14)
    assert_same(*both(tensors()[:2]), 1e-14)  # no bias
    with torch.no_grad():
        assert not functional.linear_marginal_cross_entropy(*tensors(), TARGET, HIERARCHY).requires_grad


def test_any_shape_of_a_batch() -> None:
    input, weight, bias = tensors()
    flat = functional.linear_marginal_cross_entropy(input[:12], weight, bias, TARGET[:12], HIERARCHY, reduction="none")
    shaped = functional.linear_marginal_cross_entropy(
        input[:12].reshape(2, 2, 3, FEATURES), weight, bias, TARGET[:12].reshape(2, 2, 3), HIERARCHY, reduction="none"
    )
    assert torch.equal(shaped, flat.reshape(2, 2, 3))
    one = functional.linear_marginal_cross_entropy(input[0], weight, bias, TARGET[0], HIERARCHY)
    assert one.shape == () and torch.allclose(one, flat[0])
    assert_same(*both((input.t().contiguous().t().detach().requires_grad_(), weight, bias)), 1e-14)


def test_a_mean_over_nothing_is_zero() -> None:
    nothing = torch.full((ROWS,), -100)
    for target, rows in ((nothing, ROWS), (nothing[:0], 0)):
        input, weight, bias = tensors()
        got, _ = both((input[:rows].detach().requires_grad_(), weight, bias), target)
        assert all(tensor.abs().sum() == 0 for tensor in got)


def test_special_rows() -> None:
    input, weight, bias = tensors()
    with torch.no_grad():
        bias[2] = -torch.inf  # poodle is masked
    target = torch.tensor([2, 0])
    got, expected = both((input[:2].detach().requires_grad_(), weight, bias), target, chunk_size=1, reduction="sum")
    assert got[0].isposinf() and expected[0].isposinf()
    assert_same(got[1:], expected[1:], 1e-14)


def test_backward_more_than_once() -> None:
    for reduction in ("mean", "none"):
        given = tensors()
        losses = functional.linear_marginal_cross_entropy(*given, TARGET, HIERARCHY, chunk_size=4, reduction=reduction)
        out = losses.sum()
        first = torch.autograd.grad(out, given, retain_graph=True)
        again = torch.autograd.grad(3 * out, given)
        assert_same(list(again), [3 * grad for grad in first], 1e-14)
        with pytest.raises(RuntimeError, match="a second time"):
            torch.autograd.grad(out, given)


def test_a_second_derivative_is_an_error() -> None:
    for reduction in ("mean", "none"):
        given = tensors()
        out = functional.linear_marginal_cross_entropy(*given, TARGET, HIERARCHY, reduction=reduction).sum()
        (grad,) = torch.autograd.grad(out, given[0], create_graph=True)
        with pytest.raises(RuntimeError, match="differentiable once; take the two steps"):
            grad.sum().backward()


def test_a_scaled_loss_of_float16_keeps_small_gradients() -> None:
    input, weight, bias = tensors(torch.float16)
    with torch.no_grad():
        bias[0] += 16  # almost right: gradients of 1e-7, which float16 has none of
    target = torch.zeros(ROWS, dtype=torch.int64)
    got, expected = both((input, weight, bias), target, upstream=torch.tensor(2.0**16))
    assert got[1].abs().max() > 0
    assert_same(got, expected, 2**-9)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_compiled_in_one_graph(reduction: str, dtype: torch.dtype) -> None:
    torch.compiler.reset()
    for bias in (True, False):
        head = LinearMarginalCrossEntropyLoss(HIERARCHY, FEATURES, bias, 4, reduction=reduction, dtype=dtype)
        compiled = torch.compile(head, fullgraph=True, backend="aot_eager")
        for tracked in (True, False):
            input = tensors(dtype)[0].detach().requires_grad_(tracked)
            given = [*([input] if tracked else []), *head.parameters()]
            outs = compiled(input, TARGET), head(input, TARGET)
            got, expected = [[out, *torch.autograd.grad(3 * out.sum(), given)] for out in outs]
            assert_same(got, expected, 2e-16 if dtype == torch.float64 else 2**-10)
        with torch.no_grad():
            assert torch.equal(compiled(input, TARGET), head(input, TARGET))


def test_the_operator_is_as_it_says() -> None:
    head = LinearMarginalCrossEntropyLoss(HIERARCHY, FEATURES)
    for reduction, given in itertools.product(("none", "mean"), (tensors(), (*tensors()[:2], None))):
        how = (head._compiled.handle, "index", -100, reduction, 4, torch.float64, [True, True, given[2] is not None])
        torch.library.opcheck(torch.ops.klados.linear_loss.default, (*given, TARGET, *how))


def test_the_composed_path() -> None:
    assert_same(*both(tensors(), impl="composed"), 1e-13)
    assert_same(*both(tensors(), impl="composed", reduction="none", upstream=torch.linspace(-1, 2, ROWS)), 1e-13)


def test_module() -> None:
    torch.manual_seed(1)
    head = LinearMarginalCrossEntropyLoss(HIERARCHY, FEATURES, chunk_size=4, weights="balanced")
    torch.manual_seed(1)
    linear = nn.Linear(FEATURES, CLASSES)
    assert torch.equal(head.weight, linear.weight) and torch.equal(head.bias, linear.bias)
    assert dict(head.named_parameters()).keys() == head.state_dict().keys() == linear.state_dict().keys()
    loss = MarginalCrossEntropyLoss(HIERARCHY, "balanced")
    input = tensors(torch.float32)[0]
    head(input, TARGET).backward()
    loss(linear(input), TARGET).backward()
    assert_same([head.weight.grad, head.bias.grad], [linear.weight.grad, linear.bias.grad], 2e-6)
    assert torch.equal(head.logits(input), linear(input))
    for other in (copy.deepcopy(head), pickle.loads(pickle.dumps(head))):
        assert torch.equal(other(input, TARGET), head(input, TARGET))
    assert LinearMarginalCrossEntropyLoss(HIERARCHY, FEATURES, bias=False).bias is None
    assert LinearMarginalCrossEntropyLoss(HIERARCHY, FEATURES, dtype=torch.float64).weight.dtype == torch.float64
    assert "in_features=5, bias=True, columns=8, weights='balanced'" in repr(head)


def test_errors() -> None:
    input, weight, bias = tensors()
    call = functional.linear_marginal_cross_entropy
    cases = [
        ((input, weight[:7], bias, TARGET), {}, r"the weight has shape \(7, 5\) and the input \(13, 5\), expected \(8"),
        ((input, weight, bias[:7], TARGET), {}, r"the bias has shape \(7,\), expected \(8,\)"),
        ((input, weight, bias, TARGET[:5]), {}, r"the target has shape \(5,\), expected \(13,\)"),
        ((input, weight.float(), bias, TARGET), {}, "the weight torch.float32 and the bias torch.float64; expected"),
        ((input, weight, bias, TARGET + 50), {}, "row 0: the target is 50"),
        ((input, weight, bias, TARGET), {"chunk_size": 0}, "chunk_size 0: expected at least one row"),
        ((input, weight, bias, TARGET), {"reduction": "average"}, "reduction 'average'"),
        ((input.to("meta"), weight, bias, TARGET), {}, "the input is on meta and the weight is on cpu"),
    ]
    for given, options, message in cases:
        with pytest.raises(ValueError, match=message):
            call(*given, HIERARCHY, **options)


class Largest(TorchDispatchMode):
    """Notes the largest storage that any operation makes."""

    bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for tensor in torch.utils._pytree.tree_leaves(out):
            if isinstance(tensor, Tensor):
                self.bytes = max(self.bytes, tensor.untyped_storage().nbytes())
        return out


@pytest.mark.parametrize("reduction", ["none", "mean"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_nothing_is_larger_than_a_chunk_or_the_weight(reduction: str, dtype: torch.dtype) -> None:
    classes, features, rows, chunk = 3000, 2, 512, 8
    hierarchy = klados.Hierarchy.from_edges([(f"group {k % 50}", f"class {k}") for k in range(classes)])
    head = LinearMarginalCrossEntropyLoss(hierarchy, features, chunk_size=chunk, reduction=reduction, dtype=dtype)
    input, target = torch.randn(rows, features, dtype=dtype, requires_grad=True), torch.randint(classes, (rows,))
    with Largest() as largest:
        head(input, target).sum().backward()
    assert largest.bytes <= chunk * classes * 4 < rows * classes * dtype.itemsize / 8
