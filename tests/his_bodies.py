"""Bodies of hisWrite: most cells are plain numbers and times, some are anything else."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

__all__ = ["IDS", "hayson_bodies", "zinc_bodies"]

IDS = ["p0", "p1"]
_ZONES = ["New_York", "UTC", "GMT", "Kolkata", "Calcutta", "Kathmandu", "GMT-3"]
_UNITS = ["", "°F", "fahrenheit", "°C", "kW/m²", "_foo"]
_ODD_ZONES = ["Nowhere", "new_york", "America/New_York", "", "UTC"]
_ODD_TIMES = [
    "2024-01-15T12:00:00",
    "2024-01-15T12:00Z",
    "2024-01-15t12:00:00Z",
    "20240115T120000Z",
    "2024-02-30T12:00:00Z",
    "2024-01-15T24:00:00Z",
    "2024-01-15T23:59:60Z",
    "2024-01-15T12:00:00.Z",
    "2024-01-15T12:00:00,5Z",
    "2024-01-15T12:00:00+24:00",
    "2024-01-15T12:00:00-23:59:59",
    "2024-01-15T12:00:00+05:99",
    "2024-01-15T12:00:00-00:00",
    "٢٠٢٤-01-15T12:00:00Z",
    " 2024-01-15T12:00:00Z",
    "2024-01-15",
    "12:00:00",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+10:00",
    "9999-12-31T23:59:59-10:00",
    "1949-12-31T23:00:00-05:00",
    "1950-01-01T00:00:00Z",
    "1950-01-01T00:00:00-05:00",
    "",
]

_instants = st.one_of(
    st.datetimes(dt.datetime(2024, 3, 10, 5), dt.datetime(2024, 3, 10, 9)),
    st.datetimes(dt.datetime(2024, 11, 3, 4), dt.datetime(2024, 11, 3, 8)),
    st.datetimes(dt.datetime(1949, 12, 30), dt.datetime(1950, 1, 3)),
    st.datetimes(dt.datetime(9998, 12, 30), dt.datetime(9999, 12, 31)),
    st.datetimes(dt.datetime(1, 1, 1), dt.datetime(2, 1, 3)),
    st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)),
    *[st.just(dt.datetime(2024, 1, 15, 12, minute)) for minute in range(6)],
)
_fractions = st.sampled_from(["", "", "", ".0", ".5", ".001", ".000999", ".9999999"])
_offsets = st.sampled_from(["Z", "Z", "-05:00", "+05:45", "+14:00", "-00:30"])
_isos = st.builds(
    lambda at, fraction, offset: at.isoformat()[:19] + fraction + offset,
    _instants,
    _fractions,
    _offsets,
)
_floats = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(10**25), 10**25),
    st.sampled_from([0.0, -0.0, 1, 5e-324, 1.7976931348623157e308, 21.5]),
)
_zinc_numbers = st.one_of(
    _floats.map(repr),
    st.sampled_from(["-0", "007", "1E+3", "1e-5", "0.10"]),
)
_odd_zinc = st.sampled_from(
    [
        *("1e999", "-1e999", "1_000", "0x1F", "1.", ".5", "+5", "--", "-", "1e", "5_1"),
        *("NaN", "INF", "-INF", "NA", "R", "N", "T", "F", "M", "x", "@p", "`u`", "<<"),
        *(
            "5°F",
            "5°C",
            "5e5",
            "5xyz",
            "5_bar",
            "5 °F",
            "1 ",
            " 1",
            "1\t",
            "1\r",
            "1\f",
        ),
        *("12:00", "2024-01-15", "2024-01-15T12:00:00Z", "٥", "1\u00a0", "//", ""),
        *('"text"', "[1]", "{a:1}", "C(1,2)", "1,2", "1\n2"),
    ]
)


def _replaced(
    draw: Callable[..., Any], cells: list[list[Any]], odd: list[st.SearchStrategy[Any]]
) -> None:
    """Put at most two unusual cells in place of others."""
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2]))):
        row = draw(st.sampled_from(cells))
        place = draw(st.integers(0, len(row) - 1))
        row[place] = draw(odd[min(place, 1)])


@st.composite
def zinc_bodies(draw: Any) -> bytes:
    """Grids for the points of ``IDS``, single or batch."""
    width = draw(st.integers(1, 2))
    zone = draw(st.sampled_from(_ZONES))
    units = draw(st.lists(st.sampled_from(_UNITS), min_size=width, max_size=width))
    missing = draw(st.booleans())
    rows = [
        [f"{draw(_isos)} {zone}"]
        + [
            "" if missing and draw(st.booleans()) else draw(_zinc_numbers) + unit
            for unit in units
        ]
        for _ in range(draw(st.integers(1, 6)))
    ]
    odd_times = st.one_of(
        st.sampled_from(_ODD_TIMES).map(lambda text: f"{text} {zone}"),
        st.builds("{} {}".format, _isos, st.sampled_from(_ODD_ZONES)),
        _isos,
    )
    _replaced(draw, rows, [odd_times, _odd_zinc])
    end = draw(st.sampled_from(["\n", "\n", "\n", "\r\n"]))
    lines = [*_zinc_head(draw, width), *map(",".join, rows)]
    if draw(st.integers(0, 9)) == 0:
        lines.insert(
            draw(st.integers(2, len(lines))),
            draw(st.sampled_from(["", " ", "x", ",", "// note", "1,2,3"])),
        )
    return (end.join(lines) + draw(st.sampled_from(["", end, end * 3]))).encode()


def _zinc_head(draw: Any, width: int) -> list[str]:
    unit = draw(st.sampled_from(["", "", ' unit:"°F"', ' unit:"xyz"', " unit:5"]))
    if width == 1:
        names = draw(st.sampled_from(["ts,val"] * 5 + ["val,ts", "ts,v", "ts,val,x"]))
        return [f'ver:"3.0" id:@p0{unit}', names]
    return ['ver:"3.0"', f"ts,v0 id:@p0{unit},v1 id:@p1"]


_hayson_stamp = {"_kind": "dateTime", "val": "2024-01-15T12:00:00Z"}
_odd_stamps = st.one_of(
    st.builds(
        lambda val, tz: {"_kind": "dateTime", "val": val, "tz": tz},
        st.one_of(_isos, st.sampled_from([*_ODD_TIMES, None, 5, [], {}])),
        st.sampled_from([*_ZONES, *_ODD_ZONES, None, 0, 5, False, [], {}]),
    ),
    st.sampled_from(
        [
            None,
            1,
            "2024-01-15T12:00:00Z",
            [],
            {},
            _hayson_stamp,
            {**_hayson_stamp, "_kind": "DateTime", "tz": "UTC"},
            {**_hayson_stamp, "_kind": "date"},
            {**_hayson_stamp, "_kind": []},
            {"_kind": "dateTime", "tz": "UTC"},
            {"val": "2024-01-15T12:00:00Z", "tz": "UTC"},
        ]
    ),
)
_odd_hayson = st.one_of(
    st.builds(
        lambda val, unit: {"_kind": "number", "val": val, "unit": unit},
        st.sampled_from([1, 1.5, True, None, "INF", "NaN", "1", [], {}]),
        st.sampled_from(["°F", "°C", "fahrenheit", "xyz", "", None, 0, 5, False, []]),
    ),
    st.sampled_from(
        [
            None,
            True,
            False,
            "1",
            [],
            {},
            [1],
            float("nan"),
            10**400,
            {"_kind": "na"},
            {"_kind": "remove"},
            {"_kind": "number"},
            {"_kind": "Number", "val": 1},
            {"_kind": "number", "val": 1, "other": 2},
            {"_kind": "grid"},
            {"val": 1},
        ]
    ),
)


@st.composite
def hayson_bodies(draw: Any) -> bytes:
    """Grids for the points of ``IDS``, single or batch."""
    width = draw(st.integers(1, 2))
    zone = draw(st.sampled_from([*_ZONES, None]))
    units = draw(st.lists(st.sampled_from(_UNITS), min_size=width, max_size=width))
    missing, nulls = draw(st.booleans()), draw(st.booleans())
    cells = [
        [{"_kind": "dateTime", "val": draw(_isos), "tz": zone}]
        + [
            None if missing and draw(st.booleans()) else _number(draw(_floats), unit)
            for unit in units
        ]
        for _ in range(draw(st.integers(1, 6)))
    ]
    _replaced(draw, cells, [_odd_stamps, _odd_hayson])
    head = _hayson_head(draw, width)
    names = ["ts", *["v0", "v1"][:width]] if width == 2 else ["ts", "val"]
    rows: list[Any] = [
        {
            name: cell
            for name, cell in zip(names, row, strict=True)
            if nulls or cell is not None
        }
        for row in cells
    ]
    if draw(st.integers(0, 9)) == 0:
        odd = [
            None,
            [],
            "x",
            {},
            {"_kind": "dict"},
            {"zz": 1},
            {"zz": None},
            {"a b": 1},
        ]
        rows.insert(draw(st.integers(0, len(rows))), draw(st.sampled_from(odd)))
    return json.dumps({**head, "rows": rows}).encode()


def _number(val: float, unit: str) -> Any:
    return {"_kind": "number", "val": val, "unit": unit} if unit else val


def _hayson_head(draw: Any, width: int) -> dict[str, Any]:
    unit = draw(st.sampled_from([{}, {}, {"unit": "°F"}, {"unit": "xyz"}, {"unit": 5}]))
    ids: list[Any] = [{"id": {"_kind": "ref", "val": id}} for id in IDS]
    kind = draw(st.sampled_from(["grid"] * 8 + ["Grid", "dict", None]))
    if width == 2:
        cols = [
            {"name": "ts"},
            {"name": "v0", "meta": {**ids[0], **unit}},
            {"name": "v1", "meta": ids[1]},
        ]
        return {"_kind": kind, "meta": {"ver": "3.0"}, "cols": cols}
    meta = {"ver": "3.0", **ids[0], **unit}
    return {"_kind": kind, "meta": meta, "cols": [{"name": "ts"}, {"name": "val"}]}
