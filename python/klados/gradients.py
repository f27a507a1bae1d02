"""A gradient of one's own against that of a loss, and the usual mistake that gives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from klados import _explanation_text as text
from klados._klados import Hierarchy, _central_differences, _diagnose
from klados.arrays import Array, Reduction, TargetKind, as_array, check_options, wide_batch
from klados.losses import Loss, loss_of

__all__ = ["GradientCheck", "central_differences", "check_gradient"]

# Relative to the largest share. Of half types a few units in the last place.
_TOLERANCES = {"float16": 1 / 512, "bfloat16": 1 / 64}
_TOLERANCE = 1e-5


class Difference(NamedTuple):
    """Where two gradients differ."""

    row: int
    """The row in the batch."""
    column: int
    """The column of the logits."""
    name: str
    """Its class, or its node."""
    expected: float
    """What is right."""
    given: float
    """What came."""
    error: float
    """How far that is off: ``given - expected``."""


class Mistake(NamedTuple):
    """A mistake that gives the same numbers. As text it is its message."""

    name: str
    """Such as ``"summed_logits"``."""
    message: str
    """What is wrong, and what to do about it."""
    epsilon: float | None = None
    """Of ``"epsilon"``, how much is added in the logarithm."""

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, eq=False, repr=False)
class GradientCheck:
    """What is wrong with a gradient, if anything. Made by :func:`check_gradient`; printed, it is a text.

    Example::

        >>> import numpy as np, klados
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> logits = np.array([[0.5, -1.0, 2.0], [1.0, 0.0, 0.0]])
        >>> target = hierarchy.encode(["bat", "crow"])
        >>> _, grad = klados.loss_and_grad(logits, target, hierarchy, reduction="sum")
        >>> check = klados.check_gradient(grad, logits, target, hierarchy)
        >>> check.is_right, [mistake.name for mistake in check.mistakes]
        (False, ['sum_not_mean'])
        >>> check
        wrong, not the gradient of the mean loss
        6 of 6 entries differ by more than 4.124e-6, by 0.7881 at most
        column  row    right    given   off by
        crow      1  -0.7881  -1.5761  -0.7881
        crow      0   0.7856   1.5712   0.7856
        bat       0  -0.7335  -1.4670  -0.7335
        bat       1   0.5761   1.1522   0.5761
        dog       1   0.2119   0.4239   0.2119
        dog       0  -0.0521  -0.1042  -0.0521
        <BLANKLINE>
        This gives the same:
        - the sum over the rows: the mean is asked for; divide by the sum of the rows' weights
    """

    is_right: bool
    """Whether no entry differs by more than is allowed."""
    reduction: Reduction
    """What the loss is reduced by whose gradient it should be."""
    entries: int
    """How many entries there are."""
    allowed: float
    """The difference that is none."""
    largest: float
    """The largest difference; NaN where one of the two gradients is."""
    differences: tuple[Difference, ...]
    """The entries that differ by more, the most different first."""
    mistakes: tuple[Mistake, ...]
    """The mistakes each of which alone gives the same gradient. None where it is right, and where it is another mistake or
    several at once."""

    def to_dict(self) -> dict[str, Any]:
        """As dicts and lists."""
        fields = ("is_right", "reduction", "entries", "allowed", "largest")
        lists = {name: [entry._asdict() for entry in getattr(self, name)] for name in ("differences", "mistakes")}
        return {name: getattr(self, name) for name in fields} | lists

    def __repr__(self) -> str:
        return text.of_check(self)


def check_gradient(
    gradient: npt.ArrayLike,
    logits: npt.ArrayLike,
    target: npt.ArrayLike,
    hierarchy: Hierarchy,
    loss: str | Loss = "marginal_cross_entropy",
    *,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    kind: TargetKind | None = None,
    step: int = 0,
    tolerance: float | None = None,
) -> GradientCheck:
    r"""Checks a gradient of your own code against the right one; where it is wrong, makes the usual mistakes one by one and
    names those that give the same numbers, such as superclass logits that are sums of class logits, a softmax that is there
    twice, weights that count from the wrong end, a sum for a mean.

    Args:
        gradient: what your code has for the derivative of the loss by each logit; a tensor is taken too.
        logits: what it is by.
        target: what is known of each sample, as in :func:`loss_and_grad`.
        hierarchy: what the classes roll up into.
        loss: what your code is meant to compute: a loss, or the name of one with its default parameters.
        ignore_index, kind, step: as in :func:`loss_and_grad`.
        reduction: what your code is meant to reduce the losses of the rows by; with ``"none"`` each row of the gradient is
            that of its own loss.
        tolerance: how much of the largest share of a term in the gradient an entry may be off by; by default ``1e-5``, and
            1/512 and 1/64 for ``float16`` and ``bfloat16``.

    Shape:
        - gradient, logits: :math:`(N, C)`, or :math:`(C)`.
        - target: as in :func:`loss_and_grad`.

    Raises:
        ValueError: if a shape, a dtype, a target or an option does not fit; the message names the row.
        TypeError: if an option is of another type.

    Example::

        >>> import numpy as np, klados
        >>> hierarchy = klados.Hierarchy.from_edges(
        ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
        ... )
        >>> z = np.array([0.5, -1.0, 2.0, 0.25])
        >>> p = np.exp(z) / np.exp(z).sum()
        >>> mammal = 1 / (1 + np.exp(z[2:].sum() - z[:2].sum()))  # logits are summed, where probabilities should be
        >>> grad = p - [0, 0, 1, 0] + mammal * np.array([1, 1, -1, -1])  # somebody saw a crow
        >>> check = klados.check_gradient(grad, z, hierarchy.encode(["crow"])[0], hierarchy)
        >>> print(check.mistakes[0])
        superclass logits are sums of class logits: probabilities add up, logits do not; take the log-sum-exp of the class logits
    """
    check_options(ignore_index, step)
    criterion = loss_of(loss).compile(hierarchy)
    rows, native, _alive = wide_batch(logits, target, criterion, kind)
    given = as_array(gradient)
    if given.dtype.kind not in "biuf":
        raise ValueError(f"the gradient is {given.dtype}, expected numbers")
    shape = as_array(logits).shape
    if given.shape != shape:
        raise ValueError(f"the gradient has shape {given.shape}, expected {shape} as the logits")
    if tolerance is None:
        tolerance = _TOLERANCES.get(str(getattr(gradient, "dtype", "")).removeprefix("torch."), _TOLERANCE)
    if not 0 <= tolerance < 1:
        raise ValueError(f"tolerance is {tolerance}, expected 0 or more and below 1")
    wide = np.require(given.reshape(rows.shape), np.float64, ["C_CONTIGUOUS", "ALIGNED"])
    found, messages = _diagnose(criterion, rows, native, ignore_index, step, wide, reduction, tolerance)
    comparison = found["comparison"]
    return GradientCheck(
        is_right=not comparison["columns"],
        reduction=reduction,
        entries=wide.size,
        allowed=comparison["allowed"],
        largest=comparison["largest"],
        differences=tuple(Difference(**entry) for entry in comparison["columns"]),
        mistakes=tuple(_mistake(*mistake) for mistake in zip(found["mistakes"], messages, strict=True)),
    )


def _mistake(mistake: str | dict[str, float], message: str) -> Mistake:
    if isinstance(mistake, str):
        return Mistake(mistake, message)
    [(name, epsilon)] = mistake.items()
    return Mistake(name, message, epsilon)


def central_differences(
    logits: npt.ArrayLike,
    target: npt.ArrayLike,
    hierarchy: Hierarchy,
    loss: str | Loss = "marginal_cross_entropy",
    *,
    ignore_index: int = -100,
    kind: TargetKind | None = None,
    step: int = 0,
) -> Array:
    r"""The gradient of each row's loss from nothing but values of the loss, in ``float64``: what any gradient can be held
    against, that of Klados too.

    It takes some values of the loss a logit, so it is for a few rows.

    Args:
        logits, target, hierarchy, loss, ignore_index, kind, step: as in :func:`loss_and_grad`.

    Shape:
        - logits: :math:`(N, C)`, or :math:`(C)`.
        - target: as in :func:`loss_and_grad`.
        - output: as the logits.

    Raises:
        ValueError: as :func:`loss_and_grad`.
        TypeError: as :func:`loss_and_grad`.

    Example::

        >>> import numpy as np, klados
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> logits, target = np.array([[0.5, -1.0, 2.0]]), hierarchy.encode(["bat"])
        >>> _, grad = klados.loss_and_grad(logits, target, hierarchy, reduction="none")
        >>> bool(np.abs(klados.central_differences(logits, target, hierarchy) - grad).max() < 1e-10)
        True
    """
    check_options(ignore_index, step)
    criterion = loss_of(loss).compile(hierarchy)
    rows, native, _alive = wide_batch(logits, target, criterion, kind)
    return _central_differences(criterion, rows, native, ignore_index, step).reshape(as_array(logits).shape)
