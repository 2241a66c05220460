"""The stored form of a record: canonical Hayson, persistent and transient tags apart.

Records are validated here. Every adapter stores the result as it is, and equal values
have equal JSON.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from ..kinds.datetimes import DateTime, iso_text
from ..kinds.display import Reasons, quoted
from ..kinds.grid import Grid
from ..kinds.scalars import (
    MARKER,
    Coord,
    Number,
    Ref,
    Symbol,
    Uri,
    XStr,
    is_tag_name,
)
from ..kinds.timezones import city_name
from ..kinds.transient import HIS_FACTS, TRANSIENT
from ..wire import hayson_reader, hayson_writer, limits
from ..wire.errors import EncodeError
from ..wire.zinc_writer import display_text
from .errors import InvalidRecord
from .names import OWN_NAME, Names, with_names, with_own_name

__all__ = [
    "Edge",
    "Plain",
    "Stored",
    "edges_of",
    "first_version",
    "loadable",
    "new_id",
    "next_mod",
    "reread_form",
    "restored_form",
    "same_json",
    "same_tags",
    "stored_form",
    "stored_forms",
    "tag_set_id",
    "transient_text",
    "with_id",
]


_MILLISECOND = dt.timedelta(milliseconds=1)
_VERSION_BITS = 62
_OWN = HIS_FACTS | {"mod"}
_GRID = {"meta", "cols", "rows"}
"""Names by which JSON 3 recognises a grid."""
_MAX_KEY = 2_500
"""Characters of a path and two ids together: the limit of a PostgreSQL index key."""
_PLAIN = frozenset(
    {
        type(None),
        type(MARKER),
        bool,
        int,
        float,
        Number,
        Symbol,
        dt.date,
        dt.time,
        DateTime,
        Coord,
    }
)
"""Types whose values contain no text to be checked, and no ref."""
_WITHOUT_EDGES = _PLAIN | {str, Uri, XStr}
_VALUES = frozenset({str, bool, int, float, Number, DateTime})
_VALUE_KINDS = frozenset({"number", "dateTime"})
_PLAIN_KINDS = frozenset({"marker", "symbol", "date", "time", "coord", "uri", "xstr"})
"""The same types in JSON."""
_KNOWN_SETS = 1_024
_LONG = re.compile(rb"\d{16}")
"""Whole numbers have so many digits at least where a float is not exact."""

Edge = tuple[str, str]
Plain = tuple[str, Any]


_NO_NAMES: Names = {}


class Stored(NamedTuple):
    """One record ready to be stored.

    ``tags`` and ``cur`` are the JSON objects of persistent and transient tags,
    the former without ``mod``; ``names`` are those of ``tags`` and ``mod``, sorted;
    ``edges`` are the (path, id) of its refs and, with an empty id, the paths of its
    nested dicts. A path that ends in ``[]`` stands for refs below it that no filter
    reaches. ``plain`` are the persistent tags that are Strs, Bools, Numbers or
    dateTimes. ``given`` are ids and names of refs that carry names, ``OWN_NAME`` for
    the tag ``id``; lists and the like may have more, if there are any (``is_nested``).
    ``mod`` is that of a record from another store; without it the commit
    sets one. ``ref_names`` are those that its refs carry, ``search`` what a search
    by words looks at; both are empty until the commit has looked them up.
    """

    id: str
    tags: str
    cur: str
    names: tuple[str, ...]
    edges: frozenset[Edge]
    plain: Sequence[Plain]
    given: Sequence[tuple[str, str]]
    is_nested: bool
    mod: dt.datetime | None = None
    ref_names: Names = _NO_NAMES
    search: str = ""

    @property
    def own_name(self) -> str | None:
        """The name that the tag ``id`` carries; None if it is as the record has it."""
        return self.ref_names.get(OWN_NAME)

    def renamed(self, tags: str) -> str:
        """Stored tags of the same entity, whose refs carry the same names."""
        text = with_names(tags, self.ref_names, self.id)
        return with_own_name(text, self.id, own) if (own := self.own_name) else text

    def stamped(self, mod: dt.datetime) -> str:
        """The persistent tags with the time of their change."""
        return f'{self.tags[:-1]},"mod":{_stamp(mod)}}}'


@lru_cache(1)
def _stamp(mod: dt.datetime) -> str:
    """The JSON of a ``mod``, which all new entities of a commit share."""
    return f'{{"_kind":"dateTime","val":"{iso_text(mod)}","tz":"UTC"}}'


def new_id() -> str:
    """A random id, for an entity without one."""
    return uuid.uuid4().hex


def with_id(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record, with a random id if it has none."""
    if record.get("id") is not None:
        return record
    return {**record, "id": Ref(new_id())}


def loadable(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """As ``with_id``, for a row of a file. Raises InvalidRecord for an empty one."""
    if all(value is None for value in record.values()):
        raise InvalidRecord("the row is empty: a record must have tags")
    return with_id(record)


def next_mod(before: dt.datetime | None, now: dt.datetime) -> dt.datetime:
    """The ``mod`` of a change: later than the previous one.

    In milliseconds, the precision that every client returns unchanged.
    """
    mod = now.replace(microsecond=now.microsecond // 1000 * 1000)
    return mod if before is None else max(mod, before + _MILLISECOND)


def first_version() -> int:
    """The ``version`` of a new entity; each visible change adds 1.

    Random: an entity that reuses an id never has a version that a watch has sent.
    """
    return secrets.randbits(_VERSION_BITS)


def stored_form(record: Mapping[str, Any]) -> Stored:
    """Validate and split one record. Raises InvalidRecord.

    Tags that the server sets are left out: ``mod``, ``hisSize`` and the like. The full
    name of a time zone in ``tz`` becomes the name of its city.
    """
    id = record.get("id")
    if not isinstance(id, Ref):
        raise InvalidRecord(f"id must be a Ref, not {display_text(id)}{_hint(id)}")
    tags, cur = (
        {name: value for name in names if (value := record[name]) is not None}
        for names in _split(tuple(record))
    )
    if isinstance(tags.get("tz"), str):
        tags["tz"] = city_name(tags["tz"])
    texts = _text(tags), _text(cur)
    edges, plain, given, is_nested = _derived(tags)
    for path, dst in (("id", ""), *edges):
        if len(path) + len(dst) + len(id.id) > _MAX_KEY:
            raise InvalidRecord(f"{path}: ids longer than {_MAX_KEY} characters")
    # tuples of texts are not tracked by the garbage collector
    names = _names(tuple(tags))
    return Stored(id.id, *texts, names, edges, tuple(plain), tuple(given), is_nested)


@lru_cache(_KNOWN_SETS)
def _split(names: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """The names of persistent and of transient tags that are to be stored.

    Records have few sets of names. Raises InvalidRecord.
    """
    for name in names:
        if not is_tag_name(name):
            raise InvalidRecord(f"invalid tag name {quoted(name)}")
    stored = [name for name in names if name not in _OWN]
    transient = [name for name in stored if name in TRANSIENT]
    return [name for name in stored if name not in TRANSIENT], transient


@lru_cache(_KNOWN_SETS)
def _names(tags: tuple[str, ...]) -> tuple[str, ...]:
    """The names of a record's tag set, one object for all records that have them."""
    return tuple(sorted((*tags, "mod")))


def _hint(id: Any) -> str:
    """What a client most likely did, if the id is a text."""
    if not isinstance(id, str):
        return ""
    if id.startswith("r:"):
        return ": this is JSON 3, send it as application/json; version=3"
    if id.startswith("@"):
        return ": cells of CSV are Strs, send Zinc or JSON"
    return ""


def restored_form(record: Mapping[str, Any]) -> Stored:
    """As ``stored_form``, for a record of another store: it keeps its ``mod``."""
    mod = record.get("mod")
    stored = stored_form(record)
    return stored._replace(mod=mod.utc) if isinstance(mod, DateTime) else stored


def reread_form(id: str, tags: str, cur: str, mod: dt.datetime | None) -> Stored:
    """The ``Stored`` of its texts; ``plain`` has Numbers and dateTimes as JSON."""
    found = orjson.loads(tags)
    edges: set[Edge] = set()
    plain: list[Plain] = []
    given: list[tuple[str, str]] = []
    others: dict[str, Any] = {}
    for name, value in found.items():
        if type(value) is not dict:
            if type(value) is list:
                others[name] = value
            else:
                plain.append((name, value))
            continue
        kind = value.get("_kind")
        if kind == "ref":
            if name != "id":
                edges.add((name, value["val"]))
            if dis := value.get("dis"):
                given.append((OWN_NAME if name == "id" else value["val"], dis))
        elif kind in _VALUE_KINDS:
            plain.append((name, value))
        elif kind not in _PLAIN_KINDS:
            others[name] = value
    if others:
        edges |= edges_of(hayson_reader.decode(others))
    names, targets = _names(tuple(found)), frozenset(edges)
    values, shown, is_nested = tuple(plain), tuple(given), bool(others)
    return Stored(id, tags, cur, names, targets, values, shown, is_nested, mod)


def transient_text(tags: Mapping[str, Any]) -> str:
    """Transient tags as a JSON object, null for removals. Raises InvalidRecord."""
    if invalid := sorted(tags.keys() - TRANSIENT):
        raise InvalidRecord(f"tag {invalid[0]!r} is not transient")
    for name, value in tags.items():
        _check_tag(name, value)
    return orjson.dumps(
        {name: hayson_writer.encode(value) for name, value in tags.items()}
    ).decode()


def same_tags(one: str, other: str) -> bool:
    """Whether two JSON objects have the same tags, apart from ``mod``."""
    objects = orjson.loads(one), orjson.loads(other)
    for tags in objects:
        tags.pop("mod", None)
    return same_json(*objects)


def same_json(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two objects are the same JSON.

    In Python 1 and true are equal; their JSON texts are not. PostgreSQL returns 1e17 as
    100000000000000000.
    """
    texts = _sorted_text(one), _sorted_text(other)
    if texts[0] == texts[1]:
        return True
    if not any(map(_LONG.search, texts)):
        return False
    return _sorted_text(_floated(one)) == _sorted_text(_floated(other))


def _sorted_text(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _floated(value: Any) -> Any:
    """JSON with a float in place of each whole number that may not be exact."""
    if isinstance(value, dict):
        return {name: _floated(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_floated(one) for one in value]
    return float(value) if type(value) is int and abs(value) > 2**53 else value


def stored_forms(records: Iterable[Mapping[str, Any]]) -> list[Stored]:
    """Validate a batch; rows are counted from 1. Raises InvalidRecord for all rows."""
    found: dict[str, Stored] = {}
    rows: dict[str, int] = {}
    reasons = Reasons()
    for row, record in enumerate(records, 1):
        try:
            stored = stored_form(record)
        except InvalidRecord as err:
            reasons.add(f"row {row}: {err}")
            continue
        if stored.id in found:
            first = rows[stored.id]
            reasons.add(f"id @{stored.id} is given twice, in rows {first} and {row}")
        found[stored.id], rows[stored.id] = stored, row
    if reasons:
        raise InvalidRecord(str(reasons))
    return list(found.values())


def tag_set_id(names: Iterable[str]) -> int:
    """63 bits that identify a set of tag names, the same in every database."""
    return _hash(tuple(names))


@lru_cache(_KNOWN_SETS)
def _hash(names: tuple[str, ...]) -> int:
    digest = hashlib.blake2b(" ".join(names).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def _text(tags: dict[str, Any]) -> str:
    for name, value in tags.items():
        kind = type(value)
        if kind in _PLAIN:
            continue
        # most others are Strs and Refs
        text = value if kind is str else value.dis or "" if kind is Ref else "\0"
        if "\0" in text:
            _check_tag(name, value)
    try:
        return hayson_writer.dump(tags) if tags else "{}"
    except EncodeError as err:
        raise InvalidRecord(str(err)) from None


def _check_tag(name: str, value: Any) -> None:
    try:
        _check(value, 1)
    except InvalidRecord as err:
        raise InvalidRecord(f"{name}: {err}") from None


def _check(value: Any, depth: int) -> None:
    """Check that a stored value can be read again: names, depth, no U+0000.

    In every format: one value without a representation would break every response
    with it.
    """
    if type(value) in _PLAIN:
        return
    if isinstance(value, str):
        if "\0" in value:
            raise InvalidRecord("U+0000 cannot be stored")
    elif isinstance(value, Ref | Uri | XStr):
        _check(value.dis if isinstance(value, Ref) else value.val, depth)
    elif isinstance(value, list | tuple | Mapping | Grid):
        if depth >= limits.MAX_DEPTH:
            raise InvalidRecord(f"nested deeper than {limits.MAX_DEPTH} (cap DEPTH)")
        _check_form(value)
        for part in _parts(value):
            _check(part, depth + 1)


def _check_form(value: Any) -> None:
    """Reject dicts that JSON 3 reads as grids, and grids that Zinc cannot write."""
    if isinstance(value, Grid):
        if not value.cols:
            raise InvalidRecord("a grid must have at least one column")
        if any("name" in col.meta for col in value.cols):
            raise InvalidRecord("the meta of a column cannot have a tag 'name'")
    elif isinstance(value, Mapping) and value.keys() >= _GRID:
        raise InvalidRecord("a dict with tags meta, cols and rows would be a grid")


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, Grid):
        for tags in (value.meta, *(col.meta for col in value.cols), *value.rows):
            yield from _parts(tags)
    elif isinstance(value, Mapping):
        for name, part in value.items():
            if not is_tag_name(name):
                raise InvalidRecord(f"invalid tag name {quoted(name)}")
            yield part
    else:
        yield from value


def edges_of(tags: Mapping[str, Any]) -> frozenset[Edge]:
    """The edges of a record, as in ``Stored``."""
    return _derived(tags)[0]


def _derived(
    tags: Mapping[str, Any],
) -> tuple[frozenset[Edge], list[Plain], list[tuple[str, str]], bool]:
    """The edges of a record and its plain values, as in ``Stored``.

    Then the names that its refs carry, and whether lists and the like have refs, too.
    """
    edges: set[Edge] = set()
    plain: list[Plain] = []
    given: list[tuple[str, str]] = []
    is_nested = False
    for name, value in tags.items():
        kind = type(value)
        if kind in _WITHOUT_EDGES:
            if kind in _VALUES:
                plain.append((name, value))
        elif name == "id":
            if value.dis:
                given.append((OWN_NAME, value.dis))
        elif kind is Ref:
            edges.add((name, value.id))
            if value.dis:
                given.append((value.id, value.dis))
        else:
            edges.update(_edges(name, value))
            is_nested = True
    return frozenset(edges), plain, given, is_nested


def _edges(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Refs, and dicts (as the empty id), that a filter's path reaches in a record."""
    if isinstance(value, Ref):
        yield path, value.id
    elif isinstance(value, list | tuple):
        for item in value:
            if isinstance(item, Ref):
                yield path, item.id
            else:
                yield from _hidden(path, item)
    elif isinstance(value, Mapping):
        yield path, ""
        for name, inner in value.items():
            if type(inner) not in _WITHOUT_EDGES:
                yield from _edges(f"{path}.{name}", inner)
    else:
        yield from _hidden(path, value)


def _hidden(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Refs that no filter's path reaches: in a grid, or deeper in a list."""
    if type(value) in _WITHOUT_EDGES:
        return
    if isinstance(value, Ref):
        yield f"{path}[]", value.id
    elif isinstance(value, list | tuple | Mapping | Grid):
        for part in _parts(value):
            yield from _hidden(path, part)
