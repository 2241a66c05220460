"""The list of topics that no point takes, so that points can be made of them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from ...models import Connector, MqttUnknownTopic
from .decoder import Unknown

__all__ = ["UnknownTopics"]

MOST = 1_000
"""Topics of one connector; further ones are counted only."""
_FLUSH_SECONDS = 5.0
_SHOWN = 200
_LONGEST = 1_000
Key = tuple[str, str]


@dataclass(slots=True)
class _Seen:
    last: Unknown
    messages: int = 0


class UnknownTopics:
    """Collects in memory, and stores at intervals; what is lost are counts."""

    def __init__(self, connector: Connector) -> None:
        self.connector = connector
        self.unlisted = 0
        """Messages on topics beyond the limit."""
        self._seen: dict[Key, _Seen] = {}
        self._flush_at = 0.0

    def add(self, found: Iterable[Unknown]) -> None:
        for one in found:
            key = _text(one.topic, _LONGEST), _text(one.wanted, _LONGEST)
            seen = self._seen.get(key)
            if seen is None:
                if len(self._seen) >= MOST:
                    self.unlisted += 1
                    continue
                seen = self._seen[key] = _Seen(one)
            seen.last = one
            seen.messages += 1

    def flush(self) -> None:
        """Store what was collected, if it is time."""
        if not self._seen or time.monotonic() < self._flush_at:
            return
        self._flush_at = time.monotonic() + _FLUSH_SECONDS
        with transaction.atomic():
            self._store()
        self._seen.clear()

    def _store(self) -> None:
        listed = MqttUnknownTopic.objects.filter(connector=self.connector)
        rows = {
            (row.topic, row.wanted): row
            for row in listed.filter(topic__in={topic for topic, _ in self._seen})
        }
        room = MOST - listed.count()
        for key, seen in self._seen.items():
            if key not in rows:
                if room <= 0:
                    self.unlisted += seen.messages
                    continue
                room -= 1
                topic, wanted = key
                rows[key] = MqttUnknownTopic(
                    connector=self.connector,
                    topic=topic,
                    wanted=wanted,
                    first_at=timezone.now(),
                )
            _update(rows[key], seen)
        known = [row for row in rows.values() if row.pk]
        fields = ["reason", "messages", "last_payload", "last_value", "last_at"]
        MqttUnknownTopic.objects.bulk_update(known, fields)
        MqttUnknownTopic.objects.bulk_create(row for row in rows.values() if not row.pk)


def _update(row: MqttUnknownTopic, seen: _Seen) -> None:
    row.messages += seen.messages
    row.reason = _text(seen.last.reason, _LONGEST)
    payload = seen.last.payload[: 4 * _SHOWN].decode("utf-8", "backslashreplace")
    row.last_payload = _text(payload, _SHOWN)
    row.last_value = _text(seen.last.value, _SHOWN)
    row.last_at = timezone.now()


def _text(text: str, length: int) -> str:
    """What a database can store of a text of others."""
    return text.replace("\0", "\ufffd")[:length]
