"""What the columns of a table hold: a point each, or names and values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ...kinds.display import quoted
from .names import NamedPoint, PointNames, UnknownName
from .options import TableOptions
from .shape import Shape, role_of

__all__ = ["Layout", "ValueColumn", "layout_of"]

_EVERY = "*"
_STATUS_OF = re.compile(r"(.+?)[ _.\-]+(?:status|quality|reliability)", re.IGNORECASE)


@dataclass(slots=True)
class ValueColumn:
    """``point`` is None where another column names it."""

    place: int
    header: str
    point: NamedPoint | None
    unit: str | None = None
    status: int | None = None


@dataclass(slots=True)
class Layout:
    """``name``: wide, long or single, the table of one point.

    ``unnamed`` are columns without a header and, as far as is known, without values.
    """

    name: str
    columns: list[ValueColumn]
    names: int | None = None
    units: int | None = None
    unnamed: list[int] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def layout_of(
    shape: Shape,
    sample: Sequence[list[str]],
    names: PointNames,
    options: TableOptions,
) -> Layout:
    """Raises ValueError with all columns that are not understood."""
    if not shape.header:
        return _headless(shape, sample, names, options)
    left_out = set(options.ignore)
    unknown = left_out - {_EVERY} - set(shape.header)
    if unknown:
        raise ValueError(f"--ignore: there is not a column {quoted(min(unknown))}")
    others = [at for at in range(len(shape.header)) if at not in shape.time]
    unnamed = [at for at in others if _is_empty(at, shape.header[at], sample)]
    rest = [at for at in others if at not in unnamed]
    ignored = [
        at
        for at in rest
        if shape.header[at] in left_out
        or role_of(shape.header[at]) == "flags"
        or _is_index(at, shape.header[at], sample)
    ]
    rest = [at for at in rest if at not in ignored]
    found = _found(shape, sample, names, options, rest)
    found.unnamed = unnamed
    found.ignored = [
        shape.header[at] or "(row numbers)" for at in ignored
    ] + found.ignored
    return found


def _found(
    shape: Shape,
    sample: Sequence[list[str]],
    names: PointNames,
    options: TableOptions,
    rest: list[int],
) -> Layout:
    roles: dict[str | None, list[int]] = {}
    for at in rest:
        roles.setdefault(role_of(shape.header[at]), []).append(at)
    is_long = "name" in roles and len(roles.get("value", [])) == 1
    if options.point is not None:
        return _single(shape, names, options, rest, roles)
    if is_long:
        return _long(shape, sample, names, rest, roles, options)
    return _wide(shape, names, rest, options)


def _headless(
    shape: Shape, sample: Sequence[list[str]], names: PointNames, options: TableOptions
) -> Layout:
    rest = [at for at in range(len(sample[0])) if at not in shape.time]
    rest = [
        at for at in rest if any(row[at].strip() for row in sample if len(row) > at)
    ]
    if options.point is None or len(rest) != 1:
        raise ValueError(
            "the table has no header: give it one, or, for one column of values, its"
            " point with --point"
        )
    return Layout("single", [ValueColumn(rest[0], "value", names.point(options.point))])


def _single(
    shape: Shape,
    names: PointNames,
    options: TableOptions,
    rest: list[int],
    roles: dict[str | None, list[int]],
) -> Layout:
    status = roles.get("status", [])
    units = roles.get("unit", [])
    values = [at for at in rest if at not in status and at not in units]
    if len(values) != 1 or len(status) > 1 or len(units) > 1:
        shown = ", ".join(quoted(shape.header[at]) for at in values) or "none"
        raise ValueError(
            f"--point needs one column of values, not {shown}: leave others out with"
            " --ignore"
        )
    at = values[0]
    unit = _unit(shape, at) or _header_unit(shape.header[at])
    column = ValueColumn(
        at,
        shape.header[at],
        names.point(options.point or "", unit),
        status=status[0] if status else None,
    )
    return Layout("single", [column], units=units[0] if units else None)


def _long(
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
    if len(named) > 1:
        shown = ", ".join(quoted(shape.header[at]) for at in named)
        raise ValueError(
            f"several columns may name the points, {shown}: leave others out with"
            " --ignore"
        )
    others = [at for at in rest if at not in (value, *named, *status[:1], *units[:1])]
    others = [at for at in others if at not in roles["name"]]
    if others and _EVERY not in options.ignore:
        shown = ", ".join(quoted(shape.header[at]) for at in others)
        raise ValueError(
            f"columns that are not understood, {shown}: leave them out with --ignore"
        )
    unit = _unit(shape, value) or _header_unit(shape.header[value])
    column = ValueColumn(
        value, shape.header[value], None, unit, status[0] if status else None
    )
    left_out = [at for at in roles["name"] if at not in named] + others
    return Layout(
        "long",
        [column],
        named[0],
        units[0] if units else None,
        ignored=[shape.header[at] for at in left_out],
    )


def _all_found(at: int, sample: Sequence[list[str]], names: PointNames) -> bool:
    try:
        for name in {row[at].strip() for row in sample if len(row) > at}:
            names.find(name)
    except ValueError:
        return False
    return True


def _wide(
    shape: Shape, names: PointNames, rest: list[int], options: TableOptions
) -> Layout:
    found = Layout("wide", [])
    refused: list[str] = []
    statuses: list[int] = []
    for at in rest:
        header = shape.header[at]
        try:
            point = names.find(header, _unit(shape, at))
        except UnknownName as err:
            if _is_status(header, shape.header):
                statuses.append(at)
            elif _EVERY in options.ignore:
                found.ignored.append(header)
            else:
                refused.append(str(err))
        except ValueError as err:
            refused.append(f"column {header}: {err}")
        else:
            if point is None:
                found.ignored.append(header)
            else:
                found.columns.append(ValueColumn(at, header, point))
    if refused:
        hint = ""
        if len(rest) == 1 or all(role_of(shape.header[at]) for at in rest):
            hint = "; for a table of one point, name it with --point"
        raise ValueError("; ".join(refused) + hint)
    _check_distinct(found.columns)
    for at in statuses:
        _of_status(at, shape.header, found.columns).status = at
    return found


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


def _unit(shape: Shape, at: int) -> str | None:
    return (shape.units[at].strip() or None) if at < len(shape.units) else None


def _header_unit(header: str) -> str | None:
    match = re.search(r"[(\[]([^()\[\]]*)[)\]]\s*\Z", header)
    return match[1].strip() or None if match else None


def _is_empty(at: int, header: str, sample: Sequence[list[str]]) -> bool:
    """A delimiter at the end of each row makes a column without name and values."""
    return not header and not any(row[at].strip() for row in sample if len(row) > at)


def _is_index(at: int, header: str, sample: Sequence[list[str]]) -> bool:
    """The numbers of rows, as data frames write them before the first column."""
    if at != 0 or (header and not header.startswith("Unnamed: 0")):
        return False
    cells = [row[at].strip() for row in sample]
    start = int(cells[0]) if cells and cells[0] in ("0", "1") else None
    return start is not None and cells == [
        str(number) for number in range(start, start + len(cells))
    ]
