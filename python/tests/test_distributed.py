"""Training on several ranks, which have uneven parts of a batch, is training on the whole batch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import ranks
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel

import klados
from klados.torch import (
    GlobalMean,
    HierarchicalLoss,
    LinearMarginalCrossEntropyLoss,
    MarginalCrossEntropyLoss,
    ShardedMarginalCrossEntropyLoss,
)

HIERARCHY = klados.Hierarchy.from_edges(
    [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin"), ("dog", "pug"), ("dog", "poodle")]
)
FEATURES, CLASSES, ROWS = 6, HIERARCHY.num_classes, 18


def network(head: nn.Module) -> nn.Module:
    torch.manual_seed(5)
    body = nn.Sequential(nn.Linear(FEATURES, 7), nn.Tanh())
    for parameter in head.parameters():
        nn.init.normal_(parameter)
    return Model(body, head).double()


class Model(nn.Module):
    """Gives its loss, so that the head may be the loss."""

    def __init__(self, body: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.body, self.head = body, head

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.head(self.body(input), target)


class Head(nn.Module):
    """The two steps: a linear layer, and a loss."""

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.linear, self.loss = nn.Linear(7, CLASSES), loss

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.loss(self.linear(input), target)


WEIGHT = torch.linspace(0.5, 2, CLASSES)

# A head with a reduction.
HEADS: list[Callable[[str], nn.Module]] = [
    lambda reduction: Head(MarginalCrossEntropyLoss(HIERARCHY, weight=WEIGHT, reduction=reduction)),
    lambda reduction: LinearMarginalCrossEntropyLoss(HIERARCHY, 7, True, 2, class_weight=WEIGHT, reduction=reduction),
]


def batch(size: int) -> tuple[Tensor, Tensor, list[slice]]:
    """A batch, and the parts of the ranks, uneven: the last has samples that take no part alone."""
    torch.manual_seed(6)
    input = torch.randn(ROWS, FEATURES, dtype=torch.float64)
    target = torch.randint(CLASSES + HIERARCHY.num_nodes, (ROWS,))
    last = ROWS - 3
    target[last:], target[1] = -100, -100
    bounds = [0, *[last * (rank + 1) // size + 2 for rank in range(size - 2)], last, ROWS]
    return input, target, [slice(*pair) for pair in zip(bounds, bounds[1:])]


def gradients(model: nn.Module) -> list[Tensor]:
    grads = [parameter.grad for parameter in model.parameters()]
    return [grad.full_tensor() if hasattr(grad, "full_tensor") else grad for grad in grads]


def assert_same(got: list[Tensor], expected: list[Tensor]) -> None:
    for one, other in zip(got, expected, strict=True):
        assert torch.allclose(one, other, rtol=1e-13, atol=1e-15), (one, other)


def wrapped(head: nn.Module) -> nn.Module:
    if isinstance(head, Head):
        head.loss = GlobalMean(head.loss)
        return head
    return GlobalMean(head)


def data_parallel(rank: int, size: int) -> None:
    input, target, parts = batch(size)
    own = parts[rank]
    for make in HEADS:
        whole = network(make("mean"))
        loss = whole(input, target)
        loss.backward()

        parallel = DistributedDataParallel(network(wrapped(make("sum"))))
        share = parallel(input[own], target[own])
        share.backward()
        assert_same(gradients(parallel), gradients(whole))
        share = share.detach()
        dist.all_reduce(share)
        assert_same([share / size], [loss])

        # The mean of means is another number: what the wrapper is for.
        of_means = DistributedDataParallel(network(make("mean")))
        of_means(input[own], target[own]).backward()
        assert not torch.allclose(gradients(of_means)[0], gradients(whole)[0], rtol=0.1)

        # Parameters that are spread over the ranks.
        spread = network(wrapped(make("sum")))
        fully_shard(spread.body)
        fully_shard(spread)
        spread(input[own], target[own]).backward()
        assert_same(gradients(spread), gradients(whole))

    # A batch of which nothing takes part, on all ranks.
    nothing = DistributedDataParallel(network(wrapped(HEADS[0]("sum"))))
    nothing(input[own], torch.full_like(target[own], -100)).backward()
    assert all((grad == 0).all() for grad in gradients(nothing))

    by_terms(rank, parts)


def by_terms(rank: int, parts: list[slice]) -> None:
    """Losses of sigmoids divide by the number of terms."""
    torch.manual_seed(7)
    loss = klados.loss("binary_cross_entropy")
    logits, target = torch.randn(ROWS, HIERARCHY.num_nodes - 1, dtype=torch.float64), torch.randint(2, (ROWS, CLASSES))
    whole = logits.clone().requires_grad_()
    HierarchicalLoss(HIERARCHY, loss)(whole, target).backward()
    own = logits[parts[rank]].clone().requires_grad_()
    GlobalMean(HierarchicalLoss(HIERARCHY, loss, reduction="sum"))(own, target[parts[rank]]).backward()
    assert_same([own.grad / len(parts)], [whole.grad[parts[rank]]])


def both_ways(rank: int, size: int) -> None:
    """Four ranks: two have the classes, twice, and each two of them half of the batch."""
    input, target, parts = batch(2)
    groups = [[dist.new_group([0, 1]), dist.new_group([2, 3])], [dist.new_group([0, 2]), dist.new_group([1, 3])]]
    classes, samples = groups[0][rank // 2], groups[1][rank % 2]
    own = parts[rank // 2]
    torch.manual_seed(8)
    logits = torch.randn(ROWS, CLASSES, dtype=torch.float64)
    whole = logits.clone().requires_grad_()
    MarginalCrossEntropyLoss(HIERARCHY, weight=WEIGHT)(whole, target).backward()
    loss = ShardedMarginalCrossEntropyLoss(HIERARCHY, weight=WEIGHT, reduction="sum", process_group=classes)
    mine = logits[own][:, loss.classes].clone().requires_grad_()
    GlobalMean(loss, samples)(mine, target[own]).backward()
    assert_same([mine.grad / 2], [whole.grad[own][:, loss.classes]])


@pytest.mark.parametrize("size", [2, 3])
def test_uneven_ranks(size: int, tmp_path: Path) -> None:
    ranks.run(size, tmp_path, data_parallel)


def test_classes_and_samples_over_ranks(tmp_path: Path) -> None:
    ranks.run(4, tmp_path, both_ways)


def test_one_process() -> None:
    logits, target = torch.randn(4, CLASSES), torch.tensor([0, -100, 2, 9])
    loss = MarginalCrossEntropyLoss(HIERARCHY, weight=WEIGHT)
    total = MarginalCrossEntropyLoss(HIERARCHY, weight=WEIGHT, reduction="sum")
    assert torch.allclose(GlobalMean(total)(logits, target), loss(logits, target))
    assert GlobalMean(total)(logits, torch.full((4,), -100)) == 0


def test_normalizers() -> None:
    target = torch.tensor([[0, -100, 2], [1, 3, CLASSES]])
    loss = MarginalCrossEntropyLoss(HIERARCHY)
    assert loss.normalizer(torch.zeros(2, CLASSES, 3), target) == 5
    assert LinearMarginalCrossEntropyLoss(HIERARCHY, 7).normalizer(torch.zeros(2, 3, 7), target) == 5
    assert loss.normalizer(torch.zeros(2, CLASSES), torch.rand(2, CLASSES).softmax(1)) == 2
    with pytest.raises(ValueError, match=r"the target has shape \(2, 3\), expected \(2,\)"):
        loss.normalizer(torch.zeros(2, CLASSES), target, kind="index")


def test_errors() -> None:
    with pytest.raises(ValueError, match="the reduction of the loss is 'mean', expected 'sum'"):
        GlobalMean(MarginalCrossEntropyLoss(HIERARCHY))
    with pytest.raises(ValueError, match="CrossEntropyLoss has no method normalizer"):
        GlobalMean(nn.CrossEntropyLoss(reduction="sum"))
