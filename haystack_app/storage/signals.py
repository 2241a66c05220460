"""The signal that entities of a store have changed.

It has their ids only: receivers read the new state. Receivers must not rely on it,
for a process that dies after its commit sends nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

from django.dispatch import Signal

__all__ = ["announce", "entities_changed"]

logger = logging.getLogger(__name__)

entities_changed = Signal()
"""``alias`` of the storage, ``ids`` (a frozenset of str), ``logged``: whether the
change log grew. Sent after the commit, in the thread of the commit."""


def announce(alias: str, ids: Collection[str], *, logged: bool) -> None:
    """Send the signal and log receivers that fail, for the changes are stored."""
    answers = entities_changed.send_robust(
        sender=None, alias=alias, ids=frozenset(ids), logged=logged
    )
    for receiver, error in answers:
        if isinstance(error, Exception):
            logger.error("%r failed", receiver, exc_info=error)
