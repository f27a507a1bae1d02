"""Logits whose classes are spread over ranks: what one process gives that has them all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ranks
import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor
from torch.distributed.tensor.parallel import ColwiseParallel, parallelize_module

import klados
from klados.torch import MarginalCrossEntropyLoss, ShardedMarginalCrossEntropyLoss, shard_bounds

# Of several depths, with a class that is an internal node, and the classes in another order than the tree's.
EDGES = [("animal", "mammal"), ("animal", "bird"), ("mammal", "bat"), ("mammal", "dog"), ("dog", "poodle")]
EDGES += [("dog", "pug"), ("bird", "crow"), ("bird", "robin"), ("plant", "oak"), ("plant", "fern")]
CLASSES = ["oak", "bat", "poodle", "crow", "pug", "dog", "robin", "fern"]

OPTIONS: list[dict[str, Any]] = [
    {},
    {"weights": "balanced", "gamma": 2.0},
    {"weights": {"levels": [1, 0.5]}, "unresolved": "skip"},
    {"weights": "leaves", "weight": torch.arange(8.0)},
]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """The tensors are small, and torch's threads wait for work by spinning."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def animals() -> klados.Hierarchy:
    return klados.Hierarchy.from_edges(EDGES, CLASSES)


def chosen(hierarchy: klados.Hierarchy, rows: int) -> Tensor:
    """Classes and nodes of every level, and samples that take no part."""
    target = torch.arange(rows) * 7 % (hierarchy.num_classes + hierarchy.num_nodes)
    return target.masked_fill(torch.arange(rows) % 9 == 8, -100)


def compare(hierarchy: klados.Hierarchy, logits: Tensor, target: Tensor, tolerance: float, **options: Any) -> None:
    """A rank's loss and gradient are those of the whole, up to the tolerance of each row's largest number."""
    loss = MarginalCrossEntropyLoss(hierarchy, **options)
    whole = logits.clone().requires_grad_()
    expected = loss(whole, target)
    sharded = ShardedMarginalCrossEntropyLoss(hierarchy, **options)
    own = logits[:, sharded.classes].clone().requires_grad_()
    got = sharded(own, target)
    assert got.dtype == expected.dtype and got.shape == expected.shape
    upstream = torch.linspace(-1, 2, got.numel(), dtype=got.dtype).reshape(got.shape)
    got.backward(upstream)
    expected.backward(upstream)
    assert own.grad.dtype == logits.dtype
    largest = whole.grad.double().nan_to_num(0).abs().amax(1, keepdim=True)
    near(own.grad.double(), whole.grad[:, sharded.classes].double(), tolerance * largest)
    got, expected = got.detach().double(), expected.detach().double()
    near(got, expected, tolerance * expected.abs().nan_to_num(0, 0))
    near(sharded.normalizer(own, target), loss.normalizer(whole, target), torch.tensor(1e-15 * len(target)))


def near(got: Tensor, expected: Tensor, tolerance: Tensor) -> None:
    is_same = (got == expected) | (got.isnan() & expected.isnan()) | ((got - expected).abs() <= tolerance)
    assert is_same.all(), (got, expected)


def everything(rank: int = 0, size: int = 1) -> None:
    """What holds on any number of ranks."""
    torch.manual_seed(3)
    hierarchy = animals()
    target = chosen(hierarchy, 60)
    logits = 5 * torch.randn(60, 8, dtype=torch.float64)
    for options in OPTIONS:
        for reduction in ("none", "sum", "mean"):
            compare(hierarchy, logits, target, 2e-15 * 60, reduction=reduction, **options)
        compare(hierarchy, logits.float(), target, 1e-6, reduction="none", **options)
        compare(hierarchy, 2000 * logits.float(), target, 1e-6, reduction="none", **options)
        # A row and its gradient are rounded to a half once on each side.
        compare(hierarchy, logits.bfloat16(), target, 2**-7, reduction="none", **options)
    compare(hierarchy, logits, target.masked_fill(target == -100, 3), 1e-14, reduction="none", ignore_index=3)
    compare(hierarchy, logits, torch.full_like(target, -100), 0, reduction="mean")
    compare(hierarchy, logits[:0], target[:0], 0, reduction="mean")

    # Masked classes, whole rows of them, and bad numbers, which only one of the ranks sees.
    special = logits.masked_fill(torch.rand(60, 8) < 0.3, -torch.inf)
    special[3] = -torch.inf
    special[4, 2], special[5, 1], special[8] = torch.nan, torch.inf, torch.nan
    for options in OPTIONS:
        compare(hierarchy, special, target, 1e-13, reduction="none", **options)

    # A right prediction keeps its tiny loss, whichever rank has the class.
    for k in range(8):
        right = torch.full((1, 8), -60.0).index_fill(1, torch.tensor([k]), 0)
        compare(hierarchy, right, torch.tensor([k]), 1e-6, reduction="none")

    # Fewer classes than the ranks cut up: the last rank has none.
    small = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")])
    compare(small, torch.randn(20, 4), chosen(small, 20), 1e-6, reduction="none")
    one = klados.Hierarchy.from_edges([("mammal", "bat")])
    compare(one, torch.randn(5, 1), chosen(one, 5), 1e-6, reduction="none")

    # Shards that are no whole number of blocks, with superclasses that are on one rank or on several.
    wide = klados.Hierarchy.from_edges(
        [(f"family {k // 300}", f"genus {k // 30}") for k in range(0, 1500, 30)]
        + [(f"genus {k // 30}", f"species {k}") for k in range(1500)]
    )
    compare(wide, 3 * torch.randn(40, 1500), chosen(wide, 40), 1e-6, reduction="none")
    if size == 1:
        return

    # Shards of the user's own.
    ends = [0, 5, *[5] * (size - 2), 8]
    sharded = ShardedMarginalCrossEntropyLoss(hierarchy, shard=(ends[rank], ends[rank + 1]))
    whole = logits.clone().requires_grad_()
    own = logits[:, sharded.classes].clone().requires_grad_()
    sharded(own, target).backward()
    MarginalCrossEntropyLoss(hierarchy)(whole, target).backward()
    assert torch.allclose(own.grad, whole.grad[:, sharded.classes], rtol=0, atol=1e-16)
    with pytest.raises(ValueError, match="expected ranges that follow each other from 0 to 8"):
        ShardedMarginalCrossEntropyLoss(hierarchy, shard=(rank, rank + 1))

    # A last layer in slices: the gradient by the features is the sum of what comes from the ranks.
    features, weight = torch.randn(60, 5, dtype=torch.float64), torch.randn(8, 5, dtype=torch.float64)
    sharded = ShardedMarginalCrossEntropyLoss(hierarchy)
    mine = [features.clone().requires_grad_(), weight[sharded.classes].clone().requires_grad_()]
    sharded(mine[0] @ mine[1].t(), target).backward()
    dist.all_reduce(mine[0].grad)
    all_of_it = [features.clone().requires_grad_(), weight.clone().requires_grad_()]
    MarginalCrossEntropyLoss(hierarchy)(all_of_it[0] @ all_of_it[1].t(), target).backward()
    assert torch.allclose(mine[0].grad, all_of_it[0].grad, rtol=0, atol=1e-15)
    assert torch.allclose(mine[1].grad, all_of_it[1].grad[sharded.classes], rtol=0, atol=1e-15)

    # The same by torch's own tensor parallelism, with classes that are in tree order.
    ordered = hierarchy.with_classes([hierarchy.classes[k] for k in hierarchy.tree_order])
    assert ordered.tree_order.tolist() == list(range(8))
    models = [torch.nn.Sequential(torch.nn.Linear(5, 6), torch.nn.Linear(6, 8)).double() for _ in range(2)]
    models[1].load_state_dict(models[0].state_dict())
    parallelize_module(models[1][1], init_device_mesh("cpu", (size,)), ColwiseParallel())
    MarginalCrossEntropyLoss(ordered)(models[0](features), target).backward()
    ShardedMarginalCrossEntropyLoss(ordered)(models[1](features), target).backward()
    for one, other in zip(models[1].parameters(), models[0].parameters(), strict=True):
        grad = one.grad.full_tensor() if isinstance(one.grad, DTensor) else one.grad
        assert torch.allclose(grad, other.grad, rtol=0, atol=1e-15)

    # A group that is not all ranks.
    if size == 3:
        group = dist.new_group([0, 2])
        if rank == 1:
            with pytest.raises(ValueError, match="not in the process group"):
                ShardedMarginalCrossEntropyLoss(hierarchy, process_group=group)
            return
        sharded = ShardedMarginalCrossEntropyLoss(hierarchy, process_group=group, reduction="none")
        assert sharded.shard == ((0, 4) if rank == 0 else (4, 8))
        expected = MarginalCrossEntropyLoss(hierarchy, reduction="none")(logits, target)
        assert torch.allclose(sharded(logits[:, sharded.classes], target), expected, rtol=1e-14)


def test_one_rank() -> None:
    everything()


@pytest.mark.parametrize("size", [2, 3])
def test_several_ranks(size: int, tmp_path: Path) -> None:
    ranks.run(size, tmp_path, everything)


def test_the_numbers_that_are_exchanged_are_a_few_a_level(monkeypatch: pytest.MonkeyPatch) -> None:
    exchanged: list[int] = []
    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    monkeypatch.setattr(dist, "get_rank", lambda group: 0)
    monkeypatch.setattr(dist, "get_world_size", lambda group: 1)
    monkeypatch.setattr(dist, "all_reduce", lambda tensor, op, group: exchanged.append(tensor.numel()))
    hierarchy = animals()
    logits = torch.randn(10, 8, requires_grad=True)
    ShardedMarginalCrossEntropyLoss(hierarchy)(logits, chosen(hierarchy, 10)).backward()
    # The longest path, animal > mammal > dog > poodle, has four sets and all classes.
    assert exchanged == [10 * 5, 10 * 5]


def test_backward_more_than_once() -> None:
    hierarchy = animals()
    logits = torch.randn(10, 8, dtype=torch.float64, requires_grad=True)
    out = ShardedMarginalCrossEntropyLoss(hierarchy)(logits, chosen(hierarchy, 10))
    (first,) = torch.autograd.grad(out, logits, retain_graph=True)
    (again,) = torch.autograd.grad(3 * out, logits)
    assert torch.allclose(again, 3 * first, rtol=1e-15)


def test_a_second_derivative_is_an_error() -> None:
    hierarchy = animals()
    logits = torch.randn(10, 8, requires_grad=True)
    out = ShardedMarginalCrossEntropyLoss(hierarchy)(logits, chosen(hierarchy, 10))
    (grad,) = torch.autograd.grad(out, logits, create_graph=True)
    with pytest.raises(RuntimeError, match="sharded classes is differentiable once"):
        grad.sum().backward()


def test_any_shape_of_a_batch() -> None:
    hierarchy = animals()
    loss = ShardedMarginalCrossEntropyLoss(hierarchy, reduction="none")
    logits, target = torch.randn(12, 8), chosen(hierarchy, 12)
    flat = loss(logits, target)
    assert torch.equal(loss(logits.reshape(2, 6, 8), target.reshape(2, 6)), flat.reshape(2, 6))
    assert torch.equal(loss(logits[0], target[0]), flat[0])
    assert torch.equal(loss(logits.t().contiguous().t(), target.int()), flat)


def test_shard_bounds_are_those_of_chunk() -> None:
    for classes in range(1, 20):
        for size in range(1, 8):
            chunks = [len(chunk) for chunk in torch.arange(classes).chunk(size)]
            bounds = [shard_bounds(classes, size, rank) for rank in range(size)]
            assert [end - start for start, end in bounds] == chunks + [0] * (size - len(chunks))


def test_tree_order_and_ranges() -> None:
    hierarchy = animals()
    for node in range(hierarchy.num_nodes):
        start, end = hierarchy.class_ranges[node]
        assert np.array_equal(hierarchy.tree_order[start:end], hierarchy.classes_below(node))
    dag = klados.Hierarchy.from_edges([("pet", "dog"), ("mammal", "dog"), ("mammal", "bat"), ("pet", "fish")])
    assert sorted(dag.tree_order) == [0, 1, 2]
    with pytest.raises(ValueError, match="for trees"):
        _ = dag.class_ranges


def test_errors() -> None:
    hierarchy = animals()
    loss = ShardedMarginalCrossEntropyLoss(hierarchy)
    cases = [
        (torch.randn(2, 7), torch.tensor([0, 1]), r"the logits have shape \(2, 7\), expected \(..., 8\): classes 0"),
        (torch.randn(2, 8), torch.tensor([0]), r"the target has shape \(1,\), expected \(2,\)"),
        (torch.randn(2, 8), torch.tensor([0, 40]), r"row 1: the target is 40, expected 0 to 21 or -100"),
        (torch.randn(2, 8), torch.tensor([0.0, 1.0]), r"expected integers"),
        (torch.randint(3, (2, 8)), torch.tensor([0, 1]), r"the logits are torch.int64"),
    ]
    for logits, target, message in cases:
        with pytest.raises(ValueError, match=message):
            loss(logits, target)
    dag = klados.Hierarchy.from_edges([("pet", "dog"), ("mammal", "dog"), ("mammal", "bat"), ("pet", "fish")])
    with pytest.raises(ValueError, match="a DAG, expected a tree: in a DAG there is no order"):
        ShardedMarginalCrossEntropyLoss(dag)
    with pytest.raises(ValueError, match="reduction 'average'"):
        ShardedMarginalCrossEntropyLoss(hierarchy, reduction="average")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"the shards of the ranks are \[\(0, 5\)\]"):
        ShardedMarginalCrossEntropyLoss(hierarchy, shard=(0, 5))


def test_module() -> None:
    loss = ShardedMarginalCrossEntropyLoss(animals(), "balanced", reduction="sum")
    assert not loss.state_dict() and not list(loss.parameters())
    assert repr(loss).startswith("ShardedMarginalCrossEntropyLoss(\n  shard=(0, 8), weights='balanced', ignore_index=")
    logits = torch.randn(4, 8).bfloat16()
    assert torch.equal(loss.bfloat16()(logits, torch.arange(4)), loss(logits, torch.arange(4)))
