"""Two servers, hundreds of watchers, a writer, and what goes wrong meanwhile."""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import orjson

from tests.soak.redis_server import RedisServer
from tests.soak.watcher import Watcher

__all__ = ["Plan", "Result", "soak"]

_TICK = 0.1


@dataclass(frozen=True, slots=True)
class Plan:
    """``rate``: changed points a second, ``points`` in all, ``each`` on a watch."""

    seconds: float
    watchers: int
    each: int
    points: int
    rate: int
    breaks: float
    """Connections that break a second."""


@dataclass(slots=True)
class Result:
    watchers: list[Watcher]
    lost: list[str] = field(default_factory=list)
    memory: list[list[float]] = field(default_factory=list)
    """MB of each server, once a second."""
    writes: int = 0
    refused: int = 0

    @property
    def delays(self) -> list[float]:
        return [delay for one in self.watchers for delay in one.delays]


def soak(plan: Plan, token: str, ids: list[str]) -> Result:
    """Raises nothing for what is found: the result says it."""
    from tests.api.servers import UVICORN, Server, url_of

    with ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory()))
        redis = exits.enter_context(RedisServer(folder))
        # tokens of this process are to be theirs
        same = {"REDIS_URL": redis.url, "SECRET_KEY": os.environ["SECRET_KEY"]}
        servers = [Server(url_of("default"), folder, **same) for _ in range(2)]
        for server in servers:
            server.command = [sys.executable, *UVICORN]
            exits.enter_context(server)
        return asyncio.run(_soak(plan, token, ids, servers, redis))


async def _soak(
    plan: Plan, token: str, ids: list[str], servers: list[Any], redis: RedisServer
) -> Result:
    urls = [f"ws://127.0.0.1:{server.port}/ws/" for server in servers]
    watchers = [
        Watcher(urls, token, random.sample(ids, plan.each))
        for _ in range(plan.watchers)
    ]
    result = Result(watchers)
    tasks = [asyncio.create_task(one.run()) for one in watchers]
    await _until(lambda: all(one.settled for one in watchers), 60)
    assert all(one.settled for one in watchers), "not all watchers could connect"
    _say(f"{len(watchers)} watchers are connected")
    api = Api([server.root for server in servers], token)
    trouble = asyncio.create_task(_trouble(plan, servers, redis, watchers))
    gauge = asyncio.create_task(_gauge(servers, result))
    await _write(plan, api, ids, result)
    await trouble
    gauge.cancel()
    truth = await asyncio.to_thread(api.values)
    await _until(lambda: not _lost(watchers, truth), 30)
    result.lost = _lost(watchers, truth)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return result


@dataclass(frozen=True, slots=True)
class Api:
    """Calls of ops by HTTP, each at some server."""

    roots: list[str]
    token: str

    def write(self, ids: list[str]) -> bool:
        """Set the values of points to the time; False when the call broke."""
        rows = "".join(f"@{id},{time.time()!r}\n" for id in ids)
        try:
            answer = self._call("curWrite", f'ver:"3.0"\nid,val\n{rows}')
        except (OSError, HTTPException):
            return False  # its server is being killed
        assert b"err" not in answer[:60], answer
        return True

    def values(self) -> dict[str, Any]:
        grid = orjson.loads(self._call("read?filter=cur", None))
        return {row["id"]["val"]: row.get("curVal") for row in grid["rows"]}

    def _call(self, op: str, body: str | None) -> bytes:
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "text/zinc",
            "Accept": "application/json",
        }
        data = None if body is None else body.encode()
        url = f"{random.choice(self.roots)}/api/{op}"
        with urlopen(Request(url, data, headers), timeout=30) as answer:
            found: bytes = answer.read()
        return found


async def _write(plan: Plan, api: Api, ids: list[str], result: Result) -> None:
    """A connector: a few points in each call of curWrite."""
    due = time.monotonic()
    end = due + plan.seconds
    while due < end:
        changed = random.sample(ids, int(plan.rate * _TICK))
        if await asyncio.to_thread(api.write, changed):
            result.writes += len(changed)
        else:
            result.refused += 1
        due += _TICK
        await asyncio.sleep(max(0.0, due - time.monotonic()))


async def _trouble(
    plan: Plan, servers: list[Any], redis: RedisServer, watchers: list[Watcher]
) -> None:
    """Connections break all the time; Redis and a server once."""
    start = time.monotonic()
    third = plan.seconds / 3
    todo = [
        (third, "redis stops"),
        (third + 2, "redis starts"),
        (2 * third, "kill -9"),
    ]
    while (spent := time.monotonic() - start) < plan.seconds:
        await asyncio.sleep(1 / plan.breaks)
        random.choice(watchers).break_off()
        if todo and spent > todo[0][0]:
            _, what = todo.pop(0)
            _say(what)
            if what == "redis stops":
                redis.stop()
            elif what == "redis starts":
                redis.start()
            else:
                servers[1].process.kill()
                servers[1].process.wait()
                await asyncio.to_thread(servers[1].__enter__)
                _say("the server is there again")


async def _gauge(servers: list[Any], result: Result) -> None:
    while True:
        result.memory.append([_megabytes(server.process.pid) for server in servers])
        await asyncio.sleep(1)


def _megabytes(pid: int) -> float:
    """What a process holds of memory; 0 when it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    lines = dict(line.split(":", 1) for line in status.splitlines())
    return int(lines.get("VmRSS", "0 kB").split()[0]) / 1000


def _lost(watchers: list[Watcher], truth: dict[str, Any]) -> list[str]:
    return [
        f"watcher {number}, @{id}: {one.state.get(id)!r} is not {truth[id]!r}"
        for number, one in enumerate(watchers)
        for id in one.ids
        if one.state.get(id, "nothing") != truth[id]
    ]


async def _until(done: Any, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        await asyncio.sleep(0.2)


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)


def percentile(values: list[float], part: int) -> float:
    return statistics.quantiles(values, n=100)[part - 1]
