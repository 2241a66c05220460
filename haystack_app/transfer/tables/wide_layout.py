"""Tables with a column for each point."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...kinds.display import quoted
from ..his_units import unit_of
from .kind_guess import guessed_kind
from .labels import name_above
from .names import PointNames, UnknownName
from .options import TableOptions
from .roles import header_unit, role_of
from .shape import Shape
from .value_columns import (
    EVERY,
    Layout,
    ValueColumn,
    cells_of,
    unit_at,
)

__all__ = ["title_of", "wide_layout"]

_ZONE_CELL = re.compile(
    r"[A-Z][a-z]+/[A-Z][A-Za-z_/]+|UTC|GMT|[ECMP][SD]T|CES?T|BST|(?:UTC|GMT)?[+-]\d\d:?\d\d"
)
_ZONE_HEADER = re.compile(r"(?:utc|gmt|tz|time ?zone)\b.*|.*time ?zone", re.IGNORECASE)
_STATUS_OF = re.compile(r"(.+?)[ _.\-]+(?:status|quality|reliability)", re.IGNORECASE)


def wide_layout(
    shape: Shape,
    sample: Sequence[list[str]],
    names: PointNames,
    rest: list[int],
    options: TableOptions,
) -> Layout:
    found = Layout("wide", [], constants=_units_beside(shape, sample, rest))
    refused: list[str] = []
    statuses: list[int] = []
    missing: list[tuple[int, str, str | None]] = []
    for at in rest:
        if at in found.constants:
            continue
        header = title_of(shape, at, names)
        try:
            unit = unit_at(shape, at) or found.constants.get(at + 1)
            if header != shape.header[at]:  # which may have the unit
                unit = unit or _known_unit(shape.header[at])
            point = names.find(header, unit)
        except UnknownName as err:
            if _is_status(shape.header[at], shape.header):
                statuses.append(at)
            elif EVERY in options.ignore:
                found.ignored.append(header)
            elif names.new is None:
                refused.append(str(err))
            else:
                missing.append((at, header, unit))
        except ValueError as err:
            refused.append(f"column {header}: {err}")
        else:
            if point is None:
                found.ignored.append(header)
            else:
                found.columns.append(ValueColumn(at, header, point))
    count = len(found.columns) + len(missing)
    for at, header, unit in missing:
        cells = cells_of(at, sample)
        try:
            _check_is_of_values(header, cells, count)
            made = names.found_or_new(header, unit, cells)
            found.columns.append(ValueColumn(at, header, made))
        except ValueError as err:
            refused.append(f"column {header}: {err}")
    found.columns.sort(key=lambda column: column.place)
    if refused:
        hint = ""
        if count == 1 or all(role_of(shape.header[at]) for at in rest):
            hint = "; for a table of one point, name it with --point"
        raise ValueError("; ".join(refused) + hint)
    _check_distinct(found.columns)
    for at in statuses:
        _of_status(at, shape.header, found.columns).status = at
    return found


def _check_is_of_values(header: str, cells: Sequence[str], columns: int) -> None:
    """Raises ValueError for a column that names points, or may be of any point."""
    role = role_of(header)
    if role == "value" and columns == 1:
        raise ValueError("it does not name a point")
    if not header:
        raise ValueError("it has values, but no header")
    is_zone = cells and all(_ZONE_CELL.fullmatch(cell) for cell in cells)
    if is_zone or _ZONE_HEADER.fullmatch(header):
        raise ValueError(
            "it has the zones of the times: give that with --tz, and leave the column"
            " out with --ignore"
        )
    if role == "name" and guessed_kind(cells)[0] == "Str":
        raise ValueError(
            f"it may name the points: give --name {quoted(header)} and the columns of"
            " values with --value, or leave it out with --ignore"
        )


def _known_unit(header: str) -> str | None:
    """The unit of a header such as ``Present Value (°C)``."""
    text = header_unit(header)
    try:
        return None if text is None else unit_of(text)
    except ValueError:
        return None


def _units_beside(
    shape: Shape, sample: Sequence[list[str]], rest: list[int]
) -> dict[int, str]:
    """Columns of units after the columns of values, each of one unit."""
    found = {}
    for at in rest:
        texts = {row[at].strip() for row in sample if len(row) > at} - {""}
        is_after = at - 1 in rest and role_of(shape.header[at - 1]) != "unit"
        if role_of(shape.header[at]) == "unit" and is_after and len(texts) == 1:
            found[at] = texts.pop()
    return found


def title_of(shape: Shape, at: int, names: PointNames) -> str:
    """The header, with the equip or site above it as a path.

    A header such as Present Value is below the name of its point, which is that of its
    group, or said above the table.
    """
    own = shape.header[at]
    group = shape.groups[at] if shape.groups else ""
    if role_of(own) == "value" and own not in names.mapping:
        return group or name_above(shape.above) or own
    path = f"{group}/{own}"
    is_path = path in names.mapping or (
        own not in names.mapping and names.is_place(group)
    )
    return path if group and is_path else own


def _check_distinct(columns: list[ValueColumn]) -> None:
    if not columns:
        raise ValueError("no column of the table is that of a point")
    first: dict[str, str] = {}
    for column in columns:
        assert column.point
        id = column.point.column.point.id
        if id in first:
            raise ValueError(
                f"two columns for @{id}, {quoted(first[id])} and"
                f" {quoted(column.header)}: leave one out with --ignore,"
                " or with an empty id in the mapping"
            )
        first[id] = column.header


def _is_status(header: str, headers: Sequence[str]) -> bool:
    match = _STATUS_OF.fullmatch(header)
    return role_of(header) == "status" or (match is not None and match[1] in headers)


def _of_status(at: int, headers: list[str], columns: list[ValueColumn]) -> ValueColumn:
    """The column that a column of statuses belongs to. Raises ValueError."""
    match = _STATUS_OF.fullmatch(headers[at])
    for column in columns:
        if column.status is None and (
            (match is not None and match[1] == column.header)
            or (match is None and (column.place == at - 1 or len(columns) == 1))
        ):
            return column
    raise ValueError(
        f"column {headers[at]}: it is not clear whose status it is: leave it out with"
        " --ignore"
    )
