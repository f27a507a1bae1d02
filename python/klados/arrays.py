"""The losses and the node log-probabilities on NumPy arrays."""

from __future__ import annotations

import json
import operator
from typing import Any, Literal, TypeAlias, get_args, overload

import numpy as np
import numpy.typing as npt

from klados._klados import Criterion, Hierarchy, NodeLogProbs
from klados.losses import Loss, loss_of

__all__ = ["loss_and_grad", "node_log_probs"]

_FLOATS = ("float16", "float32", "float64")
_INTEGERS = ("int64", "int32", "int16", "int8", "uint8", "bool")

_EXPECTED_FORM = 'a word such as "class_softmax", or a dict of one form such as {"weighted_sigmoid": {"map": [...]}}'

Array: TypeAlias = "npt.NDArray[Any]"
Reduction = Literal["none", "sum", "mean"]
Form: TypeAlias = "str | dict[str, Any]"
Scores: TypeAlias = "tuple[NodeLogProbs | None, int, str, int]"
TargetKind = Literal["index", "probabilities", "candidates", "multi_hot"]


@overload
def loss_and_grad(
    logits: npt.ArrayLike,
    target: npt.ArrayLike,
    hierarchy: Hierarchy,
    loss: str | Loss = ...,
    *,
    ignore_index: int = ...,
    reduction: Literal["sum", "mean"] = ...,
    kind: TargetKind | None = ...,
    step: int = ...,
) -> tuple[float, Array]: ...
@overload
def loss_and_grad(
    logits: npt.ArrayLike,
    target: npt.ArrayLike,
    hierarchy: Hierarchy,
    loss: str | Loss = ...,
    *,
    ignore_index: int = ...,
    reduction: Literal["none"],
    kind: TargetKind | None = ...,
    step: int = ...,
) -> tuple[Array, Array]: ...
def loss_and_grad(
    logits: npt.ArrayLike,
    target: npt.ArrayLike,
    hierarchy: Hierarchy,
    loss: str | Loss = "marginal_cross_entropy",
    *,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    kind: TargetKind | None = None,
    step: int = 0,
) -> tuple[Any, Array]:
    r"""The loss of a batch and its gradient by the logits, in one pass.

    Args:
        logits: ``float16``, ``float32`` or ``float64``; anything else is taken as ``float64``.
        target: what is known of each sample; see *kind*.
        hierarchy: what the classes roll up into.
        loss: a loss, or the name of one with its default parameters.
        ignore_index: the target of samples that take no part; in a multi-hot target, of nodes that take no part.
        reduction: ``"none"``, ``"sum"`` or ``"mean"``; see :class:`torch.nn.CrossEntropyLoss`. A mean over nothing is 0.
        kind: what the target holds. By default indices where it has one dimension less than the logits; else multi-hot
            rows for the losses of sigmoids, distributions over the classes where it is of floats, and candidates ("one of
            these classes") where it is of integers or booleans.
        step: the step of training, which only ``random_cut`` looks at.

    Returns:
        The loss, a number or with ``"none"`` one a sample, and the gradient of it in the type of the logits; with
        ``"none"`` row by row the gradient of the row's loss. Losses of ``float16`` logits are ``float32``.

    Shape:
        - logits: :math:`(N, C)`, or :math:`(C)`, with a column a class, or a node but the root where the loss says so.
        - target: :math:`(N)`: a class ``k`` in :math:`[0, \text{classes})`, a node as ``classes + node``, or
          *ignore_index*; :math:`(N, \text{classes})` for distributions, candidates and multi-hot rows;
          :math:`(N, \text{nodes} - 1)` for multi-hot rows in the order of :attr:`Hierarchy.node_columns`.
        - gradient: as the logits.

    Raises:
        ValueError: if a shape, a dtype, a target or an option does not fit; the message names the row.
        TypeError: if an option is of another type.

    Example::

        >>> import numpy as np, klados
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> logits = np.array([[0.5, -1.0, 2.0], [1.0, 0.0, 0.0]], dtype=np.float32)
        >>> target = hierarchy.encode(["crow", "mammal"])
        >>> loss, grad = klados.loss_and_grad(logits, target, hierarchy)
        >>> round(loss, 4), grad.dtype.name
        (0.4795, 'float32')
        >>> loss, grad = klados.loss_and_grad(logits, target, hierarchy, klados.loss("soft_labels", beta=4))
        >>> bool((grad.sum(1) < 1e-6).all())
        True
    """
    check_options(ignore_index, step)
    criterion = loss_of(loss).compile(hierarchy)
    rows, shape = _logits(logits, criterion.columns)
    values, kind = _target(target, criterion, kind, rows.shape[0], one=len(shape) == 1)
    grad = np.empty_like(rows)
    wide = np.float64 if rows.dtype == np.float64 else np.float32
    losses = np.empty(rows.shape[0] if reduction == "none" else 1, dtype=wide)
    criterion._run(
        (rows.ctypes.data, rows.dtype.name, rows.shape[0]),
        (kind, values.ctypes.data, values.dtype.name, 1 if kind == "index" else values.shape[1]),
        ignore_index,
        step,
        reduction,
        losses.ctypes.data,
        grad.ctypes.data,
    )
    whole = losses if reduction == "none" and len(shape) == 2 else losses[0].item()
    return whole, grad.reshape(shape)


def node_log_probs(
    logits: npt.ArrayLike,
    hierarchy: Hierarchy,
    form: str | dict[str, Any] = "class_softmax",
    level: int | str | None = None,
) -> Array:
    r"""The log-probabilities of the nodes of a hierarchy, or of those of a level.

    They are log-probabilities, not logits: they must not go through another softmax.

    Args:
        logits: ``float16``, ``float32`` or ``float64``; anything else is taken as ``float64``.
        hierarchy: what the classes roll up into.
        form: what the logits are: ``"class_softmax"``, ``"parameter_sharing_softmax"``, ``"sibling_softmax"``,
            ``"independent_sigmoid"``, ``"conditional_sigmoid"``, ``"descendant_softmax"``, ``"noisy_or"``, ``"max"``,
            ``"min"``, ``"node_softmax"``, or ``{"weighted_class_softmax": {"map": [...]}}`` and
            ``{"weighted_sigmoid": {"map": [...]}}``; ``"class_probabilities"`` and ``"node_probabilities"`` where
            ``logits`` are probabilities already.
        level: a rank by name, or a depth from 1; all nodes where it is not given.

    Shape:
        - logits: :math:`(N, C)`, or :math:`(C)`, with a column a class, or a node but the root where the form says so.
        - output: :math:`(N, V)`, or :math:`(V)`: the nodes by their index, the root included; of a level in the order of
          :meth:`Hierarchy.level_nodes`; of the weighted forms the superclasses of the map.

    Raises:
        ValueError: if there is no such form or level, or a shape does not fit.
        TypeError: if the form is neither a word nor a dict.

    Example::

        >>> import numpy as np, klados
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> np.exp(klados.node_log_probs([[0.0, 0.0, 0.0]], hierarchy, level=1)).round(4).tolist()
        [[0.6667, 0.3333]]
    """
    operation = node_operation(hierarchy, form, level)
    rows, shape = _logits(logits, operation.columns)
    wide = np.float64 if rows.dtype == np.float64 else np.float32
    out = np.empty((rows.shape[0], operation.width), dtype=wide)
    operation._forward((rows.ctypes.data, rows.dtype.name, rows.shape[0]), out.ctypes.data)
    return out if len(shape) == 2 else out[0]


def scores(logits: npt.ArrayLike, hierarchy: Hierarchy, form: Form) -> tuple[Scores, Array, tuple[int, ...]]:
    """Logits of a form, or of the form ``"node_log_probs"`` log-probabilities of all nodes, as the core reads them; the array,
    which has to live as long; and the shape of what was given."""
    operation = None
    if form == "node_log_probs":
        values, shape = _logits(logits, hierarchy.num_nodes, "the log-probabilities of the nodes")
    else:
        operation = node_operation(hierarchy, form, None)
        if operation.superclasses:
            raise ValueError("the form has superclasses of its map; a form of the nodes of the hierarchy is needed here")
        values, shape = _logits(logits, operation.columns)
    return (operation, values.ctypes.data, values.dtype.name, values.shape[0]), values, shape


# A target without its rows, or names.
NativeTarget: TypeAlias = "tuple[str, int, str, int] | list[str | None]"


def read_target(
    target: Any, rows: int, rows_are: TargetKind, kind: TargetKind | None = None, one: bool = False
) -> tuple[NativeTarget, Any]:
    """Labels as the core reads them: names, or an array, which has to live as long. An array of two dimensions holds what
    *rows_are* says, unless *kind* does."""
    if one:
        target = [target] if isinstance(target, str) or target is None else as_array(target)[np.newaxis]
    names = _names(target)
    if names is not None:
        if len(names) != rows:
            raise ValueError(f"there are {len(names)} labels, expected {rows}, one a row")
        return names, names
    values = as_target(target)
    if kind is None:
        kind = "index" if values.ndim == 1 else rows_are
    check_kind(kind)
    if values.ndim != (1 if kind == "index" else 2) or values.shape[0] != rows:
        expected = f"({rows},)" if kind == "index" else f"({rows}, ...)"
        raise ValueError(f"the target has shape {values.shape}, expected {expected} for kind {kind!r}")
    return (kind, values.ctypes.data, values.dtype.name, 1 if kind == "index" else values.shape[1]), values


def _names(target: Any) -> list[str | None] | None:
    """Labels in words; nothing where they are numbers."""
    if isinstance(target, np.ndarray):
        return target.tolist() if target.dtype.kind in "USO" and target.ndim == 1 else None
    if hasattr(target, "to_list") and not isinstance(target, (list, tuple)):
        target = target.to_list()  # a column of a table
    if isinstance(target, (list, tuple)) and any(isinstance(label, str) or label is None for label in target):
        return list(target)
    return None


def wide_batch(
    logits: npt.ArrayLike, target: npt.ArrayLike, criterion: Criterion, kind: TargetKind | None
) -> tuple[Array, tuple[str, int, str, int, int], Array]:
    """A batch as what explains it reads it: logits in ``float64``, a row each; the target with its rows; and the array of
    the target, which has to live as long."""
    rows, shape = _logits(logits, criterion.columns)
    values, kind = _target(target, criterion, kind, rows.shape[0], one=len(shape) == 1)
    columns = 1 if kind == "index" else values.shape[1]
    native = (kind, values.ctypes.data, values.dtype.name, len(values), columns)
    return _plain(rows, "float64"), native, values


def node_operation(hierarchy: Hierarchy, form: str | dict[str, Any], level: int | str | None) -> NodeLogProbs:
    """The core's operation for a form and a level."""
    if not isinstance(form, (str, dict)):
        raise TypeError(f"the form is of type {type(form).__name__}, expected {_EXPECTED_FORM}")
    if isinstance(form, dict) and len(form) != 1:
        raise ValueError(f"the form is a dict of {len(form)} entries, expected {_EXPECTED_FORM}")
    nodes = None if level is None else hierarchy.level_nodes(level).tolist()
    return NodeLogProbs(json.dumps(form), hierarchy, nodes)


def target_kind(target_is_float: bool, dimensions: int, logits_dimensions: int, takes_sets: bool) -> TargetKind:
    """What a target holds where it is not said."""
    if dimensions == logits_dimensions - 1:
        return "index"
    if dimensions != logits_dimensions:
        message = f"the target has {dimensions} dimensions, expected {logits_dimensions - 1} (indices) or {logits_dimensions}"
        raise ValueError(message)
    if takes_sets:
        return "multi_hot"
    return "probabilities" if target_is_float else "candidates"


def check_options(ignore_index: int, step: int) -> None:
    """That the options of a loss are integers that the core takes."""
    _check_integer("ignore_index", ignore_index, -(2**63), 2**63 - 1)
    _check_integer("step", step, 0, 2**64 - 1)


def _check_integer(name: str, value: int, least: int, most: int) -> None:
    """That an option is an integer that the core takes."""
    if not least <= operator.index(value) <= most:
        raise ValueError(f"{name} is {value}, expected {least} to {most}")


def check_kind(kind: str) -> None:
    """That there is such a kind of targets."""
    if kind not in get_args(TargetKind):
        raise ValueError(f"kind {kind!r}: expected 'index', 'probabilities', 'candidates' or 'multi_hot'")


def as_array(values: Any) -> Array:
    """What NumPy makes an array of, and tensors wherever they are."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        # NumPy has no type for these.
        values = values.float() if str(values.dtype) == "torch.bfloat16" else values
    return np.asarray(values)


def _logits(logits: npt.ArrayLike, columns: int, what: str = "the logits") -> tuple[Array, tuple[int, ...]]:
    values = as_array(logits)
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{what} are {values.dtype}, expected numbers")
    if values.ndim not in (1, 2) or values.shape[-1] != columns:
        raise ValueError(f"{what} have shape {values.shape}, expected (batch, {columns}) or ({columns},)")
    name = values.dtype.name
    return _plain(values, name if name in _FLOATS else "float64").reshape(-1, columns), values.shape


def _plain(values: Array, name: str) -> Array:
    """As the core reads it: of a type, in the byte order of the machine, contiguous and aligned."""
    return np.require(values, np.dtype(name), ["C_CONTIGUOUS", "ALIGNED"])


def as_target(target: npt.ArrayLike) -> Array:
    """A target as the core reads it."""
    values = as_array(target)
    if values.dtype.kind in "USO":
        raise ValueError(f"the target is {values.dtype}, expected numbers; of names, hierarchy.encode makes a target")
    if values.dtype.kind not in "biuf":
        raise ValueError(f"the target is {values.dtype}, expected numbers")
    name = values.dtype.name
    if name == "float16":
        name = "float32"
    elif name not in (*_INTEGERS, "float32", "float64"):
        name = "int64" if values.dtype.kind == "u" else "float64"
    if values.dtype.kind == "u":
        above = np.argwhere(values > np.iinfo(np.int64).max)
        if len(above) > 0:
            place = tuple(above[0].tolist())
            where = "".join(f"{axis} {at}: " for axis, at in zip(("row", "column"), place, strict=False))
            raise ValueError(f"{where}the target is {values[place]}, which is no index")
    return _plain(values, name)


def _target(
    target: npt.ArrayLike, criterion: Criterion, kind: TargetKind | None, rows: int, one: bool
) -> tuple[Array, TargetKind]:
    values = as_target(target)
    if kind is None:
        kind = target_kind(values.dtype.kind == "f", values.ndim, 1 if one else 2, criterion.takes_sets)
    check_kind(kind)
    if one:
        values = values[np.newaxis]
    if values.ndim != (1 if kind == "index" else 2) or values.shape[0] != rows:
        expected = f"({rows},)" if kind == "index" else f"({rows}, ...)"
        raise ValueError(f"the target has shape {values.shape}, expected {expected} for kind {kind!r}")
    return values, kind
