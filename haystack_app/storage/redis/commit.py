"""A commit of entities: what becomes of each, and what the log says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from ...kinds.series import instant_of
from ..changes import Changes, logged
from ..errors import ArrayInUse, HistoryInUse
from ..priority_array import devalued
from ..samples import reinterpreted
from ..stored import Stored, same_tags
from .entities import Entity
from .transaction import Transaction

__all__ = ["Commit", "with_transient"]


class Commit:
    """One commit, within the work of a caller who is alone with its entities.

    ``has_history`` tells whether a point has samples.
    """

    def __init__(
        self, work: Transaction, who: str, has_history: Callable[[str], bool]
    ) -> None:
        self.work, self.who, self.has_history = work, who, has_history
        self.now = dt.datetime.now(dt.UTC)
        self.changes = Changes()

    def put(self, batch: Sequence[Stored]) -> None:
        held = self.work.fetch([stored.id for stored in batch])
        for stored in batch:
            before = held.get(stored.id)
            if before is None:
                self._create(stored)
            else:
                self._update(before, stored)

    def remove(self, ids: Sequence[str]) -> None:
        """Take entities away with all that is theirs; unknown ids are left out."""
        for id, before in self.work.fetch(ids).items():
            self._log(id, before, None)
            self.changes.removed.append(id)
            self.work.put(id, before, None)
            self.work.drop(id)

    def _create(self, stored: Stored) -> None:
        after = Entity.new(stored, self.now)
        self.changes.created.append(stored.id)
        self._log(stored.id, None, after)
        self.work.put(stored.id, None, after)

    def _update(self, before: Entity, stored: Stored) -> None:
        cur = _merged(before.cur, stored.cur)
        moved = stored.mod not in (None, instant_of(before.mod))
        if moved or not same_tags(before.tags, stored.tags):
            self._check_meaning(before, stored)
            after = before.with_tags(stored, cur, self.now)
            self._log(stored.id, before, after)
        elif not same_tags(before.cur, cur):
            after = before.with_cur(cur)
        else:
            self.changes.unchanged.append(stored.id)
            return
        self.changes.updated.append(stored.id)
        self.work.put(stored.id, before, after)

    def _check_meaning(self, before: Entity, after: Stored) -> None:
        """What is stored of a point must mean the same behind the change."""
        tags = orjson.loads(before.tags), orjson.loads(after.tags)
        if (tag := reinterpreted(*tags)) and self.has_history(after.id):
            raise HistoryInUse(after.id, tag)
        if (tag := devalued(*tags)) and self.work.levels_of(after.id):
            raise ArrayInUse(after.id, tag)

    def _log(self, id: str, before: Entity | None, after: Entity | None) -> None:
        tags = (
            None if one is None else orjson.loads(one.tags) for one in (before, after)
        )
        self.work.pending.log.append(logged(self.now, self.who, id, *tags))


def with_transient(entity: Entity, changes: Mapping[str, Any]) -> Entity:
    """With transient tags of JSON, null for those to go; the same if none differs."""
    merged = {**entity.cur_tags, **changes}
    cur = {name: tag for name, tag in merged.items() if tag is not None}
    text = orjson.dumps(cur).decode()
    return entity if same_tags(entity.cur, text) else entity.with_cur(text)


def _merged(before: str, after: str) -> str:
    """Transient tags stay unless they are named anew."""
    if after == "{}":
        return before
    return orjson.dumps(orjson.loads(before) | orjson.loads(after)).decode()
