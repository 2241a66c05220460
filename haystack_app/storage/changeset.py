"""What a commit changes: decided from what is held and what is put, without a store.

Here alone is said what makes an entity created, updated or unchanged, when it gets a
new ``mod``, what the log says of it, and when what is stored of a point would lose its
meaning. ``EntityStore.commit`` asks this for a batch at a time, and a store carries it
out by ``apply``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from ..wire.record import Record, spliced
from .changes import Change, logged
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
"""Entities of one changeset, so that a commit of many holds few of them at a time."""


@dataclass(frozen=True, slots=True)
class EntityRow:
    """An entity as stores hold it.

    ``tags`` and ``cur`` are the JSON objects of persistent tags, ``mod`` among them,
    and of transient ones. ``version`` counts visible changes from a random number on,
    so that an id that is made again repeats none. ``tag_set`` stands for the names of
    the persistent tags.
    """

    id: str
    tags: str
    cur: str
    mod: dt.datetime
    version: int
    tag_set: int

    @property
    def raw(self) -> str:
        """The JSON object of all tags."""
        return spliced(self.tags, self.cur)

    @property
    def record(self) -> Record:
        return Record(self.raw)

    def with_cur(self, cur: str) -> EntityRow:
        """With other transient tags."""
        return replace(self, cur=cur, version=self.version + 1)


@dataclass(frozen=True, slots=True)
class Move:
    """An entity before and after a change; None where it is not there.

    ``stored`` has its references and the names of its tags, where persistent tags are
    not what they were.
    """

    before: EntityRow | None
    after: EntityRow | None
    stored: Stored | None = None

    @property
    def id(self) -> str:
        row = self.after or self.before
        assert row is not None
        return row.id


@dataclass(slots=True)
class Changeset:
    """A part of a commit: what is another than before, and what the log says of it.

    ``reinterpreted`` are tags by the ids of points whose samples would mean something
    else by their change, ``devalued`` likewise of levels of priority arrays: where
    there are any, the commit must be refused.
    """

    moves: list[Move] = field(default_factory=list)
    unchanged: list[EntityRow] = field(default_factory=list)
    log: list[Change] = field(default_factory=list)
    reinterpreted: dict[str, str] = field(default_factory=dict)
    devalued: dict[str, str] = field(default_factory=dict)

    @property
    def removed(self) -> list[str]:
        return [move.id for move in self.moves if move.after is None]


def putting(
    put: Iterable[Stored], held: Mapping[str, EntityRow], *, who: str, now: dt.datetime
) -> Changeset:
    """Store entities over those that are held.

    One that exists gets the new persistent tags, and keeps transient tags that it does
    not come with.
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
    """Take entities away, with all that is theirs."""
    changes = Changeset()
    for row in held:
        changes.moves.append(Move(row, None))
        changes.log.append(logged(now, who, row.id, _object(row.tags), None))
    return changes


def patched(row: EntityRow, patch: Mapping[str, Any]) -> EntityRow:
    """With transient tags of JSON, None for those to go; the same if none differs."""
    before = _object(row.cur)
    cur = {name: tag for name, tag in {**before, **patch}.items() if tag is not None}
    if same_json(before, cur):
        return row
    return row.with_cur(orjson.dumps(cur).decode())


def _object(text: str) -> dict[str, Any]:
    """The tags of a JSON text; none where plain SQL has stored something else."""
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
    )
    changes.moves.append(Move(None, row, stored))
    changes.log.append(logged(now, who, stored.id, None, {}))


def _update(
    changes: Changeset, before: EntityRow, stored: Stored, who: str, now: dt.datetime
) -> None:
    was, becomes = _object(before.tags), _object(stored.tags)
    was.pop("mod", None)  # which ``becomes`` has none of yet
    row = before if stored.cur == "{}" else patched(before, orjson.loads(stored.cur))
    if stored.mod in (None, before.mod) and same_json(was, becomes):
        if row is before:
            changes.unchanged.append(before)
        else:
            changes.moves.append(Move(before, row))
        return
    mod = stored.mod or next_mod(before.mod, now)
    after = EntityRow(
        stored.id,
        stored.stamped(mod),
        row.cur,
        mod,
        before.version + 1,
        tag_set_id(stored.names),
    )
    changes.moves.append(Move(before, after, stored))
    changes.log.append(logged(now, who, stored.id, was, becomes))
    if tag := reinterpreted(was, becomes):
        changes.reinterpreted[stored.id] = tag
    if tag := devalued(was, becomes):
        changes.devalued[stored.id] = tag
