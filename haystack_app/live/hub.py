"""The hub of a server process: hears of changes, pushes watches, wakes followers.

It belongs to an event loop. Changes come from threads of this process by the
store's signal, and from other processes by the channel layer. What it hears
within a moment it looks up together; what it may not have heard, it finds by
looking at each watch from time to time.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from ..conf import app_settings
from .delivery import SLOW_SECONDS, Group, groups, push, renew
from .login import Login, renewed
from .notifications import GROUP, SECONDS, Hints, send, shared_layer
from .signals import hubs
from .subscription import Subscription
from .threads import in_thread

__all__ = ["Hub", "hub", "with_hub"]

logger = logging.getLogger(__name__)

RENEW_SECONDS = 10
"""How soon a log-in that has ended, or other rights, tell on an open connection."""
_RELAY_SECONDS = 0.02
_REJOIN_SECONDS = 3_600
_PAUSE_SECONDS = 1.0
_LOG_SECONDS = 60.0
_ALONE_SECONDS = 2.0
"""Without anything between processes, commands are only noticed by looking."""

_T = TypeVar("_T")

App = Callable[[Any, Any, Any], Awaitable[None]]


def hub() -> Hub:
    """That of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in hubs:
        for closed in [one for one in hubs if one.is_closed()]:
            del hubs[closed]
        hubs[loop] = Hub(loop)
    found: Hub = hubs[loop]
    return found


def with_hub(app: App) -> App:
    """An ASGI application whose process has a hub from its first request on.

    Also where nobody follows anything: other processes are to hear of changes.
    """

    async def call(scope: Any, receive: Any, send: Any) -> None:
        hub()
        await app(scope, receive, send)

    return call


class RoundRobin(Generic[_T]):
    def __init__(self) -> None:
        self._left: list[_T] = []

    def part(self, everything: Collection[_T], parts: int) -> list[_T]:
        """The next ones; what came since the round began is in the next round.

        What is not there any more takes nobody's place: the round would outlast
        its time.
        """
        left = [one for one in self._left if one in everything]
        self._left = left or list(everything)
        size = -(-len(everything) // max(1, parts))
        part, self._left = self._left[:size], self._left[size:]
        return part


class Member(Protocol):
    """Somebody who is connected."""

    login: Login

    def renew(self, login: Login | None) -> None:
        """What they may do as of now; None: they are logged in no more."""


class Hub:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.id = secrets.token_hex(8)
        self.watches: dict[str, Subscription] = {}
        self.members: set[Member] = set()
        self.heard, self.to_relay = Hints(), Hints()
        self.news, self.relaying = asyncio.Event(), asyncio.Event()
        self.logs: dict[str, asyncio.Event] = {}
        self.stale: RoundRobin[str] = RoundRobin()
        self.to_renew: RoundRobin[Member] = RoundRobin()
        self.logged: dict[str, float] = {}
        self.is_deaf = self.is_warned = self.is_stopping = False
        self.pushes: set[asyncio.Task[None]] = set()
        self.tasks = [loop.create_task(self._flush_always())]
        self.tasks.append(loop.create_task(self._look_around()))
        self.layer = shared_layer()
        if self.layer is not None:
            self.is_deaf = True  # until it has joined
            self.tasks.append(loop.create_task(self._listen()))
            self.tasks.append(loop.create_task(self._relay()))

    # -- hearing --------------------------------------------------------------

    def hear_own(self, hints: Hints, relay: bool) -> None:
        """Of a change that was made in this process."""
        self.hear(hints)
        if relay:
            self.to_relay.merge(hints)
            self.relaying.set()

    def hear(self, hints: Hints) -> None:
        self.heard.merge(hints)
        self.news.set()
        for alias in hints.logged:
            if alias in self.logs:
                self.logs.pop(alias).set()

    def growth(self, alias: str) -> asyncio.Event:
        """Set when a store's change log may have grown.

        To be taken before one looks, or what comes between is not heard of.
        """
        event = self.logs.setdefault(alias, asyncio.Event())
        if self.is_stopping:
            event.set()
        return event

    def stop(self) -> None:
        """The server ends: whoever waits for a log shall wait no more."""
        self.is_stopping = True
        for event in self.logs.values():
            event.set()

    async def _listen(self) -> None:
        """To other processes, again and again when the layer fails."""
        layer = self.layer
        channel = ""
        while True:
            try:
                async with asyncio.timeout(SECONDS):
                    channel = channel or await layer.new_channel()
                    await layer.group_add(GROUP, channel)
                self.is_deaf = self.is_warned = False
                self._doubt_everything()
                await self._hear_others(layer, channel)
            except Exception as error:  # whatever a layer's driver raises
                if not self.is_warned:
                    logger.warning("the channel layer does not answer: %r", error)
                self.is_deaf = self.is_warned = True
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _hear_others(self, layer: Any, channel: str) -> None:
        """For an hour: a layer forgets who joins a group only once."""
        try:
            async with asyncio.timeout(_REJOIN_SECONDS) as hour:
                while True:
                    message = await layer.receive(channel)
                    if message["origin"] != self.id:
                        self.hear(Hints.of(message))
        except TimeoutError:
            if not hour.expired():
                raise

    async def _relay(self) -> None:
        layer = self.layer
        while True:
            await self.relaying.wait()
            await asyncio.sleep(_RELAY_SECONDS)
            self.relaying.clear()
            hints, self.to_relay = self.to_relay, Hints()
            try:
                await send(layer, hints.message(self.id))
            except Exception as error:  # other processes look by themselves
                logger.debug("the channel layer does not answer: %r", error)
                await asyncio.sleep(_PAUSE_SECONDS)

    # -- pushing --------------------------------------------------------------

    def add(self, watch: Subscription) -> Subscription | None:
        """Push a watch; the one of the same id that was pushed so far."""
        before = self.watches.pop(watch.id, None)
        self.watches[watch.id] = watch
        self.news.set()
        return before

    def drop(self, watch: Subscription) -> None:
        if self.watches.get(watch.id) is watch:
            del self.watches[watch.id]

    def wake(self) -> None:
        """There is room again for a watch that is late."""
        self.news.set()

    async def _flush_always(self) -> None:
        while True:
            await self.news.wait()
            await asyncio.sleep(app_settings.COALESCE_MS / 1000)
            self.news.clear()
            if not await self._attempt("watches cannot be looked at", self._flush):
                self._doubt_everything()
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _flush(self) -> None:
        """Push what is due; watches by filter that take long go on by themselves."""
        hints, self.heard = self.heard, Hints()
        under_way = {
            self._start(group): group for group in groups(self.watches.values(), hints)
        }
        quick = [task for task, group in under_way.items() if not group.is_slow]
        if quick:
            await asyncio.wait(quick, timeout=SLOW_SECONDS)
        of_ids = [task for task, group in under_way.items() if not group.by_filter]
        if of_ids:
            await asyncio.wait(of_ids)

    def _start(self, group: Group) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._push(group))
        self.pushes.add(task)
        task.add_done_callback(self.pushes.discard)
        return task

    async def _push(self, group: Group) -> None:
        pushing = partial(push, self.watches, self.id, group)
        if not await self._attempt("watches cannot be pushed", pushing):
            for watch in group.watches:
                watch.is_paused = True
            loop = asyncio.get_running_loop()
            loop.call_later(_PAUSE_SECONDS, self._go_on, group)
        self._wake_late(group)

    def _go_on(self, group: Group) -> None:
        for watch in group.watches:
            watch.is_paused = False
        self._wake_late(group)

    def _wake_late(self, group: Group) -> None:
        """What was heard while they had their turn is looked at now."""
        if any(watch.late and watch.has_room for watch in group.watches):
            self.news.set()

    async def _attempt(self, what: str, work: Callable[[], Awaitable[None]]) -> bool:
        """Whether it went well. A database that is down for an hour is worth an
        entry of the log a minute, not one a second for each watch."""
        try:
            await work()
        except Exception:
            now = asyncio.get_running_loop().time()
            if now >= self.logged.get(what, now):
                logger.exception("%s; trying again", what)
                self.logged[what] = now + _LOG_SECONDS
            return False
        return True

    def _doubt_everything(self) -> None:
        for watch in self.watches.values():
            watch.late = True
        self.news.set()

    async def _look_around(self) -> None:
        """Each second: at some watches, at leases, and at some log-ins."""
        while True:
            await asyncio.sleep(1.0)
            self._doubt_some()
            await self._attempt("leases cannot be renewed", self._renew_leases)
            await self._attempt("log-ins cannot be renewed", self._renew_log_ins)

    @property
    def check_seconds(self) -> float:
        """How soon a change is noticed that no hint told of."""
        seconds: float = app_settings.CHECK_SECONDS
        if self.is_deaf:
            return min(seconds, 1.0)
        return seconds if self.layer else min(seconds, _ALONE_SECONDS)

    def _doubt_some(self) -> None:
        every = int(self.check_seconds)
        for id in self.stale.part(self.watches, every):
            self.watches[id].late = True
            self.news.set()

    async def _renew_leases(self) -> None:
        async for lost in renew(self.watches, self.id):
            for watch in lost:
                self.drop(watch)
                watch.connection.ended(watch)

    async def _renew_log_ins(self) -> None:
        members = self.to_renew.part(self.members, RENEW_SECONDS)
        if not members:
            return
        found = await in_thread(renewed, [member.login for member in members])
        for member in members:
            if member in self.members:
                member.renew(found[member.login.identity])
