"""Entities as the hashes of the store hold them, and their fetching."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from ...kinds.series import instant_of, microseconds_of
from ...wire.hayson_reader import decode
from ...wire.record import Record, spliced
from ..stored import Stored, first_version, next_mod, tag_set_id
from .keys import Keys
from .reading_scripts import FETCH, PAGE, VERSIONS
from .server import Server

__all__ = ["BATCH", "Entity", "Tags", "fetch", "names_of", "page", "versions_of"]

BATCH = 1_000
"""Entities that one script fetches."""

_names_of_set: dict[int, frozenset[str]] = {}
"""Tag names by the number of their set; it means the same names for good."""


@dataclass(frozen=True, slots=True)
class Entity:
    """The JSON objects of persistent and transient tags, and what is known of them.

    ``mod`` is in microseconds. ``version`` counts visible changes from a random
    number on, so that an id that is made again repeats none.
    """

    id: str
    tags: str
    cur: str
    mod: int
    version: int
    tag_set: int

    @classmethod
    def of_row(cls, id: str, row: Sequence[Any]) -> Entity | None:
        """From the fields that the scripts answer."""
        if row[0] is None:
            return None
        tags, cur, mod, version, tag_set = row
        return cls(
            id, tags.decode(), cur.decode(), int(mod), int(version), int(tag_set)
        )

    @classmethod
    def new(cls, stored: Stored, now: dt.datetime) -> Entity:
        mod = stored.mod or next_mod(None, now)
        return cls(
            stored.id,
            stored.stamped(mod),
            stored.cur,
            microseconds_of(mod),
            first_version(),
            tag_set_id(stored.names),
        )

    def with_tags(self, stored: Stored, cur: str, now: dt.datetime) -> Entity:
        """With other persistent tags."""
        mod = stored.mod or next_mod(instant_of(self.mod), now)
        return Entity(
            self.id,
            stored.stamped(mod),
            cur,
            microseconds_of(mod),
            self.version + 1,
            tag_set_id(stored.names),
        )

    def with_cur(self, cur: str) -> Entity:
        """With other transient tags."""
        return Entity(self.id, self.tags, cur, self.mod, self.version + 1, self.tag_set)

    @property
    def raw(self) -> str:
        return spliced(self.tags, self.cur)

    @property
    def record(self) -> Record:
        return Record(self.raw)

    @property
    def tag_values(self) -> dict[str, Any]:
        """Persistent tags, decoded."""
        return Record(self.tags).tags

    @property
    def names(self) -> Iterator[str]:
        """Names of the persistent tags."""
        return iter(orjson.loads(self.tags))

    @property
    def cur_tags(self) -> dict[str, Any]:
        """Transient tags as JSON."""
        return {} if self.cur == "{}" else dict(orjson.loads(self.cur))

    @property
    def fields(self) -> tuple[str, ...]:
        """Names and values of the hash."""
        return (
            *("tags", self.tags, "cur", self.cur, "mod", str(self.mod)),
            *("version", str(self.version), "set", str(self.tag_set)),
        )


class Tags(Mapping[str, Any]):
    """An entity's tags, of which only those that are asked for are decoded.

    A filter asks for a few of many: this is ten times faster than decoding all.
    """

    __slots__ = ("_decoded", "_json")

    def __init__(self, entity: Entity) -> None:
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


def fetch(server: Server, keys: Keys, ids: Sequence[str]) -> dict[str, Entity]:
    """The entities that are there by their ids; up to ``BATCH`` in one state."""
    found: dict[str, Entity] = {}
    for at in range(0, len(ids), BATCH):
        part = ids[at : at + BATCH]
        rows = server.run(FETCH, keys.base, *part)
        found.update(of_rows(part, rows))
    return found


def of_rows(ids: Iterable[str], rows: Iterable[Sequence[Any]]) -> dict[str, Entity]:
    """Entities of what a script answered."""
    made = (Entity.of_row(id, row) for id, row in zip(ids, rows, strict=True))
    return {entity.id: entity for entity in made if entity is not None}


def versions_of(server: Server, keys: Keys, ids: Iterable[str]) -> dict[str, int]:
    """Versions of the entities that are there, without their tags."""
    wanted = list(ids)
    found: dict[str, int] = {}
    for at in range(0, len(wanted), BATCH):
        part = wanted[at : at + BATCH]
        for id, version in zip(
            part, server.run(VERSIONS, keys.base, *part), strict=True
        ):
            if version is not None:
                found[id] = int(version)
    return found


def page(server: Server, keys: Keys, after: str, size: int) -> dict[str, Entity]:
    """The next entities by their ids, in order; empty behind the last."""
    ids, rows = server.run(PAGE, keys.base, after, size)
    return of_rows([id.decode() for id in ids], rows)


def names_of(entities: Iterable[Entity]) -> frozenset[str]:
    """All tags that occur in some entities, without a look at each."""
    examples: dict[int, Entity] = {}
    curs: set[str] = set()
    for entity in entities:
        examples[entity.tag_set] = entity
        curs.add(entity.cur)
    names: set[str] = set()
    for number, entity in examples.items():
        if number not in _names_of_set:
            _names_of_set[number] = frozenset(entity.names)
        names |= _names_of_set[number]
    for cur in curs - {"{}"}:
        names.update(orjson.loads(cur))
    return frozenset(names)
