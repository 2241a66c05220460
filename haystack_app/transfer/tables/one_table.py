"""Whether a file has the table that was found, and no other one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .blocks import SeveralTables, blocks_of
from .numbers import split_number
from .options import TableOptions
from .shape import Row, Shape
from .stamps import stamp_of

__all__ = ["begins_another", "check_above", "check_is_one"]


def begins_another(shape: Shape, cells: Sequence[str]) -> bool:
    """Whether a row has the header of the times where these are."""
    at = shape.time[0]
    return at < min(len(shape.titles), len(cells)) and cells[at] == shape.titles[at]


def check_is_one(rows: Iterator[Row], shape: Shape, options: TableOptions) -> None:
    """Raises SeveralTables if it is known how they begin."""
    if options.blocks is not None or not shape.titles or shape.units:
        return
    above = shape.above
    first = next(
        (at for at, cells in enumerate(above) if begins_another(shape, cells)),
        len(above),
    )
    blocks = blocks_of(rows, first, shape.titles, shape.time)
    if blocks is not None:
        raise SeveralTables(blocks)


def check_above(shape: Shape) -> None:
    """Raises ValueError if what is above the header may be a table, too."""
    for line, cells in shape.preamble:
        first, *rest = (cell.strip() for cell in cells)
        if begins_another(shape, cells) or (
            stamp_of(first) and any(map(_is_number, rest))
        ):
            raise ValueError(
                f"line {line} is that of another table, above the one that was found:"
                " save each table as a file of its own"
            )


def _is_number(cell: str) -> bool:
    split = split_number(cell)
    return split is not None and not split[1]
