"""A loss as a function of everything, which the functions of all losses are."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from klados._klados import Hierarchy
from klados.arrays import TargetKind
from klados.torch import _dispatch
from klados.torch._cache import compiled
from klados.torch._dispatch import Impl, Reduction
from klados.torch._module import given


def loss_of(
    name: str,
    parameters: dict[str, Any],
    input: Tensor,
    target: Tensor,
    hierarchy: Hierarchy,
    ignore_index: int,
    reduction: Reduction,
    impl: Impl,
    kind: TargetKind | None,
    step: int | Tensor = 0,
) -> Tensor:
    """The loss of a batch, by a loss that is compiled when it is first met."""
    of = compiled(name, given(parameters), hierarchy)
    return _dispatch.apply(
        input,
        target,
        of.compiled,
        of.tables,
        ignore_index=ignore_index,
        reduction=reduction,
        impl=impl,
        kind=kind,
        step=step,
    )
