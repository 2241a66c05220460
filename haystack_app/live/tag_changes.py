"""Changed tags of entities, for watches that are pushed in the form ``tags``.

A store remembers which version of an entity a watch has sent, not what it was. A
process remembers the versions that it has pushed, for all watches together: which tag
changed with which version. A version that it does not know is answered with the whole
record, and so is one that was remembered before the client got its records: the store
may be another one since, such as a restored database.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import NamedTuple

import orjson

__all__ = ["TagChanges", "TagDifference", "tag_changes"]

_MOST = 20_000
"""Entities that are remembered, with about 3 kB each: those that changed last."""
_VERSIONS = 32
_REMOVED = {"_kind": "remove"}


class TagDifference(NamedTuple):
    """A row with the id and the changed tags, as JSON, and the names of its tags."""

    text: str
    names: frozenset[str]


class _Entity:
    """``changed`` has the version with which each tag changed last, ``versions`` when
    each version was seen first."""

    __slots__ = ("changed", "differences", "raw", "version", "versions")

    def __init__(self, version: int, raw: str, now: int) -> None:
        self.version, self.raw = version, raw
        self.versions: dict[int, int] = {version: now}
        self.changed: dict[str, int] = {}
        self.differences: dict[int, TagDifference] = {}

    def advance(self, version: int, raw: str, now: int) -> None:
        before, tags = orjson.loads(self.raw), orjson.loads(raw)
        for name in before.keys() | tags.keys():
            if before.get(name) != tags.get(name):
                self.changed[name] = version
        self.version, self.raw = version, raw
        self.versions.setdefault(version, now)
        if len(self.versions) > _VERSIONS:
            del self.versions[next(iter(self.versions))]
        self.differences.clear()

    def since(self, before: int, start: int) -> TagDifference | None:
        """What changed after a version; None if that one is not known."""
        if self.versions.get(before, -1) < start:
            return None
        if before not in self.differences:
            self.differences[before] = self._difference(before)
        return self.differences[before]

    def _difference(self, before: int) -> TagDifference:
        tags = orjson.loads(self.raw)
        names = [name for name, version in self.changed.items() if version > before]
        row = {name: tags.get(name, _REMOVED) for name in ["id", *names]}
        return TagDifference(orjson.dumps(row).decode(), frozenset(row))


class TagChanges:
    """Versions of entities that a process has pushed, by keys of its callers."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._lock = Lock()
        self._now = 0
        self._entities: OrderedDict[Hashable, _Entity] = OrderedDict()

    def start(self) -> int:
        """A moment: what is seen after it has a later one."""
        with self._lock:
            self._now += 1
            return self._now

    def since(
        self, key: Hashable, before: int | None, version: int, raw: str, start: int
    ) -> TagDifference | None:
        """What changed between two versions of an entity; ``raw`` is the later one.

        None if the earlier one was not seen after ``start``. ``key`` stands for the
        entity as some callers see it.
        """
        with self._lock:
            held = self._entities.get(key)
            if held is None or version < held.version:  # it was made anew, perhaps
                held = self._entities[key] = _Entity(version, raw, self._now)
            elif version > held.version or raw != held.raw:
                held.advance(version, raw, self._now)
            self._entities.move_to_end(key)
            if len(self._entities) > self._most:
                self._entities.popitem(last=False)
            return None if before is None else held.since(before, start)


tag_changes = TagChanges()
"""Of this process."""
