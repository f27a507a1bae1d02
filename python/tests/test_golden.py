"""The golden suite through NumPy and through the fused path of PyTorch, with every reduction."""

from __future__ import annotations

import math

import golden
import numpy as np
import pytest
import torch
from golden import F32, F64, Array, Case, Part, Precision

import klados
from klados.torch import HierarchicalLoss

# Why a row of the suite has no array that says the same. Whatever else is left out fails the test.
REASONS = {
    "the classes of this union have more ancestors in common than the nodes that it names",
    "by height, a union of nodes weighs as the tallest of them, and candidates are classes",
    "a class weight is the mean over all named nodes, and a multi-hot row has the lowest of them",
    "the label names a node that it masks, and a masked entry does not say that it is positive",
}

PRECISIONS = [pytest.param(F64, id="float64"), pytest.param(F32, id="float32")]


def numpy_engine(case: Case, part: Part, logits: Array, reduction: str) -> tuple[Array, Array]:
    loss, grad = klados.loss_and_grad(
        logits, part.target, case.hierarchy, case.loss, kind=part.kind, reduction=reduction, ignore_index=golden.IGNORED
    )
    return np.asarray(loss), grad


def torch_engine(case: Case, part: Part, logits: Array, reduction: str) -> tuple[Array, Array]:
    criterion = HierarchicalLoss(case.hierarchy, case.loss, reduction=reduction, impl="fused")
    input = torch.from_numpy(logits).requires_grad_()
    loss = criterion(input, torch.from_numpy(part.target), kind=part.kind)
    loss.sum().backward()
    return loss.detach().numpy(), input.grad.numpy()


ENGINES = [pytest.param(numpy_engine, id="numpy"), pytest.param(torch_engine, id="torch")]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("stem", golden.FILES)
def test_golden(stem: str, engine, precision: Precision, record_property) -> None:
    cases = golden.load(stem)
    failures: list[str] = []
    rows = skipped = 0
    for case in cases:
        for part in case.parts:
            failures += check(case, part, engine, precision)
            rows += len(part.rows)
        assert set(case.skipped.values()) <= REASONS
        skipped += len(case.skipped)
        assert sum(len(part.rows) for part in case.parts) + len(case.skipped) == len(case.labels), case.name
    summary = f"{stem}: {len(cases)} cases, {rows} rows compared, {skipped} without a target that says the same"
    record_property("golden", summary)
    print(summary)
    assert not failures, f"{len(failures)} differences:\n" + "\n".join(failures[:20])
    assert rows > 100


def check(case: Case, part: Part, engine, precision: Precision) -> list[str]:
    logits = case.logits.astype(precision.name)
    losses, grads = engine(case, part, logits, "none")
    assert losses.dtype == grads.dtype == precision.name
    assert grads.shape == logits.shape
    failures = list(golden.differences(case, part.rows, losses[part.rows], grads[part.rows], precision))
    # The other rows are ignored, or stand in, with what the same engine says of them.
    expected = losses.astype(np.float64) if part.fillers else np.zeros(len(losses))
    expected_grads = grads.astype(np.float64) if part.fillers else np.zeros(grads.shape)
    expected[part.rows], expected_grads[part.rows] = case.losses[part.rows], case.grads[part.rows]
    magnitude = np.full(len(losses), np.inf)
    magnitude[part.rows] = case.magnitude[part.rows]
    total = math.fsum(expected) if np.isfinite(expected).all() else expected.sum()
    divisor = normalizer(case, part, logits)
    for reduction, by in (("sum", 1.0), ("mean", divisor)):
        reduced, grads = engine(case, part, logits, reduction)
        assert reduced.shape == ()
        # A mean over nothing is 0.
        whole, scale = (total / by, 1 / by) if by else (0.0, 0.0)
        if not golden.close(reduced, whole, abs(whole), precision):
            failures.append(f"{case.name}, {part.kind}: {reduction} is {reduced!r}, expected {whole!r}")
        # The mean multiplies gradients that are rounded already, and rounds once more.
        rounding = np.finfo(grads.dtype).eps / 2 * np.abs(expected_grads) * (scale != 1) / precision.relative
        measure = ((magnitude[:, None] + rounding) * scale) if scale else np.full(grads.shape, np.inf)
        for row, column in np.argwhere(~golden.close(grads, expected_grads * scale, measure, precision)):
            got, wanted = grads[row, column], expected_grads[row, column] * scale
            failures.append(
                f"{case.name}, row {row}, column {column}: gradient of the {reduction} is {got!r}, expected {wanted!r}"
            )
    return failures


def normalizer(case: Case, part: Part, logits: Array) -> float:
    """What the mean of a part divides by, which :func:`test_means` holds to the means of the suite."""
    target, losses = np.ascontiguousarray(part.target), np.empty(len(logits), dtype=logits.dtype)
    columns = 1 if part.kind == "index" else target.shape[1]
    return case.criterion._run(
        (logits.ctypes.data, logits.dtype.name, len(logits)),
        (part.kind, target.ctypes.data, target.dtype.name, columns),
        golden.IGNORED,
        0,
        "mean",
        losses.ctypes.data,
        0,
    )


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("stem", golden.FILES)
def test_means(stem: str) -> None:
    """The divisors of the parts add up to the one of the whole batch."""
    checked = 0
    for case in golden.load(stem):
        if any(part.fillers for part in case.parts) or case.skipped:
            parts = [only_its_rows(part) for part in case.parts]
        else:
            parts = [(part, slice(None)) for part in case.parts]
        if case.skipped:
            continue
        divisor = sum(normalizer(case, part, np.ascontiguousarray(case.logits[rows])) for part, rows in parts)
        expected = case.losses.sum() / divisor if divisor else 0.0
        assert golden.close(expected, case.mean, abs(case.mean), F64), (case.name, expected, case.mean)
        checked += 1
    assert checked > 0


def only_its_rows(part: Part) -> tuple[Part, Array]:
    return Part(part.kind, part.target[part.rows], np.arange(len(part.rows)), False), part.rows
