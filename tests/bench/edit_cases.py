"""Ops that change entities, beside their statements written by hand."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from typing import Any

from haystack_app.demo import entities
from haystack_app.wire import hayson_writer

from .cases import Case
from .data import Building, History
from .http import HAYSON, Http
from .statements import Raw
from .timing import WARM_UP

__all__ = ["edit_cases"]


def edit_cases(
    raw: Raw, building: Building, history: History, size: int, rounds: int
) -> Iterator[Case]:
    """A user with the role admin commits one entity, and loads ``size`` new ones."""
    http = Http("admin")
    yield _commit(http, raw, *history.empty)
    yield _load(http, raw, building.copies, size, rounds + WARM_UP)


def _commit(http: Http, raw: Raw, ours: str, theirs: str) -> Case:
    our_turns, their_turns = count(), count()

    def body(number: int) -> bytes:
        return (
            f'ver:"3.0" commit:"update" force\nid,note\n@{ours},"{number}"\n'.encode()
        )

    def commit() -> bytes:
        return _done(http.post("/api/commit", body(next(our_turns)), HAYSON))

    def update() -> None:
        raw.set_tag(theirs, "note", str(next(their_turns)))

    bare = http.floor(len(commit()), body(0))
    return Case(
        "commit of 1 entity, Zinc",
        commit,
        update,
        "UPDATE of its tags",
        20,
        once=True,
        bare=bare,
        sql=update,
    )


def _load(http: Http, raw: Raw, copies: int, size: int, times: int) -> Case:
    raw.prepare_loading()
    # entities that are not stored yet; made before the clock runs
    batches = [_batch(copies + number, size) for number in range(times)]
    texts = [[hayson_writer.dump(record) for record in batch] for batch in batches]
    ids = [[record["id"].id for record in batch] for batch in batches]
    bodies = [f"[{','.join(batch)}]".encode() for batch in texts]
    our_turns = iter(bodies)
    their_turns = iter(zip(ids, texts, strict=True))

    def load() -> bytes:
        return _done(http.post("/api/load", next(our_turns), HAYSON, HAYSON))

    def insert() -> None:
        raw.load(*next(their_turns))

    return Case(
        f"load {size:,} new entities, Hayson",
        load,
        insert,
        "INSERT of their JSON",
        4,
        once=True,
        bare=http.floor(100, bodies[0]),
        sql=insert,
    )


def _batch(copy: int, size: int) -> list[dict[str, Any]]:
    return [dict(record) for record in islice(entities(copy=copy), size)]


def _done(answer: bytes) -> bytes:
    if b'"err"' in answer[:200]:
        raise RuntimeError(answer[:500].decode())
    return answer
