"""Ops on histories, beside their statements written by hand."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from functools import partial
from math import ceil
from typing import Any

from haystack_app.kinds import Col, DateTime, Grid, Number, Ref
from haystack_app.wire.registry import FORMATS

from .cases import Case, same, utc_text
from .data import History
from .http import HAYSON, TYPES, ZINC, Http
from .statements import Raw
from .timing import WARM_UP

__all__ = ["his_fold_case", "his_read_cases", "his_write_cases"]


def his_read_cases(
    http: Http, raw: Raw, history: History, samples: int
) -> Iterator[Case]:
    """A tenth of the samples, and all of them."""
    for number in (samples // 10, samples):
        yield from _his_read(http, raw, history, number)


def _his_read(http: Http, raw: Raw, history: History, samples: int) -> Iterator[Case]:
    id = history.points[len(history.points) // 2]
    start, end = history.span(samples)
    span = f"{utc_text(start)},{utc_text(end)}"

    def read(accept: str) -> bytes:
        return http.get("/api/hisRead", accept, id=f"@{id}", range=span)

    fetch = partial(raw.samples, id, start, end)
    fetched = [val for _, val in fetch()]
    rows = json.loads(read(HAYSON))["rows"]
    same([row["val"]["val"] for row in rows], fetched, f"hisRead {id}")
    same(len(read(ZINC).splitlines()), len(fetched) + 3, f"hisRead {id} as Zinc")
    for format, accept in TYPES.items():
        size = len(read(accept))
        yield Case(
            f"hisRead {len(fetched):,} samples, {format}",
            partial(read, accept),
            fetch,
            "fetch of (ts, val)",
            3,
            bare=http.floor(size),
            sql=fetch,
            size=size,
        )


def his_fold_case(http: Http, raw: Raw, history: History, samples: int) -> Case:
    """Averages of hours, from samples that are not folded yet."""
    id = history.points[len(history.points) // 2]
    start, end = history.span(samples)
    asked = {
        "id": f"@{id}",
        "range": f"{utc_text(start)},{utc_text(end)}",
        "rollup": "avg",
        "interval": "1hr",
    }

    def read() -> bytes:
        return http.get("/api/hisRead", HAYSON, **asked)

    answer = read()
    hours = (end - start) / dt.timedelta(hours=1)
    same(len(json.loads(answer)["rows"]), ceil(hours), f"roll-up of {id}")
    return Case(
        f"roll-up of {samples:,} samples by hours",
        read,
        partial(raw.samples, id, start, end),
        "fetch of (ts, val)",
        3,
        size=len(answer),
    )


def his_write_cases(
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
    a_format = rounds + WARM_UP
    blocks = history.blocks(samples, a_format * len(TYPES))
    for at, format in enumerate(TYPES):
        times = blocks[at * a_format : (at + 1) * a_format]
        # the bodies are a client's work: made before the clock runs
        bodies = [_body(format, ours, block, vals, tags) for block in times]
        yield from _his_write(
            http, raw, format, theirs, list(zip(bodies, times, strict=True)), vals
        )
    span = blocks[0][0], blocks[-1][-1]
    same(raw.samples(ours, *span), raw.samples(theirs, *span), "hisWrite")


def _his_write(
    http: Http,
    raw: Raw,
    format: str,
    theirs: str,
    blocks: list[tuple[bytes, list[dt.datetime]]],
    vals: list[float],
) -> Iterator[Case]:
    """New samples, and the first of them again."""
    path, media_type = "/api/hisWrite", TYPES[format]

    def write(body: bytes) -> None:
        answer = http.post(path, body, HAYSON, media_type)
        if b'"err"' in answer:
            raise RuntimeError(answer.decode())

    our_turns = (body for body, _ in blocks)
    their_turns = (times for _, times in blocks)
    body, times = blocks[0]
    beside = "INSERT .. unnest .. ON CONFLICT"
    if not raw.postgres:
        beside = "executemany INSERT .. ON CONFLICT"
    for name, ours, statement in (
        (
            "new samples",
            lambda: write(next(our_turns)),
            lambda: raw.upsert(theirs, next(their_turns), vals),
        ),
        (
            "samples again",
            lambda: write(body),
            lambda: raw.upsert(theirs, times, vals),
        ),
    ):
        yield Case(
            f"hisWrite {len(vals):,} {name}, {format}",
            ours,
            statement,
            beside,
            2.5,
            once=True,
            bare=http.floor(0, body),
            sql=statement,
        )


def _body(
    format: str,
    id: str,
    times: list[dt.datetime],
    vals: list[float],
    tags: dict[str, Any],
) -> bytes:
    tz, unit = tags["tz"], tags["unit"]
    rows = [
        {"ts": DateTime(at, tz), "val": Number(val, unit)}
        for at, val in zip(times, vals, strict=True)
    ]
    [write] = [one.write for one in FORMATS if one.name == format.lower()]
    assert write is not None
    grid = Grid([Col("ts"), Col("val")], rows, {"id": Ref(id)})
    return "".join(write(grid)).encode()
