"""The stored form of a record: canonical Hayson, split as DESIGN asks.

Making it is where a record is checked; what comes out can be stored as it is by
every adapter, and equal values have equal JSON in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..kinds.grid import Grid
from ..kinds.scalars import Ref, is_tag_name
from ..wire import hayson_writer
from ..wire.errors import EncodeError
from .errors import InvalidRecord
from .transient import TRANSIENT

__all__ = ["Stored", "stored_form", "stored_forms", "tag_set_id"]


@dataclass(frozen=True, slots=True)
class Stored:
    """One record ready to be stored.

    ``tags`` and ``cur`` are the JSON objects of persistent and transient tags,
    ``names`` those of ``tags`` in order, ``edges`` the (path, id) of its refs and,
    with an empty id, the paths of its nested dicts.
    """

    id: str
    tags: str
    cur: str
    names: tuple[str, ...]
    edges: frozenset[tuple[str, str]]


def stored_form(record: Mapping[str, Any]) -> Stored:
    """Check and split one record. Raises InvalidRecord naming the fault."""
    id = record.get("id")
    if not isinstance(id, Ref):
        raise InvalidRecord(f"id must be a Ref, not {id!r}")
    tags: dict[str, Any] = {}
    cur: dict[str, Any] = {}
    for name, value in record.items():
        if not is_tag_name(name):
            raise InvalidRecord(f"invalid tag name {name!r}")
        if value is not None:
            (cur if name in TRANSIENT else tags)[name] = value
    return Stored(
        id.id,
        _text(tags),
        _text(cur),
        tuple(sorted(tags)),
        frozenset(
            edge for name in tags if name != "id" for edge in _edges(name, tags[name])
        ),
    )


def stored_forms(records: Iterable[Mapping[str, Any]]) -> list[Stored]:
    """Check a batch; rows are counted from 1. Raises InvalidRecord."""
    found: dict[str, Stored] = {}
    rows: dict[str, int] = {}
    for row, record in enumerate(records, 1):
        try:
            stored = stored_form(record)
        except InvalidRecord as err:
            raise InvalidRecord(f"row {row}: {err}") from None
        if stored.id in found:
            raise InvalidRecord(
                f"id @{stored.id} is given twice, in rows {rows[stored.id]} and {row}"
            )
        found[stored.id], rows[stored.id] = stored, row
    return list(found.values())


def tag_set_id(names: Iterable[str]) -> int:
    """63 bits that stand for a set of tag names, in every database the same."""
    digest = hashlib.blake2b(" ".join(names).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def _text(tags: dict[str, Any]) -> str:
    try:
        text = hayson_writer.dump(tags)
    except EncodeError as err:
        raise InvalidRecord(str(err)) from None
    if "\\u0000" in text:
        for name, value in tags.items():
            if _has_nul(value):
                raise InvalidRecord(f"{name}: U+0000 cannot be stored")
    return text


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, list | tuple):
        return any(map(_has_nul, value))
    if isinstance(value, Mapping):
        return any(map(_has_nul, value.values()))
    if isinstance(value, Grid):
        parts = [value.meta, *(col.meta for col in value.cols), *value.rows]
        return any(map(_has_nul, parts))
    texts = (getattr(value, name, None) for name in ("val", "dis"))
    return any("\0" in text for text in texts if isinstance(text, str))


def _edges(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Refs, and dicts (as the empty id), that a path reaches inside a record."""
    if isinstance(value, Ref):
        yield path, value.id
    elif isinstance(value, list | tuple):
        for item in value:
            if isinstance(item, Ref):
                yield path, item.id
    elif isinstance(value, Mapping):
        yield path, ""
        for name, inner in value.items():
            yield from _edges(f"{path}.{name}", inner)
