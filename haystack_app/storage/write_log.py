"""The log of writes to priority arrays: who set, released or lost which level.

It is apart from the change log, which is serialised and followed by clients: a
controller that writes each minute must neither stop commits nor flood followers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["EXPIRE", "RELEASE", "SET", "LevelWrite", "WritePage"]

SET, RELEASE, EXPIRE = "set", "release", "expire"


@dataclass(frozen=True, slots=True)
class LevelWrite:
    """One write of a level of a point.

    ``kind`` is SET, RELEASE or EXPIRE. ``who`` is what the request said, ``user`` the
    login; both are empty for a level that expired. ``val`` is None unless the level
    was set, ``expires`` the time until which it was set, if there was one.
    """

    at: dt.datetime
    id: str
    number: int
    kind: str
    val: Any = None
    who: str = ""
    user: str = ""
    expires: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class WritePage:
    """Entries of the log of writes, each with a text that is its own, and a cursor."""

    entries: Sequence[tuple[str, LevelWrite]]
    cursor: str
