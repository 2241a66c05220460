"""Sessions of logged-in connections: their watches and calls of ops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from ..api.exceptions import BadRequest, Busy, http_exceptions
from ..auth.caller import Caller
from ..auth.current_request import user_key
from ..kinds.grid import Grid
from ..kinds.scalars import MARKER, Number
from ..ops import dispatch
from ..ops.dispatch import context_for
from ..outages import RETRY_SECONDS
from ..turns import NoTurn, turns_of_this_loop
from ..wire import hayson_reader, hayson_writer
from ..wire.errors import ParseError
from .delivery import SLOW_SECONDS, end_message
from .hub import hub
from .login import Login
from .send_queue import SendQueue
from .subscription import RECORDS, TAGS, Subscription
from .threads import CALLS, in_thread_of

__all__ = ["MAX_CHARACTERS", "Answer", "Session", "call_op", "read_grid"]

Message = Mapping[str, Any]
Answer = tuple[Grid, str]
"""A grid and its Hayson; rows that are read while writing are no longer available."""
MAX_CHARACTERS = 32 * 1024 * 1024
"""Limit of answers, because a message is held in memory as a whole."""


class Session:
    def __init__(
        self, login: Login, project: str | None, send_queue: SendQueue
    ) -> None:
        self.login = login
        self.project = project
        self.send_queue = send_queue
        self.hub = hub()
        self.watches: dict[str, Subscription] = {}
        self.has_ended = False
        self.on_log_out: Callable[[], None] = lambda: None
        send_queue.on_room = self.hub.wake
        self.hub.members.add(self)

    @property
    def has_room(self) -> bool:
        return self.send_queue.has_room

    @property
    def user_pk(self) -> Any:
        return self.login.caller.user.pk

    def send_soon(self, text: str) -> None:
        self.send_queue.send_soon(text)

    def renew(self, login: Login | None) -> None:
        """Apply a renewed login to all watches; None if the login has ended."""
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
                watch.set_store(store)

    def ended(self, watch: Subscription) -> None:
        if self.watches.get(watch.id) is watch:
            del self.watches[watch.id]
        self.send_soon(end_message(watch.id))

    def end(self) -> None:
        self.has_ended = True
        self.hub.members.discard(self)
        for watch in self.watches.values():
            self.hub.drop(watch)
        self.watches.clear()

    # -- messages -------------------------------------------------------------

    async def call(self, message: Message) -> None:
        """Run any op, as over HTTP."""
        answer = await self._called(
            message["op"], await in_thread_of(CALLS, read_grid, message)
        )
        self._reply(message, answer)

    async def sub(self, message: Message) -> None:
        grid = await in_thread_of(CALLS, read_grid, message)
        await self._subscribe(message, "watchSub", grid, grid.meta.get("watchId"))

    async def resume(self, message: Message) -> None:
        id = _watch_id(message)
        ack = _number(message, "ack")
        grid = Grid(meta={"watchId": id, "ack": Number(ack)})
        await self._subscribe(message, "watchPoll", grid, id)

    async def refresh(self, message: Message) -> None:
        id = _watch_id(message)
        grid = Grid(meta={"watchId": id, "refresh": MARKER})
        await self._subscribe(message, "watchPoll", grid, id)

    async def unsub(self, message: Message) -> None:
        grid = await in_thread_of(CALLS, read_grid, message)
        answer = await self._called("watchUnsub", grid)
        watch = self.watches.get(str(grid.meta.get("watchId")))
        if watch is not None and grid.meta.get("close") not in (None, False):
            self.hub.drop(watch)
            del self.watches[watch.id]
        self._reply(message, answer)

    def ack(self, message: Message) -> None:
        watch = self.watches.get(_watch_id(message))
        if watch is not None and watch.ack(_number(message, "seq")):
            self.hub.wake()

    # -- watches --------------------------------------------------------------

    async def _subscribe(self, message: Message, op: str, grid: Grid, id: Any) -> None:
        """Answer with the op of a watch; then push the watch to this connection."""
        _form(message)
        if not isinstance(id, str):
            await self._answer(message, op, grid)
            return
        async with self.hub.lock(id):  # earlier pushes have been queued, or lost
            delivered = False
            try:
                delivered = await self._answer(message, op, grid)
            finally:
                # the store may have recorded it as sent
                if not delivered and (watch := self.hub.watches.get(id)):
                    watch.mark_unconfirmed()
        self.hub.wake()

    async def _answer(self, message: Message, op: str, grid: Grid) -> bool:
        """Run the op and reply; whether the answer reached the watch's connection."""
        clock = asyncio.get_running_loop().time
        began = clock()
        answer = await self._called(op, grid, self.hub.id)
        self._reply(message, answer)
        if answer[0].is_error or self.has_ended:
            return False
        is_slow = clock() - began > SLOW_SECONDS
        self._register(answer[0].meta, is_slow, _form(message))
        return True

    def _register(self, meta: Mapping[str, Any], is_slow: bool, form: str) -> None:
        id = str(meta["watchId"])
        held = self.watches.get(id)
        if held is not None and held is self.hub.watches.get(id):
            held.form = form
            held.record_answer(meta)
        else:
            store = context_for(self.project, self.login.caller).storage
            self.watches[id] = Subscription(meta, self, store, is_slow, form)
            if before := self.hub.add(self.watches[id]):
                before.connection.ended(before)
        self.hub.wake()

    async def _called(self, op: str, grid: Grid, subscriber: str = "") -> Answer:
        caller = self.login.caller
        turns = turns_of_this_loop()
        try:
            async with turns.turn(user_key(caller.user)):
                arguments = caller, self.project, op, grid, subscriber
                return await in_thread_of(CALLS, call_op, *arguments)
        except NoTurn:
            raise Busy(
                f"{turns.most} requests of this user are running (cap RUNNING): try"
                f" again in {RETRY_SECONDS} s"
            ) from None

    def _reply(self, message: Message, answer: Answer) -> None:
        members = {name: message[name] for name in ("op", "ref") if name in message}
        head = orjson.dumps(members).decode()[:-1]
        self.send_soon(f'{head},"grid":{answer[1]}}}')


def _watch_id(message: Message) -> str:
    if not isinstance(id := message.get("watchId"), str):
        raise BadRequest("missing watchId")
    return id


def _form(message: Message) -> str:
    """The form of the updates. Raises BadRequest."""
    form = message.get("form", RECORDS)
    if form not in (RECORDS, TAGS):
        raise BadRequest(f"form must be {RECORDS!r} or {TAGS!r}")
    return str(form)


def _number(message: Message, name: str) -> int:
    value = message.get(name)
    if type(value) is not int or value < 0:
        raise BadRequest(f"{name} must be a whole number, 0 or greater")
    return value


def call_op(
    caller: Caller, project: str | None, name: str, grid: Grid, subscriber: str = ""
) -> Answer:
    """Run an op; ``subscriber`` receives the updates of its watch.

    Raises an APIException with the same status as over HTTP.
    """
    with http_exceptions():
        op = dispatch.authorize(name, caller)
        return dispatch.run(op, caller, project, grid, _serialize, subscriber)


def _serialize(grid: Grid) -> Answer:
    pieces: list[str] = []
    size = 0
    for piece in hayson_writer.grid_chunks(grid):
        pieces.append(piece)
        size += len(piece)
        if size > MAX_CHARACTERS:
            error = Grid.error(
                "the answer is too long for a websocket message: use HTTP"
            )
            return error, hayson_writer.grid_text(error)
    return grid, "".join(pieces)


def read_grid(message: Message) -> Grid:
    """The grid of a message; empty if it is missing. Raises BadRequest."""
    if message.get("grid") is None:
        return Grid()
    try:
        found = hayson_reader.decode(message["grid"])
    except ParseError as error:
        raise BadRequest(f"grid: {error}") from None
    if not isinstance(found, Grid):
        raise BadRequest("'grid' is not a grid")
    return found
