"""Metrics as torchmetrics has them: in collections, in loops, over ranks."""

from __future__ import annotations

import copy
import importlib
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import ranks
import torch
import torchmetrics
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import klados
from klados.torch import MarginalCrossEntropyLoss
from klados.torch import metrics as of_torch

HIERARCHY = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")])
CLASSES, NODES, ROWS = HIERARCHY.num_classes, HIERARCHY.num_nodes, 60

Make = Callable[[], of_torch.HierarchicalMetric]

METRICS: dict[str, Make] = {
    "accuracy": lambda: of_torch.Accuracy(HIERARCHY),
    "of threshold": lambda: of_torch.Accuracy(HIERARCHY, level="class", decision={"threshold": {"tau": 0.4}}),
    "lca_height": lambda: of_torch.LcaHeight(HIERARCHY),
    "log_loss": lambda: of_torch.LogLoss(HIERARCHY),
    "ece": lambda: of_torch.ExpectedCalibrationError(HIERARCHY, level="depth 1", bins=5),
    "hierarchical": lambda: of_torch.HierarchicalF1(HIERARCHY, average=None, decision="threshold"),
    "lca": lambda: of_torch.LcaRecall(HIERARCHY, value="information", decision="threshold"),
    "risk": lambda: of_torch.Risk(HIERARCHY, decision={"threshold": {"tau": 0.7}}),
    "confusion": lambda: of_torch.Confusion(HIERARCHY, level=1, decision={"threshold": {"tau": 0.7}}),
    "curve": lambda: of_torch.OperatingCurve(HIERARCHY),
    "aurc": lambda: of_torch.RiskCoverage(HIERARCHY),
    "distances": lambda: of_torch.DistanceAtK(HIERARCHY, k=[1, 3]),
    "wasserstein": lambda: of_torch.Wasserstein(HIERARCHY),
    "auprc": lambda: of_torch.Auprc(HIERARCHY, average="macro", form="class_softmax"),
}


def batch() -> tuple[Tensor, Tensor, Tensor]:
    """Logits, labels at any level with ignored ones among them, and weights."""
    rng = np.random.default_rng(20261124)
    target = rng.integers(CLASSES + NODES, size=ROWS)
    target[rng.random(ROWS) < 0.1] = -100
    return torch.tensor(rng.normal(size=(ROWS, CLASSES)) * 2), torch.tensor(target), torch.tensor(rng.random(ROWS))


def same(one: object, other: object) -> bool:
    return repr(one) == repr(other)


@pytest.mark.parametrize("make", METRICS.values(), ids=METRICS)
def test_batches_are_the_whole(make: Make) -> None:
    logits, target, weight = batch()
    whole = make()
    whole.update(logits, target, weight)
    metric = make()
    for part in torch.arange(ROWS).split(7):
        of_batch = metric(logits[part], target[part], weight[part])
        alone = make()
        alone.update(logits[part], target[part], weight[part])
        assert same(of_batch, alone.compute())
    assert same(metric.compute(), whole.compute())
    assert metric.merged().details() == whole.merged().details()
    assert isinstance(metric.rows, list) and len(metric.rows) == 1

    halves = make(), make()
    for half, part in zip(halves, torch.arange(ROWS).split(ROWS // 2), strict=True):
        half.update(logits[part], target[part], weight[part])
    halves[0].merge_state(halves[1])
    assert same(halves[0].compute(), whole.compute())


def test_they_are_the_metrics_of_arrays() -> None:
    logits, target, weight = batch()
    answers = klados.decide(logits, HIERARCHY)
    found = of_torch.Accuracy(HIERARCHY)(logits, target, weight)
    expected = klados.metrics.accuracy(target, answers, HIERARCHY, sample_weight=weight)
    assert {name: torch.tensor(value) for name, value in expected.items()} == found
    assert same(of_torch.Accuracy(HIERARCHY)(torch.tensor(answers), target, weight), found)
    loss = of_torch.LogLoss(HIERARCHY, level=1)(logits, target)
    assert loss == torch.tensor(klados.metrics.log_loss(target, logits, HIERARCHY, level=1))


@pytest.mark.parametrize("make", METRICS.values(), ids=METRICS)
def test_life_of_a_metric(make: Make) -> None:
    logits, target, _ = batch()
    metric = make()
    with pytest.warns(UserWarning, match="was called before the ``update`` method"):
        nothing = metric.compute()
    metric.update(logits, target)
    value = metric.compute()
    assert same(pickle.loads(pickle.dumps(metric)).compute(), value)
    copied = copy.deepcopy(metric)
    copied.update(logits.flip(0), target)
    assert same(metric.compute(), value) and not same(copied.compute(), value)
    metric.persistent(True)
    loaded = make()
    loaded.persistent(True)
    loaded.load_state_dict(metric.state_dict())
    loaded.update(logits[:0], target[:0])
    assert same(loaded.compute(), value)
    assert same(metric.double().to("cpu").compute(), value)
    metric.set_dtype(torch.bfloat16)
    metric.update(logits[:0], target[:0])
    assert same(metric.compute(), value)
    metric.reset()
    metric.update(logits[:0], target[:0])
    assert same(metric.compute(), nothing)


def test_an_error_adds_nothing() -> None:
    logits, target, _ = batch()
    metric = of_torch.Accuracy(HIERARCHY)
    metric.update(logits, target)
    before = metric.merged().state()
    target[3] = 99
    with pytest.raises(ValueError, match="row 3: the target is 99"):
        metric.update(logits, target)
    assert metric.merged().state() == before


def test_a_collection() -> None:
    logits, target, _ = batch()
    target = target.clamp_min(1)
    # The accuracies share their state, and so do severity and height. In the first batch no label is 0: of the two heights the
    # rows are equal by chance.
    collection = torchmetrics.MetricCollection(
        {
            "top": of_torch.Accuracy(HIERARCHY, level=1),
            "bottom": of_torch.Accuracy(HIERARCHY, level="class"),
            "severity": of_torch.MistakeSeverity(HIERARCHY),
            "height": of_torch.LcaHeight(HIERARCHY),
            "height of some": of_torch.LcaHeight(HIERARCHY, ignore_index=0),
            "loss": of_torch.LogLoss(HIERARCHY, level=1),
        }
    )
    singles = {name: copy.deepcopy(metric) for name, metric in collection.items()}
    for part in torch.arange(ROWS).split(13):
        collection.update(logits[part], target[part])
        for metric in singles.values():
            metric.update(logits[part], target[part])
        target[-3:] = 0
    found = collection.compute()
    assert found.keys() == singles.keys()
    assert {name: metric.compute() for name, metric in singles.items()} == found
    assert found["height"] != found["height of some"]
    collection.reset()
    assert same(collection(logits, target)["top"], of_torch.Accuracy(HIERARCHY, level=1)(logits, target))


def test_a_state_is_written_only_where_it_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    written = 0
    state = klados.metrics.Metric.state

    def counted(metric: klados.metrics.Metric) -> bytes:
        nonlocal written
        written += 1
        return state(metric)

    monkeypatch.setattr(klados.metrics.Metric, "state", counted)
    logits, target, _ = batch()
    for make in METRICS.values():
        metric = make()
        for _ in range(3):
            metric.update(logits, target)
            metric(logits, target)
            assert list(nn.ModuleList([metric]).modules())[1] is metric
            metric.state_dict()
            metric.compute()
        metric.merged()
        copy.deepcopy(metric).update(logits, target)
        assert written == 0
        metric.persistent(True)
        metric.state_dict()
        pickle.dumps(metric)
        assert written == 1
        metric(logits, target)
        pickle.dumps(metric)
        assert written == 2
        written = 0
    # A collection compares the states of the first batch, to find its groups.
    areas = {level: of_torch.RiskCoverage(HIERARCHY, level=level) for level in ("depth 1", "class")}
    collection = torchmetrics.MetricCollection(areas)
    collection.update(logits, target)
    assert len(collection.compute_groups) == 1
    written = 0
    for _ in range(3):
        collection.update(logits, target)
        collection.compute()
    assert written == 0


def test_what_torchmetrics_does_to_a_state() -> None:
    logits, target, _ = batch()
    metric, nothing = of_torch.RiskCoverage(HIERARCHY), of_torch.RiskCoverage(HIERARCHY)
    metric.update(logits, target)
    [state] = metric.rows
    assert isinstance(state, Tensor) and state.dtype == torch.uint8
    assert torch.equal(metric.rows[0], state) and torch.equal(torch.cat([*metric.rows]), state)
    twice = of_torch.RiskCoverage(HIERARCHY)
    twice.update(torch.cat([logits, logits]), torch.cat([target, target]))
    for rows in (metric.rows + [state], [state] + metric.rows, [*metric.rows, state], torch.cat([state, state])):
        read = of_torch.RiskCoverage(HIERARCHY)
        read.load_state_dict({"rows": rows}, strict=False)
        assert same(read.merged().compute(), twice.merged().compute())
    for rows in (metric.rows + nothing.rows, nothing.rows + metric.rows):
        assert [torch.equal(part, state) for part in rows] == [True]
    # What was read stays what it was.
    before = state.clone()
    metric.update(logits, target)
    assert torch.equal(state, before) and not torch.equal(metric.rows[0][: len(state)], state)
    assert same(metric.compute(), twice.compute())
    copied = metric.clone()
    metric.reset()
    assert metric.rows == [] and not metric.update_called and same(copied.compute(), twice.compute())
    assert len({metric, copied, metric}) == 2


def test_an_error_in_forward_adds_nothing() -> None:
    logits, target, _ = batch()
    metric = of_torch.LogLoss(HIERARCHY)
    metric(logits, target)
    before = metric.merged().state()
    with pytest.raises(ValueError, match="the logits have shape"):
        metric(logits[:, :2], target)
    assert metric.merged().state() == before
    metric(logits, target)
    twice = of_torch.LogLoss(HIERARCHY)
    twice.update(torch.cat([logits, logits]), torch.cat([target, target]))
    assert same(metric.compute(), twice.compute())


def test_a_group_is_updated_forwarded_and_reset_in_turn() -> None:
    logits, target, _ = batch()
    made = {name: lambda name=name: of_torch.RiskCoverage(HIERARCHY, level=name) for name in ("class", "depth 1")}
    collection = torchmetrics.MetricCollection({name: make() for name, make in made.items()})
    singles = {name: make() for name, make in made.items()}
    for step, part in enumerate(torch.arange(ROWS).split(9)):
        if step % 3 == 0:
            collection.update(logits[part], target[part])
            [metric.update(logits[part], target[part]) for metric in singles.values()]
        else:
            found = collection(logits[part], target[part])
            assert same(found, {name: metric(logits[part], target[part]) for name, metric in singles.items()})
        assert same(collection.compute(), {name: metric.compute() for name, metric in singles.items()})
    assert len(collection.compute_groups) == 1
    # One by one, from a copy of the states.
    collection["class"].update(logits, target)
    singles["class"].update(logits, target)
    assert same(collection["class"].compute(), singles["class"].compute())
    assert same(collection["depth 1"].compute(), singles["depth 1"].compute())
    copied = collection.clone()
    collection.reset()
    collection.update(logits, target)
    fresh = {name: make() for name, make in made.items()}
    assert same(collection.compute(), {name: metric(logits, target) for name, metric in fresh.items()})
    assert same(copied.compute(), {name: metric.compute() for name, metric in singles.items()})


def test_several_labels() -> None:
    logits = torch.randn(8, NODES - 1)
    target = (torch.randn(8, NODES - 1) > 0).int()
    target[0, 1] = -100
    metric = of_torch.HierarchicalRecall(HIERARCHY, decision="consistent", form="independent_sigmoid")
    sets = klados.decide(logits, HIERARCHY, "consistent", form="independent_sigmoid")
    expected = klados.metrics.hierarchical_recall(target, sets, HIERARCHY)
    assert metric(logits, target) == torch.tensor(expected)
    assert of_torch.HierarchicalRecall(HIERARCHY)(torch.tensor(sets), target) == torch.tensor(expected)
    assert of_torch.Auprc(HIERARCHY)(logits, target) == torch.tensor(klados.metrics.auprc(target, logits, HIERARCHY))
    found = of_torch.Auprc(HIERARCHY, thresholds=20)(logits, target)
    assert found == torch.tensor(klados.metrics.auprc(target, logits, HIERARCHY, thresholds=20))
    found = of_torch.Violations(HIERARCHY)(logits, target)
    assert found == torch.tensor(klados.metrics.violations(logits, HIERARCHY)) and found > 0


def test_every_metric_is_here() -> None:
    there = {name for name in klados.metrics.__all__ if isinstance(getattr(klados.metrics, name), type)}
    there = {name for name in there if issubclass(getattr(klados.metrics, name), klados.metrics.Metric)} - {"Metric"}
    assert there | {"HierarchicalMetric"} == set(of_torch.__all__)
    assert all(getattr(of_torch, name)._metric is getattr(klados.metrics, name) for name in there)


def test_pixels() -> None:
    logits, target = torch.randn(2, CLASSES, 3, 5), torch.randint(CLASSES + NODES, (2, 3, 5))
    rows, flat = logits.permute(0, 2, 3, 1).reshape(-1, CLASSES), target.reshape(-1)
    for make in METRICS.values():
        assert same(make()(logits, target), make()(rows, flat))
    answers = logits.argmax(1)
    assert same(of_torch.Accuracy(HIERARCHY)(answers, target), of_torch.Accuracy(HIERARCHY)(logits, target))


def over_ranks(rank: int, size: int) -> None:
    logits, target, weight = batch()
    # Uneven parts; the third rank has none.
    parts = [torch.arange(17), torch.arange(17, ROWS), torch.arange(0)]
    for make in METRICS.values():
        whole, own = make(), make()
        whole.distributed_available_fn = lambda: False
        whole.update(logits, target, weight)
        for part in parts[rank].split(8):
            if len(part) > 0:
                own(logits[part], target[part], weight[part])
        assert same(own.compute(), whole.compute())
        # What it has itself is there again, and is added to.
        more = 1 if rank == 0 else 0
        own.update(logits[:more], target[:more])
        whole.update(logits[:1], target[:1])
        assert same(own.compute(), whole.compute())
        with own.sync_context():
            assert own.merged().details() == whole.merged().details()
    collection = torchmetrics.MetricCollection([of_torch.LcaHeight(HIERARCHY), of_torch.MistakeSeverity(HIERARCHY)])
    collection.update(logits[parts[rank]], target[parts[rank]])
    expected = klados.metrics.lca_height(target, klados.decide(logits, HIERARCHY), HIERARCHY)
    assert collection.compute()["LcaHeight"] == torch.tensor(expected)


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.filterwarnings("ignore:The ``compute`` method of metric")
def test_any_number_of_ranks_gives_the_same_bits(size: int, tmp_path: Path) -> None:
    ranks.run(size, tmp_path, over_ranks)


@pytest.mark.filterwarnings("ignore")
def test_lightning(tmp_path: Path) -> None:
    lightning = pytest.importorskip("lightning", reason="lightning is not installed")

    class Classifier(lightning.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, CLASSES)
            self.loss = MarginalCrossEntropyLoss(HIERARCHY)
            self.accuracy = of_torch.Accuracy(HIERARCHY, level="depth 1")
            self.by_level = torchmetrics.MetricCollection([of_torch.LogLoss(HIERARCHY)])

        def training_step(self, batch: list[Tensor], index: int) -> Tensor:
            input, target = batch
            logits = self.linear(input)
            self.accuracy(logits, target)
            self.by_level.update(logits, target)
            self.log("accuracy", self.accuracy, on_step=True, on_epoch=True)
            return self.loss(logits, target)

        def on_train_epoch_end(self) -> None:
            self.log_dict(self.by_level.compute())
            self.by_level.reset()

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.0)

    input, target = torch.randn(20, 3), torch.randint(CLASSES + NODES, (20,))
    module = Classifier()
    trainer = lightning.Trainer(
        max_epochs=2,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    trainer.fit(module, DataLoader(TensorDataset(input, target), batch_size=6))
    logged = trainer.callback_metrics
    logits = module.linear(input)
    answers = klados.decide(logits, HIERARCHY)
    assert logged["accuracy_epoch"] == torch.tensor(klados.metrics.accuracy(target, answers, HIERARCHY, level=1))
    expected = torch.tensor(klados.metrics.log_loss(target, logits, HIERARCHY, level="class"))
    # The logits of a batch are not always those of the whole to the last bit.
    assert torch.allclose(logged["class"], expected)


def test_the_error_without_torchmetrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    monkeypatch.delitem(sys.modules, "klados.torch.metrics")
    with pytest.raises(ModuleNotFoundError, match="klados.torch.metrics needs torchmetrics: pip install torchmetrics"):
        importlib.import_module("klados.torch.metrics")
