"""Metrics for class hierarchies: how often a model is right, at which level, and how far off it is where it is not.

Each is a function of arrays, as in scikit-learn, and a class that is fed batch by batch and merges exactly.
:mod:`klados.torch.metrics` has the classes for torchmetrics.

``y_true`` are labels at any level: indices in the code of :meth:`klados.Hierarchy.encode` (a class is its column,
another node ``classes + node``, -100 takes no part), names (``"crow"``, ``"bird"``, ``"crow|bat"``), or rows of
candidates. ``y_pred`` are answers at any level, as :func:`klados.decide` gives them, or names. What a label does not
say takes no part: a sample labelled "bird" is not judged at the level of species, and an answer below a label's node
counts as that node.

Example::

    >>> import klados
    >>> hierarchy = klados.Hierarchy.from_edges(
    ...     [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
    ... )
    >>> y_true = hierarchy.encode(["crow", "bird", "bat"])
    >>> y_pred = klados.decide([[0, 0, 1, 2], [0, 0, 2, 1], [3, 0, 0, 0]], hierarchy)
    >>> klados.metrics.accuracy(y_true, y_pred, hierarchy)
    {'depth 1': 1.0, 'class': 0.5}
"""

from klados.metrics._accuracy import Accuracy, BalancedAccuracy, accuracy, balanced_accuracy
from klados.metrics._answers import Confusion, Coverage, Risk, confusion, coverage, level_nodes, risk
from klados.metrics._bootstrap import Interval, bootstrap
from klados.metrics._curves import (
    OperatingCurve,
    OperatingPoints,
    RiskCoverage,
    aurc,
    operating_curve,
    risk_coverage_curve,
)
from klados.metrics._distance import (
    DistanceAtK,
    LcaHeight,
    MistakeSeverity,
    Wasserstein,
    distance_at_k,
    lca_height,
    mistake_severity,
    wasserstein,
)
from klados.metrics._metric import Metric, levels, most_probable
from klados.metrics._multi_label import Auprc, Violations, auprc, violations
from klados.metrics._precision_recall import (
    HierarchicalF1,
    HierarchicalPrecision,
    HierarchicalRecall,
    LcaF1,
    LcaPrecision,
    LcaRecall,
    hierarchical_f1,
    hierarchical_precision,
    hierarchical_precision_recall_fscore_support,
    hierarchical_recall,
    lca_f1,
    lca_precision,
    lca_recall,
)
from klados.metrics._probability import (
    Brier,
    ExpectedCalibrationError,
    LogLoss,
    brier,
    ece,
    log_loss,
    reliability_curve,
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
    "HierarchicalPrecision",
    "HierarchicalRecall",
    "Interval",
    "LcaF1",
    "LcaHeight",
    "LcaPrecision",
    "LcaRecall",
    "LogLoss",
    "Metric",
    "MistakeSeverity",
    "OperatingCurve",
    "OperatingPoints",
    "Risk",
    "RiskCoverage",
    "Violations",
    "Wasserstein",
    "accuracy",
    "auprc",
    "aurc",
    "balanced_accuracy",
    "bootstrap",
    "brier",
    "confusion",
    "coverage",
    "distance_at_k",
    "ece",
    "hierarchical_f1",
    "hierarchical_precision",
    "hierarchical_precision_recall_fscore_support",
    "hierarchical_recall",
    "lca_f1",
    "lca_height",
    "lca_precision",
    "lca_recall",
    "level_nodes",
    "levels",
    "log_loss",
    "mistake_severity",
    "most_probable",
    "operating_curve",
    "reliability_curve",
    "risk",
    "risk_coverage_curve",
    "violations",
    "wasserstein",
]
