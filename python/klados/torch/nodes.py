"""The log-probabilities of nodes as a module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from klados._klados import Hierarchy
from klados.torch import _dispatch
from klados.torch._cache import CompiledNodes
from klados.torch._dispatch import Impl
from klados.torch._tabled import Tabled

if TYPE_CHECKING:
    from klados.torch._composed import NodeTables

__all__ = ["NodeLogProbs"]


class NodeLogProbs(Tabled["NodeTables"]):
    r"""The log-probabilities of the nodes of a hierarchy, or of those of a level, differentiable: for a loss of your own.

    :func:`klados.torch.functional.node_log_probs` as a module, which is made once, follows a model to its device, and
    compiles on any.

    Args:
        hierarchy: what the classes roll up into.
        form: what the logits are; see :func:`klados.node_log_probs`.
        level: a rank by name, or a depth from 1; all nodes where it is not given.
        impl: see :class:`HierarchicalLoss`.

    Shape:
        - input: :math:`(*, C)` with :math:`C` = :attr:`columns`: a column a class, or a node but the root where the form
          says so.
        - output: :math:`(*, V)`: the nodes by their index, the root included; of a level in the order of
          :meth:`Hierarchy.level_nodes`; of the weighted forms the superclasses of the map. ``float32`` for half inputs.

    Example::

        >>> import torch, klados
        >>> from klados.torch import NodeLogProbs
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> of_superclasses = NodeLogProbs(hierarchy, level=1)  # mammal, bird
        >>> of_superclasses(torch.zeros(5, 3)).exp()[0]
        tensor([0.6667, 0.3333])
    """

    hierarchy: Hierarchy
    """What the classes roll up into."""
    columns: int
    """The number of columns of the input: classes, or nodes but the root."""

    def __init__(
        self,
        hierarchy: Hierarchy,
        form: str | dict[str, Any] = "class_softmax",
        level: int | str | None = None,
        *,
        impl: Impl = "auto",
    ) -> None:
        super().__init__()
        _dispatch.check_options("none", impl)
        self.hierarchy = hierarchy
        self.form = form
        self.level = level
        self.impl = impl
        self._of_nodes = CompiledNodes(hierarchy, form, level)
        self.columns = self._of_nodes.columns
        self._begin_tables()

    def forward(self, input: Tensor) -> Tensor:
        """The log-probabilities: of ``(*, C)``, ``(*, V)``."""
        return _dispatch.node_log_probs(input, self._of_nodes, self._tables_on, self.impl)

    def _make_tables(self) -> NodeTables:
        from klados.torch import _composed

        return _composed.NodeTables(self._of_nodes.operation, self.form)

    def extra_repr(self) -> str:
        return f"columns={self.columns}, form={self.form!r}, level={self.level!r}, impl={self.impl!r}"
