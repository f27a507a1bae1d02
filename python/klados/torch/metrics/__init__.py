"""The metrics of :mod:`klados.metrics` for torchmetrics: in training loops, in a ``MetricCollection``, in Lightning's
``log``.

They have the order of torchmetrics, ``update(preds, target)``. Of several processes the rows are merged exactly, so
that any number of them gives the same bits as one.

Example::

    >>> import torch, klados
    >>> from torchmetrics import MetricCollection
    >>> from klados.torch.metrics import Accuracy, LcaHeight
    >>> hierarchy = klados.Hierarchy.from_edges(
    ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
    ... )
    >>> metrics = MetricCollection([Accuracy(hierarchy, level="class"), LcaHeight(hierarchy)])
    >>> logits = torch.tensor([[0.0, 0.0, 1.0, 2.0], [3.0, 0.0, 0.0, 0.0]])
    >>> metrics.update(logits, torch.tensor([2, 0]))
    >>> metrics.compute()
    {'Accuracy': tensor(0.5000), 'LcaHeight': tensor(0.5000)}
"""

from __future__ import annotations

try:
    import torchmetrics  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("klados.torch.metrics needs torchmetrics: pip install torchmetrics") from error

from klados.torch.metrics._answers import (
    Accuracy,
    BalancedAccuracy,
    Confusion,
    Coverage,
    HierarchicalF1,
    HierarchicalPrecision,
    HierarchicalRecall,
    LcaF1,
    LcaHeight,
    LcaPrecision,
    LcaRecall,
    MistakeSeverity,
    Risk,
)
from klados.torch.metrics._metric import HierarchicalMetric
from klados.torch.metrics._scores import (
    Auprc,
    Brier,
    DistanceAtK,
    ExpectedCalibrationError,
    LogLoss,
    OperatingCurve,
    RiskCoverage,
    Violations,
    Wasserstein,
)

__all__ = [
    "Accuracy",
    "Auprc",
    "BalancedAccuracy",
    "Brier",
    "Confusion",
    "Coverage",
    "DistanceAtK",
    "ExpectedCalibrationError",
    "HierarchicalF1",
    "HierarchicalMetric",
    "HierarchicalPrecision",
    "HierarchicalRecall",
    "LcaF1",
    "LcaHeight",
    "LcaPrecision",
    "LcaRecall",
    "LogLoss",
    "MistakeSeverity",
    "OperatingCurve",
    "Risk",
    "RiskCoverage",
    "Violations",
    "Wasserstein",
]
