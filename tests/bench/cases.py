"""What is timed: ours through HTTP, beside the fixed statement run raw.

Before a case is timed its two sides must agree on what they answer.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from haystack_app.kinds.datetimes import DateTime
from haystack_app.wire import zinc_writer

from .data import History
from .http import HAYSON, ZINC, Http
from .questions import Questions
from .statements import Raw
from .timing import WARM_UP

__all__ = ["Case", "history_cases", "read_cases", "utc_text", "write_cases"]


@dataclass(frozen=True, slots=True)
class Case:
    """``theirs`` is what ``beside`` names; ``target`` bounds ours / theirs.

    ``once``: every call does something new, so that calls are not repeated.
    """

    name: str
    ours: Callable[[], Any]
    theirs: Callable[[], Any]
    beside: str
    target: float
    once: bool = False


def read_cases(http: Http, raw: Raw, questions: Questions, rows: int) -> Iterator[Case]:
    few = {
        "tag": questions.tag,
        "site": questions.site,
        "equip": questions.equip,
    }

    def bare() -> bytes:
        return http.get("/bare/read", **few)

    def read(filter: str, accept: str = HAYSON, **more: str) -> bytes:
        return http.get("/api/read", accept, filter=filter, **more)

    def many() -> list[Any]:
        return raw.texts_with(questions.many_tags, rows)

    found = _ids(json.loads(read(questions.few))["rows"])
    _same(found, _ids(json.loads(bare())), questions.few)
    for format, accept in (("Hayson", HAYSON), ("Zinc", ZINC)):
        yield Case(
            f"read {len(found)} rows, 4 conjuncts, {format}",
            lambda accept=accept: read(questions.few, accept),
            bare,
            "bare Django view",
            2,
        )
    count = len(many())
    answer = json.loads(read(questions.many, limit=str(rows)))["rows"]
    _same(len(answer), count, questions.many)
    yield Case(
        f"read {count:,} rows, Hayson",
        lambda: read(questions.many, limit=str(rows)),
        many,
        "fetch of tags || cur",
        2,
    )
    of_site = _ids(json.loads(read(questions.of_site))["rows"])
    of_city = _ids(json.loads(read(questions.of_city))["rows"])
    _same(of_city, of_site, questions.of_city)
    yield Case(
        f"points of one site by ->, {len(of_site):,} rows",
        lambda: read(questions.of_city),
        lambda: read(questions.of_site),
        "ours by siteRef == @..",
        3,
    )


def history_cases(
    http: Http, raw: Raw, history: History, samples: int
) -> Iterator[Case]:
    id = history.points[len(history.points) // 2]
    start, end = history.span(samples)
    span = f"{utc_text(start)},{utc_text(end)}"

    def read(accept: str) -> bytes:
        return http.get("/api/hisRead", accept, id=f"@{id}", range=span)

    def fetch() -> list[Any]:
        return raw.samples(id, start, end)

    fetched = [val for _, val in fetch()]
    rows = json.loads(read(HAYSON))["rows"]
    _same([row["val"]["val"] for row in rows], fetched, f"hisRead {id}")
    _same(len(read(ZINC).splitlines()), len(fetched) + 3, f"hisRead {id} as Zinc")
    for format, accept in (("Zinc", ZINC), ("Hayson", HAYSON)):
        yield Case(
            f"hisRead {len(fetched):,} samples, {format}",
            lambda accept=accept: read(accept),
            fetch,
            "fetch of (ts, val)",
            3,
        )


def write_cases(
    http: Http,
    raw: Raw,
    history: History,
    tags: dict[str, Any],
    samples: int,
    rounds: int,
) -> Iterator[Case]:
    """``tags`` are those of the points that are written to."""
    ours, theirs = history.empty
    vals = [70 + index % 1000 / 100 for index in range(samples)]
    blocks = history.blocks(samples, rounds + WARM_UP)
    # the bodies are a client's work: made before the clock runs
    bodies = [_zinc(ours, times, vals, tags) for times in blocks]
    our_turns, their_turns = iter(bodies), iter(blocks)

    def write(text: bytes) -> None:
        answer = http.post("/api/hisWrite", text)
        if b" err" in answer.partition(b"\n")[0]:
            raise RuntimeError(answer.decode())

    beside = "INSERT .. unnest .. ON CONFLICT"
    if not raw.postgres:
        beside = "executemany INSERT .. ON CONFLICT"
    yield Case(
        f"hisWrite {samples:,} new samples, Zinc",
        lambda: write(next(our_turns)),
        lambda: raw.upsert(theirs, next(their_turns), vals),
        beside,
        2.5,
        once=True,
    )
    span = blocks[0][0], blocks[0][-1]
    _same(raw.samples(ours, *span), raw.samples(theirs, *span), "hisWrite")
    yield Case(
        f"hisWrite {samples:,} samples again, Zinc",
        lambda: write(bodies[0]),
        lambda: raw.upsert(theirs, blocks[0], vals),
        beside,
        2.5,
        once=True,
    )


def _zinc(
    id: str, times: list[dt.datetime], vals: list[float], tags: dict[str, Any]
) -> bytes:
    tz, unit = tags["tz"], tags["unit"]
    lines = [
        f"{zinc_writer.value_text(DateTime(at, tz))},{val!r}{unit}\n"
        for at, val in zip(times, vals, strict=True)
    ]
    return f'ver:"3.0" id:@{id}\nts,val\n{"".join(lines)}\n'.encode()


def utc_text(at: dt.datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}Z UTC"


def _ids(rows: list[Any]) -> list[str]:
    return sorted(row["id"]["val"] for row in rows)


def _same(ours: Any, theirs: Any, what: str) -> None:
    if ours != theirs:
        raise AssertionError(f"{what}: {str(ours)[:200]} is not {str(theirs)[:200]}")
