"""Where a loss and its gradient come from, term by term."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any, Literal, overload

import numpy as np
import numpy.typing as npt

from klados import _explanation_text as text
from klados._explained import Column, MeanColumn, MeanNode, MeanTerm, Node, Share, Term
from klados._klados import Criterion, Hierarchy, _explain_mean, _explain_row
from klados.arrays import Array, TargetKind, check_options, wide_batch
from klados.losses import Loss, loss_of

__all__ = ["Explanation", "MeanExplanation", "explain"]

Outcome = Literal["finite", "ignored", "impossible", "not_a_number"]


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """Where the loss of one row and its gradient come from. Made by :func:`explain`; printed, it is a text.

    The loss is the sum of the terms' values, and the gradient by a logit the sum of the shares of the terms in it.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> explanation = klados.explain([[0.5, -1.0, 2.0]], hierarchy.encode(["bat"]), hierarchy, row=0)
        >>> explanation
        marginal_cross_entropy: 3.2812 (row 0, label bat)
        <BLANKLINE>
        node        logit    log P       P    loss
        mammal *           -1.5399  0.2144  1.5399
          bat *    0.5000  -1.7413  0.1753  1.7413
          dog     -1.0000  -3.2413  0.0391
        bird               -0.2413  0.7856
        <BLANKLINE>
        term       weight  -log P    loss
        P(bat)     1.0000  1.7413  1.7413
        P(mammal)  1.0000  1.5399  1.5399
        <BLANKLINE>
        pushed up  gradient  by
        bat         -1.4670  P(bat) -0.8247, P(mammal) -0.6423
        dog         -0.1042  P(mammal) -0.1433; against it P(bat) +0.0391
        <BLANKLINE>
        pushed down  gradient  by
        crow          +1.5712  P(bat) +0.7856, P(mammal) +0.7856
        >>> explanation.shares.shape  # terms, columns
        (2, 3)
    """

    outcome: Outcome
    """``"finite"``; ``"ignored"`` where the row takes no part; ``"impossible"`` where a term has probability 0, so that the
    loss is infinite and the gradient 0; ``"not_a_number"`` where the row has NaN or ``+inf``."""
    loss: float
    """The sum of the terms' values; infinite or NaN as the outcome says."""
    terms: tuple[Term, ...]
    """The terms of the loss."""
    columns: tuple[Column, ...]
    """By column of the logits."""
    nodes: tuple[Node, ...]
    """The label's nodes, all above them and the children of these, parents first."""
    _title: tuple[str, str] = ("", "")
    _root_is_added: bool = False

    @property
    def gradient(self) -> Array:
        """The gradient, by column."""
        return np.array([column.gradient for column in self.columns])

    @property
    def shares(self) -> Array:
        """What each term adds to the gradient, ``[terms, columns]``: made anew each time, with zeros where a term does not
        touch a column."""
        shares = np.zeros((len(self.terms), len(self.columns)))
        for column, of_column in enumerate(self.columns):
            for term, share in of_column.shares:
                shares[term, column] = share
        return shares

    def to_dict(self) -> dict[str, Any]:
        """As dicts and lists: the JSON of ``klados explain --row``, but numbers that are not finite stay."""
        columns = [column._asdict() | {"shares": _dicts(column.shares)} for column in self.columns]
        nodes = [node._asdict() | {"parents": list(node.parents)} for node in self.nodes]
        of_row = {"outcome": self.outcome, "loss": self.loss}
        return {**of_row, "terms": _dicts(self.terms), "columns": columns, "nodes": nodes}

    def __repr__(self) -> str:
        return text.of_row(self, *self._title, self._root_is_added)


@dataclass(frozen=True, eq=False, repr=False)
class MeanExplanation:
    """The mean over rows of what an :class:`Explanation` says of one. Made by :func:`explain`; printed, it is a text.

    Every mean is over the rows whose loss is finite, each counted once. The mean of a loss with class weights divides by
    their sum instead.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> logits = [[0.5, -1.0, 2.0], [1.0, 0.0, 0.0]]
        >>> mean = klados.explain(logits, hierarchy.encode(["bat", "crow"]), hierarchy)
        >>> mean.rows, mean.levels
        (2, ('depth 1', 'depth 2'))
        >>> mean.shares.shape  # levels, columns
        (2, 3)
        >>> print(mean)
        marginal_cross_entropy: 3.1920 (mean over 2 rows)
        ...
    """

    rows: int
    """How many rows the means are over."""
    ignored: int
    """How many rows take no part."""
    impossible: int
    """How many rows have an infinite loss."""
    not_a_number: int
    """How many rows have NaN or ``+inf``."""
    loss: float
    """The mean loss; 0 of no rows."""
    terms: tuple[MeanTerm, ...]
    """The mean terms, the costliest first."""
    levels: tuple[str, ...]
    """Which terms belong together in the shares: those about nodes of a rank, by its name, or of a ``depth 1``; about
    ``unions``; about ``superclasses`` of the loss's own."""
    columns: tuple[MeanColumn, ...]
    """By column of the logits."""
    nodes: tuple[MeanNode, ...]
    """All nodes, parents first."""
    _title: tuple[str, str] = ("", "")
    _root_is_added: bool = False

    @property
    def gradient(self) -> Array:
        """The mean gradient, by column."""
        return np.array([column.gradient for column in self.columns])

    @property
    def shares(self) -> Array:
        """What the terms of each level add to the mean gradient, ``[levels, columns]``."""
        return np.array([column.shares for column in self.columns]).T.reshape(len(self.levels), len(self.columns))

    def to_dict(self) -> dict[str, Any]:
        """As dicts and lists, with the names of the JSON of ``klados explain``; the shares of a column are those of the
        ``levels``."""
        counts = {name: getattr(self, name) for name in ("rows", "ignored", "impossible", "not_a_number", "loss")}
        columns = [column._asdict() | {"shares": list(column.shares)} for column in self.columns]
        nodes = [node._asdict() | {"parents": list(node.parents)} for node in self.nodes]
        return {**counts, "terms": _dicts(self.terms), "levels": list(self.levels), "columns": columns, "nodes": nodes}

    def __repr__(self) -> str:
        return text.of_mean(self, *self._title, self._root_is_added)


@overload
def explain(
    logits: npt.ArrayLike,
    target: npt.ArrayLike,
    hierarchy: Hierarchy,
    loss: str | Loss = ...,
    *,
    row: int,
    ignore_index: int = ...,
    kind: TargetKind | None = ...,
    step: int = ...,
) -> Explanation: ...
@overload
def explain(
    logits: npt.ArrayLike,
    target: npt.ArrayLike,
    hierarchy: Hierarchy,
    loss: str | Loss = ...,
    *,
    row: None = ...,
    ignore_index: int = ...,
    kind: TargetKind | None = ...,
    step: int = ...,
) -> MeanExplanation: ...
def explain(
    logits: npt.ArrayLike,
    target: npt.ArrayLike,
    hierarchy: Hierarchy,
    loss: str | Loss = "marginal_cross_entropy",
    *,
    row: int | None = None,
    ignore_index: int = -100,
    kind: TargetKind | None = None,
    step: int = 0,
) -> Explanation | MeanExplanation:
    r"""Where the loss of a row, or the mean over a batch, and its gradient come from: what the term of each node costs, and
    which of them push a logit up and which push it down.

    It computes in ``float64``, by none of the code that trains. A module of :mod:`klados.torch` has it as
    :meth:`~klados.torch.HierarchicalLoss.explain`.

    Args:
        logits: the outputs of a model; a tensor is taken too.
        target: what is known of each sample, as in :func:`loss_and_grad`.
        hierarchy: what the classes roll up into.
        loss: a loss, or the name of one with its default parameters.
        row: the row to explain, from 0; by default it is the mean over all rows.
        ignore_index, kind, step: as in :func:`loss_and_grad`.

    Returns:
        An :class:`Explanation` of the row, or a :class:`MeanExplanation`.

    Shape:
        - logits: :math:`(N, C)`, or :math:`(C)`, a batch of one row.
        - target: as in :func:`loss_and_grad`.

    Raises:
        ValueError: if there is no such row, or a shape, a dtype, a target or an option does not fit; the message names
            the row.
        TypeError: if an option is of another type.

    Example::

        >>> import klados
        >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
        >>> logits = [[0.5, -1.0, 2.0], [1.0, 0.0, 0.0]]
        >>> target = hierarchy.encode(["bat", "bird"])
        >>> bat = klados.explain(logits, target, hierarchy, row=0)
        >>> [(term.quantity, round(term.value, 4)) for term in bat.terms]
        [('P(bat)', 1.7413), ('P(mammal)', 1.5399)]
        >>> dog = bat.columns[1]  # wrong as a bat, but right as a mammal, by more: it is pushed up
        >>> [(bat.terms[share.term].quantity, round(share.share, 4)) for share in dog.shares]
        [('P(mammal)', -0.1433), ('P(bat)', 0.0391)]
        >>> klados.explain(logits, target, hierarchy).gradient.round(4).tolist()
        [-0.1574, 0.1598, -0.0025]
    """
    check_options(ignore_index, step)
    criterion = loss_of(loss).compile(hierarchy)
    rows, native, values = wide_batch(logits, target, criterion, kind)
    if row is None:
        mean = _explain_mean(criterion, rows, native, ignore_index, step)
        return _mean(mean, (criterion.name, "mean"), hierarchy.root_is_added)
    if not 0 <= operator.index(row) < len(rows):
        raise ValueError(f"row is {row}, expected 0 to {len(rows) - 1}: the logits have {len(rows)} rows")
    label = _label(criterion, native[0], values, row, ignore_index)
    explained = _explain_row(criterion, rows, native, ignore_index, step, row)
    return _row(explained, (criterion.name, f"row {row}{label}"), hierarchy.root_is_added)


def _label(criterion: Criterion, kind: str, target: Array, row: int, ignore_index: int) -> str:
    """The label of a row in words, where it is an index and says something."""
    if kind != "index" or target[row] == ignore_index:
        return ""
    [label] = criterion.decode(target[row : row + 1].astype(np.int64), ignore_index)
    return f", label {label}"


def _row(explained: dict[str, Any], title: tuple[str, str], root_is_added: bool) -> Explanation:
    return Explanation(
        outcome=explained["outcome"],
        loss=explained["loss"],
        terms=tuple(Term(**term) for term in explained["terms"]),
        columns=tuple(
            Column(**{**column, "shares": tuple(Share(**share) for share in column["shares"])})
            for column in explained["columns"]
        ),
        nodes=tuple(Node(**{**node, "parents": tuple(node["parents"])}) for node in explained["nodes"]),
        _title=title,
        _root_is_added=root_is_added,
    )


def _mean(explained: dict[str, Any], title: tuple[str, str], root_is_added: bool) -> MeanExplanation:
    columns = explained["columns"]
    return MeanExplanation(
        **{name: explained[name] for name in ("rows", "ignored", "impossible", "not_a_number", "loss")},
        terms=tuple(MeanTerm(**term) for term in explained["terms"]),
        levels=tuple(_level(level) for level, _ in columns[0]["shares"]),
        columns=tuple(
            MeanColumn(**{**column, "shares": tuple(share for _, share in column["shares"])}) for column in columns
        ),
        nodes=tuple(MeanNode(**{**node, "parents": tuple(node["parents"])}) for node in explained["nodes"]),
        _title=title,
        _root_is_added=root_is_added,
    )


def _level(level: str | dict[str, Any]) -> str:
    """A level of terms in words."""
    if isinstance(level, str):
        return {"union": "unions", "superclass": "superclasses"}[level]
    return level["rank"] if "rank" in level else f"depth {level['depth']}"


def _dicts(records: tuple[Any, ...]) -> list[dict[str, Any]]:
    return [record._asdict() for record in records]
