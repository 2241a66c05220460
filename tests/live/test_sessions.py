"""Watches of a session with disconnects, other sessions and failures."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from haystack_app.kinds import Grid, Number
from haystack_app.live import sessions
from haystack_app.live.hub import hub
from haystack_app.live.send_queue import SendQueue
from haystack_app.live.sessions import Session
from haystack_app.storage.memory import InMemoryAdapter
from tests.patience import PATIENCE

Work = Callable[[], Awaitable[None]]


class UnusedSocket:
    async def send(self, text: str) -> None:
        raise AssertionError("nothing is delivered here")


def a_session() -> Session:
    caller = SimpleNamespace(user=SimpleNamespace(pk=1))
    login: Any = SimpleNamespace(visible=None, may_watch=True, caller=caller)
    return Session(login, None, SendQueue(UnusedSocket()))


def said(session: Session) -> list[Any]:
    return [orjson.loads(text) for text in session.send_queue._texts]


@pytest.fixture
def answers(monkeypatch: Any) -> dict[str, Any]:
    """Functions that answer, by op; they run in a thread, as ops do."""
    found: dict[str, Any] = {}

    def called(_: Any, __: Any, op: str, *___: Any) -> tuple[Grid, str]:
        answer: tuple[Grid, str] = found[op]()
        return answer

    monkeypatch.setattr(sessions, "call_op", called)
    context = SimpleNamespace(storage=InMemoryAdapter())
    monkeypatch.setattr(sessions, "context_for", lambda *_: context)
    return found


def told(seq: int) -> tuple[Grid, str]:
    meta = {"watchId": "w", "seq": Number(seq), "lease": Number(60.0, "s")}
    return Grid(meta=meta), "{}"


def run(work: Work) -> None:
    async def within() -> None:
        await asyncio.wait_for(work(), PATIENCE)
        for task in hub().tasks:
            task.cancel()

    asyncio.run(within())


SUB = {"op": "sub", "grid": {"_kind": "grid", "meta": {"watchId": "w"}, "cols": []}}
RESUME = {"op": "resume", "watchId": "w", "ack": 1}


def test_a_watch_of_a_connection_that_has_ended_is_not_pushed(answers: Any) -> None:
    async def work() -> None:
        session = a_session()
        loop = asyncio.get_running_loop()

        def ends() -> tuple[Grid, str]:
            loop.call_soon_threadsafe(session.end)
            return told(1)

        answers["watchSub"] = ends
        await session.sub(SUB)
        assert not hub().watches
        assert not session.watches

    run(work)


def test_a_failed_answer_is_requeued(answers: Any) -> None:
    async def work() -> None:
        session, other = a_session(), a_session()
        answers["watchSub"] = lambda: told(1)
        await session.sub(SUB)
        watch = hub().watches["w"]
        answers["watchPoll"] = lambda: (Grid.error("too long"), "{}")
        await session.refresh(RESUME)
        assert watch.needs_requeue
        watch.needs_requeue = False

        def breaks() -> tuple[Grid, str]:
            raise ConnectionError

        answers["watchPoll"] = breaks
        with pytest.raises(ConnectionError):
            await other.resume(RESUME)
        assert watch.needs_requeue
        assert hub().watches["w"] is watch
        watch.needs_requeue = False
        answers["watchPoll"] = lambda: told(2)
        await session.refresh(RESUME)
        assert not watch.needs_requeue

    run(work)


def test_the_later_request_keeps_the_watch(answers: Any) -> None:
    async def work() -> None:
        first, second = a_session(), a_session()
        begun, held = threading.Event(), threading.Event()

        def slow() -> tuple[Grid, str]:
            answers["watchPoll"] = lambda: told(6)
            begun.set()
            held.wait(PATIENCE)
            return told(5)

        answers["watchPoll"] = slow
        both = [asyncio.create_task(it.resume(RESUME)) for it in (first, second)]
        await asyncio.to_thread(begun.wait, PATIENCE)
        held.set()
        await asyncio.gather(*both)
        watch = hub().watches["w"]
        assert (watch.connection, watch.seq) == (second, 6)
        assert not first.watches
        assert said(first)[-1]["op"] == "end"
        assert [message["op"] for message in said(second)] == ["resume"]

    run(work)


def test_watches_that_were_taken_over_are_removed(answers: Any) -> None:
    async def work() -> None:
        first, second = a_session(), a_session()
        answers["watchSub"] = answers["watchPoll"] = lambda: told(1)
        await first.sub(SUB)
        await second.resume(RESUME)
        assert said(first)[-1]["op"] == "end"
        assert not first.watches
        assert list(second.watches) == ["w"]

    run(work)
