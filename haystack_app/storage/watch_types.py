"""What a watch is, what it told, and what it has to tell."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from .changes import Records

__all__ = ["UNKNOWN", "Delta", "Watch", "WatchItem", "WatchUpdate"]

UNKNOWN = -1
"""A version that no entity has: what was told may not have arrived."""
_PUSHED_LEASE = 15.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Watch:
    """An open watch; ``lease`` is in seconds, ``seq`` the number of its last news.

    ``key`` stands for what its opener may see: to others the watch is unknown.
    ``subscriber`` is who is told the news: a server process that pushes, or nobody,
    which is whoever polls. It is the one that asked last, so that news never goes to
    a connection that is dead already.
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
        """When the lease ends if it begins now. A process that pushes needs a while
        between one look at its leases and the next."""
        seconds = max(self.lease, _PUSHED_LEASE) if self.subscriber else self.lease
        return now + dt.timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class WatchItem:
    """What a watch told of an entity, in news of number ``seq``.

    ``sent`` is a version, None for that the entity is not there, or UNKNOWN.
    """

    sent: int | None
    seq: int


@dataclass(frozen=True, slots=True)
class Delta:
    """What is not as a watch told it: versions by id, their records in this order,
    and ids that are not there any more."""

    versions: dict[str, int] = field(default_factory=dict)
    records: Records = field(default_factory=lambda: Records([], frozenset()))
    gone: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.versions or self.gone)

    def items(self, seq: int) -> dict[str, WatchItem]:
        told: dict[str, int | None] = {**dict.fromkeys(self.gone), **self.versions}
        return {id: WatchItem(sent, seq) for id, sent in told.items()}


@dataclass(frozen=True, slots=True)
class WatchUpdate:
    """Whole records that are new or changed, and ids that are gone.

    ``watch`` is as it is behind telling this: its ``seq`` numbers the news, or is
    that of the last there were.
    """

    watch: Watch
    records: Records
    gone: list[str]

    @property
    def seq(self) -> int:
        return self.watch.seq

    def __bool__(self) -> bool:
        return bool(len(self.records) or self.gone)
