"""How long changes are gathered, and how often one looks by oneself."""

from __future__ import annotations

from django.conf import settings

from ..conf import right_pace

__all__ = ["check_seconds", "coalesce_seconds"]

_COALESCE_MS = 100.0
_CHECK_SECONDS = 10.0


def coalesce_seconds() -> float:
    return _setting("COALESCE_MS", _COALESCE_MS) / 1000


def check_seconds() -> float:
    """How soon a change is seen that nobody has said anything of."""
    return _setting("CHECK_SECONDS", _CHECK_SECONDS)


def _setting(name: str, default: float) -> float:
    """A wrong one, of which a check speaks, does not stop what happens always."""
    value = settings.HAYSTACK.get(name, default)
    return float(value) if right_pace(value) and value > 0 else default
