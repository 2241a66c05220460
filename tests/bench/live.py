"""Current values and watches, beside the statements that they come down to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

from haystack_app.sql.tables import WATCH_ITEMS
from haystack_app.storage.handler import storages

from .cases import Case
from .http import HAYSON, Http
from .statements import Raw

__all__ = ["live_cases"]

_UPDATE = (
    "UPDATE entities AS e SET cur = e.cur || p.cur, version = e.version + 1"
    " FROM unnest(%s::text[], %s::jsonb[]) AS p(id, cur) WHERE e.id = p.id"
)
_IDLE = (
    f"SELECT count(*) FROM {WATCH_ITEMS} i JOIN entities e ON e.id = i.entity_id"
    " WHERE i.watch_id = %s AND e.version <> i.sent"
)


def live_cases(http: Http, raw: Raw, rows: int) -> Iterator[Case]:
    """On PostgreSQL; what the tables hold elsewhere is the same, the times are not."""
    found = storages["default"].read('point and cur and kind == "Number"', rows)
    points = [(row["id"].id, row.get("unit", "")) for row in found]
    few = points[: rows // 10]
    ours, theirs = count(), count()

    def body(value: int) -> str:
        lines = "".join(f"@{id},{value}{unit}\n" for id, unit in few)
        return f'ver:"3.0"\nid,val\n{lines}'

    def cur_write() -> bytes:
        return _posted(http, "curWrite", body(next(ours)))

    def update() -> None:
        cur = json.dumps({"curVal": next(theirs), "curStatus": "ok"})
        with raw.connection.transaction():
            raw.connection.execute(_UPDATE, [[id for id, _ in few], [cur] * len(few)])

    yield Case(
        f"curWrite of {len(few):,} points, Zinc",
        cur_write,
        update,
        "UPDATE .. FROM unnest",
        4,
        once=True,
        bare=http.floor(len(cur_write()), body(0).encode()),
        sql=update,
    )
    lines = "".join(f"@{id}\n" for id, _ in points)
    answer = _posted(http, "watchSub", f'ver:"3.0" watchDis:"b" lease:1h\nid\n{lines}')
    watch = json.loads(answer)["meta"]["watchId"]

    polled = f'ver:"3.0" watchId:"{watch}"\nempty\n'

    def poll() -> bytes:
        answer = _posted(http, "watchPoll", polled)
        assert not json.loads(answer)["rows"], answer[:200]
        return answer

    def join() -> list[Any]:
        return raw.rows(_IDLE, [watch])

    yield Case(
        f"poll of an idle watch of {len(points):,}",
        poll,
        join,
        "join of its items",
        3,
        bare=http.floor(len(poll()), polled.encode()),
        sql=join,
    )


def _posted(http: Http, op: str, text: str) -> bytes:
    body = http.post(f"/api/{op}", text.encode(), HAYSON)
    if b'"err"' in body[:200]:
        raise RuntimeError(body[:500].decode())
    return body
