"""Histories on a server with RedisTimeSeries.

Finite numbers at whole milliseconds since 1970 are in a time series; all other samples
of a history are in blocks beside it, and a time is in one of both only. Writes into
the past, or to the blocks, give the history a new ``generation``, by which readers
detect that samples they have read are outdated.
"""

from __future__ import annotations

import secrets
import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from redis.exceptions import ResponseError

from ....kinds.series import LARGEST_CHUNK, Chunk
from ...samples import Batch, Extent
from ..keys import Keys
from ..locks import Lease
from ..server import Command, Server
from .blocks import SAMPLE, Samples
from .merge import interleaved
from .series import Plan, Series, cut

__all__ = ["Histories", "TimeSeries"]

_MILLISECOND = 1_000
_LAST = 2**63 // 1_000_000 * 1_000 - 1
"""Milliseconds, after every valid time."""
_CREATED = "RETENTION", "0", "DUPLICATE_POLICY", "LAST", "IGNORE", "0", "0"
"""Explicit, for the server may be configured to drop old or equal samples."""
_FILTERED = 128
"""Maximum number of timestamps of one command."""
_TRIES = 3
_IN_MEMORY = 4 * 1024 * 1024
"""Bytes of a long result in memory, before it goes to a file."""


@dataclass(frozen=True, slots=True)
class _Page:
    """Samples of the series, and the state of the history."""

    samples: Samples
    generation: bytes | None
    beside: bool
    """Whether there are blocks."""
    last: int
    """The last timestamp of the series; -1 if it is empty."""


class TimeSeries:
    """The histories of one store, with the methods of ``Series``."""

    def __init__(self, server: Server, keys: Keys) -> None:
        self.server, self.keys = server, keys
        self._beside = Series(server, keys)

    # -- reading --------------------------------------------------------------

    def samples(self, id: str, start: int | None, end: int | None) -> Iterator[Samples]:
        """Samples with start <= time < end in time order, from one snapshot."""
        page = self._page(id, *_milliseconds(start, end))
        if len(page.samples) < LARGEST_CHUNK and not page.beside:
            yield from [page.samples] if page.samples else []
            return
        with SpooledTemporaryFile(_IN_MEMORY) as spool:
            others = self._spooled(id, start, end, spool, page)
            yield from interleaved(_unspooled(spool), others)

    def chunks(
        self, id: str, start: int | None, end: int | None, size: int
    ) -> Iterator[Chunk]:
        return cut(self.samples(id, start, end), size)

    def _spooled(
        self,
        id: str,
        start: int | None,
        end: int | None,
        spool: IO[bytes],
        page: _Page,
    ) -> Iterator[Samples]:
        """Write the series to a file; returns the block samples of the same snapshot.

        ``page`` is the first one. A series has no snapshots: if it changes meanwhile
        it is read again, finally with the point locked.
        """
        for _ in range(_TRIES):
            if (others := self._try_spool(id, start, end, spool, page)) is not None:
                return others
            page = self._page(id, *_milliseconds(start, end))
        lease = Lease(self.server, self.keys.locks)
        lease.acquire([id])
        try:
            page = self._page(id, *_milliseconds(start, end))
            others = self._try_spool(id, start, end, spool, page)
        finally:
            lease.release()
        assert others is not None, "the point is locked"
        return others

    def _try_spool(
        self,
        id: str,
        start: int | None,
        end: int | None,
        spool: IO[bytes],
        page: _Page,
    ) -> Iterator[Samples] | None:
        """None if the history was changed meanwhile."""
        spool.seek(0)
        spool.truncate()
        last = min(_milliseconds(start, end)[1], page.last)
        generation = page.generation
        others = self._beside.samples(id, start, end)
        head = next(others, None)  # from here on they are from one snapshot
        while page.generation == generation:
            spool.write(page.samples.packed()[0])
            if len(page.samples) < LARGEST_CHUNK:
                if self.server.hget(self.keys.generations, id) != generation:
                    return None
                return chain([head] if head else [], others)
            first = page.samples.times[-1] // _MILLISECOND + 1
            page = self._page(id, first, last)
        return None

    def _page(self, id: str, first: int, last: int) -> _Page:
        """The next samples of the series and the state of the history, consistent."""
        key = self.keys.series(id)
        commands: list[Command] = [
            ("HGET", self.keys.generations, id),
            ("EXISTS", self.keys.blocks(id)),
            ("TS.GET", key),
        ]
        if first <= last:
            commands.append(("TS.RANGE", key, first, last, "COUNT", LARGEST_CHUNK))
        generation, beside, newest, *found = self.server.answers(*commands)
        rows = _answered(found[0]) if found else []
        times = [time * _MILLISECOND for time, _ in rows]
        samples = Samples(times, [float(value) for _, value in rows])
        newest = _answered(newest)
        return _Page(samples, generation, bool(beside), newest[0] if newest else -1)

    def extent(self, id: str) -> Extent:
        key = self.keys.series(id)
        answers = self.server.answers(("TS.GET", key), ("TS.INFO", key))
        newest, info = map(_answered, answers)
        beside = self._beside.extent(id)
        if not newest:
            return beside
        facts = dict(zip(info[::2], info[1::2], strict=True))
        size = facts[b"totalSamples"]
        first, last = (
            int(at) * _MILLISECOND for at in (facts[b"firstTimestamp"], newest[0])
        )
        if not beside.size:
            return Extent(size, first, last, float(newest[1]))
        value = float(newest[1]) if last > beside.last else beside.value
        return Extent(
            size + beside.size,
            min(first, beside.first),
            max(last, beside.last),
            value,
        )

    # -- writing --------------------------------------------------------------

    def plan(self, id: str, batch: Batch) -> Plan:
        """The plan to store a batch. The caller must hold the lock of the point."""
        if not batch:
            return Plan()
        page = self._page(id, 0, -1)
        series, others = _parted(batch)
        times = [*series.written, *series.removed]
        past = bool(times) and min(times) // _MILLISECOND <= page.last
        held = self._existing_times(id, times) if past else set()
        beside = Plan()
        if page.beside or others.written:
            beside = self._beside.plan(id, others)
        found = self._series_plan(id, series, held, new=page.generation is None)
        found.growth += beside.growth
        found.commands += beside.commands
        if past or beside.commands:
            found.commands.append(self._new_generation(id))
        return found

    def fresh(self, id: str, batch: Batch) -> Plan:
        """The plan to store a batch as the whole history."""
        series, others = _parted(batch)
        found = self._series_plan(id, series, set(), new=True)
        beside = self._beside.fresh(id, Batch(others.written, []))
        return Plan(found.commands + beside.commands, found.growth + beside.growth)

    def _series_plan(self, id: str, batch: Batch, held: set[int], *, new: bool) -> Plan:
        key, found = self.keys.series(id), Plan()
        if new:
            found.commands.append(("TS.CREATE", key, *_CREATED))
            found.commands.append(self._new_generation(id))
        if batch.written:
            found.commands.append(("ADD", key, _packed(batch.written)))
        removed = [str(time // _MILLISECOND) for time in batch.removed if time in held]
        found.commands += [("TS.DEL", key, time, time) for time in removed]
        found.growth = len(batch.written.keys() - held) - len(removed)
        return found

    def _new_generation(self, id: str) -> Command:
        return "HSET", self.keys.generations, id, secrets.token_hex(8)

    def _existing_times(self, id: str, times: Sequence[int]) -> set[int]:
        """Those of the times at which the series has a sample."""
        key = self.keys.series(id)
        wanted = sorted(time // _MILLISECOND for time in times)
        parts = [wanted[at : at + _FILTERED] for at in range(0, len(wanted), _FILTERED)]
        answers = self.server.answers(
            *(
                ("TS.RANGE", key, part[0], part[-1], "FILTER_BY_TS", *part)
                for part in parts
            )
        )
        return {time * _MILLISECOND for rows in answers for time, _ in _answered(rows)}


Histories = Series | TimeSeries


def _milliseconds(start: int | None, end: int | None) -> tuple[int, int]:
    """First and last timestamp of start <= time < end; first > last if empty."""
    first = max(0, -(-(start or 0) // _MILLISECOND))
    return first, _LAST if end is None else (end - 1) // _MILLISECOND


def _fits(time: int) -> bool:
    """Whether a series can have a sample at this time."""
    return time >= 0 and time % _MILLISECOND == 0


def _packed(written: Mapping[int, float]) -> bytes:
    """Pairs of milliseconds and values; such times are exact in a float64."""
    pairs = array("d", bytes(SAMPLE * len(written)))
    pairs[::2] = array("d", [time // _MILLISECOND for time in written])
    pairs[1::2] = array("d", written.values())
    if sys.byteorder == "big":
        pairs.byteswap()
    return pairs.tobytes()


def _parted(batch: Batch) -> tuple[Batch, Batch]:
    """The batches of the series and of the blocks."""
    series: dict[int, Any] = {}
    others: dict[int, Any] = {}
    for time, value in batch.written.items():
        fits = type(value) is float and _fits(time)
        (series if fits else others)[time] = value
    removed = sorted(time for time in (*batch.removed, *others) if _fits(time))
    return Batch(series, removed), Batch(others, sorted({*batch.removed, *series}))


def _answered(reply: Any) -> Any:
    """The reply of the server; an empty list if the key does not exist."""
    if isinstance(reply, ResponseError) and "does not exist" in str(reply):
        return []
    if isinstance(reply, Exception):
        raise reply
    return reply


def _unspooled(spool: IO[bytes]) -> Iterator[Samples]:
    spool.seek(0)
    while data := spool.read(SAMPLE * LARGEST_CHUNK):
        yield Samples.unpacked(data, None)
