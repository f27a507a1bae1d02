"""A loss by its name and parameters, before it knows a hierarchy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from klados._json import finite_json, listed
from klados._klados import Criterion, Hierarchy, loss_names, normalize_loss

__all__ = ["Loss", "loss"]


class Loss:
    """A loss by its name, with its parameters: the same names as on the command line and in Rust.

    Made by :func:`loss`. Equal where name and parameters are.

    Example::

        >>> import klados
        >>> loss = klados.loss("hierarchical_cross_entropy", alpha=0.5)
        >>> loss
        klados.loss('hierarchical_cross_entropy', alpha=0.5)
        >>> loss.parameters["weighting"]
        'depth'
    """

    NAMES: tuple[str, ...] = tuple(loss_names())
    """The names of all losses."""

    __slots__ = {
        "_json": "The loss as the core reads it.",
        "given": "The parameters that were given.",
        "name": "The name of the loss, such as ``marginal_cross_entropy``.",
    }

    def __init__(self, name: str, /, **parameters: Any) -> None:
        self.given = parameters
        self._json = normalize_loss(_json({"name": _checked(name), **parameters}))
        self.name = name

    @property
    def parameters(self) -> dict[str, Any]:
        """All of its parameters, those that were not given at their defaults."""
        parameters: dict[str, Any] = json.loads(self._json)[self.name]
        return parameters

    def to_json(self) -> str:
        """The loss as JSON, as the command line takes it."""
        return self._json

    def compile(self, hierarchy: Hierarchy) -> Criterion:
        """Checks the parameters against a hierarchy and makes the tables that the kernels read.

        Raises:
            ValueError: if a parameter is out of range or does not fit the hierarchy.
        """
        return Criterion(self._json, hierarchy)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Loss) and self._json == other._json

    def __hash__(self) -> int:
        return hash(self._json)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.name, self.given)

    def __repr__(self) -> str:
        given = "".join(f", {name}={value!r}" for name, value in self.given.items())
        return f"klados.loss({self.name!r}{given})"


def loss(name: str, /, **parameters: Any) -> Loss:
    """A loss by its name, with its parameters.

    Args:
        name: one of :attr:`Loss.NAMES`.
        **parameters: as in the documentation of the loss; those that are not given have their defaults. Arrays and
            tensors of one dimension are taken as lists.

    Raises:
        ValueError: if there is no such loss, or it has no such parameter; the message lists what there is. If a number
            is NaN or infinite; the message names it.
        TypeError: if the name is no text, or a parameter has no JSON form.

    Example::

        >>> import klados
        >>> klados.loss("marginal_cross_entropy", weights={"levels": [1, 0.5]}).name
        'marginal_cross_entropy'
        >>> klados.loss("marginal_cross_entropy", weihgts="uniform")
        Traceback (most recent call last):
        ValueError: marginal_cross_entropy: unknown field `weihgts`, expected one of `weights`, `unresolved`, `label_smoothing`, `gamma`, `class_weight`, `reduction`
    """
    return Loss(name, **parameters)


def _rebuild(name: str, parameters: Mapping[str, Any]) -> Loss:
    return Loss(name, **parameters)


def loss_of(loss: str | Loss) -> Loss:
    """A loss, or that of a name with its default parameters."""
    return loss if isinstance(loss, Loss) else Loss(loss)


def _checked(name: str) -> str:
    if not isinstance(name, str):
        expected = 'a klados.Loss or a name, such as klados.loss("soft_labels", beta=4)'
        raise TypeError(f"the loss is of type {type(name).__name__}, expected {expected}")
    return name


def _json(loss: dict[str, Any]) -> str:
    """A loss as JSON, in which every number is finite."""
    weights = listed(loss.get("weights"))
    if isinstance(weights, (list, tuple)):
        raise ValueError(
            'weights is of numbers, expected a word such as "uniform" or a dict such as {"levels": [1, 0.5]}: these '
            "are the weights of the nodes; weights of the classes are weight= of a module, class_weight= of klados.loss"
        )
    return finite_json(loss, "a loss")
