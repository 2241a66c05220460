"""The hub of a server process: receives changes, pushes watches, wakes followers.

It belongs to an event loop. It receives hints from threads of this process through
the store's signal, and from other processes through the channel layer. Changes that
arrive together are looked up together; changes without a hint are found by checking
each watch periodically.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Any, Protocol
from weakref import WeakValueDictionary

from ..conf import app_settings
from ..instruments import WATCHES_PUSHED
from .delivery import SLOW_SECONDS, Group, groups, push, renew
from .login import Login, ended_or_changed, renewed
from .notifications import GROUP, SECONDS, Hints, send, shared_layer
from .notify import Deaf
from .round_robin import RoundRobin
from .signals import hubs
from .subscription import Subscription
from .threads import in_thread

__all__ = ["Hub", "hub", "with_hub"]

logger = logging.getLogger(__name__)

RENEW_SECONDS = 10
"""Until an open connection notices that its permissions have changed."""
END_SECONDS = 0.4
"""Until it notices that its user was disabled or deleted, or its token revoked."""
_RELAY_SECONDS = 0.02
_REJOIN_SECONDS = 3_600
_PAUSE_SECONDS = 1.0
_LOG_SECONDS = 60.0
_WITHOUT_LAYER_SECONDS = 2.0
"""Interval of checks if processes do not share a layer."""

App = Callable[[Any, Any, Any], Awaitable[None]]


def hub() -> Hub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in hubs:
        for closed in [one for one in hubs if one.is_closed()]:
            del hubs[closed]
        hubs[loop] = Hub(loop)
    found: Hub = hubs[loop]
    return found


def with_hub(app: App) -> App:
    """An ASGI application whose process has a hub from its first request on.

    It is needed even without subscribers, to announce changes to other processes.
    """

    async def call(scope: Any, receive: Any, send: Any) -> None:
        hub()
        await app(scope, receive, send)

    return call


class Member(Protocol):
    """A logged-in connection."""

    login: Login

    def renew(self, login: Login | None) -> None:
        """Set the current login; None if it has ended."""


class Hub:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.id = secrets.token_hex(8)
        self.watches: dict[str, Subscription] = {}
        self.locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.members: set[Member] = set()
        self.hints, self.outgoing = Hints(), Hints()
        self.has_work, self.has_outgoing = asyncio.Event(), asyncio.Event()
        self.growth_events: dict[str, asyncio.Event] = {}
        self.to_check: RoundRobin[str] = RoundRobin()
        self.to_renew: RoundRobin[Member] = RoundRobin()
        self.log_after: dict[str, float] = {}
        self.is_disconnected = self.is_warned = self.is_stopping = False
        self.pushes: set[asyncio.Task[None]] = set()
        self.tasks = [loop.create_task(self._push_always())]
        self.tasks.append(loop.create_task(self._check_periodically()))
        self.tasks.append(loop.create_task(self._check_logins()))
        self.layer = shared_layer()
        if self.layer is not None:
            self.is_disconnected = True  # until it has joined the group
            self.tasks.append(loop.create_task(self._listen()))
            self.tasks.append(loop.create_task(self._relay()))

    # -- hints ----------------------------------------------------------------

    def add_local_hints(self, hints: Hints, relay: bool) -> None:
        """Add hints about changes of this process; ``relay`` sends them to others."""
        self.add_hints(hints)
        if relay:
            self.outgoing.merge(hints)
            self.has_outgoing.set()

    def add_hints(self, hints: Hints) -> None:
        self.hints.merge(hints)
        self.has_work.set()
        for alias in hints.logged:
            if alias in self.growth_events:
                self.growth_events.pop(alias).set()

    def growth(self, alias: str) -> asyncio.Event:
        """The event that is set when a store's change log may have grown.

        Get it before reading the log, or changes in between are missed.
        """
        event = self.growth_events.setdefault(alias, asyncio.Event())
        if self.is_stopping:
            event.set()
        return event

    def stop(self) -> None:
        """Wake all clients that wait for a change log, because the server stops."""
        self.is_stopping = True
        for event in self.growth_events.values():
            event.set()

    async def _listen(self) -> None:
        """Receive hints of other processes; reconnects when the layer fails.

        Without notifications, what the hub sends reaches those that have them.
        """
        layer = self.layer
        channel = ""
        while True:
            try:
                async with asyncio.timeout(SECONDS):
                    channel = channel or await layer.new_channel()
                    await layer.group_add(GROUP, channel)
                self.is_disconnected = self.is_warned = False
                self._mark_all_pending()
                await self._receive(layer, channel)
            except Deaf as error:
                logger.warning("%s", error)
                self.layer, self.is_disconnected = None, False
                return
            except Exception as error:  # of any driver of a layer
                if not self.is_warned:
                    logger.warning("the channel layer is not available: %r", error)
                self.is_disconnected = self.is_warned = True
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _receive(self, layer: Any, channel: str) -> None:
        """Receive for an hour, then join again, because group memberships expire."""
        try:
            async with asyncio.timeout(_REJOIN_SECONDS) as hour:
                while True:
                    message = await layer.receive(channel)
                    if message["origin"] != self.id:
                        self.add_hints(Hints.of(message))
        except TimeoutError:
            if not hour.expired():
                raise

    async def _relay(self) -> None:
        layer = self.layer
        while True:
            await self.has_outgoing.wait()
            await asyncio.sleep(_RELAY_SECONDS)
            self.has_outgoing.clear()
            hints, self.outgoing = self.outgoing, Hints()
            try:
                await send(layer, hints.message(self.id))
            except Exception as error:  # other processes check periodically
                logger.debug("the channel layer is not available: %r", error)
                await asyncio.sleep(_PAUSE_SECONDS)

    # -- pushing --------------------------------------------------------------

    def lock(self, id: str) -> asyncio.Lock:
        """The lock of a watch, also after it has moved to another connection.

        An update that is on its way to the earlier connection may be one that the
        store has collected last: the later one would confirm updates beyond it.
        """
        return self.locks.setdefault(id, asyncio.Lock())

    def add(self, watch: Subscription) -> Subscription | None:
        """Start pushing a watch; returns the one with the same id that it replaces.

        Callers must hold the lock of a watch that may have had another connection.
        """
        watch.lock = self.locks.setdefault(watch.id, watch.lock)
        before = self.watches.pop(watch.id, None)
        self.watches[watch.id] = watch
        WATCHES_PUSHED.set(len(self.watches))
        self.has_work.set()
        return before

    def drop(self, watch: Subscription) -> None:
        if self.watches.get(watch.id) is watch:
            del self.watches[watch.id]
            WATCHES_PUSHED.set(len(self.watches))

    def wake(self) -> None:
        """Push pending watches, because a connection has room again."""
        self.has_work.set()

    async def _push_always(self) -> None:
        while True:
            await self.has_work.wait()
            await asyncio.sleep(app_settings.COALESCE_MS / 1000)
            self.has_work.clear()
            if not await self._attempt(
                "cannot look up updates of watches", self._push_due
            ):
                self._mark_all_pending()
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _push_due(self) -> None:
        """Push due watches; slow watches by filter continue in the background."""
        hints, self.hints = self.hints, Hints()
        tasks = {
            self._start(group): group for group in groups(self.watches.values(), hints)
        }
        quick = [task for task, group in tasks.items() if not group.is_slow]
        if quick:
            await asyncio.wait(quick, timeout=SLOW_SECONDS)
        by_ids = [task for task, group in tasks.items() if not group.by_filter]
        if by_ids:
            await asyncio.wait(by_ids)

    def _start(self, group: Group) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._push(group))
        self.pushes.add(task)
        task.add_done_callback(self.pushes.discard)
        return task

    async def _push(self, group: Group) -> None:
        pushing = partial(push, self.watches, self.id, group)
        if not await self._attempt("cannot push watches", pushing):
            for watch in group.watches:
                watch.is_paused = True
            loop = asyncio.get_running_loop()
            loop.call_later(_PAUSE_SECONDS, self._resume, group)
        self._wake_pending(group)

    def _resume(self, group: Group) -> None:
        for watch in group.watches:
            watch.is_paused = False
        self._wake_pending(group)

    def _wake_pending(self, group: Group) -> None:
        """Push watches that became pending while they were locked."""
        if any(watch.is_pending and watch.has_room for watch in group.watches):
            self.has_work.set()

    async def _attempt(self, what: str, work: Callable[[], Awaitable[None]]) -> bool:
        """Whether ``work`` succeeded; failures of one kind are logged once a minute."""
        try:
            await work()
        except Exception:
            now = asyncio.get_running_loop().time()
            if now >= self.log_after.get(what, now):
                logger.exception("%s; trying again", what)
                self.log_after[what] = now + _LOG_SECONDS
            return False
        return True

    def _mark_all_pending(self) -> None:
        for watch in self.watches.values():
            watch.is_pending = True
        self.has_work.set()

    async def _check_periodically(self) -> None:
        """Each second, check some watches, the leases and some logins."""
        while True:
            await asyncio.sleep(1.0)
            self._mark_some_pending()
            await self._attempt("cannot renew leases", self._renew_leases)
            await self._attempt("cannot renew logins", self._renew_logins)

    @property
    def check_seconds(self) -> float:
        """Seconds until a change without a hint is noticed."""
        seconds: float = app_settings.CHECK_SECONDS
        if self.is_disconnected:
            return min(seconds, 1.0)
        return seconds if self.layer else min(seconds, _WITHOUT_LAYER_SECONDS)

    def _mark_some_pending(self) -> None:
        every = int(self.check_seconds)
        for id in self.to_check.part(self.watches, every):
            self.watches[id].is_pending = True
            self.has_work.set()

    async def _renew_leases(self) -> None:
        async for lost in renew(self.watches, self.id):
            for watch in lost:
                self.drop(watch)
                watch.connection.ended(watch)

    async def _renew_logins(self) -> None:
        await self._renew(self.to_renew.part(self.members, RENEW_SECONDS))

    async def _check_logins(self) -> None:
        while True:
            await asyncio.sleep(END_SECONDS)
            await self._attempt("cannot check logins", self._renew_ended)

    async def _renew_ended(self) -> None:
        """Renew logins that have ended or changed, without waiting for their turn."""
        if members := list(self.members):
            logins = [member.login for member in members]
            found = await in_thread(ended_or_changed, logins)
            await self._renew([one for one in members if one.login.identity in found])

    async def _renew(self, members: Collection[Member]) -> None:
        if not members:
            return
        found = await in_thread(renewed, [member.login for member in members])
        for member in members:
            # a connection may have logged in again, or left, in the meantime
            if member in self.members and member.login.identity in found:
                member.renew(found[member.login.identity])
