"""Tables whose columns of names and values are options, as long tables.

Several columns of names are joined to a path, and several columns of values are rows of
their own, below the name: ``AHU-1/Supply Temp``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice

__all__ = ["JOINED", "named_rows"]

Row = tuple[int, list[str]]
JOINED = "/"
_SAMPLE = 400
_VALUE = "Value"


def named_rows(
    rows: Iterator[Row], names: Sequence[str], values: Sequence[str]
) -> Iterator[Row]:
    """Raises ValueError if none of the first rows has all headers."""
    before: list[Row] = []
    for line, cells in islice(rows, _SAMPLE):
        header = [cell.strip() for cell in cells]
        if {*names, *values} <= set(header):
            return chain(before, _below(rows, (line, header), names, values))
        before.append((line, cells))
    shown = ", ".join((*names, *values))
    raise ValueError(f"--name and --value: no row has the headers {shown}")


def _below(
    rows: Iterator[Row], header: Row, names: Sequence[str], values: Sequence[str]
) -> Iterator[Row]:
    line, titles = header
    named = [titles.index(name) for name in names]
    valued = [titles.index(value) for value in values]
    used = {*named, *(valued if len(valued) > 1 else ())}
    rest = [at for at in range(len(titles)) if at not in used]
    kept = [titles[at] for at in rest]
    yield line, [JOINED.join(names), *kept, *([_VALUE] if len(valued) > 1 else ())]
    for line, cells in rows:
        if len(cells) != len(titles):
            yield line, cells
            continue
        path = [cells[at].strip() for at in named]
        others = [cells[at] for at in rest]
        if len(valued) <= 1:
            yield line, [JOINED.join(path), *others]
            continue
        for at, value in zip(valued, values, strict=True):
            if cells[at].strip():
                yield line, [JOINED.join([*path, value]), *others, cells[at]]
