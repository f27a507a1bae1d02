"""The masses of the shells of a row of which only some columns are here, and the gradient by those.

The sets of a label's path are nested ranges of the classes in tree order, ``S_0`` in ``S_1`` ... in ``S_D``, all
classes. The shells ``S_0``, ``S_1 - S_0``, ... partition the row, so their masses, ``sum e^z``, are all that the ranks
need to tell each other. A mass is a pair, ``sum * e^top``, so that nothing overflows and a small shell keeps its
digits.

A row is measured in blocks of columns, with the same operations for all rows. A block that lies in one shell is added
to it as a whole; only the few blocks in which a shell ends are looked at column by column.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import pad

__all__ = ["gradient", "masses", "relative"]

# Columns of a block.
_BLOCK = 64

# The rows that are measured at a time have so many bytes of exponentials.
_CHUNK_BYTES = 8 << 20


def masses(logits: Tensor, bounds: Tensor) -> tuple[Tensor, Tensor]:
    """The mass of each shell in the columns that are here.

    Shape:
        - logits: ``[rows, columns]``.
        - bounds: ``[rows, 2 D + 2]``, ascending: the starts of the sets, the outermost first, then their ends, the
          innermost first; in columns that are here, so that the first is 0 and the last the number of columns.
        - output: ``[rows, D + 1]``: ``top``, ``-inf`` where there is nothing, and ``sum``, both ``float64``. In a row
          with a NaN or ``+inf`` ``top`` is 0 and ``sum`` NaN.
    """
    shape = (logits.shape[0], bounds.shape[1] // 2)
    top = torch.full(shape, -torch.inf, dtype=torch.float64, device=logits.device)
    total = torch.zeros(shape, dtype=torch.float64, device=logits.device)
    for rows in _chunks(logits):
        blocks = _Blocks(logits[rows], bounds[rows])
        tops = blocks.top.double().masked_fill(blocks.is_divided, -torch.inf)
        z = blocks.z.flatten(1).gather(1, blocks.columns).double().masked_fill(~blocks.counts, -torch.inf)
        shell = torch.cat([blocks.shell, blocks.shell_of_column], 1)
        values = torch.cat([tops, z], 1)
        sums = torch.cat([blocks.terms.sum(2).double(), torch.ones_like(z)], 1)
        top[rows].scatter_reduce_(1, shell, values, "amax")
        total[rows].scatter_add_(1, shell, sums * relative(values, top[rows].gather(1, shell)))
        is_poisoned = ~(blocks.top.amax(1, keepdim=True) < torch.inf)
        top[rows].masked_fill_(is_poisoned, 0)
        total[rows].masked_fill_(is_poisoned, torch.nan)
    return top, total


def gradient(logits: Tensor, bounds: Tensor, top: Tensor, factor: Tensor) -> Tensor:
    """``e^(z - top) * factor``, with ``top`` and ``factor`` of the shell that a column is in. A row whose factors are
    all 0 is 0, whatever its logits are.

    Shape:
        - logits, bounds: as for :func:`masses`.
        - top, factor: ``[rows, D + 1]``, ``float64``.
        - output: as the logits, in their type.
    """
    grad = torch.empty_like(logits, memory_format=torch.contiguous_format)
    for rows in _chunks(logits):
        blocks = _Blocks(logits[rows], bounds[rows])
        out = blocks.terms
        out *= _weighed(blocks.top, blocks.shell, top[rows], factor[rows]).to(out.dtype).unsqueeze(2)
        out = out.flatten(1)
        z = blocks.z.flatten(1).gather(1, blocks.columns)
        # The columns of a block that several shells end in are written more than once, with the same numbers.
        out.scatter_(1, blocks.columns, _weighed(z, blocks.shell_of_column, top[rows], factor[rows]).to(out.dtype))
        out.masked_fill_((factor[rows] == 0).all(1, keepdim=True), 0)
        grad[rows] = out[:, : logits.shape[1]]
    return grad


def relative(values: Tensor, to: Tensor) -> Tensor:
    """``e^(values - to)``; 0 where ``values`` is ``-inf``, also if ``to`` is."""
    return (values - to.masked_fill(to == -torch.inf, 0)).exp()


def _weighed(values: Tensor, shell: Tensor, top: Tensor, factor: Tensor) -> Tensor:
    return relative(values.double(), top.gather(1, shell)) * factor.gather(1, shell)


def _chunks(logits: Tensor) -> Iterator[slice]:
    rows, columns = logits.shape
    if columns > 0:
        size = max(1, _CHUNK_BYTES // (4 * columns))
        for start in range(0, rows, size):
            yield slice(start, start + size)


class _Blocks:
    """Rows in blocks of columns.

    Attributes:
        z: ``[rows, blocks, block]``, in the wide type, ``-inf`` behind the last column.
        top: ``[rows, blocks]``, the largest of each block.
        terms: ``[rows, blocks, block]``, the exponentials relative to it.
        shell: ``[rows, blocks]``, the shell of each block that is not divided.
        is_divided: ``[rows, blocks]``, whether a shell ends inside the block.
        columns: ``[rows, ends]``, the columns of the divided blocks, and some others.
        shell_of_column: ``[rows, ends]``, their shells.
        counts: ``[rows, ends]``, whether a column is of a divided block and there for the first time.
    """

    def __init__(self, logits: Tensor, bounds: Tensor) -> None:
        rows, columns = logits.shape
        count = -(-columns // _BLOCK)
        width = count * _BLOCK
        wide = torch.float64 if logits.dtype == torch.float64 else torch.float32
        self.z = pad(logits.to(wide), (0, width - columns), value=-torch.inf).view(rows, count, _BLOCK)
        self.top = self.z.amax(2)
        self.terms = self.z.sub(self.top.masked_fill(self.top == -torch.inf, 0).unsqueeze(2)).exp_()

        # What is behind the last column is in the shell of the last column.
        bounds = bounds.masked_fill(bounds == columns, width)
        starts = torch.arange(0, width, _BLOCK, device=logits.device)
        self.shell = _shell(bounds, starts.expand(rows, -1))
        block = bounds // _BLOCK
        divides = bounds % _BLOCK != 0
        flags = torch.zeros((rows, count + 1), dtype=torch.bool, device=logits.device)
        self.is_divided = flags.scatter_(1, block.masked_fill(~divides, count), True)[:, :count]
        before = pad(block.masked_fill(~divides, -1).cummax(1).values[:, :-1], (1, 0), value=-1)
        is_first = divides & (block > before)
        within = torch.arange(_BLOCK, device=logits.device)
        self.columns = (block.clamp(max=count - 1).unsqueeze(2) * _BLOCK + within).flatten(1)
        self.shell_of_column = _shell(bounds, self.columns)
        self.counts = is_first.repeat_interleave(_BLOCK, 1)


def _shell(bounds: Tensor, columns: Tensor) -> Tensor:
    """The shell that each column is in: so many sets start behind it, or end at or before it."""
    innermost = bounds.shape[1] // 2 - 1
    passed = torch.searchsorted(bounds, columns.contiguous(), right=True)
    return (passed - 1 - innermost).abs_()
