"""Explanations and checked gradients as text, as the command line writes them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from klados._explained import MeanColumn, MeanNode, Node
    from klados.explanations import Explanation, MeanExplanation
    from klados.gradients import GradientCheck

# So many terms, and children of a node, are shown; columns and differences half as many.
_SHOWN = 20
# The tree of a mean ends above the depth with which more nodes than this would be in it.
_NODES = 60
# So many shares of a column are shown for and against.
_SHARES = 3
# No node is indented further.
_DEEPEST = 20

_REASONS = {
    "ignored": "the row is ignored, with loss and gradient 0",
    "impossible": "the label has probability 0, masked by -inf: the loss is inf and the gradient 0",
    "not_a_number": "the row has NaN or +inf: loss and gradient are nan",
}

Line = Sequence[str]


def of_row(explained: Explanation, loss: str, place: str, root_is_added: bool) -> str:
    """The loss, the nodes around the label, the terms and the columns."""
    lines = [f"{loss}: {rounded(explained.loss)} ({place})"]
    if explained.outcome in _REASONS:
        lines.append(_REASONS[explained.outcome])

    def cells(node: Node) -> Line:
        return [_cell(node.logit), _cell(node.log_p), _cell(node.p), _cell(node.loss or None)]

    marked = {node.node for node in explained.nodes if node.is_on_path}
    tree = _tree(explained.nodes, marked, cells, root_is_added)
    lines += ["", *table(["node", "logit", "log P", "P", "loss"], tree)]
    costliest = sorted(explained.terms, key=lambda term: -term.value)
    has_focal = any(term.focal != 1 for term in explained.terms)
    terms = [
        [term.quantity, *map(rounded, (term.weight, *([term.focal] if has_focal else []), 0 - term.log_p, term.value))]
        for term in costliest
    ]
    if terms:
        header = ["term", "weight", *(["focal"] if has_focal else []), "-log P", "loss"]
        lines += ["", *table(header, _cut(terms, _SHOWN))]
    if explained.outcome == "finite":
        names = [term.quantity for term in explained.terms]
        pushes = [
            (column.name, column.gradient, [(names[share.term], share.share) for share in sorted(column.shares)])
            for column in explained.columns
        ]
        lines += _pushes(pushes)
    return "\n".join(lines)


def of_mean(mean: MeanExplanation, loss: str, place: str, root_is_added: bool) -> str:
    """The mean loss, the upper nodes, the terms and the columns."""
    lines = [f"{loss}: {rounded(mean.loss)} ({place} over {_counted(mean.rows)})"]
    left_out = [
        (mean.ignored, "ignored"),
        (mean.impossible, "of probability 0, with loss inf and gradient 0"),
        (mean.not_a_number, "with NaN or +inf, of which loss and gradient are nan"),
    ]
    lines += [f"left out: {_counted(rows)} {what}" for rows, what in left_out if rows]
    if not mean.rows:
        return "\n".join(lines)

    def cells(node: MeanNode) -> Line:
        logit = None if node.column is None else mean.columns[node.column].logit
        return [_cell(logit), _cell(node.p), _cell(node.loss or None)]

    marked: set[int] = set()
    for node in reversed(mean.nodes):  # parents come before their children
        if node.loss or node.node in marked:
            marked |= {node.node, *node.parents}
    deepest = _deepest(mean.nodes)
    shown = [node for node in mean.nodes if node.depth <= deepest]
    lines += ["", *table(["node", "logit", "P", "loss"], _tree(shown, marked, cells, root_is_added))]
    if len(shown) < len(mean.nodes):
        lines.append(f"nodes below depth {deepest} are left out")
    terms = [[term.quantity, str(term.rows), rounded(0 - term.log_p), rounded(term.value)] for term in mean.terms]
    lines += ["", *table(["term", "rows", "-log P", "loss"], _cut(terms, _SHOWN))]

    def push(column: MeanColumn) -> tuple[str, float, list[tuple[str, float]]]:
        return column.name, column.gradient, list(zip(mean.levels, column.shares, strict=True))

    return "\n".join([*lines, *_pushes([push(column) for column in mean.columns])])


def of_check(check: GradientCheck) -> str:
    """Whether a gradient is right; if not, where it differs and what it is instead."""
    of = "each row's own loss" if check.reduction == "none" else f"the {check.reduction} loss"
    largest, allowed = rounded(check.largest), rounded(check.allowed)
    if check.is_right:
        return f"right, the gradient of {of}\noff by {largest} at most, where {allowed} is allowed"
    count = len(check.differences)
    lines = [f"wrong, not the gradient of {of}"]
    lines.append(f"{count} of {check.entries} entries differ by more than {allowed}, by {largest} at most")
    entries = [
        [entry.name, str(entry.row), rounded(entry.expected), rounded(entry.given), rounded(entry.error)]
        for entry in check.differences
    ]
    lines += [*table(["column", "row", "right", "given", "off by"], _cut(entries, _SHOWN // 2)), ""]
    if not check.mistakes:
        lines.append("None of the usual mistakes alone gives these numbers. There may be two: check one row, and a")
        return "\n".join([*lines, "loss with a weight on one level, first."])
    lines.append("This gives the same:" if len(check.mistakes) == 1 else "Each of these gives the same:")
    return "\n".join([*lines, *(f"- {mistake}" for mistake in check.mistakes)])


def rounded(value: float) -> str:
    """A number for people: four decimals, or an exponent where they would not show it."""
    if value == 0:
        return "0"
    if math.isfinite(value) and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.3e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
    return f"{value:.4f}"


def table(header: Line, lines: Sequence[Line], left: int | None = None) -> list[str]:
    """Cells in columns, of which the first and that at *left* begin at the left. A line of one cell is as wide as it is."""
    cells = [header, *lines]
    widths = [max(len(line[at]) for line in cells if len(line) > max(at, 1)) for at in range(len(header))]

    def aligned(line: Line) -> str:
        places = enumerate(zip(line, widths, strict=True))
        padded = [cell.ljust(width) if at in (0, left) else cell.rjust(width) for at, (cell, width) in places]
        return "  ".join(padded).rstrip()

    return [line[0] if len(line) == 1 else aligned(line) for line in cells]


def _cell(number: float | None) -> str:
    return "" if number is None else rounded(number)


def _signed(number: float) -> str:
    return f"{'+' if number > 0 else ''}{rounded(number)}"


def _counted(rows: int) -> str:
    return f"{rows} {'row' if rows == 1 else 'rows'}"


def _cut(lines: Sequence[Line], most: int) -> Sequence[Line]:
    return lines if len(lines) <= most else [*lines[:most], [f"... and {len(lines) - most} more"]]


def _deepest(nodes: Sequence[MeanNode]) -> int:
    """The depth down to which nodes are shown, 1 or more."""
    depths = sorted(node.depth for node in nodes)
    return depths[-1] if len(depths) <= _NODES else max(depths[_NODES] - 1, 1)


def _tree(
    nodes: Sequence[Node] | Sequence[MeanNode], marked: set[int], cells: Callable[..., Line], root_is_added: bool
) -> list[Line]:
    """The nodes, each below the first of its parents that is there. Of many children those that are marked are shown,
    then the most probable. An added root is not shown."""
    known = {node.node for node in nodes}
    below: dict[int, list[Node | MeanNode]] = {node.node: [] for node in nodes}
    for node in nodes[1:]:
        below[next(parent for parent in node.parents if parent in known)].append(node)
    lines: list[Line] = []
    stack: list[tuple[int, Node | MeanNode | int]] = [(0, nodes[0])]
    while stack:
        depth, at = stack.pop()
        indent = "  " * min(depth, _DEEPEST)
        if isinstance(at, int):
            lines.append([f"{indent}... and {at} more"])
            continue
        is_shown = at.node != 0 or not root_is_added
        if is_shown:
            lines.append([f"{indent}{at.name}{' *' if at.node in marked else ''}", *cells(at)])
        children = below[at.node]
        shown = sorted(children, key=lambda child: (child.node not in marked, -(child.p or 0)))[:_SHOWN]
        if len(shown) < len(children):
            stack.append((depth + is_shown, len(children) - len(shown)))
        stack += [(depth + is_shown, child) for child in sorted(shown, key=lambda child: -child.node)]
    return lines


def _pushes(columns: list[tuple[str, float, list[tuple[str, float]]]]) -> list[str]:
    """Which logits a step of training pushes up and down, the strongest first, and whose shares that is."""
    lines: list[str] = []
    for title, sign in (("pushed up", -1), ("pushed down", 1)):
        pushed = sorted((column for column in columns if sign * column[1] > 0), key=lambda column: -abs(column[1]))
        entries: list[Line] = []
        for name, gradient, shares in pushed:
            against = _listed(shares, -sign)
            by = _listed(shares, sign) + (f"; against it {against}" if against else "")
            entries.append([name, _signed(gradient), by])
        if entries:
            lines += ["", *table([title, "gradient", "by"], _cut(entries, _SHOWN // 2), left=2)]
    return lines or ["", "no logit is pushed up or down: the gradient is 0"]


def _listed(shares: list[tuple[str, float]], sign: int) -> str:
    """The shares that push one way, the largest first."""
    pushing = [share for share in shares if sign * share[1] > 0]
    # Those that differ by rounding alone stay as they are.
    pushing.sort(key=lambda share: -np.float32(abs(share[1])))
    text = ", ".join(f"{by} {_signed(share)}" for by, share in pushing[:_SHARES])
    return text if len(pushing) <= _SHARES else f"{text} and {len(pushing) - _SHARES} more"
