"""Writing entities: rows, reference edges and the change log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson
from django.utils import timezone

from ...models import Change, Entity, EntityRef, HisSample, PriorityLevel, TagSet
from ..changes import Changes, logged
from ..errors import ArrayInUse, HistoryInUse
from ..priority_array import devalued
from ..samples import reinterpreted
from ..stored import Stored, first_version, next_mod, same_tags, tag_set_id

__all__ = ["BATCH", "Commit"]

BATCH = 1_000


class Commit:
    """One commit, inside the caller's transaction and lock of all entities."""

    def __init__(self, using: str, who: str) -> None:
        self.using = using
        self.who = who
        self.now = timezone.now()
        self.changes = Changes()
        self.entities = Entity.rows.using(using)

    def put(self, stored: Iterable[Stored]) -> None:
        # one order for every writer: two of them never wait for each other
        ordered = sorted(stored, key=lambda one: one.id)
        for at in range(0, len(ordered), BATCH):
            self._put(ordered[at : at + BATCH])

    def remove(self, ids: Sequence[str]) -> None:
        """Take entities away with all that is theirs; unknown ids are left out."""
        for at in range(0, len(ids), BATCH):
            self._remove(ids[at : at + BATCH])

    # -- putting --------------------------------------------------------------

    def _put(self, batch: Sequence[Stored]) -> None:
        held = self._locked([stored.id for stored in batch])
        moved: list[tuple[Stored, Entity]] = []
        touched: list[Entity] = []
        entries: list[Change] = []
        for stored in batch:
            before = held.get(stored.id)
            row = self._row(stored, before)
            if before is None:
                self.changes.created.append(stored.id)
            elif row.tags is not before.tags:
                self.changes.updated.append(stored.id)
                self._check_meaning(before, stored)
            elif same_tags(before.cur, row.cur):
                self.changes.unchanged.append(stored.id)
                continue
            else:
                self.changes.updated.append(stored.id)
                touched.append(row)
                continue
            moved.append((stored, row))
            entries.append(
                self._entry(stored.id, before.tags if before else None, row.tags)
            )
        self._save([row for _, row in moved] + touched, [one for one, _ in moved])
        self._log(entries)

    def _locked(self, ids: Sequence[str]) -> dict[str, Entity]:
        rows = self.entities.select_for_update().filter(id__in=ids).order_by("id")
        return {row.id: row for row in rows}

    def _row(self, stored: Stored, before: Entity | None) -> Entity:
        """The row as it is to be; its ``mod`` moves when persistent tags do."""
        if (
            before is not None
            and stored.mod in (None, before.mod)
            and same_tags(before.tags, stored.tags)
        ):
            tags, mod = before.tags, before.mod
        else:
            mod = stored.mod or next_mod(before.mod if before else None, self.now)
            tags = stored.stamped(mod)
        return Entity(
            id=stored.id,
            tags=tags,
            cur=_merged(before.cur, stored.cur) if before else stored.cur,
            tag_set_id=tag_set_id(stored.names),
            mod=mod,
            version=before.version + 1 if before else first_version(),
        )

    def _check_meaning(self, before: Entity, after: Stored) -> None:
        """What is stored of a point must mean the same behind the change."""
        tags = orjson.loads(before.tags), orjson.loads(after.tags)
        samples = HisSample.objects.using(self.using).filter(point_id=after.id)
        if (tag := reinterpreted(*tags)) and samples.exists():
            raise HistoryInUse(after.id, tag)
        levels = PriorityLevel.objects.using(self.using).filter(point_id=after.id)
        if (tag := devalued(*tags)) and levels.exists():
            raise ArrayInUse(after.id, tag)

    def _save(self, rows: list[Entity], moved: list[Stored]) -> None:
        sets = {tag_set_id(stored.names): " ".join(stored.names) for stored in moved}
        TagSet.objects.using(self.using).bulk_create(
            [TagSet(id=id, names=names) for id, names in sorted(sets.items())],
            ignore_conflicts=True,
        )
        self.entities.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=["tags", "cur", "tag_set", "mod", "version"],
        )
        edges = EntityRef.objects.using(self.using)
        edges.filter(src_id__in=[stored.id for stored in moved])._raw_delete(self.using)
        edges.bulk_create(
            [
                EntityRef(path=path, dst=dst, src_id=stored.id)
                for stored in moved
                for path, dst in sorted(stored.edges)
            ],
            batch_size=5_000,
        )

    # -- removing -------------------------------------------------------------

    def _remove(self, ids: Sequence[str]) -> None:
        # locked before their samples go: a writer of samples comes before or after
        held = self._locked(ids)
        self._log([self._entry(id, row.tags, None) for id, row in held.items()])
        self.changes.removed.extend(held)
        gone = list(held)
        for owned in (
            HisSample.objects.using(self.using).filter(point_id__in=gone),
            PriorityLevel.objects.using(self.using).filter(point_id__in=gone),
            EntityRef.objects.using(self.using).filter(src_id__in=gone),
            self.entities.filter(id__in=gone),
        ):
            owned._raw_delete(self.using)

    # -- the log --------------------------------------------------------------

    def _entry(self, id: str, before: str | None, after: str | None) -> Change:
        tags = (
            None if text is None else orjson.loads(text) for text in (before, after)
        )
        change = logged(self.now, self.who, id, *tags)
        return Change(
            at=change.at,
            who=change.who,
            entity_id=change.id,
            kind=change.kind,
            before=change.before.raw,
            after=change.after.raw,
        )

    def _log(self, entries: list[Change]) -> None:
        Change.objects.using(self.using).bulk_create(entries)


def _merged(before: str, after: str) -> str:
    """Transient tags stay unless they are named anew."""
    if after == "{}":
        return before
    return orjson.dumps(orjson.loads(before) | orjson.loads(after)).decode()
