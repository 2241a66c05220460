"""Tables with columns of names, times and values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress

from ...kinds.display import quoted
from .names import PointNames
from .options import TableOptions
from .roles import are_a_path, header_unit
from .shape import Shape
from .value_columns import EVERY, Layout, Rows, ValueColumn, unit_at

__all__ = ["NamesInParts", "long_layout"]


class NamesInParts(Exception):
    """Columns with an equip, and so on, and the names of points below them."""

    def __init__(self, headers: Sequence[str]) -> None:
        super().__init__(headers)
        self.headers = tuple(headers)


def long_layout(
    shape: Shape,
    sample: Sequence[list[str]],
    names: PointNames,
    rest: list[int],
    roles: dict[str | None, list[int]],
    options: TableOptions,
) -> Layout:
    (value,) = roles["value"]
    status, units = roles.get("status", []), roles.get("unit", [])
    named = roles["name"]
    if len(named) > 1:
        named = [at for at in named if _all_found(at, sample, names)] or named
    if len(named) > 1 and (
        _agree(named, sample, names) or (names.new and _go_together(named, sample))
    ):
        named = named[:1]
    if len(named) > 1:
        headers = [shape.header[at] for at in named]
        if not options.name and are_a_path(headers):
            raise NamesInParts(headers)
        shown = ", ".join(map(quoted, headers))
        raise ValueError(
            f"several columns may name the points, {shown}: give that of the names with"
            " --name, or several whose texts are joined by /"
        )
    others = [at for at in rest if at not in (value, *named, *status[:1], *units[:1])]
    others = [at for at in others if at not in roles["name"]]
    if others and EVERY not in options.ignore:
        shown = ", ".join(quoted(shape.header[at]) for at in others)
        raise ValueError(
            f"columns that are not understood, {shown}: leave them out with --ignore"
        )
    unit = unit_at(shape, value) or header_unit(shape.header[value])
    column = ValueColumn(
        value, shape.header[value], None, unit, status[0] if status else None
    )
    left_out = [at for at in roles["name"] if at not in named] + others
    found = Layout(
        "long",
        [column],
        named[0],
        units[0] if units else None,
        ignored=[shape.header[at] for at in left_out],
    )
    if names.new is not None:
        _plan(column, found, sample, names)
    return found


def _plan(column: ValueColumn, layout: Layout, sample: Rows, names: PointNames) -> None:
    """Plan the points that are missing, by the cells of all rows of each."""
    cells: dict[str, list[str]] = defaultdict(list)
    units: dict[str, set[str]] = defaultdict(set)
    at = layout.names or 0
    for row in sample:
        if len(row) > max(at, column.place) and row[at].strip():
            name = row[at].strip()
            cells[name].append(row[column.place].strip())
            own = "" if layout.units is None else row[layout.units].strip()
            units[name] |= {own or column.unit or ""} - {""}
    for name, texts in cells.items():
        unit = units[name].pop() if len(units[name]) == 1 else None
        with suppress(ValueError):  # the row is refused
            names.found_or_new(name, unit, texts)


def _all_found(at: int, sample: Sequence[list[str]], names: PointNames) -> bool:
    try:
        for name in {row[at].strip() for row in sample if len(row) > at}:
            names.find(name)
    except ValueError:
        return False
    return True


def _agree(
    places: Sequence[int], sample: Sequence[list[str]], names: PointNames
) -> bool:
    """Whether the columns name the same points."""
    try:
        for texts in {tuple(row[at].strip() for at in places) for row in sample}:
            points = [names.find(text) for text in texts]
            if len({point and point.column.point.id for point in points}) > 1:
                return False
    except (ValueError, IndexError):
        return False
    return True


def _go_together(places: Sequence[int], sample: Sequence[list[str]]) -> bool:
    """Whether each text of a column is always beside the same ones of the others."""
    whole = [row for row in sample if len(row) > max(places)]
    rows = {tuple(row[at].strip() for at in places) for row in whole}
    return all(len({row[at] for row in rows}) == len(rows) for at in range(len(places)))
