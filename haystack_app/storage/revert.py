"""Undoing commits, built on the primitives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any

from ..kinds.scalars import Ref
from .changes import ADD, REMOVE, Change
from .changeset import BATCH
from .dangling_refs import dangling_refs
from .entities import EntityStore, merged
from .errors import (
    ChangedSince,
    InvalidRecord,
    LargeCommit,
    UnknownLogEntry,
)
from .removed import shows_removed
from .reversal import Reversal, reverse
from .stored import edges_of, stored_form

__all__ = ["RevertStore"]

_NAMED = 10
"""Entities that the reason of a conflict names."""
_LATER = 1_000
"""Later changes of an entity that are looked at."""


class RevertStore(EntityStore):
    def commit_entries(self, cursor: int, most: int | None = None) -> list[Change]:
        """The entries of a commit, by the cursor of one of them.

        With a scope, those of entities that the caller sees, or would see if a removed
        one were added again. Raises UnknownLogEntry, and LargeCommit if the commit has
        more than ``most`` entries.
        """
        found = self.logged_commit(cursor, None if most is None else most + 1)
        too_large = most is not None and len(found) > most and LargeCommit(most)
        if self.scope is not None:
            found = self.shown_changes(self._visible_entries(found))
        elif too_large:
            raise too_large
        if not any(change.cursor == cursor for change in found):
            raise UnknownLogEntry(cursor)
        if too_large:
            raise too_large
        return found

    def reversal(
        self,
        cursor: int,
        *,
        id: str | None = None,
        tag: str | None = None,
        force: bool = False,
    ) -> Reversal:
        """What undoing a commit, or only one entity or tag of it, would do now.

        Entities with samples, or to which others refer, are removed only with
        ``force``. Raises UnknownLogEntry, and InvalidRecord for an entity or a tag
        that the commit did not change.
        """
        entries = _chosen(self.commit_entries(cursor), id, tag)
        result = Reversal()
        added = [change.id for change in entries if change.kind == ADD]
        changed = self.changed_since(added, entries[-1].cursor or 0)
        for at in range(0, len(entries), BATCH):
            part = entries[at : at + BATCH]
            records = self.read_by_ids([change.id for change in part])
            for change, held in zip(part, records, strict=True):
                later = self._later(change) if change.id in changed else []
                reverse(change, held, later=later, tag=tag, result=result)
        if not force:
            self._keep_used(result)
        self._find_dangling(result)
        return result

    def revert(
        self,
        cursor: int,
        *,
        id: str | None = None,
        tag: str | None = None,
        partly: bool = False,
        force: bool = False,
        who: str = "",
    ) -> Reversal:
        """Undo a commit by a new one, or only one entity or tag of it.

        ``partly``: leave alone what was changed since, instead of raising
        ChangedSince. Raises as ``reversal`` and ``commit`` do; nothing is stored then.
        """
        with self.locked():
            result = self.reversal(cursor, id=id, tag=tag, force=force)
            if result.conflicts and not partly:
                raise ChangedSince([str(one) for one in result.conflicts])
            if result.put or result.removed:
                stored = [stored_form(tags) for tags in self._merged(result)]
                self._commit(stored, remove=result.removed, who=who)
        return result

    def _later(self, change: Change) -> list[Change]:
        """The entries of the same entity after one, the newest first."""
        own = self.changes_of(change.id, _LATER)
        return list(takewhile(lambda one: one.cursor != change.cursor, own))

    def _merged(self, result: Reversal) -> Iterator[Mapping[str, Any]]:
        """All tags of the entities to store."""
        ids = list(result.put)
        for id, held in zip(ids, self.read_by_ids(ids), strict=True):
            patch = {"id": Ref(id), **result.put[id]}
            yield merged(held or {}, patch)

    def _keep_used(self, result: Reversal) -> None:
        """Do not remove entities that have samples, or to which others refer."""
        reasons = dict.fromkeys(
            self.with_samples(result.removed), "has samples, which would be deleted"
        )
        if self.referrers(result.removed, 1):
            reasons |= self._referenced(result)
        removed = set(result.removed) - reasons.keys()
        new = list(reasons)
        while new:  # what is not removed refers to others
            records = self.read_by_ids(new[:BATCH])
            new = new[BATCH:]
            for record in filter(None, records):
                reason = f"is referenced by @{record['id'].id}"
                found = {to for _, to in edges_of(record)} & removed
                reasons |= dict.fromkeys(found, reason)
                new += found
                removed -= found
        result.removed = [id for id in result.removed if id in removed]
        for id in sorted(reasons):
            result.keep(id, f"{reasons[id]}; use force to remove it anyway")

    def _referenced(self, result: Reversal) -> dict[str, str]:
        """Reasons to keep those to which others refer that are not removed."""
        put = {one.id: one for one in map(stored_form, self._merged(result))}
        most = len(put) + len(result.removed) + _NAMED
        removed, reasons = set(result.removed), {}
        for id in result.removed:
            others = [
                f"@{other}"
                for other in self.referrers([id], most)
                if other not in removed
                and (other not in put or any(to == id for _, to in put[other].edges))
            ]
            if others:
                more = " .." if len(others) > _NAMED else ""
                reasons[id] = f"is referenced by {', '.join(others[:_NAMED])}{more}"
        return reasons

    def _find_dangling(self, result: Reversal) -> None:
        """Those of the restored refs whose entities do not exist."""
        put = [stored_form({"id": Ref(id), **tags}) for id, tags in result.put.items()]
        result.dangling += dangling_refs(self, put)

    def _visible_entries(self, entries: Sequence[Change]) -> Iterator[Change]:
        """Those of the newest 1,000 changes of each entity that the caller sees."""
        removed = {one.id: one.before for one in entries if one.kind == REMOVE}
        others = [one.id for one in entries if one.kind != REMOVE]
        seen = self.visible_ids(others)
        changed = self.changed_since(others, entries[-1].cursor or 0) if others else ()
        for change in entries:
            if change.kind == REMOVE:
                if shows_removed(self, change.before, removed):
                    yield change
            elif change.id in seen and (
                change.id not in changed
                or any(
                    one.cursor == change.cursor
                    for one in self.changes_of(change.id, _LATER)
                )
            ):
                yield change


def _chosen(
    entries: Sequence[Change], id: str | None, tag: str | None
) -> Sequence[Change]:
    """The entries of one entity, with a tag. Raises InvalidRecord."""
    if id is not None:
        entries = [change for change in entries if change.id == id]
        if not entries:
            raise InvalidRecord(f"the change did not change @{id}")
    if tag is None:
        return entries
    if id is None:
        raise InvalidRecord("a tag needs the id of its entity")
    found = [one for one in entries if tag in one.before or tag in one.after]
    if not found or found[0].kind == REMOVE:
        raise InvalidRecord(f"the change did not change the tag {tag!r} of @{id}")
    return found
