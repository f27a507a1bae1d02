"""The fused path under torch.library, torch.compile, torch.export and torch.func."""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap

import every_loss
import pytest
import torch
from every_loss import EVERY_LOSS, Example
from fused_losses import FLAT, TARGET, each_loss, fused, gradient
from torch import Tensor, nn

from klados.torch import MarginalCrossEntropyLoss

# What opcheck uses of torch, and a convention of a paper.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated", "ignore:weighting .height.")


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
