"""Histories as blocks: plans of batches, and consistent reads.

A reader fetches the list of the blocks first and then their contents one by one.
Blocks that a writer replaces stay for a while under their old names; a read that takes
longer gets an error, never a wrong sample.
"""

from __future__ import annotations

import secrets
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from redis.exceptions import ConnectionError

from ....kinds.series import Chunk
from ...samples import Batch, Extent
from ..keys import Keys
from ..scripts import SIZES, SPAN
from ..server import Command, Server
from .blocks import LARGEST, SAMPLE, Samples, hex_time, same, time_of

__all__ = ["OutdatedReading", "Plan", "Series", "cut"]

KEPT_SECONDS = 600
"""How long replaced blocks stay for their readers."""
_AT_ONCE = 16
"""Blocks that are fetched together."""


class OutdatedReading(ConnectionError):
    """Samples were replaced too long ago to continue the read."""


@dataclass(slots=True)
class Plan:
    """The commands of a batch, and by how many samples the history grows."""

    commands: list[Command] = field(default_factory=list)
    growth: int = 0


@dataclass(frozen=True, slots=True)
class _Span:
    """Blocks of a range of times, and the last block of the whole history."""

    members: Sequence[str]
    size: int
    """Bytes of numbers of the last of ``members``."""
    last: str
    last_size: int
    last_time: int


class Series:
    """The histories of one store."""

    def __init__(self, server: Server, keys: Keys) -> None:
        self.server, self.keys = server, keys

    # -- reading --------------------------------------------------------------

    def samples(self, id: str, start: int | None, end: int | None) -> Iterator[Samples]:
        """Samples with start <= time < end in time order, several blocks at a time."""
        span = self._span(id, start, None if end is None else end - 1)
        members = span.members if span else []
        for at in range(0, len(members), _AT_ONCE):
            part = members[at : at + _AT_ONCE]
            found = Samples()
            for member, block in zip(part, self._blocks(id, part), strict=True):
                if span and member == members[-1]:  # it may have grown since
                    block = block.first(span.size // SAMPLE)
                found.extend(block.between(start, end))
            if found:
                yield found

    def chunks(
        self, id: str, start: int | None, end: int | None, size: int
    ) -> Iterator[Chunk]:
        return cut(self.samples(id, start, end), size)

    def extent(self, id: str) -> Extent:
        span = self._span(id, None, None)
        if span is None:
            return Extent(0)
        args = [self.keys.blocks(id)], self.keys.blocks_of_numbers, id
        size = self.server.run(SIZES, *args) // SAMPLE
        [last] = self._blocks(id, [span.last])
        return Extent(size, time_of(span.members[0]), last.times[-1], last.values[-1])

    def _span(self, id: str, first: int | None, last: int | None) -> _Span | None:
        """None for an empty history."""
        bounds = ("" if time is None else hex_time(time) for time in (first, last))
        args = [self.keys.blocks(id)], self.keys.blocks_of_numbers, id
        found = self.server.run(SPAN, *args, *bounds)
        if found is None:
            return None
        members, size, newest, newest_size, sample = found
        times = Samples.unpacked(sample, None).times
        return _Span(members, size, newest, newest_size, times[0])

    def _blocks(self, id: str, members: Sequence[str]) -> list[Samples]:
        numbers = [self.keys.numbers(member[16:], id) for member in members]
        others = [self.keys.others(member[16:], id) for member in members]
        found = self.server.mget(numbers + others)
        blocks = []
        for at in range(len(members)):
            data = found[at]
            if data is None:
                raise OutdatedReading(f"@{id}: its samples were replaced meanwhile")
            blocks.append(Samples.unpacked(data, found[len(members) + at]))
        return blocks

    # -- writing --------------------------------------------------------------

    def plan(self, id: str, batch: Batch) -> Plan:
        """The plan to store a batch. The caller must hold the lock of the point."""
        if not batch:
            return Plan()
        bounds = [*_ends(batch.written), *_ends(batch.removed)]
        span = self._span(id, min(bounds), max(bounds))
        if span is None:
            return self._created(id, batch)
        if min(bounds) > span.last_time:
            return self._appended(id, span, batch)
        return self._merged(id, span, batch)

    def fresh(self, id: str, batch: Batch) -> Plan:
        """The plan to store a batch as the whole history."""
        return self._created(id, batch)

    def _created(self, id: str, batch: Batch) -> Plan:
        found = Plan(growth=len(batch.written))
        whole = Samples([*batch.written], [*batch.written.values()])
        for part in whole.parts(even=False):
            self._add(id, part, found)
        return found

    def _appended(self, id: str, span: _Span, batch: Batch) -> Plan:
        more = Samples([*batch.written], [*batch.written.values()])
        found = Plan(growth=len(more))
        held = span.last_size // SAMPLE
        if (room := LARGEST - held) > 0:
            numbers, others = more.first(room).packed(held)
            if numbers:
                block = span.last[16:]
                key = self.keys.numbers(block, id)
                found.commands.append(("APPEND", key, numbers))
                if others:
                    key = self.keys.others(block, id)
                    found.commands.append(("APPEND", key, others))
            more = Samples(more.times[room:], more.values[room:])
        for part in more.parts(even=False):
            self._add(id, part, found)
        return found

    def _merged(self, id: str, span: _Span, batch: Batch) -> Plan:
        found = Plan()
        parts = _by_block([time_of(member) for member in span.members], batch)
        touched = [span.members[place] for place in parts]
        blocks: list[Samples] = []
        for at in range(0, len(touched), _AT_ONCE):
            blocks += self._blocks(id, touched[at : at + _AT_ONCE])
        for member, block, part in zip(touched, blocks, parts.values(), strict=True):
            after = block.merged(part)
            found.growth += len(after) - len(block)
            if after.times == block.times and same(after.values, block.values):
                continue
            self._retire(id, member, found)
            found.commands.append(("ZREM", self.keys.blocks(id), member))
            for piece in after.parts(even=member != span.last):
                self._add(id, piece, found)
        return found

    def _add(self, id: str, samples: Samples, plan: Plan) -> None:
        block = secrets.token_hex(8)
        numbers, others = samples.packed()
        plan.commands.append(("SET", self.keys.numbers(block, id), numbers))
        if others:
            plan.commands.append(("SET", self.keys.others(block, id), others))
        member = hex_time(samples.times[0]) + block
        plan.commands.append(("ZADD", self.keys.blocks(id), "0", member))

    def _retire(self, id: str, member: str, plan: Plan) -> None:
        block, seconds = member[16:], str(KEPT_SECONDS)
        plan.commands.append(("EXPIRE", self.keys.numbers(block, id), seconds))
        plan.commands.append(("EXPIRE", self.keys.others(block, id), seconds))


def cut(parts: Iterator[Samples], size: int) -> Iterator[Chunk]:
    """Chunks of ``size`` samples, the last one of fewer."""
    held = Samples()
    for part in parts:
        held.extend(part)
        while len(held) >= size:
            yield held.first(size).chunk()
            held = Samples(held.times[size:], held.values[size:])
    if held:
        yield held.chunk()


def _ends(times: Any) -> list[int]:
    """The first and the last of sorted times."""
    return [next(iter(times)), next(reversed(times))] if times else []


def _by_block(firsts: Sequence[int], batch: Batch) -> dict[int, Batch]:
    """The parts of a batch by the indexes of their blocks."""
    found: dict[int, Batch] = {}

    def part(time: int) -> Batch:
        place = max(bisect_right(firsts, time) - 1, 0)
        return found.setdefault(place, Batch({}, []))

    for time, value in batch.written.items():
        part(time).written[time] = value
    for time in batch.removed:
        part(time).removed.append(time)
    return found
