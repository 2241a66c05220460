"""An entity as the memory store holds it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import orjson

from ...wire.record import Record

__all__ = ["Entity"]


@dataclass(slots=True)
class Entity:
    """Parsed JSON of both kinds of tags, the whole text, and its decoding."""

    tags: dict[str, Any]
    cur: dict[str, Any]
    mod: dt.datetime
    version: int
    raw: str
    decoded: dict[str, Any]

    @classmethod
    def of(
        cls, tags: dict[str, Any], cur: dict[str, Any], mod: dt.datetime, version: int
    ) -> Entity:
        raw = orjson.dumps({**tags, **cur}).decode()
        return cls(tags, cur, mod, version, raw, Record(raw).tags)
