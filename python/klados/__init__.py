"""Losses, decisions and metrics for class hierarchies, computed exactly in log space.

A model puts out logits for classes, and the classes roll up into superclasses. Klados scores every level of the hierarchy
from the same logits, takes labels from any level, and has the exact gradient at the cost of a flat cross-entropy.

``import klados`` needs NumPy only. :func:`decide` makes answers of logits and :mod:`klados.metrics` judges them.
:func:`explain` says where a loss and its gradient come from, :func:`check_gradient` what is wrong with one of your own.
:mod:`klados.torch` has the losses as PyTorch modules.

Example::

    >>> import klados
    >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    >>> hierarchy.classes
    ['bat', 'dog', 'crow']
    >>> import numpy as np
    >>> logits = np.array([[0.5, -1.0, 2.0]])
    >>> loss, grad = klados.loss_and_grad(logits, hierarchy.encode(["mammal"]), hierarchy)
    >>> round(loss, 4), grad.shape
    (3.0798, (1, 3))
"""

import os

from klados import metrics
from klados._klados import Hierarchy, get_num_threads, set_num_threads
from klados._klados import __VERSION__ as __version__
from klados.arrays import loss_and_grad, node_log_probs
from klados.decisions import Decision, calibrate, decide
from klados.explanations import Explanation, MeanExplanation, explain
from klados.gradients import GradientCheck, central_differences, check_gradient
from klados.losses import Loss, loss

__all__ = [
    "Decision",
    "Explanation",
    "GradientCheck",
    "Hierarchy",
    "Loss",
    "MeanExplanation",
    "__version__",
    "calibrate",
    "central_differences",
    "check_gradient",
    "decide",
    "explain",
    "get_num_threads",
    "loss",
    "loss_and_grad",
    "metrics",
    "node_log_probs",
    "set_num_threads",
]

if hasattr(os, "register_at_fork"):
    # A forked process has none of its parent's threads: work that is handed to them would never end.
    os.register_at_fork(after_in_child=lambda: set_num_threads(1))
