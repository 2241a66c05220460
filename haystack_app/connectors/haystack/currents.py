"""Current values of another Haystack server: by a watch there, else by reading.

Source: docHaystack Ops (watchSub, watchPoll) and Points (curStatus).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from django.utils import timezone

from ...filters import is_trash
from ...identity import server_id
from ...kinds.grid import Grid
from ...kinds.scalars import REMOVE, Number, Ref
from ...models import Connector, ConnectorEntity
from ...storage.base import StorageAdapter
from ...storage.currents import STATUSES, Current
from ...storage.errors import StorageError
from ..context import ConnectorContext
from ..http import shown
from ..links import LinkChange, store_changes
from .client import FarServer, Refused

__all__ = ["CurrentValues"]

_BATCH = 500
_LEASE = Number(300, "s")
_REMOTE = {
    "ok": "ok",
    "stale": "stale",
    "fault": "remoteFault",
    "down": "remoteDown",
    "disabled": "remoteDisabled",
    "unknown": "remoteUnknown",
}
"""The status here of a point with a status there."""
_DOWN_AFTER = dt.timedelta(minutes=5)
"""Until then a value counts as stale, after it as unknown."""


class CurrentValues:
    """Of one connector, for as long as it is used."""

    def __init__(
        self, connector: Connector, store: StorageAdapter, server: FarServer
    ) -> None:
        self.connector = connector
        self.store = store
        self.server = server
        self.points: dict[str, str] = {}
        """Ids here by far ids."""
        self.learned_at: Any = None
        self.watch = ""
        self.has_watches = True
        self.must_refresh = False
        self.values: dict[str, Current] = {}
        """What reading found last, where there is no watch."""

    def close(self) -> None:
        """End the watch there, so that it does not wait for its lease."""
        if self.watch:
            watch, self.watch = self.watch, ""
            self.server.watch_close(watch)

    # -- one round ------------------------------------------------------------

    def read(self, context: ConnectorContext) -> int:
        """Store what changed. Returns the number of values. Raises ConnectorError."""
        if self._is_changed():
            self.watch = ""
        written = 0
        for rows in self._answers():
            written += self._write(rows)
            context.check()
        return written

    def _is_changed(self) -> bool:
        """Whether other points are to be followed than before."""
        row = Connector.objects.filter(pk=self.connector.pk).values("state").first()
        learned_at = (row or {"state": {}})["state"].get("learned_at")
        if learned_at == self.learned_at and self.points:
            return False
        self.learned_at = learned_at
        before, self.points = self.points, dict(_followed(self.connector))
        self.values.clear()
        return before != self.points

    def _answers(self) -> Iterator[Iterable[Mapping[str, Any]]]:
        if not self.points:
            return
        if self.has_watches:
            try:
                yield from self._watched()
                return
            except Refused as error:
                if not _is_without_watches(error):
                    raise
                self.has_watches = False
        yield from self._read()

    def _watched(self) -> Iterator[Grid]:
        if self.watch:
            try:
                refresh, self.must_refresh = self.must_refresh, True
                yield self.server.watch_poll(self.watch, refresh=refresh)
                self.must_refresh = False  # else changes may have been lost on the way
                return
            except Refused:
                self.watch = ""  # it ended with its lease, or with the server
        yield from self._opened()

    def _opened(self) -> Iterator[Grid]:
        meta: dict[str, Any] = {
            "watchDis": f"connector {self.connector.name} of {server_id()}",
            "lease": _LEASE,
        }
        for part in _batches(self.points):
            answer = self.server.watch_sub(meta, part)
            watch = answer.meta.get("watchId", "")
            if not isinstance(watch, str) or not watch:
                raise Refused("watchSub: the answer has no watchId", is_missing=True)
            meta = {"watchId": watch}
            yield answer
            self.watch, self.must_refresh = watch, False

    def _read(self) -> Iterator[list[Mapping[str, Any]]]:
        """Those records whose value or status is another one than before."""
        for part in _batches(self.points):
            changed = []
            for row in self.server.read_ids(part):
                id = row.get("id")
                if isinstance(id, Ref) and self.values.get(id.id) != current_of(row):
                    changed.append(row)
            yield changed
            for row in changed:
                self.values[row["id"].id] = current_of(row)

    # -- storing --------------------------------------------------------------

    def _write(self, rows: Iterable[Mapping[str, Any]]) -> int:
        found = {
            self.points[id.id]: current_of(row)
            for row in rows
            if isinstance(id := row.get("id"), Ref) and id.id in self.points
        }
        for part in _batches(list(found)):
            self._write_some({id: found[id] for id in part})
        return len(found)

    def _write_some(self, currents: Mapping[str, Current]) -> None:
        """All at once, or else one by one, with a text for those that are refused."""
        try:
            self.store.cur_write(currents)
            return
        except StorageError:
            others = self._outside_trash(currents)
        if len(others) < len(currents):
            if others:
                self._write_some(others)
            return
        links = self.connector.entities.filter(entity_id__in=currents)
        changes: dict[int, LinkChange] = {}
        for pk, id in links.values_list("pk", "entity_id"):
            error = ""
            try:
                self.store.cur_write({id: currents[id]})
            except StorageError as refused:
                error = shown(str(refused))
            changes[pk] = LinkChange("current value", error)
        store_changes(changes)

    def _outside_trash(self, currents: Mapping[str, Current]) -> dict[str, Current]:
        rows = self.store.read_by_ids(list(currents))
        return {
            id: current
            for (id, current), row in zip(currents.items(), rows, strict=True)
            if row is None or not is_trash(row)
        }

    # -- without the server ---------------------------------------------------

    def mark_down(self, text: str) -> None:
        """Values are stale now, and unknown when the server is away for long."""
        row = Connector.objects.filter(pk=self.connector.pk).first()
        since = row.status_since if row else None
        is_long = since is not None and timezone.now() - since > _DOWN_AFTER
        status = "down" if is_long else "stale"
        self.values.clear()
        self.must_refresh = True
        ids = [id for _, id in _followed(self.connector)]
        for part in _batches(ids):
            rows = [
                {
                    "id": Ref(record["id"].id),
                    "curStatus": status,
                    "curErr": text,
                    **({"curVal": REMOVE} if is_long else {}),
                }
                for record in self.store.read_by_ids(part)
                if record is not None
                and not is_trash(record)
                and _can_worsen(record.get("curStatus"), status)
            ]
            if rows:
                self.store.update_transient(rows, force=True)


def _can_worsen(held: Any, status: str) -> bool:
    return held != "down" and (held != "stale" or status == "down")


def _followed(connector: Connector) -> Iterator[tuple[str, str]]:
    """(far id, id here) of the points with current values."""
    links = ConnectorEntity.objects.filter(connector=connector)
    rows = links.values_list("far_id", "entity_id", "taken", "state")
    for far_id, id, taken, state in rows.order_by("far_id").iterator():
        if "cur" in taken and "point" in taken and "trash" not in state:
            yield far_id, id


def current_of(row: Mapping[str, Any]) -> Current:
    """The value and status here of a record there."""
    there = row.get("curStatus", "ok" if "curVal" in row else "unknown")
    status = "remoteUnknown"
    if isinstance(there, str):
        status = _REMOTE.get(there, there if there in STATUSES else status)
    err = row.get("curErr")
    value = row.get("curVal")
    return Current(value, status, shown(err) if isinstance(err, str) else None)


def _is_without_watches(error: Refused) -> bool:
    text = str(error).lower()
    words = ("unknown op", "not supported", "unsupported", "not implemented")
    return error.is_missing or any(word in text for word in words)


def _batches(items: Iterable[str]) -> Iterator[Sequence[str]]:
    every = iter(items)
    while part := list(islice(every, _BATCH)):
        yield part
