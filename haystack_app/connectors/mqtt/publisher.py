"""Publishes the effective values of writable points.

A watch finds what has changed, whichever process wrote it. At the start, and when the
broker has forgotten the session, the values of all points that were ever written are
published: what was released meanwhile is released there too.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from ...filters import parse
from ...kinds.scalars import Number, Ref
from ...storage.base import StorageAdapter
from ...storage.errors import StorageError, UnknownWatch
from ...wire.record import Record
from .topics import filled, placeholders

if TYPE_CHECKING:
    from .client import BrokerClient

__all__ = ["JSON", "PLAIN", "Publisher", "WriteRule"]

logger = logging.getLogger(__name__)

PLAIN, JSON = "plain", "json"
_LEASE = 600.0
_POLL_SECONDS = 1.0
_SIGNS = str.maketrans("/+#\0", "____")
_WRITABLE = "point and writable"


@dataclass(frozen=True, slots=True)
class WriteRule:
    """Which points are published, on which topic, and how."""

    filter: str
    topic: str
    format: str = PLAIN
    retain: bool = True

    @classmethod
    def of(
        cls, filter: str, topic: str, format: str = PLAIN, *, retain: bool = True
    ) -> WriteRule:
        """Raises ValueError."""
        parse(filter)
        sample = filled(topic, dict.fromkeys(placeholders(topic), "x"))
        if not sample or sample.startswith("$") or any(c in sample for c in "+#{}\0"):
            raise ValueError(
                "topic must be text with names such as {id}, without +, # and $"
            )
        return cls(filter, topic, format, retain)


@dataclass
class Publisher:
    store: StorageAdapter
    author: str
    client: BrokerClient
    rules: Sequence[WriteRule]
    published: int = 0
    error: str = ""
    """About the last point that could not be published."""
    _watches: dict[int, str] = field(default_factory=dict)
    _sent: dict[tuple[int, str], str] = field(default_factory=dict)
    _session: int = 0
    _poll_at: float = 0.0

    def step(self) -> None:
        """Publish what has changed. Raises outages of the store."""
        if not self.rules or not self.client.is_up or time.monotonic() < self._poll_at:
            return
        self._poll_at = time.monotonic() + _POLL_SECONDS
        if self.client.resumed_since > self._session:
            self._sent.clear()
            self.close()
        self._session = self.client.session
        for number, rule in enumerate(self.rules):
            try:
                self._publish_changes(number, rule)
            except StorageError as err:
                self.error = f"topic {rule.topic}: {err}"

    def close(self) -> None:
        for watch in self._watches.values():
            self.store.watch_close(watch)
        self._watches.clear()

    def _publish_changes(self, number: int, rule: WriteRule) -> None:
        records = self._changed(number, rule)
        written = [one for one in records if "writeLevel" in one]
        names = _names(self.store, rule, written)
        for record in written:
            try:
                topic = filled(rule.topic, names(record))
                payload = _payload(rule, record)
            except ValueError as err:
                self.error = f"@{record['id'].id}: {err}"
                continue
            self._publish(number, rule, topic, payload)

    def _publish(self, number: int, rule: WriteRule, topic: str, payload: str) -> None:
        if self._sent.get((number, topic)) == payload:
            return
        if self.client.publish(topic, payload, retain=rule.retain):
            self._sent[number, topic] = payload
            self.published += 1
        else:
            self._session = 0  # all of it, with the next connection
            self._sent.pop((number, topic), None)
            self.close()

    def _changed(self, number: int, rule: WriteRule) -> Iterable[Record]:
        now = dt.datetime.now(dt.UTC)
        watch = self._watches.get(number)
        is_new = watch is None
        if watch is None:
            opened = self.store.watch_open(
                f"MQTT {self.author}",
                owner=f"connector {self.author}",
                lease=_LEASE,
                now=now,
                filter=f"({rule.filter}) and {_WRITABLE}",
            )
            watch = self._watches[number] = opened.id
        try:
            return self.store.watch_poll(watch, now=now, refresh=is_new).records
        except UnknownWatch:
            del self._watches[number]
            return ()


def _names(
    store: StorageAdapter, rule: WriteRule, records: Sequence[Record]
) -> Callable[[Record], dict[str, str]]:
    """A function that gives the names of a topic for a record."""
    wanted = set(placeholders(rule.topic))
    refs = {
        ref.id
        for record in records
        for name in wanted & {"equip", "site"}
        if isinstance(ref := record.get(f"{name}Ref"), Ref)
    }
    order = sorted(refs)
    found = dict(zip(order, store.read_by_ids(order), strict=True)) if refs else {}

    def names(record: Record) -> dict[str, str]:
        values = {"id": record["id"].id, "point": _name(record)}
        for name in ("equip", "site"):
            ref = record.get(f"{name}Ref")
            other = found.get(ref.id) if isinstance(ref, Ref) else None
            if other is not None:
                values[name] = _name(other)
        own = {name: record.get(name) for name in wanted - values.keys()}
        tags = {name: tag for name, tag in own.items() if isinstance(tag, str)}
        level = {name: text.translate(_SIGNS) for name, text in values.items()}
        return {**level, **tags}  # a tag may be a topic of several levels

    return names


def _name(record: Record) -> str:
    for tag in ("navName", "dis"):
        if isinstance(text := record.get(tag), str) and text:
            return text
    return str(record["id"].id)


def _payload(rule: WriteRule, record: Record) -> str:
    value: Any = record.get("writeVal")
    if rule.format == JSON:
        unit = value.unit if isinstance(value, Number) else None
        plain = value.val if isinstance(value, Number) else value
        data = {"value": plain, **({"unit": unit} if unit else {})}
        return orjson.dumps(data).decode()
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value.val:.15g}" if isinstance(value, Number) else str(value)
