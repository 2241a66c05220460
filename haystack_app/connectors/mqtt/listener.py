"""Takes messages from the inbox to the store, and acknowledges them after that."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from django.db import close_old_connections, connections

from ...outages import is_outage
from ...storage.base import StorageAdapter
from .decoder import Decoded, Decoder, Unknown
from .inbox import Inbox
from .messages import Message
from .writer import Written, write

if TYPE_CHECKING:
    from .client import BrokerClient

__all__ = ["Counts", "Listener"]

logger = logging.getLogger(__name__)

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 10.0
_T = TypeVar("_T")


class Work(Protocol):
    """The part of a ConnectorContext that is used here."""

    def check(self) -> None: ...
    def wait(self, seconds: float) -> None: ...


@dataclass(slots=True)
class Counts:
    """Messages, values stored, and what became of the others."""

    messages: int = 0
    stored: int = 0
    garbage: int = 0
    refused: int = 0
    unknown: int = 0
    ignored: int = 0
    dropped: int = 0
    repeated: int = 0
    error: str = ""
    """About the last message that was garbage or refused."""

    def add(self, decoded: Decoded, written: Written) -> None:
        self.stored += written.stored
        self.refused += written.refused
        self.garbage += decoded.garbage
        self.ignored += decoded.ignored
        self.unknown += len(decoded.unknown)
        self.error = written.error or decoded.error or self.error

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Counts:
        """Those that another run has left in the state of the connector."""
        names = cls.__slots__
        return cls(**{name: state[name] for name in names if name in state})

    @property
    def json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Listener:
    """Works for one connector, in the thread that calls ``step``.

    While the store is down nothing is acknowledged, and the same batch is tried again.
    """

    client: BrokerClient
    inbox: Inbox
    decoder: Decoder
    store: StorageAdapter
    author: str
    unknown: Callable[[list[Unknown]], None] = lambda found: None
    tell: Callable[[str], None] = lambda problem: None
    """Called with a new problem of the store."""
    counts: Counts = field(default_factory=Counts)
    problem: str = ""
    """Why nothing can be stored at the moment."""
    lag: float = 0.0
    """Seconds from the arrival of the last batch until it was stored."""

    def step(self, work: Work) -> bool:
        """Store what has arrived. Whether there was anything. Raises as ``check``."""
        batch = self.inbox.take(self.client.stopping)
        work.check()
        if batch:
            self._handle(batch, work)
        self.counts.dropped += self.inbox.taken_drops()
        return bool(batch)

    def _handle(self, batch: list[Message], work: Work) -> None:
        fresh = [one for one in batch if not self.client.was_stored(one)]
        decoder = self.decoder
        self._insist(decoder.resolver.refresh, work)
        decoded = self._insist(lambda: decoder.decode(fresh), work)
        written = self._insist(lambda: write(self.store, self.author, decoded), work)
        self.client.acknowledge(batch)
        self.lag = max(0.0, time.time() - batch[0].received / 1e6)
        if written.refused:
            decoder.resolver.forget()
        self.unknown(decoded.unknown)
        self.counts.messages += len(batch)
        self.counts.repeated += len(batch) - len(fresh)
        self.counts.add(decoded, written)

    def _insist(self, call: Callable[[], _T], work: Work) -> _T:
        """The result of a call, which is repeated until it succeeds."""
        wait = _FIRST_WAIT
        while True:
            try:
                result = call()
            except Exception as err:
                self._note(err)
                connections.close_all()
            else:
                self.problem = ""
                close_old_connections()
                return result
            work.wait(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    def _note(self, error: Exception) -> None:
        before = self.problem
        self.problem = "nothing is stored: " + (
            "the store is not available"
            if is_outage(error)
            else "internal error, see the log of the worker"
        )
        if self.problem != before:
            logger.error("MQTT messages cannot be stored; trying again", exc_info=error)
            self.tell(self.problem)
