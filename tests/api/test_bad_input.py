"""Bad input: 4xx or an error grid with the reason, quickly, without storing data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.conf import settings

from haystack_app.kinds import Grid, Ref
from haystack_app.storage.handler import storages
from haystack_app.wire import zinc_writer
from tests.api.conftest import Api, fill, grid_of, logged_in
from tests.patience import cpu_limit

JSON = "application/json"
SECONDS = 5.0
DEEP = 10_000


def _project(alias: str, database: str) -> Any:
    missing = settings.MISSING_SERVICES.get(alias, "")
    return pytest.param(
        alias,
        marks=[
            pytest.mark.skipif(bool(missing), reason=missing or "it is there"),
            pytest.mark.django_db(
                databases=["default"] if missing else {"default", database}
            ),
        ],
    )


PROJECTS = [
    _project("default", "default"),
    _project("memory", "default"),
    _project("postgres", "postgres"),
]


@pytest.fixture(params=PROJECTS)
def staff(request: pytest.FixtureRequest) -> Iterator[Api]:
    """A staff user for each kind of store; stored data is restored after the test."""
    store = storages[request.param]
    fill(store)
    before = [record.tags for record in store.scan()]
    api = Api(logged_in("boss", is_staff=True), request.param)
    with cpu_limit(SECONDS):
        yield api
    assert [record.tags for record in store.scan()] == before
    assert len(list(grid_of(api.get("read", filter="site")))) == 2
    store.load_entities([], replace=True)


def refused(api: Api, response: Any) -> str:
    """The reason, from an error grid or from the body of a 4xx."""
    if response.status_code == 200:
        reason = api.error(response)
    else:
        assert 400 <= response.status_code < 500, response.content[:200]
        reason = response.json()["dis"]
    assert "internal error" not in reason
    return reason


FILTERS = {
    "empty": "",
    "unfinished": "site and",
    "operator": "site = 5",
    "trailing": "site )",
    "open": "(site",
    "parentheses": "(" * DEEP + "site" + ")" * DEEP,
    "open parentheses": "(" * DEEP,
    "terms": " or ".join(["a"] * 20_000),
    "path": "->".join(["a"] * 5_000),
    "unit": "a > 5bogus",
    "zone": "a == 2024-01-01T00:00:00-05:00 Nowhere",
    "full zone name": "a == 2024-01-01T00:00:00-05:00 America/New_York",
    "date": "a == 2024-02-30",
    "year 0": "a == 0000-01-01",
    "INF": "a == INF",
    "ref": "a == @",
    "escape": 'a == "\\x"',
    "surrogate": 'a == "\\ud83d"',
    "open string": 'a == "' + "x" * 10_000,
    "huge number": "a == 1e999999",
    "newline": "site\nand equip",
    "NUL": "si\0te",
    "long": "a" * 1_000_000,
    "blanks": " " * 1_000_000 + "(",
}


@pytest.mark.parametrize("case", FILTERS)
def test_filters(staff: Api, case: str) -> None:
    for response in (
        staff.post("read", Grid.of([{"filter": FILTERS[case]}])),
        staff.post("ops", Grid.of([{"filter": FILTERS[case]}])),
    ):
        assert "internal" not in refused(staff, response)


@pytest.mark.parametrize("filter", [5, True, None, ["a"], {"a": "b"}])
def test_filters_of_other_kinds(staff: Api, filter: Any) -> None:
    rows = [{"filter": filter}]
    body = {"_kind": "grid", "cols": [{"name": "filter"}], "rows": rows}
    assert "filter" in refused(staff, staff.post("read", orjson.dumps(body), JSON))


NUL_FILTERS = ['dis=="a\\u0000b"', 'dis<"\\u0000"', "x==`\\u0000`", 'id->x!="\\u0000"']


@pytest.mark.parametrize("filter", NUL_FILTERS)
def test_nul_in_a_filters_text(staff: Api, filter: str) -> None:
    """It cannot be stored: the answer is empty or an error."""
    response = staff.get("read", filter=filter)
    grid = grid_of(response)
    if grid.is_error:
        assert "U+0000" in grid.meta["dis"]


@pytest.mark.parametrize("nav", ["a\0b", "x" * 100_000, "'", "%s", "@@", "😀"])
def test_nav_ids(staff: Api, nav: str) -> None:
    reason = refused(staff, staff.post("nav", Grid.of([{"navId": nav}])))
    assert "unknown entity" in reason or "navId" in reason


@pytest.mark.parametrize("limit", ["1e18", "1e19", "1e30", "1e300", "-1e300", "INF"])
def test_limits(staff: Api, limit: str) -> None:
    response = staff.get("read", filter="site", limit=limit)
    assert len(list(grid_of(response))) == (0 if limit[0] == "-" else 2)
    assert not grid_of(response).is_error


ZINC_VALUES = {
    "unit": "5bogus",
    "zone": "2024-01-01T00:00:00-05:00 Nowhere",
    "full zone name": "2024-01-01T00:00:00-05:00 America/New_York",
    "no zone": "2024-01-01T00:00:00-05:00",
    "date": "2024-02-30",
    "year": "0000-01-01",
    "hour": "25:00:00",
    "coord": "C(91,0)",
    "kind": "Bogus",
    "xstr": "Foo(5)",
    "ref": "@",
    "symbol": "^Upper",
    "NUL escape": '"\\u0000"',
    "NUL": '"a\0b"',
    "NUL in a Uri": "`a\0b`",
    "surrogate": '"\\ud83d"',
    "low surrogate": '"\\udc00"',
    "code point": '"\\u{110000}"',
    "escape": '"\\x"',
    "phable's escape": '"\\ub0F"',
    "lists": "[" * DEEP,
    "closed lists": "[" * DEEP + "]" * DEEP,
    "dicts": "{a:" * DEEP,
    "grids": '<<\nver:"3.0"\na\n' * DEEP,
    "list of 64": "[" * 64 + "]" * 64,
    "comma": "[,]",
    "dict with _kind": '{_kind:"ref" val:"x"}',
    "tag name": "{A:5}",
}


@pytest.mark.parametrize("case", ZINC_VALUES)
def test_zinc_values(staff: Api, case: str) -> None:
    body = f'ver:"3.0"\nid,v\n@new,1\n@bad,{ZINC_VALUES[case]}\n'
    refused(staff, staff.post("load", body))


HAYSON_VALUES = {
    "unit": '{"_kind":"number","val":5,"unit":"bogus"}',
    "number": '{"_kind":"number","val":"5"}',
    "bool number": '{"_kind":"number","val":true}',
    "kind": '{"_kind":"bogus"}',
    "kind's case": '{"_kind":"MARKER"}',
    "kind's kind": '{"_kind":5}',
    "no val": '{"_kind":"ref"}',
    "ref": '{"_kind":"ref","val":"a b"}',
    "empty ref": '{"_kind":"ref","val":""}',
    "NUL ref": '{"_kind":"ref","val":"a\\u0000"}',
    "zone": '{"_kind":"dateTime","val":"2024-01-01T00:00:00Z","tz":"Nowhere"}',
    "dateTime": '{"_kind":"dateTime","val":"yesterday","tz":"UTC"}',
    "year 0": '{"_kind":"dateTime","val":"0000-01-01T00:00:00Z","tz":"UTC"}',
    "year 9999": '{"_kind":"dateTime","val":"9999-12-31T23:59:59-05:00","tz":"UTC"}',
    "date": '{"_kind":"date","val":"2024-02-30"}',
    "time": '{"_kind":"time","val":"8"}',
    "coord": '{"_kind":"coord","lat":91,"lng":0}',
    "no lng": '{"_kind":"coord","lat":1}',
    "xstr": '{"_kind":"xstr","type":"lower","val":""}',
    "NUL": '"a\\u0000b"',
    "surrogate": '"\\ud83d"',
    "lists": "[" * DEEP + "]" * DEEP,
    "dicts": '{"a":' * DEEP + "1" + "}" * DEEP,
    "list of 64": "[" * 64 + "]" * 64,
    "tag name": '{"A b":1}',
    "NaN": "NaN",
    "grid": '{"_kind":"grid","cols":[],"rows":[{"a":1}]}',
    "long kind": '{"_kind":"' + "x" * 100_000 + '"}',
}


@pytest.mark.parametrize("as_list", [False, True])
@pytest.mark.parametrize("case", HAYSON_VALUES)
def test_hayson_values(staff: Api, case: str, as_list: bool) -> None:
    rows = (
        '[{"id":{"_kind":"ref","val":"new"},"v":1},'
        f'{{"id":{{"_kind":"ref","val":"bad"}},"v":{HAYSON_VALUES[case]}}}]'
    )
    cols = '[{"name":"id"},{"name":"v"}]'
    body = rows if as_list else f'{{"_kind":"grid","cols":{cols},"rows":{rows}}}'
    refused(staff, staff.post("load", body, JSON))


def test_a_dict_with_a_kind_of_its_own(staff: Api) -> None:
    body = 'ver:"3.0"\nid,_kind\n@new,"ref"\n'
    assert "_kind" in refused(staff, staff.post("load", body))


@pytest.mark.parametrize("length", [5_000, 100_000])
def test_long_ids(staff: Api, length: int) -> None:
    """An index entry of PostgreSQL holds no more than about 2,700 bytes."""
    long = "".join(f"{n * 7919 % 100_003:x}" for n in range(length))[:length]
    for row in (f"@{long},N", f"@new,@{long}"):
        response = staff.post("load", f'ver:"3.0"\nid,r\n{row}\n')
        grid = grid_of(response)
        if grid.is_error:
            assert "internal error" not in grid.meta["dis"]
        else:
            store = storages[staff.root.split("/")[2]]
            store.commit([], remove=[long, "new"])


@pytest.mark.parametrize(
    "id", ["", "'", "%s", "a b", "a\0b", "😀", "@@x", "x" * 50_000]
)
def test_ids_by_get(staff: Api, id: str) -> None:
    """A parameter is a string unless it is a valid Ref."""
    response = staff.get("hisRead", id=f"@{id}", range="today")
    reason = refused(staff, response)
    assert "id must be a Ref" in reason or "unknown entity" in reason


def test_his_write_is_all_or_nothing(staff: Api) -> None:
    good = "2024-03-01T00:00:00-05:00 New_York"
    cases = {
        "zone": ("2024-03-01T00:00:00-05:00 Nowhere", "1"),
        "other zone": ("2024-03-01T00:00:00Z UTC", "1"),
        "no zone": ("2024-03-01T00:00:00-05:00", "1"),
        "unit": (good, "1bogus"),
        "other unit": (good, "1kW"),
        "kind": (good, '"1"'),
        "no time": ("N", "1"),
        "NUL": (good, '"\\u0000"'),
        "surrogate": (good, '"\\ud83d"'),
        "no date": ("yesterday", "1"),
    }
    for ts, val in cases.values():
        rows = f"{good},1\n{ts},{val}\n"
        refused(staff, staff.post("hisWrite", f'ver:"3.0" id:@n\nts,val\n{rows}'))
    nul = f'ver:"3.0" id:@p3\nts,val\n{good},"a"\n{good},"\\u0000"\n'
    assert "U+0000" in refused(staff, staff.post("hisWrite", nul))
    for id in ("@n", "@p3"):
        answer = grid_of(staff.get("hisRead", id=id, range="2024-02-01,2024-04-01"))
        assert list(answer) == []


@pytest.mark.parametrize("content_type", ["text/zinc", JSON])
def test_a_body_of_40_mb(staff: Api, content_type: str) -> None:
    response = staff.post("load", b" " * 40_000_000, content_type)
    assert response.status_code == 413
    assert "large" in response.json()["dis"]


def test_a_list_of_16_million_is_refused_or_read_soon(staff: Api) -> None:
    """A body may be small on the wire and large in memory."""
    body = b'ver:"3.0"\n' + b",".join(b"c%d" % n for n in range(20_000)) + b"\n"
    body += (b"," * 19_999 + b"\n") * 600
    refused(staff, staff.post("load", body))


def test_an_error_does_not_echo_megabytes(staff: Api) -> None:
    long = "x" * 1_000_000
    requests: list[tuple[str, dict[str, Any]]] = [
        ("hisRead", {"id": Ref("n"), "range": long}),
        ("hisRead", {"id": long, "range": "today"}),
        ("read", {"filter": [long]}),
        ("read", {"filter": long}),
        ("nav", {"navId": long}),
    ]
    reasons = [refused(staff, staff.post(op, Grid.of([row]))) for op, row in requests]
    kind = b'[{"_kind":"%s"}]' % long.encode()
    reasons.append(refused(staff, staff.post("load", kind, JSON)))
    assert [len(reason) for reason in reasons if len(reason) > 1_000] == []


def test_names_of_columns_and_queries(staff: Api) -> None:
    response = staff.client.get(
        f"{staff.root}read?filter=site&A=5&a%20b=1&%00=2&=3&x[]=4&_=5&format=json"
    )
    assert len(list(grid_of(response))) == 2
    refused(staff, staff.client.get(f"{staff.root}read?filter=%ff%fe"))
    refused(staff, staff.client.get(f"{staff.root}read?filter"))


def test_error_texts_are_encoded(staff: Api) -> None:
    """Errors that echo any text of the request are readable grids."""
    for text in ('"', "\\", "\n", "$", "😀", "`", "<<", "\x7f", "\u2028"):
        for accept in ("text/zinc", JSON):
            body = zinc_writer.grid_text(Grid.of([{"id": text, "range": text}]))
            staff.error(staff.post("hisRead", body, accept=accept))
            body = zinc_writer.grid_text(Grid.of([{"filter": f"a == {text}"}]))
            staff.error(staff.post("read", body, accept=accept))
