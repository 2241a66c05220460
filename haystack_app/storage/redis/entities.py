"""Entities as hashes, and how they are fetched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import orjson

from ...kinds.series import instant_of, microseconds_of
from ...wire.hayson_reader import decode
from ..changeset import EntityRow
from .keys import Keys
from .scripts import FETCH, PAGE, VERSIONS, Row
from .server import Server

__all__ = [
    "BATCH",
    "Tags",
    "fetch",
    "fields_of",
    "names_of",
    "of_rows",
    "page",
    "revision_of",
    "versions_of",
]

BATCH = 1_000
"""Entities that one script fetches."""

_names_of_set: dict[int, frozenset[str]] = {}
"""Tag names by set id, which never change."""


def fields_of(row: EntityRow) -> tuple[str, ...]:
    """Names and values of an entity's hash."""
    return (
        *("tags", row.tags, "cur", row.cur, "mod", str(microseconds_of(row.mod))),
        *("version", str(row.version), "set", str(row.tag_set)),
    )


class Tags(Mapping[str, Any]):
    """An entity's tags, decoded lazily.

    A filter reads a few of many: this is ten times faster than decoding all.
    """

    __slots__ = ("_decoded", "_json")

    def __init__(self, entity: EntityRow) -> None:
        self._json: dict[str, Any] = orjson.loads(entity.tags)
        if entity.cur != "{}":
            self._json |= orjson.loads(entity.cur)
        self._decoded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._decoded:
            self._decoded[name] = decode(self._json[name], 1)
        return self._decoded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._json)

    def __len__(self) -> int:
        return len(self._json)

    def __contains__(self, name: object) -> bool:
        return name in self._json


def fetch(server: Server, keys: Keys, ids: Sequence[str]) -> dict[str, EntityRow]:
    """The existing entities by id; up to ``BATCH`` from one snapshot."""
    found: dict[str, EntityRow] = {}
    for at in range(0, len(ids), BATCH):
        part = ids[at : at + BATCH]
        rows = server.run(FETCH, [keys.entity(id) for id in part])
        found.update(of_rows(part, rows))
    return found


def of_rows(ids: Iterable[str], rows: Iterable[Row | None]) -> dict[str, EntityRow]:
    """Entities of a script's reply."""
    return {
        id: _entity(id, *row)
        for id, row in zip(ids, rows, strict=True)
        if row is not None
    }


def _entity(
    id: str, tags: str, cur: str, mod: int, version: int, tag_set: int
) -> EntityRow:
    return EntityRow(id, tags, cur, instant_of(mod), version, tag_set)


def revision_of(row: EntityRow) -> str:
    """See ``Records``; names that refs carry change the tags without a version."""
    digest = blake2b(row.tags.encode(), digest_size=8).hexdigest()
    return f"{row.id} {row.version} {digest}"


def versions_of(server: Server, keys: Keys, ids: Iterable[str]) -> dict[str, int]:
    """Versions of the existing entities, without their tags."""
    wanted = list(ids)
    found: dict[str, int] = {}
    for at in range(0, len(wanted), BATCH):
        part = wanted[at : at + BATCH]
        versions = server.run(VERSIONS, [keys.entity(id) for id in part])
        found |= {
            id: version
            for id, version in zip(part, versions, strict=True)
            if version is not None
        }
    return found


def page(server: Server, keys: Keys, after: str, size: int) -> dict[str, EntityRow]:
    """The next entities in order of their ids; empty after the last."""
    ids, rows = server.run(PAGE, [keys.ids], keys.entities, after, size)
    return of_rows(ids, rows)


def names_of(entities: Iterable[EntityRow]) -> frozenset[str]:
    """Names of all tags of the entities, without decoding each of them."""
    examples: dict[int, EntityRow] = {}
    curs: set[str] = set()
    for entity in entities:
        examples[entity.tag_set] = entity
        curs.add(entity.cur)
    names: set[str] = set()
    for number, entity in examples.items():
        if number not in _names_of_set:
            _names_of_set[number] = frozenset(orjson.loads(entity.tags))
        names |= _names_of_set[number]
    for cur in curs - {"{}"}:
        names.update(orjson.loads(cur))
    return frozenset(names)
