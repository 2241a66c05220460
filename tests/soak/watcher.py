"""A client that watches points until stopped, over connections that break."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

__all__ = ["Watcher"]

LEASE = {"_kind": "number", "val": 5, "unit": "min"}


class Watcher:
    """``state`` merges the received updates: the value of each point.

    A value is the time at which it was written, so that the delay of a push is
    known at its end.
    """

    def __init__(self, urls: list[str], token: str, ids: list[str]) -> None:
        self.urls = urls
        self.headers = {"Authorization": f"Bearer {token}"}
        self.ids = ids
        self.state: dict[str, Any] = {}
        self.delays: list[float] = []
        self.watch: str | None = None
        self.seq = 0
        self.pushes = self.connects = self.opened = 0
        self.settled = False
        self.socket: Any = None

    async def run(self) -> None:
        while True:
            try:
                url = random.choice(self.urls)
                async with connect(
                    url, additional_headers=self.headers, max_size=2**24
                ) as self.socket:
                    self.connects += 1
                    await self._begin()
                    async for text in self.socket:
                        await self._receive(orjson.loads(text))
            except (OSError, WebSocketException, TimeoutError):
                self.settled = False
                await asyncio.sleep(random.uniform(0.2, 1.0))

    def break_off(self) -> None:
        """As a network does: without a word."""
        if self.socket is not None:
            self.socket.transport.abort()

    async def _begin(self) -> None:
        if self.watch is None:
            rows = [{"id": {"_kind": "ref", "val": id}} for id in self.ids]
            meta = {"ver": "3.0", "watchDis": "soak", "lease": LEASE}
            grid = {
                "_kind": "grid",
                "meta": meta,
                "cols": [{"name": "id"}],
                "rows": rows,
            }
            await self._say(op="sub", ref=1, grid=grid)
        else:
            await self._say(op="resume", ref=1, watchId=self.watch, ack=self.seq)

    async def _receive(self, message: Any) -> None:
        now = time.time()
        grid = message.get("grid")
        if grid is None or "err" in grid["meta"]:
            self.watch, self.settled = None, False  # ended: begin again
            self.break_off()
            return
        meta = grid["meta"]
        if message["op"] == "sub":
            self.opened += 1
        self.watch, self.seq = meta["watchId"], int(meta["seq"])
        for row in grid["rows"]:
            val = row.get("curVal")
            self.state[row["id"]["val"]] = val
            if message["op"] == "push" and self.settled and val:
                self.delays.append(now - val)
        if message["op"] == "push":
            self.pushes += 1
        self.settled = True
        await self._say(op="ack", watchId=self.watch, seq=self.seq)

    async def _say(self, **message: Any) -> None:
        await self.socket.send(orjson.dumps(message).decode())
