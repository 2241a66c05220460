"""What a commit changes, computed from stored rows and new records without a store.

Only this module decides whether an entity is created, updated or unchanged, when it
gets a new ``mod``, which entries the log gets, and when samples or levels of a point
would lose their meaning. ``EntityStore.commit`` calls it for each batch, and the
backend stores the result in ``apply``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from ..kinds.transient import SAMPLE_TS
from ..wire import hayson_writer
from ..wire.record import Record, spliced
from .changes import Change, logged
from .collection import collects, status_of
from .freshness import stamp
from .names import live_name
from .priority_array import devalued
from .samples import reinterpreted
from .stored import Stored, first_version, next_mod, same_json, tag_set_id

__all__ = [
    "BATCH",
    "Changeset",
    "EntityRow",
    "Move",
    "patched",
    "putting",
    "removing",
]

BATCH = 1_000
"""Entities of one changeset, which limits the memory of a large commit."""


class EntityRow(NamedTuple):
    """An entity in its stored form.

    ``tags`` and ``cur`` are the JSON objects of persistent tags, including ``mod``,
    and of transient ones. ``version`` counts visible changes from a random number on,
    so that an entity that reuses an id repeats none. ``tag_set`` identifies the names
    of the persistent tags. ``naming`` counts changes of the names that refs carry,
    ``search`` is what a search by words looks at; stores may derive both.
    """

    id: str
    tags: str
    cur: str
    mod: dt.datetime
    version: int
    tag_set: int
    naming: int = 0
    search: str = ""

    @property
    def raw(self) -> str:
        """The JSON object of all tags."""
        return spliced(self.tags, self.cur)

    @property
    def record(self) -> Record:
        return Record(self.raw)

    @property
    def name(self) -> str | None:
        """The name that refs to the entity carry."""
        return live_name(_object(self.tags))

    @property
    def revision(self) -> str:
        """See ``Records``."""
        return f"{self.id} {self.version} {self.naming}"

    def with_names(self, tags: str, search: str) -> EntityRow:
        """With refs that carry other names."""
        return self._replace(tags=tags, naming=self.naming + 1, search=search)

    def with_cur(self, cur: str) -> EntityRow:
        """With other transient tags."""
        return self._replace(cur=cur, version=self.version + 1)


class Move(NamedTuple):
    """An entity before and after a change; None if it does not exist.

    ``stored`` has its references and the names of its tags, if persistent tags have
    changed.
    """

    before: EntityRow | None
    after: EntityRow | None
    stored: Stored | None = None
    is_current: bool = False
    """Whether the record, which is not a copy, has a current value or its status."""

    @property
    def id(self) -> str:
        row = self.after or self.before
        assert row is not None
        return row.id

    @property
    def is_renaming(self) -> bool:
        """Whether refs to the entity may have to carry another name."""
        before, after = self.before, self.after
        if before is None or after is None:
            return True
        return before.tags != after.tags and before.name != after.name


@dataclass(slots=True)
class Changeset:
    """One batch of a commit: changed entities and their entries of the log.

    ``renamed`` are entities that only refer to others by other names than before.
    ``reinterpreted`` has changed tags by the ids of points whose samples would get
    another meaning, ``devalued`` likewise for levels of priority arrays: if such
    samples or levels exist, the commit must be rejected.
    """

    moves: list[Move] = field(default_factory=list)
    unchanged: list[EntityRow] = field(default_factory=list)
    renamed: list[Move] = field(default_factory=list)
    log: list[Change] = field(default_factory=list)
    reinterpreted: dict[str, str] = field(default_factory=dict)
    devalued: dict[str, str] = field(default_factory=dict)

    @property
    def removed(self) -> list[str]:
        return [move.id for move in self.moves if move.after is None]


def putting(
    put: Iterable[Stored], held: Mapping[str, EntityRow], *, who: str, now: dt.datetime
) -> Changeset:
    """The changes of storing entities; ``held`` are the rows of existing ones by id.

    An existing entity gets the new persistent tags, and keeps transient tags that the
    new record does not have.
    """
    changes = Changeset()
    for stored in put:
        before = held.get(stored.id)
        if before is None:
            _create(changes, stored, who, now)
        else:
            _update(changes, before, stored, who, now)
    return changes


def removing(held: Iterable[EntityRow], *, who: str, now: dt.datetime) -> Changeset:
    """The changes of removing entities with all that belongs to them."""
    changes = Changeset()
    for row in held:
        changes.moves.append(Move(row, None))
        changes.log.append(logged(now, who, row.id, _object(row.tags), None))
    return changes


def patched(row: EntityRow, patch: Mapping[str, Any]) -> EntityRow:
    """A row with changed transient tags; None deletes a tag; the same row if equal."""
    before = _object(row.cur)
    cur = {name: tag for name, tag in {**before, **patch}.items() if tag is not None}
    if same_json(before, cur):
        return row
    return row.with_cur(orjson.dumps(cur).decode())


def _object(text: str) -> dict[str, Any]:
    """The tags of a JSON text; empty if plain SQL has stored something else."""
    tags = orjson.loads(text)
    return tags if isinstance(tags, dict) else {}


def _create(changes: Changeset, stored: Stored, who: str, now: dt.datetime) -> None:
    mod = stored.mod or next_mod(None, now)
    row = EntityRow(
        stored.id,
        stored.stamped(mod),
        stored.cur,
        mod,
        first_version(),
        tag_set_id(stored.names),
        search=stored.search,
    )
    if stored.mod is None and collects(stored.names):
        row = _with_status(row)
    if is_current := _is_current(stored):
        row = row._replace(
            cur=_dumped(_object(row.cur), _stamp(row.tags, row.cur, now))
        )
    changes.moves.append(Move(None, row, stored, is_current))
    changes.log.append(logged(now, who, stored.id, None, {}))


def _update(
    changes: Changeset, before: EntityRow, stored: Stored, who: str, now: dt.datetime
) -> None:
    was, becomes = _object(before.tags), _object(stored.tags)
    was.pop("mod", None)  # ``becomes`` does not have it yet
    cur = orjson.loads(stored.cur)
    if "curVal" in cur:
        cur.setdefault(SAMPLE_TS, None)
        if stored.mod is None:
            cur |= _stamp(stored.tags, before.cur, now)
    row = patched(before, cur) if cur else before
    is_same = same_json(was, becomes)
    if not is_same and (tags := stored.renamed(before.tags)) != before.tags:
        was = _object(tags)
        was.pop("mod", None)
        if is_same := same_json(was, becomes):
            row = row.with_names(tags, stored.search)
    if stored.mod in (None, before.mod) and is_same:
        if row.version != before.version:
            is_current = _is_current(stored)
            changes.moves.append(Move(before, row, None, is_current))
            return
        changes.unchanged.append(row)
        if row is not before:
            changes.renamed.append(Move(before, row))
        return
    mod = stored.mod or next_mod(before.mod, now)
    after = EntityRow(
        stored.id,
        stored.stamped(mod),
        row.cur,
        mod,
        before.version + 1,
        tag_set_id(stored.names),
        before.naming,
        stored.search,
    )
    if stored.mod is None and (collects(becomes) or collects(was)):
        after = _with_status(after)
    changes.moves.append(Move(before, after, stored, _is_current(stored)))
    changes.log.append(logged(now, who, stored.id, was, becomes))
    if tag := reinterpreted(was, becomes):
        changes.reinterpreted[stored.id] = tag
    if tag := devalued(was, becomes):
        changes.devalued[stored.id] = tag


def _stamp(tags: str, cur: str, now: dt.datetime) -> dict[str, Any]:
    """When the current value of a commit was written, as JSON; see ``stamp``."""
    found = stamp(_object(tags) | _object(cur), now)
    return {name: hayson_writer.encode(value) for name, value in found.items()}


def _dumped(*parts: Mapping[str, Any]) -> str:
    merged = {name: tag for part in parts for name, tag in part.items()}
    present = {name: tag for name, tag in merged.items() if tag is not None}
    return orjson.dumps(present).decode()


def _is_current(stored: Stored) -> bool:
    return stored.mod is None and ('"cur' in stored.cur)


def _with_status(row: EntityRow) -> EntityRow:
    """A row of a point with the status of its collection; it has changed anyway."""
    if not (tags := status_of(row.record)):
        return row
    return row._replace(cur=_dumped(_object(row.cur), tags))
