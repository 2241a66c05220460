"""Watches and the versions that they have sent, in two tables.

One statement finds the changes of a watch: it joins its items with the entities where
versions differ. Nothing else of an unchanged entity is read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import orjson
from django.db import connections, transaction
from django.db.models import F, QuerySet

from ... import models
from ...filters.ast import Filter
from ...kinds.scalars import is_ref_id
from ...sql.fragments import Sql, sql
from ...sql.tables import WATCH_ITEMS
from ...wire.record import Record
from ..changeset import BATCH
from ..watch_types import UNKNOWN, Delta, Watch, WatchItem, WatchUpdate
from .entities import OrmEntities

__all__ = ["OrmWatches"]

_COLUMNS = ("id", "version", "tags", "cur", "tag_set_id")
_Row = tuple[str, str, int | None, str, str, int, int | None]
"""Ids of a watch and an entity, columns (None if the entity does not exist), and the
version that was sent last."""


class OrmWatches(OrmEntities):
    @property
    def watches(self) -> QuerySet[models.Watch]:
        return models.Watch.objects.using(self.using)

    @property
    def watched(self) -> QuerySet[models.WatchItem]:
        return models.WatchItem.objects.using(self.using)

    # -- watches --------------------------------------------------------------

    def watch_insert(self, watch: Watch) -> None:
        columns = {name: getattr(watch, name) for name in Watch.__slots__}
        self.watches.create(**columns)

    def watch_update(self, watch: Watch) -> None:
        self.watches.filter(id=watch.id).update(
            lease=watch.lease,
            expires=watch.expires,
            seq=watch.seq,
            subscriber=watch.subscriber,
        )

    @contextmanager
    def locked_watches(self, ids: Collection[str]) -> Iterator[dict[str, Watch]]:
        with transaction.atomic(using=self.using):
            # the same order in every process avoids deadlocks
            known = [id for id in ids if "\0" not in id]
            rows = self.watches.select_for_update().filter(id__in=known).order_by("id")
            found = rows.values_list(*Watch.__slots__)
            yield {watch.id: watch for watch in (Watch(*row) for row in found)}

    def watch_drop(self, ids: Collection[str]) -> None:
        with transaction.atomic(using=self.using):
            self.watches.filter(id__in=ids).delete()
            self.watched.filter(watch_id__in=ids)._raw_delete(self.using)

    def watch_count(self, owner: str, now: dt.datetime) -> int:
        return self.watches.filter(owner=owner, expires__gt=now).count()

    def watches_due(self, now: dt.datetime) -> list[str]:
        due = self.watches.filter(expires__lte=now).order_by("id")
        return list(due.values_list("id", flat=True)[:BATCH])

    def watch_renew(
        self, ids: Collection[str], *, subscriber: str, now: dt.datetime
    ) -> set[str]:
        with self.locked_watches(ids) as held:
            valid = [
                one for one in held.values() if self.watch_valid(one, now, subscriber)
            ]
            self.watches.bulk_update(
                [models.Watch(id=one.id, expires=one.end(now)) for one in valid],
                ["expires"],
                batch_size=BATCH,
            )
        return {one.id for one in valid}

    # -- items ----------------------------------------------------------------

    def watch_items(self, id: str) -> dict[str, WatchItem]:
        rows = self.watched.filter(watch_id=id)
        found = rows.values_list("entity_id", "sent", "seq")
        return {one: WatchItem(sent, seq) for one, sent, seq in found}

    def watch_put_items(self, id: str, items: Mapping[str, WatchItem | None]) -> None:
        sent = [(id, one, item.sent, item.seq) for one, item in items.items() if item]
        self._put(sent)
        removed = [one for one, item in items.items() if item is None]
        for at in range(0, len(removed), BATCH):
            batch = removed[at : at + BATCH]
            rows = self.watched.filter(watch_id=id, entity_id__in=batch)
            rows._raw_delete(self.using)

    def _put(self, rows: Sequence[tuple[str, str, int | None, int]]) -> None:
        """Upsert rows of watch id, entity id, sent version and number of the update."""
        if not rows:
            return
        head = f"INSERT INTO {WATCH_ITEMS} (watch_id, entity_id, sent, seq) "
        tail = (
            " ON CONFLICT (watch_id, entity_id)"
            " DO UPDATE SET sent = excluded.sent, seq = excluded.seq"
        )
        with connections[self.using].cursor() as cursor:
            if self._is_sqlite:
                cursor.executemany(f"{head} VALUES (%s, %s, %s, %s) {tail}", rows)
            else:
                cursor.execute(
                    # one JSON text, for the driver would quote each item of an array
                    f"{head} SELECT r->>0, r->>1, (r->>2)::int8, (r->>3)::int8"
                    f" FROM jsonb_array_elements(%s::jsonb) AS r {tail}",
                    [orjson.dumps(rows).decode()],
                )

    def watch_size(self, id: str) -> int:
        return self.watched.filter(watch_id=id).count()

    def watch_mark_unconfirmed(self, id: str, since: int) -> None:
        self.watched.filter(watch_id=id, seq__gt=since).update(sent=UNKNOWN)

    def watch_prune_removed(self, id: str, upto: int) -> None:
        sent = self.watched.filter(watch_id=id, sent=None, seq__lte=upto)
        sent._raw_delete(self.using)

    # -- updates --------------------------------------------------------------

    def versions(
        self, filter: Filter, ids: Collection[str] | None = None
    ) -> dict[str, int]:
        rows = self.matching(filter)
        if ids is not None:
            rows = rows.filter(id__in=ids)
        return dict(rows.values_list("id", "version"))

    def versioned(
        self, filter: Filter, ids: Sequence[str]
    ) -> dict[str, tuple[int, Record]]:
        found: dict[str, tuple[int, Record]] = {}
        ids = [id for id in ids if is_ref_id(id)]
        for at in range(0, len(ids), BATCH):
            rows = self.matching(filter).filter(id__in=ids[at : at + BATCH])
            held = list(rows.values_list(*_COLUMNS))
            records = self.shown([self._record((id, *row)) for id, _, *row in held])
            for (id, version, *_), record in zip(held, records, strict=True):
                found[id] = version, record
        return found

    def watch_changed(
        self,
        watch: Watch,
        *,
        everything: bool = False,
        among: Collection[str] | None = None,
    ) -> Delta:
        rows = self._changed(
            [watch.id],
            self.watch_shown(watch),
            entering=watch.filter is not None,
            everything=everything,
            among=among,
        )
        return self._difference(rows)

    def watch_updates(
        self,
        acks: Mapping[str, int],
        *,
        subscriber: str,
        now: dt.datetime,
        among: Collection[str] | None = None,
    ) -> dict[str, WatchUpdate]:
        """Watches of ids share one query; those by filter have one each."""
        if not (ids := self._affected(acks, among)):
            return {}
        with self.locked_watches(ids) as held:
            valid = [
                one for one in held.values() if self.watch_valid(one, now, subscriber)
            ]
            by_ids = [watch for watch in valid if watch.filter is None]
            found = self._updates_by_ids(by_ids, among)
        for watch in valid:
            if watch.filter is not None:
                one = {watch.id: acks[watch.id]}
                found |= super().watch_updates(
                    one, subscriber=subscriber, now=now, among=among
                )
        return found

    def _affected(
        self, ids: Collection[str], among: Collection[str] | None
    ) -> Collection[str]:
        """Those of the watches that a change of ``among`` may affect."""
        if among is None:
            return ids
        of_ids = self.watched.filter(entity_id__in=among, watch_id__in=ids)
        by_filter = self.watches.filter(id__in=ids).exclude(filter=None)
        return list(
            of_ids.values_list("watch_id", flat=True).union(
                by_filter.values_list("id", flat=True)
            )
        )

    def _updates_by_ids(
        self, watches: Sequence[Watch], among: Collection[str] | None
    ) -> dict[str, WatchUpdate]:
        by_id = {watch.id: watch for watch in watches}
        if not by_id:
            return {}
        shown = self.watch_shown(watches[0])  # the same for all without a filter
        rows: dict[str, list[_Row]] = {}
        for row in self._changed(list(by_id), shown, among=among):
            rows.setdefault(row[0], []).append(row)
        found: dict[str, WatchUpdate] = {}
        sent: list[tuple[str, str, int | None, int]] = []
        for id, of_watch in rows.items():
            difference, seq = self._difference(of_watch), by_id[id].seq + 1
            items = difference.items(seq).items()
            sent += [(id, one, item.sent, item.seq) for one, item in items]
            watch = replace(by_id[id], seq=seq)
            found[id] = WatchUpdate.of(watch, difference)
        self._put(sent)
        self.watches.filter(id__in=found).update(seq=F("seq") + 1)
        return found

    def _difference(self, rows: Iterable[_Row]) -> Delta:
        rows = list(rows)
        existing = [row for row in rows if row[2] is not None]
        return Delta(
            {row[1]: int(row[2] or 0) for row in existing},
            self.records_of([(row[1], *row[3:6]) for row in existing], revised=False),
            sorted(row[1] for row in rows if row[2] is None),
            {row[1]: row[6] for row in existing if row[6] is not None},
        )

    def _changed(
        self,
        ids: Sequence[str],
        shown: Filter,
        *,
        entering: bool = False,
        everything: bool = False,
        among: Collection[str] | None = None,
    ) -> list[_Row]:
        """Items of watches that differ from the current entities.

        ``entering``: also entities without an item, for a single watch by filter.
        """
        items = sql(
            f"SELECT * FROM {WATCH_ITEMS} WHERE {{}}", self._one_of("watch_id", ids)
        )
        if among is not None:
            items = sql("{} AND {}", items, self._one_of("entity_id", among))
        entities = self.matching(shown).values_list(*_COLUMNS)
        if among is not None and entering:
            entities = entities.filter(id__in=among)
        compiler = entities.query.get_compiler(self.using)
        current = Sql(*compiler.as_sql())
        statement = self._differing(ids[0], items, current, entering, everything)
        with connections[self.using].cursor() as cursor:
            cursor.execute(*statement)
            rows: list[_Row] = cursor.fetchall()
        return rows

    def _differing(
        self, id: str, items: Sql, current: Sql, entering: bool, everything: bool
    ) -> Sql:
        """SELECT of ``_Row``s; ``id`` is the watch of entities without an item."""
        test = "e.id IS NOT NULL OR i.sent IS NOT NULL"
        if not everything:
            same = "IS" if self._is_sqlite else "IS NOT DISTINCT FROM"
            test = f"NOT (e.version {same} i.sent)"
        head = "SELECT coalesce(i.watch_id, %s), coalesce(i.entity_id, e.id), "
        head += ", ".join(f"e.{name}" for name in _COLUMNS[1:]) + ", i.sent"
        join = self._join(entering)
        held = sql(f"{head} FROM ({{}}) i {join} WHERE {test}", id, items, current)
        if not (entering and self._is_sqlite):
            return held
        # SQLite's FULL JOIN compares all pairs of rows
        columns = ", ".join(_COLUMNS)
        return sql(
            f"{{}} UNION ALL SELECT %s, {columns}, NULL FROM ({{}}) AS entered"
            " WHERE id NOT IN (SELECT entity_id FROM ({}))",
            held,
            id,
            current,
            items,
        )

    def _join(self, entering: bool) -> str:
        if self._is_sqlite:
            return "LEFT JOIN ({}) e ON e.id = i.entity_id"
        if entering:
            return "FULL JOIN ({}) e ON e.id = i.entity_id"
        # force one index lookup per item, independent of the planner's estimate
        return (
            "LEFT JOIN LATERAL"
            " (SELECT * FROM ({}) one WHERE one.id = i.entity_id OFFSET 0) e ON true"
        )

    def _one_of(self, column: str, values: Collection[str]) -> Sql:
        if self._is_sqlite:
            array: Any = orjson.dumps(list(values)).decode()
            return Sql(f"{column} IN (SELECT value FROM json_each(%s))", (array,))
        return Sql(f"{column} = ANY(%s)", (list(values),))

    @property
    def _is_sqlite(self) -> bool:
        return connections[self.using].vendor == "sqlite"
