"""What explanations are made of: terms, columns and nodes, of a row and of a mean."""

from __future__ import annotations

from typing import NamedTuple


class Term(NamedTuple):
    """What a term costs: ``value = weight * focal * -log_p``."""

    subject: str
    """The node, union or superclass that it is about."""
    quantity: str
    """Which probability it is about, such as ``P(crow | bird)``."""
    weight: float
    """Its weight, with the class weight and the smoothing in it."""
    log_p: float
    """The logarithm of its probability."""
    p: float
    """Its probability."""
    focal: float
    """The focal factor; 1 where there is none."""
    value: float
    """What it adds to the loss."""


class Share(NamedTuple):
    """What a term adds to the gradient by a logit."""

    term: int
    """The place of the term."""
    share: float
    """What it adds: below 0 it pushes the logit up in a step of training, above 0 down."""


class Column(NamedTuple):
    """The gradient by a logit, and whose shares it is the sum of."""

    name: str
    """The class, or the node in losses with a logit a node."""
    logit: float
    """The logit."""
    gradient: float
    """The derivative of the loss by it."""
    shares: tuple[Share, ...]
    """What the terms add to it, in ascending order, without those that add nothing."""


class Node(NamedTuple):
    """A node as the loss sees it."""

    node: int
    """Its index."""
    name: str
    """Its name."""
    parents: tuple[int, ...]
    """The indices of its parents."""
    depth: int
    """Its depth."""
    is_on_path: bool
    """Whether the label is at or below it."""
    column: int | None
    """Its column in the logits, where it has one."""
    logit: float | None
    """Its logit, where it has a column."""
    log_p: float | None
    """Its log-probability, in the form in which models of the loss are read, where there is one."""
    p: float | None
    """Its probability."""
    loss: float
    """What the terms about it add to the loss."""
    gradient: float | None
    """The gradient by its logit, where it has a column."""


class MeanTerm(NamedTuple):
    """The mean of the terms about one probability."""

    subject: str
    """The node, union or superclass that they are about."""
    quantity: str
    """Which probability they are about."""
    rows: int
    """In how many rows there is such a term."""
    log_p: float
    """The mean of ``log P`` over these."""
    value: float
    """What it adds to the mean loss of all rows."""


class MeanColumn(NamedTuple):
    """The mean gradient by a logit."""

    name: str
    """The class, or the node in losses with a logit a node."""
    logit: float
    """The mean logit."""
    gradient: float
    """The mean gradient."""
    shares: tuple[float, ...]
    """What the terms of each of :attr:`MeanExplanation.levels` add to it."""


class MeanNode(NamedTuple):
    """The mean of a node."""

    node: int
    """Its index."""
    name: str
    """Its name."""
    parents: tuple[int, ...]
    """The indices of its parents."""
    depth: int
    """Its depth."""
    column: int | None
    """Its column in the logits, where it has one."""
    p: float | None
    """The mean of its probability, where models of the loss have one."""
    loss: float
    """What the terms about it add to the mean loss."""
