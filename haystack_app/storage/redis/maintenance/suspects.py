"""Entities that may differ from what is derived from them, looked at under their lock.

A lock of some entities keeps away all that changes them or what belongs to them, so
that a difference found under it is one. What can be derived again is repaired under
the same lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from ....kinds.datetimes import DateTime
from ....kinds.scalars import Number
from ....kinds.series import microseconds_of
from ....wire.record import Record
from ...changeset import EntityRow
from ...stored import tag_set_id
from .. import levels
from ..entities import fetch
from ..entity_commands import refs_of
from ..history.blocks import hex_time, time_of
from ..history.series import KEPT_SECONDS
from ..history.timeseries import Histories
from ..index.base import Index
from ..keys import Keys
from ..locks import Lease
from ..server import Command, Server
from ..transaction import apply

__all__ = ["Fault", "Marks", "Suspects", "facts_differ", "is_readable", "row_faults"]

Mark = Mapping[str, set[str]]
"""What to look at again: ``row``, ``terms``, ``refs``, ``facts``, ``samples``,
``members``, ``blocks``, ``owner``, ``due``, with names of terms and the like."""
_FACTS = ("hisStart", "hisEnd")


class Marks(dict[str, dict[str, set[str]]]):
    """Suspicions by id."""

    def add(self, id: str, what: str, name: str = "") -> None:
        self.setdefault(id, {}).setdefault(what, set()).add(name)


@dataclass(frozen=True, slots=True)
class Fault:
    """``lacks`` is a term or the like that an entity does not have, as text;
    ``repair`` derives the data again."""

    text: str
    repair: list[Command] = field(default_factory=list)
    lacks: str = ""


def is_readable(record: Record) -> bool:
    try:
        return bool(record.tags)
    except ValueError:
        return False


def row_faults(keys: Keys, entity: EntityRow, record: Record) -> Iterator[Fault]:
    """Faults of an entity's hash."""
    id, key = entity.id, keys.entity(entity.id)
    try:
        tags = record.tags
    except ValueError as error:
        yield Fault(f"@{id} cannot be read: {error}")
        return
    if tags["id"].id != id:
        yield Fault(f"@{id} has tags of another entity")
    if tags["mod"].utc != entity.mod:
        mod = str(microseconds_of(tags["mod"].utc))
        yield Fault(f"@{id} has tags of another time", [("HSET", key, "mod", mod)])
    names = tag_set_id(sorted(orjson.loads(entity.tags)))
    if entity.tag_set != names:
        text = f"@{id} has another set of tag names than its tags"
        yield Fault(text, [("HSET", key, "set", str(names))])


def facts_differ(id: str, record: Record, owns: bool, series: Histories) -> str:
    """How ``hisSize`` and the like differ from the history; empty if not.

    ``owns``: whether the entity has a history.
    """
    size = record.get("hisSize")
    if not owns and size is None:
        return ""
    extent = series.extent(id)
    stored: list[Any] = [int(size.val) if isinstance(size, Number) else 0]
    counted: list[Any] = [extent.size]
    if extent.size:
        ends = [record.get(name) for name in _FACTS]
        stored += [
            microseconds_of(at.utc) if isinstance(at, DateTime) else None for at in ends
        ]
        counted += [extent.first, extent.last]
    return "" if stored == counted else f"{counted}, its tags have {stored}"


class Suspects:
    """``kind`` is that of the index. ``miscounted`` gets the ids of entities with wrong
    facts, which are not repaired here."""

    def __init__(
        self,
        server: Server,
        keys: Keys,
        kind: str,
        index: Index,
        series: Histories,
        *,
        mending: bool,
    ) -> None:
        self.server, self.keys, self.kind = server, keys, kind
        self.index, self.series, self.mending = index, series, mending
        self.miscounted: set[str] = set()

    def settle(self, marks: Mapping[str, Mark]) -> list[Fault]:
        """The faults of these entities; locks them meanwhile.

        Raises LeaseLost or LayoutChanged if repairs could not be applied.
        """
        lease = Lease(self.server, self.keys.locks)
        lease.acquire(list(marks))
        try:
            found = list(self._faults(marks))
            if self.mending:
                commands = [one for fault in found for one in fault.repair]
                apply(self.server, self.keys, lease, self.kind, commands)
        finally:
            lease.release()
        return found

    def _faults(self, marks: Mapping[str, Mark]) -> Iterator[Fault]:
        rows = fetch(self.server, self.keys, list(marks))
        yield from self._rows(marks, rows)
        unreadable = {id for id, row in rows.items() if not is_readable(row.record)}
        marks = {id: mark for id, mark in marks.items() if id not in unreadable}
        yield from self._terms(marks, rows)
        yield from self._refs(marks, rows)
        for id, mark in marks.items():
            yield from self._history(id, mark, rows.get(id))
            if "due" in mark:
                yield from self._due(id, mark["due"])

    def _exists(self, key: str) -> bool:
        return bool(self.server.command("EXISTS", key))

    # -- entities --------------------------------------------------------------

    def _rows(
        self, marks: Mapping[str, Mark], rows: Mapping[str, EntityRow]
    ) -> Iterator[Fault]:
        ids = [id for id, mark in marks.items() if "row" in mark]
        if not ids:
            return
        scores = self.server.command("ZMSCORE", self.keys.ids, *ids)
        for id, score in zip(ids, scores, strict=True):
            if score is not None and id not in rows:
                repair: list[Command] = [("ZREM", self.keys.ids, id)]
                yield Fault(f"@{id} is in the list of ids and nowhere else", repair)
            if score is None and id in rows:
                repair = [("ZADD", self.keys.ids, "0", id)]
                yield Fault(f"@{id} is not in the list of ids", repair)
            if id in rows:
                yield from row_faults(self.keys, rows[id], rows[id].record)

    def _terms(
        self, marks: Mapping[str, Mark], rows: Mapping[str, EntityRow]
    ) -> Iterator[Fault]:
        wanted = {id: mark["terms"] for id, mark in marks.items() if "terms" in mark}
        right = {
            id: self.index.terms_of(rows[id]) if id in rows else set() for id in wanted
        }
        held = self.index.held({id: wanted[id] - {""} for id in wanted})
        lost = (
            self.index.unindexed([id for id in wanted if right[id]]) if wanted else ()
        )
        for id in wanted:
            among = wanted[id] - {""}
            missing, wrong = (right[id] & among) - held[id], held[id] - right[id]
            args = id, rows.get(id), missing, wrong
            repair = list(self.index.corrections(*args)) if missing or wrong else []
            for term in sorted(missing):
                what = f"index, term {term}"
                yield Fault(f"{what}: @{id} is missing", repair, what)
                repair = []
            for term in sorted(wrong):
                yield Fault(f"index, term {term}: @{id} must not be in it", repair)
                repair = []
            if id in lost and not missing:
                again = list(self.index.corrections(id, rows.get(id), right[id], set()))
                yield Fault(f"@{id} is not in the index of the server", again)

    def _refs(
        self, marks: Mapping[str, Mark], rows: Mapping[str, EntityRow]
    ) -> Iterator[Fault]:
        pairs = [(id, to) for id, mark in marks.items() for to in mark.get("refs", ())]
        words = (("SISMEMBER", self.keys.referrers(to), id) for id, to in pairs)
        held = self.server.together(*words) if pairs else []
        right = {id: refs_of(rows.get(id)) for id, _ in pairs}
        for (id, to), is_held in zip(pairs, held, strict=True):
            key, what = self.keys.referrers(to), f"referrers of {to}"
            if is_held and to not in right[id]:
                yield Fault(f"{what}: @{id} must not be in it", [("SREM", key, id)])
            if not is_held and to in right[id]:
                yield Fault(f"{what}: @{id} is missing", [("SADD", key, id)], what)

    # -- histories -------------------------------------------------------------

    def _history(
        self, id: str, mark: Mark, entity: EntityRow | None
    ) -> Iterator[Fault]:
        if "owner" in mark and entity is None:
            yield from self._ownerless(id)
        if "facts" in mark and entity is not None:
            yield from self._facts(entity)
        if "samples" in mark:
            yield from self.samples(id)
        if "members" in mark:
            yield from self.members(id, self.server.zrange(self.keys.blocks(id)))
        if "blocks" in mark:
            yield from self._blocks(id, mark["blocks"])

    def _ownerless(self, id: str) -> Iterator[Fault]:
        keys = self.keys
        if self._exists(keys.levels(id)):
            yield Fault(f"@{id} has a priority array, but the entity does not exist")
        if self._exists(keys.blocks(id)) or self._exists(keys.series(id)):
            yield Fault(f"@{id} has samples, but the entity does not exist")

    def _facts(self, entity: EntityRow) -> Iterator[Fault]:
        id = entity.id
        if text := facts_differ(id, entity.record, True, self.series):
            self.miscounted.add(id)
            yield Fault(f"@{id}: its history is {text}")

    def samples(self, id: str) -> Iterator[Fault]:
        """Faults of a history's samples, which are read from one snapshot."""
        last: int | None = None
        try:
            for samples in self.series.samples(id, None, None):
                ends = [last or samples.times[0] - 1, *samples.times]
                if sorted(set(ends)) != ends:
                    yield Fault(f"@{id} has samples out of order")
                last = samples.times[-1]
        except Exception as error:
            yield Fault(f"@{id} has samples that cannot be read: {error}")

    def members(self, id: str, members: list[str]) -> Iterator[Fault]:
        """Faults of the directory of a history's blocks."""
        names = [self.keys.numbers(member[16:], id) for member in members]
        lives = self.server.together(*(("TTL", name) for name in names))
        for member, name, life in zip(members, names, lives, strict=True):
            if life != -1:
                repair: list[Command] = [("PERSIST", name)]
                yield Fault(f"@{id} has a block that expires: {member}", repair)
            if hex_time(time_of(member)) != member[:16]:
                yield Fault(f"@{id} has a block with an invalid name: {member}")

    def _blocks(self, id: str, names: Iterable[str]) -> Iterator[Fault]:
        members = self.server.zrange(self.keys.blocks(id))
        known = {f"{member[16:]}:{id}" for member in members}
        for name in sorted(names):
            key = f"{self.keys.base}{name}"
            if name[2:] not in known and self.server.ttl(key) == -1:
                repair: list[Command] = [("EXPIRE", key, str(KEPT_SECONDS))]
                yield Fault(f"block {name} is in no history", repair)

    # -- priority arrays -------------------------------------------------------

    def _due(self, id: str, members: Iterable[str]) -> Iterator[Fault]:
        array = levels.read(self.server, self.keys, id)
        wanted = {
            f"{number}:{id}": microseconds_of(level.expires)
            for number, level in array.items()
            if level.expires is not None
        }
        for member in sorted(members):
            at = wanted.get(member)
            held = self.server.command("ZSCORE", self.keys.due, member)
            if (held is None) != (at is None):
                repair: Command = ("ZADD", self.keys.due, str(at), member)
                if at is None:
                    repair = ("ZREM", self.keys.due, member)
                yield Fault(f"the list of expiries differs at {member}", [repair])
