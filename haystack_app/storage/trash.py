"""Removing entities in two steps, built on the primitives.

An entity goes to the trash, where it keeps its history and its priority array, and can
be restored. Emptying the trash removes it for good. ``filters.trash`` says what is in
the trash.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..filters import IN_TRASH, is_trash
from ..filters.ast import And, Compare, Filter
from ..kinds.datetimes import DateTime
from ..kinds.scalars import MARKER, Number
from ..wire.record import Record
from .entities import EntityStore
from .stored import edges_of

__all__ = ["Emptied", "Removal", "TrashStore"]

_NAMED = 100
"""Referrers that a preview names."""
_CHUNK = 200
"""Entities that are removed in one transaction."""
_ALL = 1_000_000
_HIDDEN = ""

Tags = Mapping[str, Any]


class Removal(NamedTuple):
    """What the removal of an entity concerns.

    ``referrers`` are the first of the entities outside the trash that refer to it,
    ``more`` whether there are others; ``samples`` would be deleted with it.
    """

    referrers: Sequence[Record]
    more: bool
    samples: int


@dataclass(slots=True)
class Emptied:
    """The ids that were removed, and those that stay by an entity that refers to them.

    The referrer is empty if the caller may not see it. ``more``: the call ended at its
    limit.
    """

    removed: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    more: bool = False


class TrashStore(EntityStore):
    def removal(self, id: str) -> Removal:
        """What removing an entity concerns. Raises UnknownEntity."""
        record = self.existing(id)
        others = self.referrers([id], _NAMED + 1)
        found = [one for one in self.read_by_ids(others[:_NAMED]) if one is not None]
        shown = [one for one in found if not is_trash(one)]
        size = record.get("hisSize")
        samples = int(size.val) if isinstance(size, Number) else 0
        return Removal(shown, len(others) > _NAMED, samples)

    def trash_entities(
        self, rows: Iterable[Tags], *, force: bool = False, who: str = ""
    ) -> list[Record]:
        """Move entities to the trash; rows as for ``remove_entities``."""
        moved = [
            {"id": row.get("id"), "mod": row.get("mod"), "trash": MARKER}
            for row in rows
        ]
        return self.update_entities(moved, force=force, who=who)

    def empty_trash(
        self,
        ids: Collection[str] | None = None,
        *,
        before: dt.datetime | None = None,
        force: bool = False,
        limit: int = _ALL,
        who: str = "",
    ) -> Emptied:
        """Remove entities of the trash with their histories, at most about ``limit``.

        ``ids``: only these; ``before``: only those whose last change is older. What
        other entities refer to stays, unless ``force`` is set. Entities that refer to
        each other go together, in one of several transactions.
        """
        wanted = self._in_trash(ids, before)
        done = Emptied()
        while wanted:
            done.kept = {}
            for at in range(0, len(wanted), _CHUNK):
                if len(done.removed) >= limit:
                    done.more = True
                    return done
                chunk = wanted[at : at + _CHUNK]
                self._empty(chunk, before, force=force, who=who, done=done)
            if len(done.kept) == len(wanted):
                return done
            wanted = sorted(done.kept)  # what referred to them may be gone
        return done

    def _in_trash(
        self, ids: Collection[str] | None, before: dt.datetime | None
    ) -> list[str]:
        tree: Filter = IN_TRASH
        if before is not None:
            tree = And((tree, Compare(("mod",), "<", DateTime(before))))
        return sorted(self.versions(tree, ids))

    def _empty(
        self,
        ids: Sequence[str],
        before: dt.datetime | None,
        *,
        force: bool,
        who: str,
        done: Emptied,
    ) -> None:
        """Remove those that are still there, and that are not referred to."""
        with self.locked():
            going = set(self._in_trash(ids, before))
            kept = {} if force else self._in_use(going)
            going -= kept.keys()
            if going:
                self._commit([], remove=sorted(going), who=who)
        done.removed += sorted(going)
        done.kept |= kept

    def _in_use(self, ids: set[str]) -> dict[str, str]:
        """Those of the ids to which others refer, each with the id of one of them."""
        everything = self.visible_to(None)
        going, kept = set(ids), dict[str, str]()
        new = everything.referrers(sorted(going), _ALL) if going else []
        while new and going:
            batch, new = new[:_CHUNK], new[_CHUNK:]
            seen = self.visible_ids(batch)
            batch.sort(key=lambda id: id not in seen)
            for record in filter(None, everything.read_by_ids(batch)):
                id = record["id"].id
                found = {to for _, to in edges_of(record)} & going
                kept |= dict.fromkeys(found, id if id in seen else _HIDDEN)
                new += sorted(found)
                going -= found
        return kept
