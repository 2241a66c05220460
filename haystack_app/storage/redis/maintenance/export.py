"""The keys of a store as the server serialises them, for back-ups.

Watches are left out, since their clients open new ones, and so is what belongs to
running programs: locks, staged words, results of scripts, the search index.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from ..keys import Keys
from ..scripts import REPLACE
from ..server import Server

__all__ = ["StoredKey", "exported", "is_empty", "replaced"]

_BATCH = 500
_PASSING = re.compile(r"(locks|reindexing|watches|search)(:|$)|(stage|done|w|wt|wo|x):")


class StoredKey(NamedTuple):
    """A key without the prefix of its store; ``ttl`` in milliseconds, or 0 for none."""

    name: str
    ttl: int
    value: bytes


def exported(server: Server, keys: Keys) -> Iterator[StoredKey]:
    """The caller must have the lock of all entities."""
    names = (name for name in server.scan(keys.base) if not _PASSING.match(name))
    seen: set[str] = set()
    while batch := list(islice(names, _BATCH)):
        new = [name for name in dict.fromkeys(batch) if name not in seen]
        seen.update(new)
        commands = [
            (word, f"{keys.base}{name}") for name in new for word in ("DUMP", "PTTL")
        ]
        found = iter(server.together(*commands))
        for name, value, ttl in zip(new, found, found, strict=True):
            if value is not None:
                yield StoredKey(name, max(ttl, 0), value)


def is_empty(server: Server, keys: Keys) -> bool:
    """Whether a store has no entities, no def libraries and no change log."""
    return not server.command("EXISTS", keys.ids, keys.libs, keys.log)


def replaced(server: Server, keys: Keys, stored: Iterable[StoredKey]) -> int:
    """Replace a store's keys, all at once; returns how many there are then.

    New keys have other names until all of them are stored.
    """
    # not below the base, whose keys are deleted
    stage = f"{{{keys.prefix}}}:restore:{secrets.token_hex(6)}:"
    rest = iter(stored)
    try:
        while batch := list(islice(rest, _BATCH)):
            server.together(
                *(
                    ("RESTORE", f"{stage}{key.name}", key.ttl, key.value)
                    for key in batch
                )
            )
        return server.run(REPLACE, [keys.meta], keys.base, stage)
    except BaseException:
        for name in server.scan(stage):
            server.unlink(f"{stage}{name}")
        raise
