"""What the columns of a table hold: a point each, or names and values."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...kinds.display import quoted
from .long_layout import long_layout
from .named_rows import JOINED
from .names import PointNames
from .options import TableOptions
from .roles import header_unit, role_of
from .shape import Shape
from .stamps import is_day_name, is_time_only, stamp_of
from .value_columns import EVERY, Layout, ValueColumn, cells_of, unit_at
from .wide_layout import wide_layout

__all__ = ["layout_of"]

_NUMBERS = re.compile(
    r"unnamed: 0|#|id|nos?\.?|nr\.?|#? ?(?:log ?|trend ?)?index|row|rn|lfd\.? ?nr\.?"
    r"|(?:record|seq(?:uence)?)(?: ?(?:no\.?|number))?",
    re.IGNORECASE,
)


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
    unknown = left_out - {EVERY} - set(shape.header)
    if unknown:
        raise ValueError(f"--ignore: there is not a column {quoted(min(unknown))}")
    others = [at for at in range(len(shape.header)) if at not in shape.time]
    unnamed = [at for at in others if _is_empty(at, shape.header[at], sample)]
    rest = [at for at in others if at not in unnamed]
    ignored = [
        at
        for at in rest
        if shape.header[at] in left_out
        or (options.time and _has_times(at, sample))
        or role_of(shape.header[at]) == "flags"
        or _are_days(at, sample)
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
    roles = _roles(shape, names, options, rest)
    is_long = "name" in roles and len(roles.get("value", [])) == 1
    if options.point is not None:
        return _single(shape, sample, names, options, rest, roles)
    if is_long:
        return long_layout(shape, sample, names, rest, roles, options)
    return wide_layout(shape, sample, names, rest, options)


def _roles(
    shape: Shape, names: PointNames, options: TableOptions, rest: list[int]
) -> dict[str | None, list[int]]:
    """The columns of each role; the only other one beside names has the values."""
    titles = [name.strip() for name in shape.header]
    found: dict[str | None, list[int]] = {}
    for at in rest:
        role = role_of(titles[at])
        if options.name and titles[at] == JOINED.join(options.name):
            role = "name"
        elif options.name and role == "name":
            role = None
        elif len(options.value) == 1 and role in (None, "value"):
            role = "value" if titles[at] == options.value[0] else None
        found.setdefault(role, []).append(at)
    others = found.get(None, [])
    is_open = "name" in found and "value" not in found and len(others) == 1
    if is_open and not names.has(titles[others[0]]):
        found["value"] = found.pop(None)
    return found


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
    point = names.point(options.point, cells=cells_of(rest[0], sample))
    return Layout("single", [ValueColumn(rest[0], "value", point)])


def _single(
    shape: Shape,
    sample: Sequence[list[str]],
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
    unit = unit_at(shape, at) or header_unit(shape.header[at])
    texts = {text for text in cells_of(units[0], sample) if text} if units else set()
    if unit is None and len(texts) == 1:
        unit = texts.pop()
    column = ValueColumn(
        at,
        shape.header[at],
        names.point(
            options.point or "", unit, _header_name(shape, at), cells_of(at, sample)
        ),
        status=status[0] if status else None,
    )
    return Layout("single", [column], units=units[0] if units else None)


def _header_name(shape: Shape, at: int) -> str:
    """The header of one point's values, unless it is a word such as Value."""
    header = shape.header[at]
    return "" if role_of(header) else header


def _is_empty(at: int, header: str, sample: Sequence[list[str]]) -> bool:
    """A delimiter at the end of each row makes a column without name and values."""
    return not header and not any(row[at].strip() for row in sample if len(row) > at)


def _has_times(at: int, sample: Sequence[list[str]]) -> bool:
    """Whether a column beside the one of ``--time`` has times, too."""
    cells = [row[at].strip() for row in sample if len(row) > at]
    return all(stamp_of(cell) or is_time_only(cell) for cell in cells)


def _are_days(at: int, sample: Sequence[list[str]]) -> bool:
    """Names of days of the week, beside the dates."""
    cells = [cell for cell in cells_of(at, sample) if cell]
    return bool(cells) and all(map(is_day_name, cells))


def _is_index(at: int, header: str, sample: Sequence[list[str]]) -> bool:
    """The numbers of rows, as data frames write them before the first column."""
    if at != 0 or (header and not _NUMBERS.fullmatch(header)):
        return False
    cells = [row[at].strip() for row in sample if len(row) > at]
    if not cells or not cells[0].isdecimal() or not (header or cells[0] in "01"):
        return False
    start = int(cells[0])
    is_id = header.lower() == "id" and len(cells) == 1
    return not is_id and cells == [
        str(number) for number in range(start, start + len(cells))
    ]
