"""Arguments of a GET, as the predecessor's clients and others spell them."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from django.http import QueryDict

from haystack_app.api.parsers import query_grid
from haystack_app.kinds import MARKER, NA, DateTime, Number, Ref, Symbol, Uri
from haystack_app.storage.handler import storages
from haystack_app.wire.errors import ParseError
from tests.api.conftest import Api, grid_of, ids_of
from tests.defects.building import at, point

DAY = "2024-03-02"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("@p1", Ref("p1")),
        ('@p1 "Point one"', Ref("p1")),
        ("^site", Symbol("site")),
        ("`http://x/`", Uri("http://x/")),
        ("10", Number(10)),
        ("10kW", Number(10, "kW")),
        ("-1", Number(-1)),
        ("T", True),
        ("M", MARKER),
        ("NA", NA),
        ("2024-03-01", dt.date(2024, 3, 1)),
        ("08:30:00", dt.time(8, 30)),
        ("2024-03-01T05:00:00Z", DateTime(at("2024-03-01 00:00").utc, "UTC")),
        ("2024-03-01T00:00:00-05:00 New_York", at("2024-03-01 00:00")),
        ('"site"', "site"),
        ("[1]", [Number(1)]),
        # other texts are strings, regardless of how they begin
        ("site", "site"),
        ("@p1,@p2", "@p1,@p2"),
        ("2024-03-01,2024-03-05", "2024-03-01,2024-03-05"),
        ("2024-03-01, 2024-03-05", "2024-03-01, 2024-03-05"),
        ("2024-02-30", "2024-02-30"),
        ("today", "today"),
        ("10 and more", "10 and more"),
        ("10bogus", "10bogus"),
        ("true", "true"),
        ('"a"=="b"', '"a"=="b"'),
        ("[1", "[1"),
        ("", ""),
        (" ", " "),
    ],
)
def test_a_value_if_the_whole_text_is_one(text: str, value: Any) -> None:
    grid = query_grid(QueryDict(f"a={quote_plus(text)}"))
    assert grid.first["a"] == value
    assert type(grid.first["a"]) is type(value)


def test_rows_of_queries() -> None:
    assert list(query_grid(QueryDict(""))) == []
    assert list(query_grid(QueryDict("a=N&B=5&a%20b=5"))) == []
    assert query_grid(QueryDict("a")).first == {"a": ""}
    assert query_grid(QueryDict("a=1&b=2&a=1")).first == {
        "a": Number(1),
        "b": Number(2),
    }
    with pytest.raises(ParseError, match="parameter a has 2 values"):
        query_grid(QueryDict("a=1&a=2"))


def get(api: Api, op: str, query: str) -> Any:
    return api.client.get(f"/api/{op}?{query}")


def test_a_parameter_with_two_values_is_refused(api: Api) -> None:
    """Neither is the answer to both, and a row has only one cell for them."""
    response = get(api, "read", "id=@p1&id=@p2")
    assert response.status_code == 400
    assert "parameter id has 2 values" in response.json()["dis"]
    assert ids_of(get(api, "read", "id=@p1&id=@p1")) == ["p1"]
    assert len(ids_of(get(api, "read", "filter=site&X=1&X=2"))) == 2


def test_more_parameters_than_django_takes(api: Api) -> None:
    response = get(api, "read", "&".join(f"a{n}=1" for n in range(2_000)))
    assert response.status_code == 400
    assert response["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("filter=site", ["s1", "s2"]),
        ("filter=site&limit=", ["s1", "s2"]),
        ("filter=site&limit=N", ["s1", "s2"]),
        ("filter=site+and+area+%3E+1000ft%C2%B2", ["s1"]),
        ("filter=site%20and%20dis==%22Alpha%22", ["s1"]),
        ("filter=siteRef-%3Esite&limit=9", ["e1", "p1", "p2", "p3", "p4"]),
        ("id=@p1", ["p1"]),
        ("id=%40p1", ["p1"]),
        ("id=%40p1+%22Point%22", ["p1"]),
        ("id=@p1&filter=", None),
        ("id=p1", None),
        ("id=", None),
        ("id=@p1,@p2", None),
        ("filter=", None),
        ("", None),
        ("ids=@p1", None),
    ],
)
def test_read(api: Api, query: str, expected: list[str] | None) -> None:
    response = get(api, "read", query)
    if expected is None:
        assert api.error(response)
    else:
        assert sorted(ids_of(response), key=str) == expected


@pytest.mark.parametrize("nav", ["@s2", "s2", '"s2"', '"@s2"', '@s2 "Bravo"'])
def test_nav(api: Api, nav: str) -> None:
    assert sorted(ids_of(get(api, "nav", f"navId={quote(nav)}"))) == ["p3", "p4"]


@pytest.mark.parametrize("query", ["", "navId=", "navId=N", "navId", 'navId=""'])
def test_nav_of_the_root(api: Api, query: str) -> None:
    assert sorted(ids_of(get(api, "nav", query))) == ["s1", "s2"]


FIVE_TO_SEVEN = f"{DAY}T05:00:00-05:00 New_York,{DAY}T07:00:00-05:00 New_York"
IN_KOLKATA = f"{DAY}T15:30:00+05:30 Kolkata,{DAY}T17:30:00+05:30 Kolkata"


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        (DAY, 0, 23),
        (f'"{DAY}"', 0, 23),
        (f"{DAY},2024-03-03", 0, 47),
        (f"{DAY} , 2024-03-03", 0, 47),
        (f"{DAY}T05:00:00-05:00 New_York", 5, 71),
        (f"{DAY}T10:00:00Z", 5, 71),
        (f"{DAY}T10:00:00Z UTC", 5, 71),
        (f"{DAY}T15:30:00+05:30 Kolkata", 5, 71),
        (FIVE_TO_SEVEN, 5, 6),
        (f'"{FIVE_TO_SEVEN}"', 5, 6),
        (IN_KOLKATA, 5, 6),
    ],
)
@pytest.mark.parametrize("encode", [quote, quote_plus])
def test_ranges(api: Api, asked: str, first: int, last: int, encode: Any) -> None:
    """Blanks as ``+`` or ``%20``, the plus of an offset as ``%2B``."""
    start = at(f"{DAY} 00:00")
    storages["default"].his_write(
        "n",
        [
            (DateTime(start.utc + dt.timedelta(hours=n), start.tz), Number(n))
            for n in range(72)
        ],
    )
    grid = grid_of(get(api, "hisRead", f"id=@n&range={encode(asked)}"))
    assert [row["val"].val for row in grid] == [*range(first, last + 1)]
    assert grid.meta["hisStart"].tz == "New_York"


def test_a_range_in_a_zone_that_url_spelling_lost(api: Api) -> None:
    """A bare plus is a blank in a query string."""
    why = api.error(get(api, "hisRead", f"id=@n&range={DAY}T00:00:00+05:30 Kolkata"))
    assert "malformed" in why


def test_what_pyhaystack_gets(api: Api) -> None:
    storages["default"].load_entities([point("a:b-c.d~e")])
    assert ids_of(get(api, "read", "id=%40a%3Ab-c.d~e")) == ["a:b-c.d~e"]
    assert len(ids_of(get(api, "read", "filter=point&limit=1"))) == 1
    for op in ("about", "ops", "formats", "nav"):
        assert not grid_of(get(api, op, "")).is_error
    assert get(api, "hisWrite", "id=@n&ts=1&val=2").status_code == 405
