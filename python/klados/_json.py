"""Parameters as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from os import PathLike
from typing import Any


def finite_json(parameters: dict[str, Any], of: str) -> str:
    """Parameters as JSON, in which every number is finite."""

    def plain(value: Any) -> Any:
        """What JSON does not know: arrays, tensors, NumPy's numbers, paths."""
        if hasattr(value, "tolist"):
            return listed(value)
        if isinstance(value, PathLike):
            return str(value)
        raise TypeError(f"a parameter of {of} is {type(value).__name__}, which has no JSON form")

    try:
        return json.dumps(parameters, default=plain, allow_nan=False)
    except ValueError:
        for name, value in parameters.items():
            _check_finite(name, value)
        raise


def listed(value: Any) -> Any:
    """Arrays, tensors and NumPy's numbers as Python's; anything else as it is."""
    return value.tolist() if hasattr(value, "tolist") else value


def _check_finite(name: str, value: Any) -> None:
    """That all numbers are finite, wherever they are in a parameter."""
    value = listed(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name} is {value}, expected a finite number")
    if isinstance(value, (list, tuple)):
        value = dict(enumerate(value))
    if isinstance(value, Mapping):
        for key, entry in value.items():
            _check_finite(f"{name}[{key!r}]", entry)
