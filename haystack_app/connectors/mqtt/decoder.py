"""From messages to samples and current values of points."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from ...kinds.columns import SampleColumn
from ...kinds.datetimes import DateTime
from ...kinds.display import shortened
from ...kinds.scalars import NA, Number
from ...kinds.series import instant_of
from ...storage.currents import STATUSES, Current
from ...storage.samples import Sample
from .messages import Message
from .payloads import Payload, Reading, is_good_status
from .resolver import Resolver, Sought, sought
from .rules import CURRENT, IGNORE, LIST, Rule
from .targets import Target
from .times import time_of

logger = logging.getLogger(__name__)

__all__ = ["Column", "Decoded", "Decoder", "Unknown"]

_TOPICS = 100_000
_MILLISECOND = 1_000
_SECOND = 1_000_000


@dataclass(slots=True)
class Column:
    """Samples of one point, as they came; values are floats or of other kinds."""

    target: Target
    times: list[int] = field(default_factory=list)
    vals: list[Any] = field(default_factory=list)

    def samples(self, start: int = 0, end: int | None = None) -> Iterable[Sample]:
        """As a store takes them."""
        times, vals = self.times[start:end], self.vals[start:end]
        tz = self.target.point.tz
        if all(type(val) is float for val in vals):
            return SampleColumn(tz, times, vals, self.target.point.unit)
        unit = self.target.point.unit
        return [
            (
                DateTime(instant_of(time), tz),
                Number(val, unit) if type(val) is float else val,
            )
            for time, val in zip(times, vals, strict=True)
        ]


class Unknown(NamedTuple):
    """A message that no point takes, and why.

    ``wanted`` is what a point was looked for by, and ``value`` the text of its value.
    """

    topic: str
    payload: bytes
    reason: str
    wanted: str = ""
    value: str = ""


class Shown(NamedTuple):
    """A current value; ``time`` is None without a time of its own."""

    current: Current
    time: int | None
    is_retained: bool


@dataclass(slots=True)
class Decoded:
    """What a batch of messages says."""

    columns: dict[str, Column] = field(default_factory=dict)
    currents: dict[str, Shown] = field(default_factory=dict)
    unknown: list[Unknown] = field(default_factory=list)
    garbage: int = 0
    ignored: int = 0
    error: str = ""
    """About the last message of which something could not be read."""


class Pending(NamedTuple):
    message: Message
    rule: Rule
    reading: Reading
    sought: Sought


class Decoder:
    """Decodes batches by rules; remembers which rules a topic matches."""

    def __init__(self, rules: Sequence[Rule], resolver: Resolver) -> None:
        self.rules, self.resolver = rules, resolver
        self._topics: dict[str, list[tuple[Rule, dict[str, str], Sought | None]]] = {}
        self._last: dict[str, int] = {}

    def decode(self, messages: Iterable[Message]) -> Decoded:
        """No message raises an error."""
        decoded = Decoded()
        pending: list[Pending] = []
        for message in messages:
            self._read(message, decoded, pending)
        self.resolver.resolve({one.sought for one in pending})
        for one in pending:
            target = self.resolver.found[one.sought]
            if isinstance(target, str):
                decoded.unknown.append(_unknown(one, target))
                continue
            try:
                self._add(decoded, one, target)
            except Exception as err:
                _refuse(decoded, one.message, err)
        return decoded

    def _read(self, message: Message, decoded: Decoded, pending: list[Pending]) -> None:
        routes = self._routes(message.topic)
        if not routes:
            reason = "no rule has this topic"
            decoded.unknown.append(Unknown(message.topic, message.payload, reason))
            return
        if not message.payload:  # a retained message was removed
            decoded.ignored += 1
            return
        payload = Payload(message.payload)
        for rule, names, known in routes:
            if message.is_retained and rule.retained == IGNORE:
                decoded.ignored += 1
                continue
            try:
                for reading in payload.read(rule, names):
                    goal = known or sought(rule, reading.names, message.topic)
                    pending.append(Pending(message, rule, reading, goal))
            except Exception as err:
                _refuse(decoded, message, err)

    def _routes(self, topic: str) -> list[tuple[Rule, dict[str, str], Sought | None]]:
        """The rules of a topic, and what they seek if that depends on it alone."""
        routes = self._topics.get(topic)
        if routes is None:
            if len(self._topics) >= _TOPICS:
                self._topics.clear()
            routes = []
            for rule in self.rules:
                names = rule.topic.match(topic)
                if names is None or rule.find == LIST:
                    continue
                goal = sought(rule, names, topic) if rule.is_fixed else None
                routes.append((rule, names, goal))
            self._topics[topic] = routes
        return routes

    def _add(self, decoded: Decoded, one: Pending, target: Target) -> None:
        message, rule, reading, _ = one
        value = target.value(reading.value, reading.unit)
        time = None
        if reading.time is not None:
            time = time_of(reading.time, message.received, target.point.tz)
        is_good = reading.status is None or is_good_status(reading.status)
        if message.is_retained and (rule.retained == CURRENT or time is None):
            self._show(decoded, one, target, value, time, is_good=is_good)
            return
        if not is_good or not target.logs:
            self._show(decoded, one, target, value, time, is_good=is_good)
            return
        column = decoded.columns.get(target.id)
        if column is None:
            column = decoded.columns[target.id] = Column(target)
        at = self._arrival(target.id, message.received) if time is None else time
        column.times.append(at)
        column.vals.append(value)
        if target.has_cur:
            decoded.currents.pop(target.id, None)

    def _show(
        self,
        decoded: Decoded,
        one: Pending,
        target: Target,
        value: Any,
        time: int | None,
        *,
        is_good: bool,
    ) -> None:
        """Add a current value, unless the batch has a newer one."""
        if not target.has_cur:
            decoded.ignored += 1
            return
        if type(value) is float:
            value = Number(value, target.point.unit)
        if not is_good:
            current = _faulty(one.reading.status)
        elif value is NA:
            current = Current(None, "unknown")
        else:
            current = Current(value)
        before = decoded.currents.get(target.id)
        if before and before.time and time and before.time > time:
            return
        decoded.currents[target.id] = Shown(current, time, one.message.is_retained)

    def _arrival(self, id: str, received: int) -> int:
        """The time of a sample without one, such that two of a point differ."""
        time = received - received % _MILLISECOND
        last = self._last.get(id, 0)
        if time <= last < time + _SECOND:
            time = last + _MILLISECOND
        self._last[id] = time
        return time


def _unknown(one: Pending, reason: str) -> Unknown:
    message, value = one.message, one.reading.value
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    wanted = f"{one.sought.find} {one.sought.text}"
    return Unknown(message.topic, message.payload, reason, wanted, text)


def _faulty(status: Any) -> Current:
    """The current value of a point whose message says that it is not valid."""
    word = str(status)
    known = word if word in STATUSES and word != "ok" else "fault"
    return Current(None, known, f"status {shortened(word)}")


def _refuse(decoded: Decoded, message: Message, error: Exception) -> None:
    """A message must not stop those after it, also if an error is not foreseen."""
    if not isinstance(error, ValueError):
        logger.error("a message on %s failed", message.topic, exc_info=error)
    decoded.garbage += 1
    decoded.error = f"topic {shortened(message.topic)}: {error}"
