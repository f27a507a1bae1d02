"""What the metrics for torchmetrics have in common."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any, TypedDict

import torch
import torchmetrics
from torch import Tensor
from typing_extensions import Unpack

from klados import metrics
from klados.arrays import Form, as_array
from klados.decisions import AnyDecision, decide, decision_of
from klados.metrics._metric import ScoreMetric
from klados.torch.metrics._rows import Rows, states


class TorchmetricsOptions(TypedDict, total=False):
    """Those of :class:`torchmetrics.Metric`."""

    compute_on_cpu: bool
    dist_sync_on_step: bool
    process_group: Any
    dist_sync_fn: Callable[..., Any] | None
    distributed_available_fn: Callable[[], bool] | None
    sync_on_compute: bool
    compute_with_cache: bool


class HierarchicalMetric(torchmetrics.Metric):
    r"""A metric of :mod:`klados.metrics` as one of torchmetrics: the base of the classes of this module, and for those
    that have none here.

    Its state is what the metric has seen, as bytes in a tensor. Processes gather them and merge them exactly.

    Args:
        metric: the metric; it is not changed.
        decision: how logits become answers, where the metric is of answers: see :func:`klados.decide`.
        form: what the logits are, as in :func:`klados.decide`.
        **kwargs: those of :class:`torchmetrics.Metric`, such as ``process_group`` and ``sync_on_compute``.

    Shape:
        - preds: of metrics of answers :math:`(N)` integers, or logits; of metrics of probabilities logits. Logits are
          :math:`(N, C)`, or :math:`(N, C, d_1, \dots)` as those of :class:`torch.nn.CrossEntropyLoss`.
        - target: :math:`(N)` or :math:`(N, d_1, \dots)` integers, labels at any level as
          :meth:`klados.Hierarchy.encode` makes them; or :math:`(N, \text{classes})` candidates.
        - output of ``compute``: a number, or a dict of numbers by level.

    Example::

        >>> import torch, klados.torch.metrics
        >>> from klados.torch.metrics import HierarchicalMetric
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> metric = HierarchicalMetric(klados.metrics.Accuracy(hierarchy), decision={"threshold": {"tau": 0.9}})
        >>> metric(torch.tensor([[2.0, 2.0, 0.0]]), torch.tensor([0]))  # a mammal: right, and no class; of the batch
        {'depth 1': tensor(1.), 'class': tensor(0.)}
    """

    is_differentiable = False
    full_state_update = False

    def __init__(
        self,
        metric: metrics.Metric,
        *,
        decision: AnyDecision = "argmax_leaf",
        form: Form = "class_softmax",
        **kwargs: Unpack[TorchmetricsOptions],
    ) -> None:
        super().__init__(**kwargs)
        self._of_scores = isinstance(metric, ScoreMetric)
        self._decision, self._form = decision_of(decision), form
        self._empty = metric.copy_without_rows()
        # Two metrics may have the same rows by chance; torchmetrics would take them for one.
        which = [type(metric).__name__, metric._options, metric.ignore_index, self._decision.to_json(), form]
        self._header = json.dumps(which, default=str).encode() + b"\n"
        self._rows: list[Tensor] | Tensor
        self.add_state("rows", default=[], dist_reduce_fx="cat")

    @property
    def rows(self) -> list[Tensor] | Tensor:
        """What it has seen, as torchmetrics keeps it: bytes, that are written where something looks at them."""
        return self._rows

    @rows.setter
    def rows(self, rows: list[Tensor] | Tensor) -> None:
        before = self.__dict__.get("_rows")
        if isinstance(before, Rows):
            before.holders -= 1
        if isinstance(rows, Rows):
            rows.holders += 1
        self._rows = rows

    def update(self, preds: Any, target: Any, sample_weight: Any = None) -> None:
        """Adds a batch.

        Raises:
            ValueError: if a shape, a label, an answer or a weight does not fit; the message names the row. Nothing is
                added then.
        """
        preds, target, sample_weight = _flat(preds, target, sample_weight)
        if not self._of_scores and _is_float(preds):
            preds = decide(preds, self._empty.hierarchy, self._decision, form=self._form)
        # In a compute group for all metrics that hold the rows.
        self._own_rows().changing().update(target, preds, sample_weight)  # type: ignore[attr-defined]

    def compute(self) -> Any:
        """The metric of all rows so far, those of the other processes too: a number, or a dict of numbers by level."""
        value = self._seen().compute()  # type: ignore[attr-defined]
        if isinstance(value, dict):
            return {name: self._tensor(number) for name, number in value.items()}
        return self._tensor(value)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Adds a batch and gives the metric of the batch alone.

        Raises:
            ValueError: as :meth:`update`; nothing is added then.
        """
        # torchmetrics would copy what was there before.
        before, self.rows = self.rows, []
        try:
            value = super().forward(*args, **kwargs)
        except BaseException:
            self.rows = before
            raise
        if len(before) > 0:
            batch, self.rows = self._own_rows(), before
            own = self._own_rows()
            if own.holders > 1:
                # The others of a compute group add the batch themselves.
                self.rows = own = own.copied()
            own.changing().merge(batch.metric)
        return value

    def reset(self) -> None:
        """Forgets all rows."""
        # torchmetrics clears the list, which others of a compute group may hold.
        self.rows = []
        super().reset()

    def merged(self) -> metrics.Metric:
        """What it has seen, as a metric of :mod:`klados.metrics`: for its ``details()``."""
        return self._empty.copy_without_rows().merge(self._seen())

    def __hash__(self) -> int:
        # That of torchmetrics looks at the rows too, as often as something goes over the modules of a model.
        return hash((type(self).__name__, id(self)))

    def _sync_dist(self, *args: Any, **kwargs: Any) -> None:
        # torchmetrics makes a list of the same type of what it gathers. A process without rows has something to send
        # too.
        self.rows = [*self._own_rows()]
        super()._sync_dist(*args, **kwargs)

    def _move_list_states_to_cpu(self) -> None:
        """Rows are nowhere else until they are written."""

    def _tensor(self, value: float) -> Tensor:
        return torch.tensor(value, dtype=torch.get_default_dtype(), device=self.device)

    def _seen(self) -> metrics.Metric:
        metric = copy.copy(self._empty)
        # Of a compute group the rows may be in the metric of another level.
        metric._accumulator = self._own_rows().metric._accumulator
        return metric

    def _own_rows(self) -> Rows:
        """What it has seen, read where others wrote it."""
        rows = self._rows
        if isinstance(rows, Rows):
            return rows
        metric = self._empty.copy_without_rows()
        for part in [rows] if isinstance(rows, Tensor) else rows:
            for state in states(part, self._header):
                metric.merge(self._empty.copy_without_rows().load_state(state))
        self.rows = read = Rows(metric, self._header, self.device)
        return read


def _is_float(values: Any) -> bool:
    if isinstance(values, Tensor):
        return values.is_floating_point()
    return bool(as_array(values).dtype.kind == "f")


def _flat(preds: Any, target: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Rows, where there are dimensions behind those of batch and classes."""
    if not (isinstance(preds, Tensor) and isinstance(target, Tensor) and target.ndim > 1):
        return preds, target, sample_weight
    # Booleans are sets of nodes.
    if preds.shape == target.shape and not preds.is_floating_point() and preds.dtype != torch.bool:
        preds = preds.reshape(-1)
    elif preds.ndim == target.ndim + 1:
        preds = preds.movedim(1, -1).reshape(-1, preds.shape[1])
    else:
        return preds, target, sample_weight
    return preds, target.reshape(-1), None if sample_weight is None else torch.as_tensor(sample_weight).reshape(-1)
