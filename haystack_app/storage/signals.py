"""The signal of a store that entities have changed.

It says which, not how: whoever hears it reads the state. Hearing is no more than
a hint, for a process that dies behind its commit says nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

from django.dispatch import Signal

__all__ = ["announce", "entities_changed"]

logger = logging.getLogger(__name__)

entities_changed = Signal()
"""``alias`` of the storage, ``ids`` (a frozenset of str), ``logged``: whether the
change log grew. Sent behind the commit, in the thread that made it."""


def announce(alias: str, ids: Collection[str], *, logged: bool) -> None:
    """A receiver that fails does not undo what is stored already."""
    answers = entities_changed.send_robust(
        sender=None, alias=alias, ids=frozenset(ids), logged=logged
    )
    for receiver, error in answers:
        if isinstance(error, Exception):
            logger.error("%r failed", receiver, exc_info=error)
