"""Requests of gateways and people, each at its time."""

from __future__ import annotations

import datetime as dt
import heapq
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

import orjson

from haystack_app.kinds.timezones import zone_of

from .filling import Filled
from .plan import Plan

__all__ = ["Load"]

_THREADS = 12
_IDLE_SECONDS = 2.0
"""Servers close connections that are idle, after 5 s."""
_Due = tuple[float, int, str, Callable[["_Client"], None]]


class Load:
    """``times`` are the seconds of the answers to each kind of request.

    ``late`` is how late a request was sent at most: the machine could not follow.
    """

    def __init__(self, plan: Plan, filled: Filled, port: int, token: str) -> None:
        self.plan, self.filled = plan, filled
        self.port, self.token = port, token
        self.random = random.Random(1)
        self.times: dict[str, list[float]] = defaultdict(list)
        self.late = 0.0
        self._due: list[_Due] = []
        self._lock = threading.Lock()
        self._problems: list[BaseException] = []

    def run(self, each_second: Callable[[], object]) -> None:
        """Raises the first problem of a request."""
        self._due = sorted(self._requests())
        begin = time.monotonic()
        threads = [
            threading.Thread(target=self._work, args=(begin,), daemon=True)
            for _ in range(_THREADS)
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            each_second()
            time.sleep(1)
        if self._problems:
            raise self._problems[0]

    def _requests(self) -> Iterator[_Due]:
        plan, number = self.plan, 0
        groups = self.filled.groups
        for at in range(len(groups)):
            yield from self._again(
                number := number + 1, plan.every, "hisWrite", self._write(*groups[at])
            )
        for _ in range(plan.people):
            some = self.random.sample(self.filled.points, plan.watched)
            equip = self.random.choice(self.filled.equips)
            charted = self.random.sample(self.filled.charted, 4)
            for every, kind, call in (
                (plan.poll_seconds, "watchPoll", _Watch(some)),
                (plan.list_seconds, "read", _read(equip)),
                (plan.chart_seconds, "hisRead of a week", _charts(charted, 7, "1hr")),
                (
                    5 * plan.chart_seconds,
                    "hisRead of a year",
                    _charts(charted[:1], 365, "1day"),
                ),
            ):
                yield from self._again(number := number + 1, every, kind, call)

    def _again(
        self, number: int, every: float, kind: str, call: Callable[[_Client], None]
    ) -> Iterator[_Due]:
        at = self.random.uniform(0, every)
        while at < self.plan.seconds:
            yield at, number, kind, call
            at += every

    def _work(self, begin: float) -> None:
        client = _Client(self.port, self.token)
        while not self._problems:
            with self._lock:
                if not self._due:
                    return
                at, _, kind, call = heapq.heappop(self._due)
            wait = begin + at - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            self.late = max(self.late, -wait)
            start = time.perf_counter()
            try:
                call(client)
            except BaseException as problem:
                self._problems.append(problem)
                return
            self.times[kind].append(time.perf_counter() - start)

    def _write(self, tz: str, units: dict[str, str]) -> Callable[[_Client], None]:
        cols = [{"name": "ts"}] + [
            {"name": f"v{at}", "meta": {"id": {"_kind": "ref", "val": id}}}
            for at, id in enumerate(units)
        ]

        def call(client: _Client) -> None:
            now = dt.datetime.now(zone_of(tz)).replace(microsecond=0).isoformat()
            row: dict[str, Any] = {"ts": {"_kind": "dateTime", "val": now, "tz": tz}}
            for at, unit in enumerate(units.values()):
                value = round(self.random.uniform(60, 80), 2)
                row[f"v{at}"] = {"_kind": "number", "val": value, "unit": unit}
            client.post("hisWrite", cols, [row])

        return call


class _Client:
    def __init__(self, port: int, token: str) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=120)
        self.used = time.monotonic()
        self.headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "Content-Type": "application/json",
        }

    def get(self, op: str, **arguments: str) -> Any:
        return self._answer("GET", f"/api/{op}?{urlencode(arguments)}", None)

    def post(self, op: str, cols: list[Any], rows: list[Any], **meta: Any) -> Any:
        grid = {"_kind": "grid", "meta": {"ver": "3.0", **meta}}
        body = orjson.dumps({**grid, "cols": cols, "rows": rows})
        return self._answer("POST", f"/api/{op}", body)

    def _answer(self, method: str, path: str, body: bytes | None) -> Any:
        if time.monotonic() - self.used > _IDLE_SECONDS:
            self.connection.close()  # the next request opens it again
        self.connection.request(method, path, body, self.headers)
        answer = self.connection.getresponse()
        found = orjson.loads(answer.read())
        self.used = time.monotonic()
        if answer.status != 200 or "err" in found.get("meta", {}):
            raise AssertionError(f"{path}: {answer.status} {found.get('meta')}")
        return found


class _Watch:
    """Opened by its first poll."""

    def __init__(self, ids: list[str]) -> None:
        self.ids = ids
        self.id = ""

    def __call__(self, client: _Client) -> None:
        if self.id:
            client.post("watchPoll", [{"name": "empty"}], [], watchId=self.id)
            return
        rows = [{"id": {"_kind": "ref", "val": id}} for id in self.ids]
        found = client.post("watchSub", [{"name": "id"}], rows, watchDis="simulation")
        self.id = found["meta"]["watchId"]


def _read(equip: str) -> Callable[[_Client], None]:
    def call(client: _Client) -> None:
        client.get("read", filter=f"point and equipRef==@{equip}")

    return call


def _charts(ids: list[str], days: int, interval: str) -> Callable[[_Client], None]:
    def call(client: _Client) -> None:
        today = dt.datetime.now(dt.UTC).date()
        span = f"{today - dt.timedelta(days)},{today}"
        for id in ids:
            client.get(
                "hisRead", id=f"@{id}", range=span, rollup="avg", interval=interval
            )

    return call
