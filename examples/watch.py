"""Watch the records that match a filter and print their changes until stopped.

    pip install websockets
    export HAYSTACK_TOKEN=$(python manage.py haystack_token create demo watcher)
    python examples/watch.py ws://127.0.0.1:8000/ws/ 'point and cur and equipRef->ahu'

Lines are the time, the id, the value and its status; ``gone`` where an entity does
not match any more. Connections may break and servers restart: the watch goes on with
what it missed, or begins anew, and then too only differences are printed.

The messages are in docs/live.md.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidMessage,
    InvalidStatus,
    InvalidURI,
)

Record = dict[str, Any]

LEASE = {"_kind": "number", "val": 10, "unit": "min"}
"""How long the server keeps the watch for us while we are away."""
NO_USE = {4401, 4404}
"""Close codes that another try would end with as well."""
NOT_NOW = {429, 500, 502, 503}
"""Status of answers that may be others a moment later."""


class Refused(Exception):
    """The server will not have it; the message says why."""


class Watch:
    """``records`` are the matching records, as of the last message."""

    def __init__(self, filter: str) -> None:
        self.filter = filter
        self.records: dict[str, Record] = {}
        self.id: str | None = None
        self.seq = 0

    async def follow(self, socket: ClientConnection) -> None:
        """Until the connection breaks. Raises Refused, ConnectionClosed."""
        await self.begin(socket)
        async for text in socket:
            await self.receive(socket, json.loads(text))

    async def begin(self, socket: ClientConnection) -> None:
        """Where we were, if we have been there."""
        if self.id:
            await say(socket, op="resume", ref=1, watchId=self.id, ack=self.seq)
        else:
            meta = {"watchDis": "watch.py", "lease": LEASE, "filter": self.filter}
            await say(socket, op="sub", ref=1, grid=grid_of(meta))

    async def receive(self, socket: ClientConnection, message: Any) -> None:
        op, grid = message["op"], message.get("grid", {"meta": {}})
        if op == "end" or (op == "resume" and is_error(message)):
            self.id = None  # the server has forgotten the watch
            await self.begin(socket)
        elif message.get("error", {}).get("status", 0) in NOT_NOW:
            await socket.close()
        elif is_error(message):
            raise Refused((message.get("error") or grid["meta"])["dis"])
        elif op == "push" and grid["meta"]["seq"] != self.seq + 1:
            await self.begin(socket)  # something is missing
        elif "seq" in grid["meta"]:
            self.take(grid, is_all=op == "sub")
            await say(socket, op="ack", watchId=self.id, seq=self.seq)

    def take(self, grid: Any, *, is_all: bool) -> None:
        """Apply changed records and removed ids; ``is_all``: remove all others."""
        meta, rows = grid["meta"], {row["id"]["val"]: row for row in grid["rows"]}
        self.id, self.seq = meta["watchId"], meta["seq"]
        gone = [ref["val"] for ref in meta.get("gone", ())]
        if is_all:
            gone = [id for id in self.records if id not in rows]
        for id in gone:
            if self.records.pop(id, None) is not None:
                show(id, "gone")
        for id, record in rows.items():
            before = self.records.get(id, {})
            self.records[id] = record
            if shown(record) != shown(before) or not before:
                show(id, *shown(record))


def shown(record: Record) -> list[str]:
    return [text_of(record.get("curVal")), text_of(record.get("curStatus"))]


def show(id: str, *words: str) -> None:
    print(time.strftime("%H:%M:%S"), f"@{id}", *words, flush=True)


def text_of(value: Any) -> str:
    if isinstance(value, dict) and "val" in value:
        return f"{value['val']}{value.get('unit', '')}"
    return "" if value is None else str(value)


def grid_of(meta: Record) -> Record:
    """A grid without rows."""
    cols = [{"name": "empty"}]
    meta = {"ver": "3.0", **meta}
    return {"_kind": "grid", "meta": meta, "cols": cols, "rows": []}


def is_error(message: Any) -> bool:
    return "error" in message or "err" in message.get("grid", {"meta": {}})["meta"]


async def say(socket: ClientConnection, **message: Any) -> None:
    await socket.send(json.dumps(message))


def another_try(error: Exception) -> Exception | None:
    """None where the next try may do better: there is no server yet, say."""
    if isinstance(error, InvalidStatus):
        final = error.response.status_code not in NOT_NOW
    else:
        final = not isinstance(error, OSError | TimeoutError | InvalidMessage)
    if final:
        return error
    print(f"no connection ({error}); trying again", file=sys.stderr, flush=True)
    return None


async def main(url: str, filter: str, token: str) -> None:
    """``connect`` waits longer from try to try while there is no server."""
    watch = Watch(filter)
    headers = {"Authorization": f"Bearer {token}"}
    async for socket in connect(
        url,
        additional_headers=headers,
        max_size=None,
        process_exception=another_try,
    ):
        with suppress(ConnectionClosed):
            await watch.follow(socket)
        if socket.close_code in NO_USE:
            raise Refused(socket.close_reason or socket.close_code)
        print("the connection broke; trying again", file=sys.stderr)
        await asyncio.sleep(1)


if __name__ == "__main__":
    if len(sys.argv) != 3 or "HAYSTACK_TOKEN" not in os.environ:
        sys.exit("usage: HAYSTACK_TOKEN=... python watch.py WS_URL FILTER")
    try:
        asyncio.run(main(sys.argv[1], sys.argv[2], os.environ["HAYSTACK_TOKEN"]))
    except Refused as error:
        sys.exit(f"the server refuses: {error}")
    except (InvalidStatus, InvalidURI) as error:
        sys.exit(f"no connection: {error}")
    except KeyboardInterrupt:
        pass
