"""Losses that are not one softmax over the classes: what happens to special rows, and scores by node."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from klados._klados import Hierarchy
from klados.torch._composed.buffers import Buffers
from klados.torch._composed.form import Form
from klados.torch._composed.levels import Levels
from klados.torch._composed.sets import Sets
from klados.torch._composed.target import Target

__all__ = ["NodeRows", "Rows", "Scores", "column_by_node", "settled", "weighted"]

_NONE = -float("inf")


class Rows(Form):
    """A form whose rows are dealt with one by one: NaN stays in its row, and a loss of ``+inf`` has no gradient."""

    def losses(self, input: Tensor, target: Target, step: int | Tensor) -> Tensor:
        input, poisoned = settled(input, target.ignored)
        loss, infinite = self.rows(input, target, step)
        loss = loss.masked_fill(infinite, -_NONE).masked_fill(poisoned, float("nan"))
        return loss.masked_fill(target.ignored, 0)

    def rows(self, input: Tensor, target: Target, step: int | Tensor) -> tuple[Tensor, Tensor]:
        """The losses of rows without NaN and ``+inf``.

        Shape:
            - input: ``[rows, columns]``.
            - output: ``[rows]``: the losses, finite; and which of them are ``+inf`` in truth.
        """
        raise NotImplementedError


class Scores(Buffers):
    """From logits with a column a node to scores in hierarchy order, with one of 0 for the root."""

    column: Tensor

    def __init__(self, hierarchy: Hierarchy) -> None:
        super().__init__()
        self.table("column", column_by_node(hierarchy) + 1)

    def forward(self, input: Tensor) -> Tensor:
        """``[rows, nodes - 1]`` to ``[rows, nodes]``."""
        return torch.nn.functional.pad(input, (1, 0)).index_select(1, self.column)


class NodeRows(Rows):
    """A form with a logit a node, on a tree: paths, and what a target weighs at each node.

    Args:
        hierarchy: what the loss was compiled for.
        tables: of ``Criterion.tables()``.
    """

    path: Tensor
    path_columns: Tensor
    parent: Tensor
    class_node: Tensor
    node: Tensor

    def __init__(self, hierarchy: Hierarchy, tables: dict[str, Any]) -> None:
        super().__init__(hierarchy, tables)
        self.scores = Scores(hierarchy)
        self.levels = Levels(hierarchy)
        self.sets = Sets.of_nodes(hierarchy)
        # The path of each node by depth; the root stands for none.
        label, above = tables["lineage"].T
        path = np.zeros((hierarchy.num_nodes, int(hierarchy.depths.max())), dtype=np.int64)
        path[label, hierarchy.depths[above] - 1] = above
        self.table("path", path)
        # The same in columns, in which nothing is like nothing.
        self.table("path_columns", np.where(path == 0, -1, path).T)
        parent = np.zeros(hierarchy.num_nodes, dtype=np.int64)
        parent[hierarchy.edges[:, 1]] = hierarchy.edges[:, 0]
        self.table("parent", parent)
        self.table("class_node", hierarchy.class_nodes)
        self.table("node", np.concatenate([hierarchy.class_nodes, np.arange(hierarchy.num_nodes)]))

    def rows(self, input: Tensor, target: Target, step: int | Tensor) -> tuple[Tensor, Tensor]:
        return self.node_rows(self.scores(input), target, step)

    def node_rows(self, scores: Tensor, target: Target, step: int | Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`Rows.rows`, of scores by node with 0 for the root."""
        raise NotImplementedError

    def paths(self, target: Target) -> Tensor:
        """The nodes at and above the label by index, by depth and filled with the root: ``[rows, depths]``."""
        return self.path.index_select(0, self.node.index_select(0, target.values))

    def meeting(self, label: Tensor) -> Tensor:
        """The depth of the lowest common ancestor of a node and each: ``[rows]`` to ``[rows, nodes]``."""
        path = self.path.index_select(0, label)
        depth = torch.zeros(len(path), self.path_columns.shape[1], dtype=torch.int64, device=path.device)
        for d, column in enumerate(self.path_columns):
            depth = depth + (path[:, d : d + 1] == column)
        return depth

    def is_open(self, scores: Tensor) -> Tensor:
        """Which classes are not masked: ``[rows, classes]``."""
        closed = self.levels.any_above(scores.detach() == _NONE)
        return ~closed.index_select(1, self.class_node)

    def node_weights(self, scores: Tensor, target: Target) -> tuple[Tensor, Tensor | None]:
        """What a target weighs at each node: what is at or below it.

        Of an index and of a union the factor, at all nodes above what the label names.

        Shape:
            - output: ``[rows, nodes]``, 0 for the root; and ``[rows]`` or nothing: which losses are infinite.
        """
        rows, nodes = scores.shape
        weights, impossible = scores.new_zeros(rows, nodes), None
        if self.has_class_target(target):
            of_class, impossible = self.class_target(target, self.is_open(scores), scores.dtype)
            weights = _with_root(self.sets.sum(of_class))
        if target.kind == "index":
            path = self.paths(target)
            factor = self.factor(target, scores.dtype).unsqueeze(1).expand(path.shape)
            weights = weights.scatter_add(1, path, factor.masked_fill(path == 0, 0))
        elif target.kind == "candidates":
            factor = self.factor(target, scores.dtype).unsqueeze(1)
            weights = weights + _with_root(self.common(target, scores.dtype)) * factor
        return weights, impossible

    def common(self, target: Target, dtype: torch.dtype) -> Tensor:
        """1 at the nodes above all of a union's classes: ``[rows, nodes - 1]``."""
        marks = target.values.to(dtype)
        total = marks.sum(1, keepdim=True)
        return ((self.sets.sum(marks) == total) & (total > 0)).to(dtype)


def column_by_node(hierarchy: Hierarchy) -> npt.NDArray[np.int64]:
    """By node the column of its logit; -1 for the root."""
    column = np.full(hierarchy.num_nodes, -1)
    column[hierarchy.node_columns] = np.arange(hierarchy.num_nodes - 1)
    return column


def settled(input: Tensor, ignored: Tensor) -> tuple[Tensor, Tensor]:
    """Rows without NaN and ``+inf``, which are of zeros in their place, and which they were.

    The gradient of such a row is NaN, that of an ignored one 0, whatever comes after.

    Shape:
        - input: ``[rows, columns]``.
        - ignored: ``[rows]``.
        - output: ``[rows, columns]``, ``[rows]``.
    """
    poisoned = ~(input.detach().amax(1) < -_NONE) & ~ignored
    # A traced graph takes no function that knows its forward mode.
    function = _Settled if torch.compiler.is_compiling() else _SettledBothWays
    clean: Tensor = function.apply(input, ignored, poisoned)
    return clean, poisoned


class _Settled(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(input: Tensor, ignored: Tensor, poisoned: Tensor) -> Tensor:
        return input.masked_fill((ignored | poisoned).unsqueeze(1), 0)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs[1:])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return _settled_slope(grad, *ctx.saved_tensors), None, None


class _SettledBothWays(_Settled):
    generate_vmap_rule = True

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs[1:])
        ctx.save_for_forward(*inputs[1:])

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, _ignored: None, _poisoned: None) -> Tensor:
        return _settled_slope(tangent, *ctx.saved_tensors)


def _settled_slope(slope: Tensor, ignored: Tensor, poisoned: Tensor) -> Tensor:
    return slope.masked_fill(ignored.unsqueeze(1), 0).masked_fill(poisoned.unsqueeze(1), float("nan"))


def weighted(weight: Tensor, log_p: Tensor, log_q: Tensor, gamma: float) -> tuple[Tensor, Tensor]:
    """``sum_i -weight_i (1 - P_i)^gamma log P_i`` over the last dimension, and whether it is infinite.

    A weight of 0 leaves a term out, also where its probability is 0.

    Args:
        log_q: ``log(1 - P)``, from which the focal factor keeps its digits near ``P = 1`` and has a derivative there.
    """
    impossible = log_p == _NONE
    log_p = log_p.masked_fill(impossible | (weight == 0), 0)
    if gamma != 0:
        log_p = log_p * (gamma * log_q).exp()
    return -(weight * log_p).sum(-1), (impossible & (weight != 0)).any(-1)


def _with_root(values: Tensor) -> Tensor:
    return torch.nn.functional.pad(values, (1, 0))
