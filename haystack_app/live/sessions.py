"""A logged-in connection: its watches, and the ops that it calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from ..api.exceptions import UnreadableRequest, as_http
from ..auth.caller import Caller
from ..kinds.grid import Grid
from ..kinds.scalars import MARKER, Number
from ..ops import dispatch
from ..ops.dispatch import context_for
from ..wire import hayson_reader, hayson_writer
from ..wire.errors import ParseError
from .delivery import SLOW_SECONDS, ended_text
from .hub import hub
from .login import Login
from .send_queue import SendQueue
from .subscription import Subscription
from .threads import CALLS, in_thread_of

__all__ = ["MOST", "Answer", "Session", "call_op", "grid_in"]

Message = Mapping[str, Any]
Answer = tuple[Grid, str]
"""A grid and its Hayson; rows that are read while they are written are gone."""
MOST = 32 * 1024 * 1024
"""Characters of an answer, which is held whole as one message."""


class Session:
    def __init__(
        self, login: Login, project: str | None, send_queue: SendQueue
    ) -> None:
        self.login = login
        self.project = project
        self.send_queue = send_queue
        self.hub = hub()
        self.watches: dict[str, Subscription] = {}
        self.is_over = False
        self.on_log_out: Callable[[], None] = lambda: None
        send_queue.on_room = self.hub.wake
        self.hub.members.add(self)

    @property
    def has_room(self) -> bool:
        return self.send_queue.has_room

    def send_soon(self, text: str) -> None:
        self.send_queue.send_soon(text)

    def renew(self, login: Login | None) -> None:
        """Push from now on what the caller may see as of now."""
        if login is None:
            self.on_log_out()
            return
        changed = login.visible != self.login.visible
        self.login = login
        if not login.may_watch:
            for watch in list(self.watches.values()):
                self.hub.drop(watch)
                self.ended(watch)
        elif changed:
            store = context_for(self.project, login.caller).storage
            for watch in self.watches.values():
                watch.look_as(store)

    def ended(self, watch: Subscription) -> None:
        if self.watches.get(watch.id) is watch:
            del self.watches[watch.id]
        self.send_soon(ended_text(watch.id))

    def end(self) -> None:
        self.is_over = True
        self.hub.members.discard(self)
        for watch in self.watches.values():
            self.hub.drop(watch)
        self.watches.clear()

    # -- messages -------------------------------------------------------------

    async def call(self, message: Message) -> None:
        """Any op, as HTTP has it."""
        answer = await self._called(
            message["op"], await in_thread_of(CALLS, grid_in, message)
        )
        self._say(message, answer)

    async def sub(self, message: Message) -> None:
        grid = await in_thread_of(CALLS, grid_in, message)
        await self._watch(message, "watchSub", grid, grid.meta.get("watchId"))

    async def resume(self, message: Message) -> None:
        id = _watch_id(message)
        ack = _number(message, "ack")
        grid = Grid(meta={"watchId": id, "ack": Number(ack)})
        await self._watch(message, "watchPoll", grid, id)

    async def refresh(self, message: Message) -> None:
        id = _watch_id(message)
        grid = Grid(meta={"watchId": id, "refresh": MARKER})
        await self._watch(message, "watchPoll", grid, id)

    async def unsub(self, message: Message) -> None:
        grid = await in_thread_of(CALLS, grid_in, message)
        answer = await self._called("watchUnsub", grid)
        watch = self.watches.get(str(grid.meta.get("watchId")))
        if watch is not None and grid.meta.get("close") not in (None, False):
            self.hub.drop(watch)
            del self.watches[watch.id]
        self._say(message, answer)

    def ack(self, message: Message) -> None:
        watch = self.watches.get(_watch_id(message))
        if watch is not None and watch.ack(_number(message, "seq")):
            self.hub.wake()

    # -- inside ---------------------------------------------------------------

    async def _watch(self, message: Message, op: str, grid: Grid, id: Any) -> None:
        """Have an op tell news of a watch; from then on it is pushed here."""
        before = self.hub.watches.get(id) if isinstance(id, str) else None
        if before is None:
            await self._tell(message, op, grid)
            return
        async with before.turn:  # pushes before this answer are on their way
            told = False
            try:
                told = await self._tell(message, op, grid)
            finally:
                if not told:  # the store may think that it was
                    before.doubt()
        self.hub.wake()

    async def _tell(self, message: Message, op: str, grid: Grid) -> bool:
        """Whether the news reached somebody who is pushed the watch."""
        clock = asyncio.get_running_loop().time
        began = clock()
        answer = await self._called(op, grid, self.hub.id)
        self._say(message, answer)
        if answer[0].is_error or self.is_over:
            return False
        self._push(answer[0].meta, clock() - began > SLOW_SECONDS)
        return True

    def _push(self, meta: Mapping[str, Any], is_slow: bool) -> None:
        id, seq = str(meta["watchId"]), int(meta["seq"].val)
        held, now = self.watches.get(id), self.hub.watches.get(id)
        if held is not None and held is now:
            held.told(meta)
        elif now is not None and now.seq > seq:
            self.send_soon(ended_text(id))  # who asked later was answered sooner
        else:
            store = context_for(self.project, self.login.caller).storage
            self.watches[id] = Subscription(meta, self, store, is_slow)
            if before := self.hub.add(self.watches[id]):
                before.connection.ended(before)
        self.hub.wake()

    async def _called(self, op: str, grid: Grid, subscriber: str = "") -> Answer:
        asked = self.login.caller, self.project, op, grid, subscriber
        return await in_thread_of(CALLS, call_op, *asked)

    def _say(self, message: Message, answer: Answer) -> None:
        words = {name: message[name] for name in ("op", "ref") if name in message}
        head = orjson.dumps(words).decode()[:-1]
        self.send_soon(f'{head},"grid":{answer[1]}}}')


def _watch_id(message: Message) -> str:
    if not isinstance(id := message.get("watchId"), str):
        raise UnreadableRequest("watchId is missing")
    return id


def _number(message: Message, name: str) -> int:
    value = message.get(name)
    if type(value) is not int or value < 0:
        raise UnreadableRequest(f"{name} must be a whole number, not {value!r}")
    return value


def call_op(
    caller: Caller, project: str | None, name: str, grid: Grid, subscriber: str = ""
) -> Answer:
    """The answer of an op; ``subscriber`` receives the updates of its watch.

    Raises an APIException with the status that HTTP would have.
    """
    with as_http():
        op = dispatch.authorize(name, caller)
        return dispatch.run(op, caller, project, grid, _written, subscriber)


def _written(grid: Grid) -> Answer:
    pieces: list[str] = []
    size = 0
    for piece in hayson_writer.grid_chunks(grid):
        pieces.append(piece)
        size += len(piece)
        if size > MOST:
            error = Grid.error("the answer is too long for a message: use HTTP")
            return error, hayson_writer.grid_text(error)
    return grid, "".join(pieces)


def grid_in(message: Message) -> Grid:
    """The grid of a message, an empty one if it has none.

    Raises UnreadableRequest.
    """
    if message.get("grid") is None:
        return Grid()
    try:
        found = hayson_reader.decode(message["grid"])
    except ParseError as error:
        raise UnreadableRequest(f"grid: {error}") from None
    if not isinstance(found, Grid):
        raise UnreadableRequest("'grid' is not a grid")
    return found
