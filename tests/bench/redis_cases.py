"""The Redis adapter beside the ORM adapter, and its writes beside the bare command.

The same entities and samples are in both stores, and answers must be the same.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from haystack_app.demo import entities
from haystack_app.kinds import DateTime, Number
from haystack_app.kinds.series import microseconds_of
from haystack_app.storage.handler import storages
from haystack_app.storage.redis import RedisAdapter

from .cases import Case, utc_text
from .data import Building, History
from .http import HAYSON, ZINC, Http
from .questions import Questions
from .timing import WARM_UP

__all__ = ["fill", "redis_cases"]


def fill(alias: str, building: Building, history: History, samples: int) -> None:
    """The entities of the other store, and the samples that are read."""
    store = storages[alias]
    for copy in range(building.copies):
        store.load_entities(entities(copy=copy))
    point = _read_from(history)
    found = storages["default"].his_read(point, *history.span(samples))
    store.his_write(point, [(row["ts"], row["val"]) for row in found])


def redis_cases(
    alias: str,
    http: Http,
    questions: Questions,
    history: History,
    samples: int,
    rounds: int,
) -> Iterator[Case]:
    def read(where: str, filter: str) -> bytes:
        return http.get(f"/api{where}/read", HAYSON, filter=filter)

    for name, filter, target in (
        ("4 conjuncts", questions.few, 1.5),
        ("by ->", questions.of_city, 3.0),
    ):
        count = _same(
            *(json.loads(read(where, filter))["rows"] for where in (f"/{alias}", ""))
        )
        yield Case(
            f"{alias}: read {count} rows, {name}",
            lambda filter=filter: read(f"/{alias}", filter),
            lambda filter=filter: read("", filter),
            "ORM adapter",
            target,
            bare=http.floor(len(read(f"/{alias}", filter))),
        )
    yield _reading(alias, http, history, samples)
    yield from _writing(alias, history, samples // 10, rounds)


def _reading(alias: str, http: Http, history: History, samples: int) -> Case:
    id = _read_from(history)
    span = ",".join(map(utc_text, history.span(samples)))

    def read(where: str) -> bytes:
        return http.get(f"/api{where}/hisRead", ZINC, id=f"@{id}", range=span)

    lines = [read(where).splitlines() for where in (f"/{alias}", "")]
    if lines[0][1:] != lines[1][1:]:
        raise AssertionError(f"hisRead {id} differs")
    return Case(
        f"{alias}: hisRead {len(lines[0]) - 3:,} samples",
        lambda: read(f"/{alias}"),
        lambda: read(""),
        "ORM adapter",
        2,
        bare=http.floor(len(read(f"/{alias}"))),
    )


def _writing(alias: str, history: History, samples: int, rounds: int) -> Iterator[Case]:
    store = storages[alias]
    assert isinstance(store, RedisAdapter)
    point = history.empty[0]
    [record] = store.read_by_ids([point])
    assert record is not None
    tz, unit = record["tz"], record["unit"]
    blocks = history.blocks(samples, rounds + WARM_UP)
    vals = [70 + index % 1000 / 100 for index in range(samples)]
    given = [
        [
            (DateTime(at, tz), Number(val, unit))
            for at, val in zip(times, vals, strict=True)
        ]
        for times in blocks
    ]
    ours = iter(given)
    command, bare = _bare(store, vals)
    theirs = iter([_times(times) for times in blocks])
    case = Case(
        f"{alias}: his_write {samples:,} new samples",
        lambda: store.his_write(point, next(ours)),
        lambda: bare(next(theirs)),
        command,
        3,
        once=True,
    )
    yield case
    first = _times(blocks[0])
    yield replace(
        case,
        name=f"{alias}: his_write {samples:,} samples again",
        ours=lambda: store.his_write(point, given[0]),
        theirs=lambda: bare(first),
        target=10,
    )


def _bare(
    store: RedisAdapter, vals: list[float]
) -> tuple[str, Callable[[list[int]], Any]]:
    """What a program would send that knows nothing of entities."""
    server, key = store.server, f"{store.keys.base}bare"
    if not server.modules:
        return "ZADD", lambda times: server.redis.zadd(
            key,
            {f"{time}:{val!r}": time for time, val in zip(times, vals, strict=True)},
        )
    server.command("TS.CREATE", key, "DUPLICATE_POLICY", "LAST")
    return "TS.MADD", lambda times: server.command(
        "TS.MADD",
        *(
            word
            for time, val in zip(times, vals, strict=True)
            for word in (key, time // 1_000, val)
        ),
    )


def _times(times: list[dt.datetime]) -> list[int]:
    return [microseconds_of(at) for at in times]


def _read_from(history: History) -> str:
    return history.points[len(history.points) // 2]


def _same(ours: list[Any], theirs: list[Any]) -> int:
    ids = [sorted(row["id"]["val"] for row in rows) for rows in (ours, theirs)]
    if ids[0] != ids[1]:
        raise AssertionError(f"{ids[0][:5]} .. is not {ids[1][:5]} ..")
    return len(ours)
