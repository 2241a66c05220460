"""Watches, the versions that they have sent, and their updates."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from .changes import Records

__all__ = ["UNKNOWN", "Delta", "Watch", "WatchItem", "WatchUpdate"]

UNKNOWN = -1
"""A version that no entity has: the last update may not have arrived."""
_PUSHED_LEASE = 15.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Watch:
    """An open watch; ``lease`` is in seconds, ``seq`` the number of its last update.

    ``key`` identifies the scope of its opener: with another scope the watch does not
    exist. ``subscriber`` receives the updates: a server process that pushes them, or
    an empty string for clients that poll. It is the last one that asked, so that
    updates never go to a dead connection.
    """

    id: str
    dis: str
    owner: str
    key: str
    filter: str | None
    lease: float
    expires: dt.datetime
    seq: int = 0
    subscriber: str = ""

    def end(self, now: dt.datetime) -> dt.datetime:
        """When the lease ends if it is renewed now. Processes that push updates renew
        their leases at intervals, so theirs have a minimum."""
        seconds = max(self.lease, _PUSHED_LEASE) if self.subscriber else self.lease
        return now + dt.timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class WatchItem:
    """What a watch sent of an entity, in update number ``seq``.

    ``sent`` is a version, None for a removed entity, or UNKNOWN.
    """

    sent: int | None
    seq: int


@dataclass(frozen=True, slots=True)
class Delta:
    """Differences from what a watch has sent: versions by id, their records in the
    same order, and ids of removed entities. ``before`` are versions that were sent."""

    versions: dict[str, int] = field(default_factory=dict)
    records: Records = field(default_factory=lambda: Records([], frozenset()))
    gone: list[str] = field(default_factory=list)
    before: dict[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.versions or self.gone)

    def items(self, seq: int) -> dict[str, WatchItem]:
        versions: dict[str, int | None] = {**dict.fromkeys(self.gone), **self.versions}
        return {id: WatchItem(sent, seq) for id, sent in versions.items()}


@dataclass(frozen=True, slots=True)
class WatchUpdate:
    """Whole records that are new or changed, and ids of removed entities.

    ``watch`` is the watch after this update: its ``seq`` is the number of the update,
    or that of the last one if this is empty. ``versions`` are those of the records, in
    the same order; ``before`` those that the watch sent last, if they arrived.
    """

    watch: Watch
    records: Records
    gone: list[str]
    versions: dict[str, int] = field(default_factory=dict)
    before: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, watch: Watch, found: Delta) -> WatchUpdate:
        return cls(watch, found.records, found.gone, found.versions, found.before)

    @property
    def seq(self) -> int:
        return self.watch.seq

    def __bool__(self) -> bool:
        return bool(len(self.records) or self.gone)
