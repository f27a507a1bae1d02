"""Marginal cross-entropy of logits whose columns are spread over the ranks of a process group."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist
from torch import Tensor, nn

from klados._klados import Hierarchy
from klados.torch import _shells
from klados.torch._composed.buffers import Buffers
from klados.torch._composed.form import Form
from klados.torch._dispatch import FLOATS, Compiled, Reduction, check_options
from klados.torch._fused import once, wide
from klados.torch._module import class_weight, described, loss_with
from klados.torch._nested import loss_and_coefficients
from klados.torch.distributed import has_ranks

__all__ = ["ShardedMarginalCrossEntropyLoss", "shard_bounds"]


def shard_bounds(classes: int, ranks: int, rank: int) -> tuple[int, int]:
    """The slice of the classes that a rank has: as :func:`torch.chunk` cuts, and so a ``DTensor`` with ``Shard``: all
    slices are as long as the first but those of the last ranks, which may be shorter or empty.

    Example::

        >>> from klados.torch import shard_bounds
        >>> [shard_bounds(10, 3, rank) for rank in range(3)]
        [(0, 4), (4, 8), (8, 10)]
    """
    length = -(-classes // ranks)
    return min(rank * length, classes), min((rank + 1) * length, classes)


class ShardedMarginalCrossEntropyLoss(nn.Module):
    r"""Marginal cross-entropy of logits whose classes are spread over the ranks of a process group, which are never
    gathered.

    The classes are cut up in *tree order*, in which those below any node are next to each other. Of each sample the
    ranks tell each other how much of :math:`\sum_k e^{x_k}` they have of each set on the path from the label to the
    root: two numbers a level, for a million classes as for a hundred. Each rank then has the loss, and the gradient by
    its own logits. Both are those of :class:`MarginalCrossEntropyLoss` on all logits.

    The columns of a rank are the classes ``loss.classes`` in that order: ``loss.shard`` is their range in
    :attr:`klados.Hierarchy.tree_order`. Make the rank's last layer with so many outputs, or take those rows of a
    trained one. Targets are class and node indices as ever.

    As in every column-parallel layer, the features that all ranks multiply with their part of the last layer get from
    each rank the part of the gradient that comes through its classes: add these up over the group. ``ColwiseParallel``
    of :mod:`torch.distributed.tensor.parallel` does, and cuts the layer up as needed where the classes are in tree
    order from the start: ``hierarchy.with_classes([hierarchy.classes[k] for k in hierarchy.tree_order])``.

    Args:
        hierarchy: a tree. In a DAG there is no order in which the classes below every node are next to each other.
        weights, unresolved, gamma, weight: see :class:`MarginalCrossEntropyLoss`.
        ignore_index, reduction: see :class:`HierarchicalLoss`.
        process_group: whose ranks have a slice each; by default all. Without :mod:`torch.distributed` there is one
            rank.
        shard: the range of the classes in tree order that this rank has; by default :func:`shard_bounds`. The ranges of
            the ranks follow each other, and one may be empty.

    Attributes:
        classes: the class of each column of this rank: ``int64``, :math:`(C_r)`.
        shard: the range of these columns in tree order.

    Shape:
        - input: :math:`(*, C_r)`, the logits of this rank's classes.
        - target: :math:`(*)`, the same on all ranks: each a class, a node as ``classes + node``, or *ignore_index*.
        - output: a scalar; with ``"none"`` :math:`(*)`; the same on all ranks. ``float32`` for half inputs.

    Every rank of the group must call the loss, with as many samples. A distribution, a set of candidates and label
    smoothing ask for sets that are on no path; they are not taken. It cannot be differentiated twice.

    Example::

        >>> import torch, klados
        >>> import torch.distributed as dist
        >>> from klados.torch import ShardedMarginalCrossEntropyLoss
        >>> dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)  # torchrun says these
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("bird", "crow"), ("mammal", "dog")])
        >>> criterion = ShardedMarginalCrossEntropyLoss(hierarchy)
        >>> [hierarchy.classes[k] for k in criterion.classes]
        ['bat', 'dog', 'crow']
        >>> logits = torch.zeros(2, len(criterion.classes), requires_grad=True)  # of this rank's classes
        >>> output = criterion(logits, torch.from_numpy(hierarchy.encode(["crow", "mammal"])))
        >>> output.backward()
        >>> round(output.item(), 4)
        1.5041
        >>> dist.destroy_process_group()
    """

    def __init__(
        self,
        hierarchy: Hierarchy,
        weights: str | dict[str, Any] = "uniform",
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        *,
        unresolved: str = "label",
        gamma: float = 0.0,
        process_group: dist.ProcessGroup | None = None,
        shard: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        check_options(reduction, "auto")
        if not hierarchy.is_tree:
            raise ValueError(
                "the hierarchy is a DAG, expected a tree: in a DAG there is no order in which the classes below every "
                "node are next to each other, and a rank cannot have a range of them"
            )
        self.hierarchy = hierarchy
        self.loss = loss_with(
            "marginal_cross_entropy", weights=weights, unresolved=unresolved, gamma=gamma, class_weight=weight
        )
        self.ignore_index = ignore_index
        self.reduction = reduction
        self.process_group = process_group
        self.shard = _checked(shard, hierarchy.num_classes, process_group)
        self.classes = torch.from_numpy(hierarchy.tree_order[slice(*self.shard)])
        self._paths = _Paths(hierarchy, Compiled(self.loss, hierarchy).criterion.tables())

    @property
    def weight(self) -> Tensor | None:
        """The class weights of the loss: see :attr:`HierarchicalLoss.weight`."""
        return class_weight(self.loss, self._paths.parent.device)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of a batch."""
        start, end = self.shard
        if input.dtype not in FLOATS:
            raise ValueError(f"the logits are {input.dtype}, expected float16, bfloat16, float32 or float64")
        if input.dim() == 0 or input.shape[-1] != end - start:
            expected = f"(..., {end - start}): classes {start} to {end} in tree order"
            raise ValueError(f"the logits have shape {tuple(input.shape)}, expected {expected}")
        index, ignored = self._index(input, target)
        bounds, weights, factor = self._paths(index)
        bounds = (bounds - start).clamp(0, end - start)
        logits = input.reshape(len(index), end - start)
        takes_part = (factor != 0) & ~ignored
        how = (self._paths.gamma, self.process_group)
        losses: Tensor = _Sharded.apply(logits, bounds, weights, takes_part, ignored, *how)
        if self.reduction == "none":
            return losses.to(wide(input.dtype)).reshape(target.shape)
        total = losses.sum()
        if self.reduction == "mean":
            divisor = factor.masked_fill(ignored, 0).sum()
            # A mean over nothing is 0: every row is.
            total = total / divisor.masked_fill(divisor == 0, 1)
        return total.to(wide(input.dtype))

    def normalizer(self, input: Tensor, target: Tensor) -> Tensor:
        """What the mean divides by: see :meth:`HierarchicalLoss.normalizer`."""
        index, ignored = self._index(input, target)
        weight: Tensor = self._paths(index)[2]
        return weight.masked_fill(ignored, 0).sum()

    def _index(self, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """The target with 0 for what is ignored, and what is."""
        if target.is_floating_point():
            raise ValueError(f"the target is {target.dtype}, expected integers for indices")
        if target.shape != input.shape[:-1]:
            shapes = f"the target has shape {tuple(target.shape)}, expected {tuple(input.shape[:-1])}"
            raise ValueError(f"{shapes} for logits of shape {tuple(input.shape)}")
        if target.device != input.device:
            raise ValueError(f"the logits are on {input.device} and the target is on {target.device}")
        index = target.reshape(-1).long()
        ignored = index == self.ignore_index
        index = index.masked_fill(ignored, 0)
        if index.is_cpu:
            last = self.hierarchy.num_classes + self.hierarchy.num_nodes - 1
            outside = ((index < 0) | (index > last)).nonzero()
            if len(outside) > 0:
                row = int(outside[0])
                found = f"row {row}: the target is {int(index[row])}"
                raise ValueError(f"{found}, expected 0 to {last} or {self.ignore_index}")
        return index, ignored

    def extra_repr(self) -> str:
        options = [f"ignore_index={self.ignore_index}", f"reduction={self.reduction!r}"]
        return ", ".join([f"shard={self.shard}", *described(self.loss), *options])


def _checked(shard: tuple[int, int] | None, classes: int, group: dist.ProcessGroup | None) -> tuple[int, int]:
    """The range of this rank. Ranges that were given are compared between the ranks."""
    if not has_ranks():
        rank, ranks = 0, 1
    else:
        rank, ranks = dist.get_rank(group), dist.get_world_size(group)
    if rank < 0:
        raise ValueError("this process is not in the process group")
    if shard is None:
        return shard_bounds(classes, ranks, rank)
    shards = [shard] * ranks
    if ranks > 1:
        dist.all_gather_object(shards, shard, group)
    starts, ends = [0, *(end for _, end in shards)], [*(start for start, _ in shards), classes]
    if starts != ends or any(end < start for start, end in shards):
        expected = f"expected ranges that follow each other from 0 to {classes}"
        raise ValueError(f"the shards of the ranks are {shards}, {expected}")
    return shard


class _Paths(Buffers):
    """From a target to the path from it to the root."""

    parent: Tensor
    ranges: Tensor
    weights: Tensor
    unresolved: Tensor | None
    label_weight: Tensor | None
    node: Tensor

    def __init__(self, hierarchy: Hierarchy, tables: dict[str, Any]) -> None:
        super().__init__()
        self.gamma: float = tables["gamma"]
        self.depth = int(hierarchy.depths.max())
        parent = np.zeros(hierarchy.num_nodes, dtype=np.int64)  # the root's is itself
        edges = hierarchy.edges
        parent[edges[:, 1]] = edges[:, 0]
        weights = tables["weights"].copy()
        weights[0] = 0
        below = _below(hierarchy, parent, weights) if tables["falls_back"] else None
        class_weight = tables["class_weight"]
        self.table("parent", parent)
        self.table("ranges", hierarchy.class_ranges)
        self.table("weights", weights)
        self.table("unresolved", below)
        self.table("label_weight", None if class_weight is None else Form.label_weights(hierarchy, class_weight))
        self.table("node", np.concatenate([hierarchy.class_nodes, np.arange(hierarchy.num_nodes)]))

    def forward(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The bounds of the sets of each target, in tree order; their weights; the class weight of the target.

        Shape:
            - index: ``[rows]``.
            - output: ``[rows, 2 D + 2]``, as :func:`klados.torch._shells.masses` takes them; ``[rows, D + 1]``;
                ``[rows]``.
        """
        node = self.node[index]
        path = [node]
        for _ in range(self.depth):
            path.append(self.parent[path[-1]])
        nodes = torch.stack(path, 1)
        ranges = self.ranges[nodes]
        bounds = torch.cat([ranges[:, :, 0].flip(1), ranges[:, :, 1]], 1)
        weights = self.weights[nodes]
        if self.unresolved is not None:
            weights[:, 0] += self.unresolved[node]
        # The root is certain, whatever weighs on it.
        weights = weights.masked_fill(nodes == 0, 0)
        if self.label_weight is None:
            return bounds, weights, torch.ones_like(weights[:, 0])
        factor = self.label_weight[index]
        return bounds, weights * factor.unsqueeze(1), factor


def _below(
    hierarchy: Hierarchy, parent: npt.NDArray[np.int64], weights: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """By node, the largest weight that a class carries below it."""
    most = np.zeros(hierarchy.num_nodes)
    depths = hierarchy.depths
    for depth in range(int(depths.max()), 0, -1):
        nodes = np.flatnonzero(depths == depth)
        np.maximum.at(most, parent[nodes], weights[nodes] + most[nodes])
    return most


class _Sharded(torch.autograd.Function):
    """The gradient is made from the saved logits in the backward pass, where it is weighed at once."""

    @staticmethod
    def forward(
        ctx: Any,
        logits: Tensor,
        bounds: Tensor,
        weights: Tensor,
        takes_part: Tensor,
        ignored: Tensor,
        gamma: float,
        group: dist.ProcessGroup | None,
    ) -> Tensor:
        own, total = _shells.masses(logits, bounds)
        top = own.clone()
        if has_ranks():
            dist.all_reduce(top, dist.ReduceOp.MAX, group)
        total *= _shells.relative(own, top)
        if has_ranks():
            dist.all_reduce(total, dist.ReduceOp.SUM, group)
        losses, coefficients = loss_and_coefficients(top, total, weights, takes_part, gamma)
        if ctx.needs_input_grad[0]:
            # Where a shell has nothing there is nothing to weigh.
            factor = (coefficients / total).masked_fill(ignored.unsqueeze(1) | (total == 0), 0)
            ctx.save_for_backward(logits, bounds, top, factor)
        return losses.masked_fill(ignored, 0)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        logits, bounds, top, factor = ctx.saved_tensors
        grad = _shells.gradient(logits.detach(), bounds, top, factor * upstream.detach().unsqueeze(1))
        return once(grad, "the loss of sharded classes is differentiable once"), None, None, None, None, None, None
