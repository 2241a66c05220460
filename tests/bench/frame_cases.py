"""Histories in columns, beside the bare binary fetch of their samples."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from functools import partial

import pyarrow

from .cases import Case, same, utc_text
from .data import START, STEP, History
from .http import Http
from .statements import Raw

__all__ = ["frame_cases"]

_MOST = 1_000_000
_ARROW = "application/vnd.apache.arrow.stream"
_MINUTE = dt.timedelta(minutes=1)


def frame_cases(http: Http, raw: Raw, history: History) -> Iterator[Case]:
    """A million samples of one point, and of many."""
    count = min(_MOST, history.long_count)
    yield _case(http, raw, [history.long], START + count * _MINUTE)
    many = history.points[: max(1, _MOST // history.count)]
    yield _case(http, raw, many, START + history.count * STEP)


def _case(http: Http, raw: Raw, ids: list[str], end: dt.datetime) -> Case:
    span = f"{utc_text(START)},{utc_text(end)}"

    def read() -> bytes:
        return http.get("/api/history/", _ARROW, ids=",".join(ids), range=span)

    fetch = partial(raw.fetch, ids, START, end)
    answer = read()
    rows = pyarrow.ipc.open_stream(io.BytesIO(answer)).read_all().num_rows
    same(rows, fetch(), "history in Arrow")
    return Case(
        f"history {rows:,} samples of {len(ids)}, Arrow",
        read,
        fetch,
        "binary fetch of (ts, val)",
        1.5,
        bare=http.floor(len(answer)),
        sql=fetch,
        size=len(answer),
    )
