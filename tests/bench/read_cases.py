"""Ops that read entities, beside views whose SQL is written for the one query."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

from .cases import Case, ids_of, same
from .http import HAYSON, TYPES, Http
from .questions import Questions
from .statements import Query, Raw

__all__ = ["read_cases"]

_LIMIT = 100
_VIEW = "bare view with login"


def read_cases(http: Http, raw: Raw, questions: Questions, rows: int) -> Iterator[Case]:
    """The last ones have ``rows // 10`` and ``rows`` rows."""
    ask = partial(_case, http, raw)
    yield _about(http)
    id = questions.point
    yield ask("read by id", raw.record(id), "read", {"id": f"@{id}"})
    yield from _few(http, raw, questions)
    point = ("has", "point")
    site = ("refers", "siteRef", questions.site)
    for name, filter, terms in (
        ("a tag at a site", questions.some, [point, ("has", questions.some_tag), site]),
        ("dis == ..", questions.by_dis, [("equals", "dis", questions.dis)]),
        ("siteRef == @..", questions.of_site, [point, site]),
    ):
        yield ask(f"read {name}", raw.records(*terms), "read", {"filter": filter})
    yield _path(http, raw, questions)
    below = raw.records(site, ("nav",))
    yield ask("nav of a site", below, "nav", {"navId": f"@{questions.site}"})
    has_all = [("has", tag) for tag in questions.many_tags]
    for limit in (_LIMIT, rows // 10, rows):
        query = {"filter": questions.many, "limit": str(limit)}
        yield ask("read markers", raw.records(*has_all, limit=limit), "read", query)


def _about(http: Http) -> Case:
    def ours() -> bytes:
        return http.get("/api/about")

    view = http.rows_of(Query("SELECT '{}'", []))
    return Case("about", ours, view, _VIEW, 3, bare=http.floor(len(ours())))


def _few(http: Http, raw: Raw, questions: Questions) -> Iterator[Case]:
    """Four conjuncts; no filter comes twice, so that no cache has its statement."""
    query = raw.records(
        ("has", "point"),
        ("has", questions.tag),
        ("refers", "siteRef", questions.site),
        ("refers", "equipRef", questions.equip),
    )
    asked = count()

    def read(accept: str) -> bytes:
        filter = f"{questions.few} and not new{next(asked)}"
        return http.get("/api/read", accept, filter=filter)

    found = ids_of(json.loads(read(HAYSON))["rows"])
    same(found, _ids(raw, query), questions.few)
    for format, accept in TYPES.items():
        yield _beside_view(
            http,
            raw,
            f"read {_rows(found)}, 4 conjuncts, {format}",
            partial(read, accept),
            query,
            target=2,
        )


def _path(http: Http, raw: Raw, questions: Questions) -> Case:
    def read(filter: str) -> bytes:
        return http.get("/api/read", filter=filter)

    of_city, of_site = (
        ids_of(json.loads(read(filter))["rows"])
        for filter in (questions.of_city, questions.of_site)
    )
    same(of_city, of_site, questions.of_city)
    query = raw.records(("has", "point"), ("of_city", questions.geo_city))
    same(of_city, _ids(raw, query), questions.of_city)
    name = f"points of one site by ->, {_rows(of_site)}"
    case = _beside_view(http, raw, name, lambda: read(questions.of_city), query)
    return replace(
        case,
        theirs=lambda: read(questions.of_site),
        beside="ours by siteRef == @..",
    )


def _case(
    http: Http, raw: Raw, name: str, query: Query, op: str, arguments: dict[str, str]
) -> Case:
    """One whose rows are those of a query."""

    def ours() -> bytes:
        return http.get(f"/api/{op}", **arguments)

    found, theirs = ids_of(json.loads(ours())["rows"]), _ids(raw, query)
    if "limit" in arguments:  # which rows they are is undefined
        same(len(found), len(theirs), name)
    else:
        same(found, theirs, name)
    return _beside_view(http, raw, f"{name}, {_rows(found)}", ours, query)


def _beside_view(
    http: Http,
    raw: Raw,
    name: str,
    ours: Callable[[], bytes],
    query: Query,
    *,
    target: float = 3,
) -> Case:
    size = len(ours())
    return Case(
        name,
        ours,
        http.rows_of(query),
        _VIEW,
        target,
        bare=http.floor(size),
        sql=lambda: raw.rows(*query),
        size=size,
    )


def _ids(raw: Raw, query: Query) -> list[str]:
    return ids_of([json.loads(text) for (text,) in raw.rows(*query)])


def _rows(found: list[Any]) -> str:
    return f"{len(found):,} row{'' if len(found) == 1 else 's'}"
