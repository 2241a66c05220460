"""Checks that all derived data matches the entities."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from ....kinds.series import microseconds_of
from ...changeset import EntityRow
from ...priority_array import Level
from ...stored import tag_set_id
from .. import levels
from ..entities import BATCH, page
from ..entity_commands import refs_of
from ..history.blocks import hex_time, time_of
from ..history.timeseries import Histories
from ..index.base import Index
from ..keys import Keys
from ..server import Server

__all__ = ["differences"]


def differences(
    server: Server, keys: Keys, index: Index, series: Histories
) -> Iterator[str]:
    """One line for each difference; empty if the store is consistent.

    Changes nothing. Concurrent commits may show as differences.
    """
    return iter(_Check(server, keys, index, series).run())


class _Check:
    def __init__(
        self, server: Server, keys: Keys, index: Index, series: Histories
    ) -> None:
        self.server, self.keys, self.index, self.series = server, keys, index, series
        self.existing: set[str] = set()
        self.terms: dict[str, set[str]] = defaultdict(set)
        self.refs: dict[str, set[str]] = defaultdict(set)
        self.facts: dict[str, dict[str, Any]] = {}

    def run(self) -> Iterator[str]:
        yield from self._entities()
        yield from _set_differences("index, term", self.terms, self.index.indexed())
        yield from self.index.faults()
        yield from _set_differences("referrers of", self.refs, self._sets_of("r:"))
        yield from self._histories()
        yield from self._arrays()
        yield from self._log()
        yield from self._watches()
        yield from self._staged()

    def _names(self, kind: str) -> Iterator[str]:
        """Names of the keys of a kind, without the prefix."""
        return self.server.scan(f"{self.keys.base}{kind}")

    def _sets_of(self, kind: str) -> Iterator[tuple[str, set[str]]]:
        for name in self._names(kind):
            yield name, self.server.smembers(f"{self.keys.base}{kind}{name}")

    # -- entities --------------------------------------------------------------

    def _entities(self) -> Iterator[str]:
        listed = set(self.server.zrange(self.keys.ids))
        held = set(self._names("e:"))
        for id in sorted(listed - held):
            yield f"@{id} is in the list of ids and nowhere else"
        for id in sorted(held - listed):
            yield f"@{id} is not in the list of ids"
        after = ""
        while rows := page(self.server, self.keys, after, BATCH):
            after = max(rows)
            for id, entity in rows.items():
                yield from self._entity(id, entity)

    def _entity(self, id: str, entity: EntityRow) -> Iterator[str]:
        self.existing.add(id)
        try:
            tags = entity.record.tags
        except ValueError as error:
            yield f"@{id} cannot be read: {error}"
            return
        if tags["id"].id != id or tags["mod"].utc != entity.mod:
            yield f"@{id} has tags of another entity or of another time"
        if entity.tag_set != tag_set_id(sorted(orjson.loads(entity.tags))):
            yield f"@{id} has another set of tag names than its tags"
        for term in self.index.terms_of(entity):
            self.terms[term].add(id)
        for ref in refs_of(entity):
            self.refs[ref].add(id)
        if "hisSize" in tags:
            self.facts[id] = {name: tags.get(name) for name in _FACTS}

    # -- histories -------------------------------------------------------------

    def _histories(self) -> Iterator[str]:
        known: set[str] = set()
        owners = {*self._names("h:"), *self._names("s:")}
        for id in sorted(owners):
            members = self.server.zrange(self.keys.blocks(id))
            if id not in self.existing:
                yield f"@{id} has samples, but the entity does not exist"
            known.update(f"{member[16:]}:{id}" for member in members)
            yield from self._history(id, members)
        for id in sorted(self.facts.keys() - owners):
            yield from self._extent(id)
        for kind in ("b:", "o:"):
            for name in self._names(kind):
                if name not in known and self._stays(f"{self.keys.base}{kind}{name}"):
                    yield f"block {kind}{name} is in no history"

    def _stays(self, key: str) -> bool:
        """Whether a key exists and never expires."""
        return self.server.ttl(key) == -1

    def _history(self, id: str, members: list[str]) -> Iterator[str]:
        last: int | None = None
        try:
            for samples in self.series.samples(id, None, None):
                ends = [last or samples.times[0] - 1, *samples.times]
                if sorted(set(ends)) != ends:
                    yield f"@{id} has samples out of order"
                last = samples.times[-1]
        except Exception as error:
            yield f"@{id} has samples that cannot be read: {error}"
            return
        for member in members:
            if not self._stays(self.keys.numbers(member[16:], id)):
                yield f"@{id} has a block that expires: {member}"
            if hex_time(time_of(member)) != member[:16]:
                yield f"@{id} has a block with an invalid name: {member}"
        yield from self._extent(id)

    def _extent(self, id: str) -> Iterator[str]:
        """Compare ``hisSize`` and the like with the history."""
        facts = self.facts.get(id)
        if facts is None:
            return
        extent = self.series.extent(id)
        stored: list[Any] = [int(facts["hisSize"].val)]
        counted: list[Any] = [extent.size]
        if extent.size:
            stored += [
                at and microseconds_of(at.utc)
                for at in (facts["hisStart"], facts["hisEnd"])
            ]
            counted += [extent.first, extent.last]
        if stored != counted:
            yield f"@{id}: its history is {counted}, its tags have {stored}"

    # -- the rest --------------------------------------------------------------

    def _arrays(self) -> Iterator[str]:
        due: set[str] = set()
        for id in self._names("a:"):
            if id not in self.existing:
                yield f"@{id} has a priority array, but the entity does not exist"
            for number, level in levels.read(self.server, self.keys, id).items():
                due |= _expiring(id, number, level)
        for member in sorted(
            due.symmetric_difference(self.server.zrange(self.keys.due))
        ):
            yield f"the list of expiries differs at {member}"

    def _log(self) -> Iterator[str]:
        length = self.server.xlen(self.keys.log)
        listed = sum(self.server.llen(self.keys.log_of(id)) for id in self._names("l:"))
        if listed != length:
            yield f"the log has {length:,} entries, {listed:,} by entities"

    def _watches(self) -> Iterator[str]:
        existing = set(self._names("w:"))
        listed = self.server.zrange(self.keys.watches)
        for id in sorted(existing.symmetric_difference(listed)):
            yield f"the list of watches differs at {id}"
        for id in sorted(set(self._names("wt:")) - existing):
            yield f"items of watch {id} exist, but the watch is not open"

    def _staged(self) -> Iterator[str]:
        for name in self._names("stage:"):
            if self._stays(self.keys.stage(name)):
                yield f"staged commands of {name} never expire"


_FACTS = ("hisSize", "hisStart", "hisEnd")


def _expiring(id: str, number: int, level: Level) -> set[str]:
    return set() if level.expires is None else {f"{number}:{id}"}


def _set_differences(
    what: str,
    right: Mapping[str, set[str]],
    found: Iterable[tuple[str, set[str]]],
) -> Iterator[str]:
    missing = dict(right)
    for name, ids in found:
        expected = missing.pop(name, set())
        for id in sorted(ids - expected):
            yield f"{what} {name}: @{id} must not be in it"
        for id in sorted(expected - ids):
            yield f"{what} {name}: @{id} is missing"
    for name, ids in missing.items():
        yield f"{what} {name}: {len(ids):,} ids are missing"
