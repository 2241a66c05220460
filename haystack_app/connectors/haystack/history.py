"""Histories of another Haystack server: from the last sample on, and gaps.

Several points are asked for together where the server can (docHaystack Ops, hisRead),
in windows of time that shrink while it does not answer in time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from django.utils import timezone

from ...filters import is_trash
from ...kinds.datetimes import DateTime
from ...kinds.series import instant_of, microseconds_of
from ...kinds.transient import CUR_TS, SAMPLE_TS
from ...models import Connector, ConnectorEntity
from ...storage.base import StorageAdapter
from ...storage.errors import NotHistorized, StorageError
from ...storage.sample_edits import IMPORT, Origin
from ...storage.samples import HisPoint, checked
from ..context import ConnectorContext
from ..errors import ConnectorError
from ..http import TooLarge, shown
from ..links import LinkChange, store_changes
from .client import FarServer, Refused
from .gaps import gaps_between
from .samples import FarSamples, NotOfAll, samples_of

__all__ = ["Histories"]

Status = Connector.Status
_TOPIC = "history"
_MOST_POINTS = 50
_PAGE = 500
_DAY = 86_400_000_000
_CURRENT = ("curVal", "curStatus", "curErr", SAMPLE_TS, CUR_TS)
_FIRST_WINDOW, _LONGEST_WINDOW, _SHORTEST_WINDOW = 7 * _DAY, 64 * _DAY, _DAY // 96
"""Microseconds: a quarter of an hour at least."""
_LONGEST_EMPTY = 512 * _DAY
"""While no point has samples."""
_GAP_DAYS = 14
"""How far back gaps are looked for."""
_MOST_GAPS = 50
_GAPS_EVERY = dt.timedelta(hours=1)
_MILLISECOND = 1_000
_CALM, _LONGEST_CALM = 8, 1_024
"""Windows that are answered until larger ones are asked for; more after trouble."""
_REFUSALS = 3
_AHEAD = 60_000_000
"""Microseconds after now that are asked for, since clocks differ a little."""


@dataclass(frozen=True, slots=True)
class _Followed:
    """A point and where its samples go on; times in microseconds since 1970."""

    pk: int
    far_id: str
    point: HisPoint
    start: int
    state: Mapping[str, Any]


class Histories:
    """Of one connector; what it knows of the server lasts as long as it is used."""

    def __init__(
        self, connector: Connector, store: StorageAdapter, server: FarServer, days: int
    ) -> None:
        self.connector = connector
        self.store = store
        self.server = server
        self.days = days
        self.size = _MOST_POINTS
        self.window = _FIRST_WINDOW
        self.successes = self.refusals = 0
        self.calm = _CALM
        self.has_batches = True
        self.gaps_at: dt.datetime | None = None
        self.synced: dt.datetime | None = None
        """All samples up to this time are stored."""
        self.samples = self.filled = 0
        self.bad: set[int] = set()
        """Keys of the rows of points that failed in this run."""

    def sync(self, context: ConnectorContext, *, gaps: bool) -> dict[str, Any]:
        """Store new samples, and fill gaps once an hour, or if ``gaps``.

        Raises ConnectorError; what was stored until then stays.
        """
        begun = timezone.now()
        is_due = self.gaps_at is None or begun - self.gaps_at > _GAPS_EVERY
        end = microseconds_of(begun) + _AHEAD
        self.samples = self.filled = points = 0
        self.bad.clear()
        for page in self._pages():
            for group in _groups(page, end):
                self._follow(group, end, context)
            points += len(page)
            context.progress(points, None, f"{self.samples:,} samples")
        if gaps or is_due:
            self._fill_gaps(context)
            self.gaps_at = begun
        self.synced = begun
        return {"points": points, "samples": self.samples, "filled": self.filled}

    # -- points ---------------------------------------------------------------

    def _pages(self) -> Iterator[list[_Followed]]:
        after = ""
        while True:
            links = self.connector.entities.filter(entity_id__gt=after)
            rows = list(links.order_by("entity_id")[:_PAGE])
            if not rows:
                return
            after = rows[-1].entity_id
            yield self._followed(rows)

    def _followed(self, links: Sequence[ConnectorEntity]) -> list[_Followed]:
        wanted = [
            link
            for link in links
            if {"his", "point"} <= link.taken.keys() and "trash" not in link.state
        ]
        held = self.store.read_by_ids([link.entity_id for link in wanted])
        first = timezone.now() - dt.timedelta(days=self.days)
        found, changes = [], {}
        for link, record in zip(wanted, held, strict=True):
            if record is None or is_trash(record):
                continue
            try:
                point = HisPoint.of(record)
            except NotHistorized as error:
                changes[link.pk] = LinkChange(_TOPIC, shown(str(error)))
                continue
            found.append(self._where(link, point, microseconds_of(first)))
        store_changes(changes)
        return found

    def _where(self, link: ConnectorEntity, point: HisPoint, first: int) -> _Followed:
        """After the newest sample; the first time, a number of days ago."""
        until = link.state.get("until")
        start = until + _MILLISECOND if isinstance(until, int) else first
        return _Followed(link.pk, link.far_id, point, start, link.state)

    # -- windows --------------------------------------------------------------

    def _follow(
        self, group: Sequence[_Followed], end: int, context: ConnectorContext
    ) -> None:
        """Samples of points from about the same time on, window by window."""
        start = min(one.start for one in group)
        while start < end:
            context.breathe()
            until, before = min(start + self.window, end), self.samples
            try:
                self._take(group, start, until)
            except (TooLarge, ConnectorError) as error:
                if not self._shrink(error):
                    raise
                continue
            self._grow(is_empty=self.samples == before)
            start = until

    def _grow(self, *, is_empty: bool) -> None:
        """Ask for more after some answers, and at once where there is nothing."""
        self.successes += 1
        if self.successes >= self.calm:
            self.successes = 0
            self.size = min(self.size * 2, _MOST_POINTS)
            self.window = min(self.window * 2, _LONGEST_WINDOW)
        elif is_empty and self.calm == _CALM:
            self.window = min(self.window * 2, _LONGEST_EMPTY)
        if not is_empty:
            self.window = min(self.window, _LONGEST_WINDOW)

    def _shrink(self, error: ConnectorError) -> bool:
        """Ask for less. False if the error is another one, or less cannot be asked."""
        if not isinstance(error, TooLarge) and error.status != Status.TIMEOUT:
            return False
        self.successes, self.calm = 0, min(self.calm * 2, _LONGEST_CALM)
        if self.size > 1 and self.has_batches:
            self.size = max(self.size // 4, 1)
        elif self.window > _SHORTEST_WINDOW:
            self.window = max(self.window // 4, _SHORTEST_WINDOW)
        else:
            return False
        return True

    def _take(self, group: Sequence[_Followed], start: int, until: int) -> None:
        """Store a window of several points, in batches as large as can be asked for."""
        left = [one for one in group if one.start < until and one.pk not in self.bad]
        while left:
            size = self.size if self.has_batches else 1
            part, left = left[:size], left[size:]
            self._store(part, self._asked(part, start, until), until)

    def _asked(
        self, part: Sequence[_Followed], start: int, until: int
    ) -> dict[str, FarSamples | Refused]:
        """Samples, or the refusal, by far id."""
        span = f"{_text(start)},{_text(until)}"
        points = {one.far_id: one.point for one in part}
        ids = list(points)
        if len(ids) > 1:
            try:
                answer = self.server.his_read_batch(ids, span)
                return dict(samples_of(answer, ids, points))
            except (Refused, NotOfAll):
                pass  # it has no batches, or one of the points has no history
        found: dict[str, FarSamples | Refused] = {}
        for id in ids:
            try:
                found |= samples_of(self.server.his_read(id, span), [id], points)
                self.refusals = 0
            except Refused as error:
                found[id] = error
                self._count(error)
        if len(ids) > 1 and not any(isinstance(it, Refused) for it in found.values()):
            self.has_batches = False
        return found

    def _count(self, error: Refused) -> None:
        """Raises the error if it is not about single points."""
        self.refusals += 1
        if error.is_failure and self.refusals >= _REFUSALS:
            raise error

    # -- storing --------------------------------------------------------------

    def _store(
        self,
        part: Sequence[_Followed],
        found: Mapping[str, FarSamples | Refused],
        until: int,
    ) -> None:
        """Write the samples of a batch, and then where they end."""
        changes: dict[int, LinkChange] = {}
        write: dict[str, Any] = {}
        for one in part:
            given = found.get(one.far_id)
            if given is None:
                continue
            if isinstance(given, Refused):
                changes[one.pk] = self._bad(one.pk, str(given))
                continue
            try:
                checked(one.point, given.samples)
            except StorageError as error:
                changes[one.pk] = self._bad(one.pk, f"samples not stored: {error}")
                continue
            state = {}
            given = given.within(one.start, until)
            if given.last is not None:
                write[one.point.id] = given.samples
                self.samples += given.size
                held = one.state.get("until")
                last = given.last if held is None else max(given.last, held)
                state = {"until": last}
            changes[one.pk] = LinkChange(_TOPIC, "", state)
        if write:
            self._write(write, part, changes)
        store_changes(changes)

    def _write(
        self,
        write: Mapping[str, Any],
        part: Sequence[_Followed],
        changes: dict[int, LinkChange],
    ) -> None:
        """All, or else point by point: a policy may refuse those of one."""
        origin = Origin(f"connector {self.connector.name}", IMPORT)
        try:
            with self._kept_currents(list(write)):
                self.store.his_write_all(write, origin=origin)
            return
        except StorageError:
            pass
        pks = {one.point.id: one.pk for one in part}
        for id, samples in write.items():
            try:
                with self._kept_currents([id]):
                    self.store.his_write(id, samples, origin=origin)
            except StorageError as error:
                text = f"samples not stored: {error}"
                changes[pks[id]] = self._bad(pks[id], text)

    @contextmanager
    def _kept_currents(self, ids: Sequence[str]) -> Iterator[None]:
        """Writes of samples in the block leave current values that are followed.

        The newest sample here may be older than they are.
        """
        with self.store.locked(ids):
            followed = {
                record["id"].id: {tag: record.get(tag) for tag in _CURRENT}
                for record in self.store.read_by_ids(ids)
                if record is not None
                and "curStatus" in record
                and SAMPLE_TS not in record
            }
            yield
            if followed:
                self.store.set_transient(followed)

    def _bad(self, pk: int, text: str) -> LinkChange:
        """A point that is not asked for again in this run."""
        self.bad.add(pk)
        return LinkChange(_TOPIC, shown(text))

    # -- gaps -----------------------------------------------------------------

    def _fill_gaps(self, context: ConnectorContext) -> None:
        """Ask again for what is missing between samples, and what came late there."""
        begin = timezone.now() - dt.timedelta(days=min(self.days, _GAP_DAYS))
        first = microseconds_of(begin)
        for page in self._pages():
            for one in page:
                if one.pk not in self.bad:
                    self._fill(one, first)
                context.breathe()

    def _fill(self, one: _Followed, first: int) -> None:
        chunks = self.store.his_chunks(one.point.id, first, one.start + 1)
        times = [time for chunk in chunks for time in chunk.times]
        known = one.state.get("gaps", [])
        gaps = [gap for gap in gaps_between(times) if list(gap) not in known]
        tried = []
        for before, end in gaps[-_MOST_GAPS:]:
            start = before + _MILLISECOND
            found = self._asked([one], start, end)
            given = found.get(one.far_id)
            if isinstance(given, FarSamples) and given.size:
                stored = self.samples
                self._store([replace(one, start=start)], found, end)
                self.filled += self.samples - stored
            tried.append([before, end])
        if tried:
            state = {"gaps": [*known, *tried][-_MOST_GAPS:]}
            store_changes({one.pk: LinkChange(_TOPIC, state=state)})


def _groups(page: Sequence[_Followed], end: int) -> Iterable[list[_Followed]]:
    """Points that go on at about the same time are asked for together."""
    groups: dict[int, list[_Followed]] = {}
    for one in page:
        minutes = max(end - one.start, 0) // 60_000_000
        groups.setdefault(minutes.bit_length(), []).append(one)
    return groups.values()


def _text(time: int) -> str:
    """As in the argument ``range``, up to the millisecond."""
    return str(DateTime(instant_of(time - time % 1_000)))
