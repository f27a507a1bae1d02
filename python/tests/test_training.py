"""Training: the same curve on both paths, and in the trainers that people use."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path

import every_loss
import pytest
import torch
from every_loss import EVERY_LOSS, Example
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import klados
from klados.torch import HierarchicalLoss, MarginalCrossEntropyLoss, functional

ROWS, FEATURES, STEPS = 64, 6, 25


def data(example: Example, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Points around one centre a class, and what is known of them."""
    generator = torch.Generator().manual_seed(1)
    target = example.index(ROWS)
    centres = torch.randn(int(target.max()) + 1, FEATURES, generator=generator, dtype=dtype)
    noise = torch.randn(ROWS, FEATURES, generator=generator, dtype=dtype)
    return centres[target.clamp(min=0)] + 0.3 * noise, target


def network(columns: int, dtype: torch.dtype) -> nn.Module:
    torch.manual_seed(2)
    return nn.Sequential(nn.Linear(FEATURES, 16), nn.Tanh(), nn.Linear(16, columns)).to(dtype)


def curve(net: nn.Module, criterion: nn.Module, input: Tensor, target: Tensor) -> list[float]:
    optimizer = torch.optim.SGD(net.parameters(), lr=0.2, momentum=0.9)
    losses = []
    for step in range(STEPS):
        batch = torch.arange(step * 16, step * 16 + 16) % ROWS
        optimizer.zero_grad()
        loss = criterion(net(input[batch]), target[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.filterwarnings("ignore:weighting .height.")
@pytest.mark.parametrize("example", EVERY_LOSS, ids=lambda example: example.name)
def test_the_curve_is_that_of_the_composed_path(example: Example) -> None:
    input, target = data(example, torch.float64)
    net = network(example.columns(), torch.float64)
    curves = {}
    for impl in ("fused", "composed"):
        criterion = HierarchicalLoss(example.hierarchy, example.loss, impl=impl)
        curves[impl] = curve(copy.deepcopy(net), criterion, input, target)
    assert curves["composed"] == pytest.approx(curves["fused"], rel=1e-8)
    # And it learns.
    assert sum(curves["fused"][-4:]) < sum(curves["fused"][:4])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_the_curve_is_that_of_the_composed_path_in_lower_precision(dtype: torch.dtype) -> None:
    example = EVERY_LOSS[0]
    input, target = data(example, torch.float32)
    net = network(8, torch.float32)
    curves = {}
    for impl in ("fused", "composed"):
        criterion = MarginalCrossEntropyLoss(example.hierarchy, impl=impl)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
            curves[impl] = curve(copy.deepcopy(net), criterion, input, target)
    # Half logits are rounded the same on both paths; their gradients once here, and once there.
    assert curves["composed"] == pytest.approx(curves["fused"], rel=1e-4 if dtype == torch.float32 else 2e-2)


def test_a_compiled_step_learns_the_same() -> None:
    example = EVERY_LOSS[0]
    input, target = data(example, torch.float64)
    net = network(8, torch.float64)
    criterion = MarginalCrossEntropyLoss(example.hierarchy)
    eager = curve(copy.deepcopy(net), criterion, input, target)
    torch._dynamo.reset()
    compiled = torch.compile(criterion, backend="aot_eager", fullgraph=True)
    assert curve(copy.deepcopy(net), compiled, input, target) == pytest.approx(eager, rel=1e-12)


def test_a_flat_network_learns_as_with_cross_entropy() -> None:
    example = EVERY_LOSS[0]
    input, target = data(example, torch.float64)
    target = target.where(target < 8, -100)
    net = network(8, torch.float64)
    ours = curve(copy.deepcopy(net), MarginalCrossEntropyLoss(every_loss.tree(), weights="leaves"), input, target)
    theirs = curve(copy.deepcopy(net), nn.CrossEntropyLoss(), input, target)
    assert ours == pytest.approx(theirs, rel=1e-9)


def test_gradient_accumulation_is_the_large_batch() -> None:
    example = EVERY_LOSS[0]
    input, target = data(example, torch.float64)
    target = target.where(target != -100, 0)
    net = network(8, torch.float64)
    criterion = MarginalCrossEntropyLoss(every_loss.tree())
    criterion(net(input), target).backward()
    whole = net[0].weight.grad.clone()
    net.zero_grad()
    for rows in torch.arange(ROWS).split(16):
        (criterion(net(input[rows]), target[rows]) / 4).backward()
    torch.testing.assert_close(net[0].weight.grad, whole, rtol=1e-12, atol=1e-15)


# The trainers. What they say of the machine is not about us.

quiet = pytest.mark.filterwarnings("ignore")


@quiet
def test_lightning(tmp_path: Path) -> None:
    lightning = pytest.importorskip("lightning", reason="lightning is not installed")

    class Classifier(lightning.LightningModule):
        def __init__(self, hierarchy: klados.Hierarchy) -> None:
            super().__init__()
            self.net = network(hierarchy.num_classes, torch.float32)
            self.criterion = MarginalCrossEntropyLoss(hierarchy)
            self.losses: list[float] = []

        def training_step(self, batch: tuple[Tensor, Tensor], at: int) -> Tensor:
            input, target = batch
            loss = self.criterion(self.net(input), target)
            self.losses.append(loss.item())
            return loss

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=0.02)

    input, target = data(EVERY_LOSS[0], torch.float32)
    model = Classifier(every_loss.tree())
    options = {"accelerator": "cpu", "devices": 1, "logger": False, "enable_progress_bar": False}
    options |= {"enable_model_summary": True, "enable_checkpointing": False, "default_root_dir": tmp_path}
    trainer = lightning.Trainer(max_epochs=6, **options)
    trainer.fit(model, DataLoader(TensorDataset(input, target), batch_size=16))
    assert len(model.losses) == 24
    assert sum(model.losses[-4:]) < sum(model.losses[:4])
    trainer.save_checkpoint(tmp_path / "model.ckpt")
    again = Classifier.load_from_checkpoint(tmp_path / "model.ckpt", hierarchy=every_loss.tree())
    # The loss has no state, so that a checkpoint goes with another one.
    assert set(again.state_dict()) == {f"net.{name}" for name in again.net.state_dict()}
    assert torch.equal(again.net(input), model.net(input))


@quiet
def test_hugging_face_trainer(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    hierarchy = every_loss.tree()
    config = transformers.BertConfig(
        vocab_size=32,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=8,
        num_labels=hierarchy.num_classes,
        id2label=dict(enumerate(hierarchy.classes)),
    )
    model = transformers.BertForSequenceClassification(config)
    criterion = MarginalCrossEntropyLoss(hierarchy)
    target = EVERY_LOSS[0].index(ROWS)
    rows = [{"input_ids": [1, 2 + int(at) % 30, 3], "attention_mask": [1, 1, 1], "labels": int(at)} for at in target]

    def compute_loss(outputs, labels: Tensor, num_items_in_batch=None) -> Tensor:
        return criterion(outputs.logits, labels)

    trainer = transformers.Trainer(
        model=model,
        args=transformers.TrainingArguments(
            output_dir=str(tmp_path),
            max_steps=12,
            per_device_train_batch_size=16,
            learning_rate=0.01,
            use_cpu=True,
            report_to=[],
            save_strategy="no",
            logging_steps=1,
            disable_tqdm=True,
            seed=0,
        ),
        train_dataset=rows,
        compute_loss_func=compute_loss,
    )
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(losses) == 12
    assert sum(losses[-3:]) < sum(losses[:3])


def test_a_grad_scaler_steps() -> None:
    """Mixed precision in float16, whose small gradients come through by the scale."""
    net = network(8, torch.float32)
    input, target = data(EVERY_LOSS[0], torch.float32)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    losses = []
    for _ in range(12):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.float16):
            loss = functional.marginal_cross_entropy(net(input), target, every_loss.tree())
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_nothing_is_warned_of_in_a_training_loop() -> None:
    input, target = data(EVERY_LOSS[0], torch.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        curve(network(8, torch.float32), MarginalCrossEntropyLoss(every_loss.tree()), input, target)
