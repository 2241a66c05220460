"""``HAYSTACK``: how much one request may ask for, and how often things happen.

``wire`` and ``filters`` know no Django, so their limits are attributes of their
own modules, which ``apply`` sets: when the app is ready, and whenever a test
changes the settings.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed

from .filters import parser
from .wire import limits

__all__ = [
    "LIMITS",
    "PACES",
    "Limit",
    "apply",
    "limit",
    "right_pace",
    "seconds_between",
    "wrong_limits",
]


@dataclass(frozen=True, slots=True)
class Limit:
    """A whole number between two others; ``highest`` is what has been tested."""

    default: int
    highest: int
    lowest: int = 1

    def allows(self, value: Any) -> bool:
        return type(value) is int and self.lowest <= value <= self.highest


_ANY = 2**31 - 1

LIMITS: Mapping[str, Limit] = {
    # bytes of a request body, as it is sent and as it is when inflated
    "BODY": Limit(32 * 1024 * 1024, _ANY),
    # values of a request grid
    "CELLS": Limit(limits.MAX_CELLS, _ANY),
    # readers and writers recurse: Python's own stack ends at about 300
    "DEPTH": Limit(limits.MAX_DEPTH, 128, lowest=4),
    "FILTER_LENGTH": Limit(parser.MAX_LENGTH, 1_000_000),
    # SQLite's parser has a stack of 100
    "FILTER_DEPTH": Limit(parser.MAX_DEPTH, 100),
    # ids of a request: rows of read and hisRead, columns of hisWrite
    "IDS": Limit(10_000, 1_000_000),
    # rows of an answer of read, which is held in memory while it is sent
    "ROWS": Limit(250_000, _ANY),
    # of one statement of an op
    "STATEMENT_SECONDS": Limit(60, 86_400),
    # entities of one watch, and watches that one user has open
    "WATCHED": Limit(20_000, 1_000_000),
    "WATCHES": Limit(1_000, _ANY),
}


PACES: Mapping[str, float] = {"TICK_SECONDS": 1.0, "SIMULATE_SECONDS": 0.0}
"""Seconds from one time to the next where the settings are silent; 0 is never."""


def right_pace(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


def seconds_between(name: str) -> float:
    """What the settings say, or the default where they are silent or wrong."""
    value = settings.HAYSTACK.get(name, PACES[name])
    return float(value) if right_pace(value) else PACES[name]


def limit(name: str) -> int:
    """What the settings say, or the default where they are silent or wrong."""
    known = LIMITS[name]
    value = _given().get(name, known.default)
    return value if known.allows(value) else known.default


def apply() -> None:
    """Hand the limits of readers to the modules that obey them."""
    limits.MAX_DEPTH = limit("DEPTH")
    limits.MAX_CELLS = limit("CELLS")
    parser.MAX_DEPTH = limit("FILTER_DEPTH")
    parser.MAX_LENGTH = limit("FILTER_LENGTH")
    parser.parse.cache_clear()  # it remembers what other limits let through


def wrong_limits() -> Iterator[tuple[str, str]]:
    """(key, what it should be) of each entry that does not count."""
    for name, value in sorted(_given().items(), key=lambda item: str(item[0])):
        known = LIMITS.get(name)
        if known is None:
            yield name, f"known are {', '.join(LIMITS)}"
        elif not known.allows(value):
            yield name, f"a whole number from {known.lowest} to {known.highest}"


def _given() -> Mapping[str, Any]:
    given = settings.HAYSTACK.get("LIMITS", {})
    return given if isinstance(given, Mapping) else {"LIMITS": given}


def _on_setting_changed(*, setting: str, **_: Any) -> None:
    if setting == "HAYSTACK":
        apply()


setting_changed.connect(_on_setting_changed)
