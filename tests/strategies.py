"""Hypothesis strategies for values, records and filters, and the pools they share.

Pools are small on purpose: refs resolve often, some never, tags recur, and
names that mean something to SQL, to an ORM or to the filter grammar are common.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import orjson
from hypothesis import strategies as st

from haystack_app.filters import (
    And,
    Compare,
    Filter,
    Has,
    IsSpec,
    IsSymbol,
    Missing,
    Or,
)
from haystack_app.filters.parser import MAX_PATH
from haystack_app.kinds import (
    MARKER,
    NA,
    REMOVE,
    Col,
    Coord,
    DateTime,
    Grid,
    Number,
    Ref,
    Symbol,
    Uri,
    XStr,
)
from haystack_app.kinds.units import UNITS
from haystack_app.wire import hayson_writer, zinc_writer

Tags = dict[str, Any]

# -- pools ----------------------------------------------------------------------

IDS = ("a", "b", "c", "d", "e", "f", "p:x", "r.1-2~3", "gone", "Gone")
"""Ids of records; a data set holds some of them, so refs may be unresolved."""

TAGS = (
    "x",
    "y",
    "cfg",
    "dis",
    "siteRef",
    "airRef",
    "ts",
    "in",
    "pk",
    "range",
    "idx",
    "id_",
    "tags",
    "cur",
    "val",
    "unit",
    "tz",
    "date",
    "time",
    "and",
    "or",
    "not",
    "true",
    "_x",
    "curVal",
    "writeVal",
    "hisStatus",
)
"""Among them are transient ones, which records keep in a column of their own."""

ZONES = (
    "UTC",
    "GMT",
    "New_York",
    "London",
    "Kolkata",
    "Lord_Howe",
    "Apia",
    "Monrovia",
    "GMT-3",
    "GMT+12",
    "Port-au-Prince",
)

TEXTS = (
    "",
    " ",
    "a",
    "A",
    "B",
    "ab",
    "a'b",
    'say "hi"',
    "back\\slash",
    "$5 {}",
    "100%",
    "%s",
    "%(x)s",
    "?",
    "'; --",
    "5",
    "true",
    "null",
    "2024-01-01",
    "_kind",
    "@a",
    "line\nbreak\ttab\r",
    "\x01\x1f\x7f",
    "é",
    "e\u0301",
    "Ω",
    "\ufeff\u2028",
    "\uffff",
    "😀",
    "\U0010ffff",
)

FLOATS = (
    0.0,
    -0.0,
    1.0,
    -1.0,
    5.0,
    72.0,
    0.1,
    0.30000000000000004,
    1234567.891,
    -273.15,
    1e-7,
    5e-324,
    2.2250738585072014e-308,
    1e15,
    9007199254740991.0,
    9007199254740992.0,
    9007199254740994.0,
    1e21,
    1e22,
    1.2345678901234567e300,
    1.7976931348623157e308,
)

SYMBOL_UNITS = (None, "kW", "°F", "%", "$", "kW/ft²", "hr", "_custom")

INSTANTS = tuple(
    dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
    for text in (
        "1883-11-18T17:00:00",
        "1960-05-05T12:34:56",  # Monrovia: -00:44:30
        "1969-12-31T23:59:59.999999",
        "1970-01-01T00:00:00",
        "1972-01-07T00:44:29",
        "2011-12-30T09:59:59",  # Apia skips a day
        "2011-12-30T10:00:00",
        "2024-03-10T06:59:59",  # New_York springs forward
        "2024-03-10T07:00:00",
        "2024-04-06T14:59:59.5",  # Lord_Howe goes back by 30 minutes
        "2024-04-06T15:00:00",
        "2024-04-06T15:30:00",
        "2024-06-01T00:00:00",
        "2024-06-01T00:00:00.000001",
        "2024-06-01T00:00:00.1",
        "2024-06-01T12:00:00.12",
        "2024-11-03T05:30:00",  # the same local time twice
        "2024-11-03T06:30:00",
    )
)

DATES = tuple(
    map(
        dt.date.fromisoformat,
        ("0001-01-01", "1999-12-31", "2024-02-29", "2024-06-01", "9999-12-31"),
    )
)
TIMES = tuple(
    map(
        dt.time.fromisoformat,
        ("00:00", "08:00", "08:00:00.5", "08:00:00.000001", "12:00", "23:59:59.999999"),
    )
)
URIS = ("", "http://x/", "a`b", "a\\:b", "a\\b", "ü ?%s'")
SYMBOLS = ("site", "hot-water", "lib:ph", "x", "x-y", "x.y~z")

# -- scalars --------------------------------------------------------------------

bools = st.booleans()
finite_floats = st.sampled_from(FLOATS) | st.floats(
    allow_nan=False, allow_infinity=False
)
units = st.sampled_from(SYMBOL_UNITS) | st.sampled_from(sorted(UNITS)) | st.none()
finite_numbers = st.builds(Number, finite_floats, units)
special_numbers = st.builds(Number, st.sampled_from(list(map(float, ("nan", "inf", "-inf")))))  # fmt: skip
numbers = finite_numbers | special_numbers
texts = st.sampled_from(TEXTS) | st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), max_size=12
)
"""U+0000 is legal in a Str on the wire but cannot be stored."""
wire_texts = texts | st.text(st.characters(codec="utf-8"), max_size=6)
ref_ids = st.sampled_from(IDS) | st.from_regex(r"[A-Za-z0-9_:\-.~]{1,8}", fullmatch=True)  # fmt: skip
bare_refs = st.builds(Ref, ref_ids)
refs = st.builds(Ref, ref_ids, st.none() | texts)
symbols = st.builds(
    Symbol,
    st.sampled_from(SYMBOLS)
    | st.from_regex(r"[a-z][A-Za-z0-9_:\-.~]{0,6}", fullmatch=True),
)
uris = st.builds(Uri, st.sampled_from(URIS) | texts)
dates = st.sampled_from(DATES) | st.dates()
times = st.sampled_from(TIMES) | st.times()
instants = st.sampled_from(INSTANTS) | st.datetimes(
    dt.datetime(1700, 1, 1), dt.datetime(2500, 1, 1), timezones=st.just(dt.UTC)
)
date_times = st.builds(DateTime, instants, st.sampled_from(ZONES))
coords = st.builds(
    Coord,
    st.sampled_from((0.0, 37.5, -90.0)) | st.floats(-90, 90),
    st.sampled_from((0.0, -77.4, 180.0)) | st.floats(-180, 180),
)
xstrs = st.builds(XStr, st.from_regex(r"[A-Z][A-Za-z0-9_]{0,6}", fullmatch=True), texts)
singletons = st.sampled_from([MARKER, NA, REMOVE])
scalars = st.one_of(
    singletons,
    bools,
    numbers,
    texts,
    refs,
    symbols,
    uris,
    dates,
    times,
    date_times,
    coords,
    xstrs,
)

# -- collections ----------------------------------------------------------------

tag_names = st.sampled_from(TAGS)


def dicts(values: st.SearchStrategy[Any], max_size: int = 4) -> Any:
    """Dicts of tags without nulls."""
    return st.dictionaries(tag_names, values, max_size=max_size)


@st.composite
def grids(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> Grid:
    names = draw(st.lists(tag_names, min_size=1, max_size=4, unique=True))
    cols = [Col(name, draw(dicts(values, 2))) for name in names]
    row = st.fixed_dictionaries({}, optional=dict.fromkeys(names, values))
    return Grid(cols, draw(st.lists(row, max_size=4)), draw(dicts(values, 2)))


ref_lists = st.lists(refs | scalars | st.none(), max_size=4)

values: st.SearchStrategy[Any] = st.recursive(
    scalars | ref_lists,
    lambda inner: st.lists(inner | st.none(), max_size=3) | dicts(inner) | grids(inner),
    max_leaves=8,
)


@st.composite
def data_sets(draw: st.DrawFn) -> list[Tags]:
    """Up to six records with different ids."""
    ids = draw(st.lists(st.sampled_from(IDS), min_size=1, max_size=6, unique=True))
    tags = dicts(refs | values, 5)
    return [{**draw(tags), "id": Ref(id)} for id in ids]


# -- filters --------------------------------------------------------------------

OPERATORS = ("==", "!=", "<", "<=", ">", ">=")
literals = st.one_of(
    bools, finite_numbers, texts, bare_refs, symbols, uris, dates, times, date_times
)
path_names = st.sampled_from([*TAGS, "id"])
paths = st.lists(path_names, min_size=1, max_size=MAX_PATH).map(tuple) | st.lists(
    path_names, min_size=1, max_size=3
).map(tuple)
leaves: st.SearchStrategy[Filter] = st.one_of(
    st.builds(Has, paths),
    st.builds(Missing, paths),
    st.builds(Compare, paths, st.sampled_from(OPERATORS), literals),
    st.builds(IsSymbol, symbols.map(lambda symbol: symbol.name)),
    st.sampled_from([IsSpec("Site"), IsSpec("ph::Site"), IsSpec("a.b1::AirTemp")]),
)


def joined(kind: type[And] | type[Or], terms: list[Filter]) -> Filter:
    """As the parser would: one node for a chain, none for a single term."""
    flat: list[Filter] = []
    for term in terms:
        flat.extend(term.terms if isinstance(term, kind) else [term])
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


asts: st.SearchStrategy[Filter] = st.recursive(
    leaves,
    lambda inner: st.builds(
        joined, st.sampled_from([And, Or]), st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=6,
)


def filter_text(tree: Filter) -> str:
    """Text that parses to the tree, which must be as the parser makes them."""
    if isinstance(tree, Or):
        return " or ".join(map(filter_text, tree.terms))
    if isinstance(tree, And):
        return " and ".join(
            f"({filter_text(term)})" if isinstance(term, Or) else filter_text(term)
            for term in tree.terms
        )
    if isinstance(tree, IsSymbol):
        return f"^{tree.symbol}"
    if isinstance(tree, IsSpec):
        return tree.name
    path = "->".join(tree.path)
    if isinstance(tree, Missing):
        return f"not {path}"
    if isinstance(tree, Has):
        return "(not)" if path == "not" else path  # "not and b" is: and missing
    if isinstance(tree.value, bool):
        return f"{path} {tree.op} {str(tree.value).lower()}"
    return f"{path} {tree.op} {zinc_writer.value_text(tree.value)}"


# -- comparing ------------------------------------------------------------------


def canonical(value: Any) -> str:
    """Canonical Hayson: what kinds' equality leaves out counts here (dis, types)."""
    return orjson.dumps(
        hayson_writer.encode(value), option=orjson.OPT_SORT_KEYS
    ).decode()
