"""Formats of requests and responses, and statuses of HTTP."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from haystack_app.api.negotiation import request_format
from haystack_app.auth import tokens
from haystack_app.kinds import MARKER, Grid, Ref
from haystack_app.models import Token
from haystack_app.storage.handler import storages
from haystack_app.wire import hayson_writer, json3_writer, zinc_writer
from tests.api.conftest import Api, basic, grid_of, ids_of, user
from tests.defects.building import building

ZINC = "text/zinc"
JSON = "application/json"
VND = "application/vnd.haystack+json"
ACCEPTED = [
    (None, ZINC),
    ("", ZINC),
    ("*/*", ZINC),
    (ZINC, ZINC),
    ("text/*", ZINC),
    ("TEXT/Zinc", ZINC),
    ("text/zinc; charset=utf-8", ZINC),
    (JSON, JSON),
    ("Application/JSON", JSON),
    ("application/*", JSON),
    (VND, VND),
    (f"{JSON};version=4", f"{JSON}; version=4"),
    (f"{VND};version=4", f"{VND}; version=4"),
    (f"{VND}; version=4", f"{VND}; version=4"),
    (f'{VND}; version="4"', f"{VND}; version=4"),
    ("application/json, text/plain, */*", JSON),  # axios
    ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", ZINC),  # Java
    (f"text/zinc,{VND}", ZINC),  # J2
    (f"{VND},text/zinc", VND),
    (f"text/zinc;q=0.5, {JSON}", JSON),
    (f"text/zinc;q=0.9, {JSON};q=0.5", ZINC),
    (f"{JSON};q=0.5, */*;q=0.1", JSON),
    (f"text/plain, {JSON};q=0.1", JSON),
    ("text/plain, */*;q=0.1", ZINC),
    ("text/zinc;q=0, */*", JSON),
    ("text/zinc;version=3.0", "text/zinc; version=3.0"),
    ("text/*;q=0, */*", JSON),
    (f"{JSON};q=0, {VND}", VND),
    (f", ,{JSON},", JSON),
    (f"garbage, {JSON}", JSON),
    ("*", ZINC),
    (f"{JSON}, {JSON};version=3;q=0", JSON),
    (f"{JSON};version=3;q=0, */*;q=0.1, text/zinc;q=0", JSON),
    (f"text/plain, {JSON};version=99, {JSON};q=0.1", JSON),
    ("text/zinc;version=3", "text/zinc; version=3"),
    ("text/zinc;version=7", ZINC),
    ("text/zinc;version=3.0x", ZINC),
    ("text/zinc; version=1\x0b2", ZINC),
    ("text/zinc; version*=utf-8''%0d%0aSet-Cookie:x", ZINC),
]
OTHER_FORMATS = [
    (f"{JSON};version=3", "json3", f"{JSON}; version=3"),
    (f"{JSON}; version=3", "json3", f"{JSON}; version=3"),
    (f'{JSON};  version="3"', "json3", f"{JSON}; version=3"),
    (f"{JSON};charset=utf-8;version=3", "json3", f"{JSON}; version=3"),
    (f"{VND};version=3", "json3", f"{VND}; version=3"),
    (f"{VND}; version=3", "json3", f"{VND}; version=3"),
    (f"{VND} ; VERSION=3 ; q=0.5", "json3", f"{VND}; version=3"),
    (f"{JSON};q=0, {JSON};version=3", "json3", f"{JSON}; version=3"),
    (f"{JSON};q=0.5, {JSON};version=3", "json3", f"{JSON}; version=3"),
    ("text/trio", "trio", "text/trio"),
    ("TEXT/trio;q=0.2", "trio", "text/trio"),
    ("text/zinc;q=0, text/*", "trio", "text/trio"),
    ("text/csv", "csv", "text/csv"),
    ("text/csv; header=present", "csv", "text/csv"),
    ("text/csv; version=4", "csv", "text/csv"),
    ("text/trio; version*=utf-8''%0a", "trio", "text/trio"),
    ("text/csv, */*;q=0.1", "csv", "text/csv"),
    ("text/html, text/csv;q=0.5, text/trio;q=0.4", "csv", "text/csv"),
]
REFUSED = [
    "text/html",
    "text/plain, image/*",
    "garbage",
    "/",
    "a/b/c",
    "text/zinc;q=0",
    "*/*;q=0",
    "application/json;q=high",
    "application/json;q=nan",
    "application/json;version=99",
    "application/json;version=3;q=0",
    "ä/ö",
    "text/html; x*=nosuch''a",
    "text/html; x*=utf-8''%ff",
    "text/zinc; x*0=a; x*1*=b; x*=c; x=d",
    "text/zinc; version*0=3; version*=utf-8''3",
    "text/zinc; q*=0; q*0=1",
    "text/html; x=" + "y" * 20_000,
    "text/html;" * 5_000,
]


@pytest.mark.parametrize(("accept", "expected"), ACCEPTED)
def test_accepted(api: Api, accept: str | None, expected: str) -> None:
    response = api.get("read", accept, filter="site")
    assert response["Content-Type"] == f"{expected}; charset=utf-8"
    assert response["Cache-Control"] == "no-cache, no-store"
    assert sorted(ids_of(response)) == ["s1", "s2"]


@pytest.mark.parametrize(("accept", "name", "expected"), OTHER_FORMATS)
def test_the_other_formats(api: Api, accept: str, name: str, expected: str) -> None:
    response = api.get("read", accept, filter="site")
    assert response["Content-Type"] == f"{expected}; charset=utf-8"
    format = request_format(response["Content-Type"])
    assert format is not None
    assert format.name == name
    rows = format.read_bytes(response.content).rows
    assert sorted(str(row["id"]).split()[0] for row in rows) == ["@s1", "@s2"]


def test_the_formats_op_lists_them(api: Api) -> None:
    rows = {row["mime"]: row for row in grid_of(api.get("formats"))}
    assert {JSON, VND, ZINC, "text/trio", "text/csv"} <= rows.keys()
    assert all(row["receive"] is row["send"] is MARKER for row in rows.values())


@pytest.mark.parametrize("accept", REFUSED)
def test_not_acceptable(api: Api, accept: str) -> None:
    response = api.get("about", accept)
    assert response.status_code == 406
    assert response.json()["status"] == 406
    assert len(response.content) < 2_000


@pytest.mark.parametrize("accept", [ZINC, JSON, VND])
def test_error_grids_are_in_the_negotiated_format(api: Api, accept: str) -> None:
    response = api.get("read", accept, filter="site and")
    assert response["Content-Type"] == f"{accept}; charset=utf-8"
    assert "cut short" in api.error(response)
    assert grid_of(response).names == ["empty"]


def test_zinc_answers(api: Api) -> None:
    text = api.get("read", filter="site", limit="1").content.decode()
    assert text.startswith('ver:"3.0"\nid,')
    assert text.endswith("\n\n")
    assert len(text.rstrip("\n").split("\n")) == 3
    text = api.get("read", filter="missing").content.decode()
    assert text == 'ver:"3.0"\nempty\n\n'


def test_columns_are_in_order(api: Api) -> None:
    storages["default"].create({"id": Ref("z"), "mod": "m", "name": "n", "def": "d"})
    names = grid_of(api.get("read", filter="name or site")).names
    assert names[:3] == ["id", "def", "name"]
    assert names[-1] == "mod"
    assert names[3:-1] == sorted(names[3:-1])


# -- request bodies -----------------------------------------------------------

REQUEST = Grid.of([{"filter": "site"}])


@pytest.mark.parametrize(
    "content_type",
    [ZINC, "TEXT/zinc", "text/zinc; charset=utf-8", "text/zinc;charset=utf-8"],
)
def test_zinc_bodies(api: Api, content_type: str) -> None:
    response = api.post("read", REQUEST, content_type)
    assert sorted(ids_of(response)) == ["s1", "s2"]


@pytest.mark.parametrize(
    "content_type",
    [JSON, VND, f"{VND}; version=4", f"{JSON};version=4", f"{JSON}; charset=utf-8"],
)
def test_hayson_bodies(api: Api, content_type: str) -> None:
    text = hayson_writer.grid_text(REQUEST)
    assert sorted(ids_of(api.post("read", text, content_type))) == ["s1", "s2"]


@pytest.mark.parametrize(
    "body",
    [
        'ver:"2.0"\nfilter\n"site"\n',
        'ver:"3.0"\r\nfilter\r\n"site"\r\n\r\n',
        'ver:"3.0"\nfilter\n"site"',
        'ver:"3.0"\nfilter , limit\n"site" , N\n',
        'ver:"3.0" foo:"bar"\nfilter dis:"F",other\n"site",5\n\n',
        'ver:"3.0"\nfilter\n"\\u0073ite"\n',
        '\ufeffver:"3.0"\nfilter\n"site"\n',
    ],
)
def test_zinc_as_clients_write_it(api: Api, body: str) -> None:
    assert sorted(ids_of(api.post("read", body))) == ["s1", "s2"]


@pytest.mark.parametrize(
    "row",
    [
        '{"filter":"site"}',
        '{"filter":"site","limit":null}',
        '{"filter":"site","limit":5}',
        '{"filter":"site","limit":{"_kind":"number","val":5}}',
    ],
)
def test_hayson_as_clients_write_it(api: Api, row: str) -> None:
    cols = '[{"name":"filter"},{"name":"limit"}]'
    body = f'{{"_kind":"grid","meta":{{"ver":"3.0"}},"cols":{cols},"rows":[{row}]}}'
    assert sorted(ids_of(api.post("read", body, JSON))) == ["s1", "s2"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (f"{JSON};version=3", json3_writer.grid_text(REQUEST)),
        (f"{JSON}; version=3; charset=utf-8", json3_writer.grid_text(REQUEST)),
        (f"{VND}; version=3", "\ufeff" + json3_writer.grid_text(REQUEST)),
        ("text/trio", "filter: site\n"),
        ("text/trio; charset=utf-8", '// all of them\r\nfilter: "site"\r\n'),
        ("text/csv", "filter\nsite\n"),
        ("text/csv; header=present", '\ufeff"filter"\r\n"site"\r\n'),
    ],
)
def test_bodies_of_the_other_formats(api: Api, content_type: str, body: str) -> None:
    assert sorted(ids_of(api.post("read", body, content_type))) == ["s1", "s2"]


def test_a_missing_content_type(api: Api) -> None:
    response = api.post("read", REQUEST, "")
    assert response.status_code == 400
    assert "Content-Type" in response.json()["dis"]


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/octet-stream",
        "garbage",
        "/",
        "*/*",
        "text/*",
        "ä/ö",
        "text/zinc text/zinc",
        "application/json;version=99",
        "text/html; x=" + "y" * 20_000,
    ],
)
def test_invalid_content_types(api: Api, content_type: str) -> None:
    response = api.post("hisWrite", REQUEST, content_type)
    assert response.status_code == 415
    assert response.json()["status"] == 415


@pytest.mark.parametrize(
    ("content_type", "body", "why"),
    [
        (ZINC, "site", "ver"),
        (ZINC, 'ver:"4.0"\na\n', "version"),
        (ZINC, 'ver:"3.0"\n', "tag name"),
        (ZINC, 'ver:"3.0"\na,a\n1,2\n', "duplicate column 'a'"),
        (ZINC, 'ver:"3.0"\na,b\n1\n', "2 cells"),
        (ZINC, 'ver:"3.0"\na\n1,2\n', "1 cells"),
        (ZINC, 'ver:"3.0"\na\n1bogusunits\n', "line 3.*"),
        (ZINC, 'ver:"3.0"\nA\n1\n', "tag name"),
        (ZINC, 'ver:"3.0"\na\n"open\n', "line 3"),
        (ZINC, b'ver:"3.0"\na\n"\xff"\n', "UTF-8"),
        (ZINC, b'ver:"3.0"\na\n"\xed\xa0\xbd"\n', "UTF-8"),
        (ZINC, 'ver:"3.0"\na\n"\\ud83d"\n', "surrogate"),
        (ZINC, 'ver:"3.0"\na\n"\\ub0F"\n', "escape"),
        (ZINC, 'ver:"3.0"\na\n1\n\ntrailing', "trailing"),
        (ZINC, "5", "ver"),
        (JSON, "{", "JSON"),
        (JSON, "5", "grid"),
        (JSON, "[]", "grid"),
        (JSON, "{}", "grid"),
        (JSON, '{"_kind":"grid"}', "column"),
        (JSON, '{"_kind":"grid","cols":[],"rows":[]}', "column"),
        (JSON, '{"_kind":"grid","cols":[{"name":"A"}]}', '"A"'),
        (JSON, '{"_kind":"grid","cols":[{"name":"a"}],"rows":[{"b":1}]}', "'b'"),
        (JSON, '{"_kind":"grid","cols":[{"name":"a"}],"rows":[5]}', "rows"),
        (JSON, '{"_kind":"grid","cols":5}', "cols"),
        (JSON, '{"_kind":"bogus"}', "bogus"),
        (JSON, '{"_kind":["grid"]}', "_kind"),
        (JSON, '"\\ud83d"', "surrogate|JSON"),
        (JSON, b'"\xed\xa0\xbd"', "JSON|UTF-8"),
        (JSON, b"\xff", "JSON|UTF-8"),
        (
            f"{JSON};version=3",
            hayson_writer.grid_text(REQUEST),
            "unknown member '_kind'",
        ),
        (f"{JSON};version=3", '{"meta":{"ver":"3.0"},"cols":[],"rows":[]}', "column"),
        (f"{JSON};version=3", '"n:5 bogus"', "bogus"),
        ("text/trio", "Filter: x", "line 1"),
        ("text/trio", b"\xff", "UTF-8"),
        ("text/csv", "a,b\n1\n", "2 cells"),
        ("text/csv", 'a\n"open\n', "line"),
    ],
)
def test_bodies_that_are_not_grids(
    api: Api, content_type: str, body: Any, why: str
) -> None:
    response = api.post("read", body, content_type)
    assert response.status_code == 400
    assert response["Content-Type"] == "application/json; charset=utf-8"
    assert re.search(why, response.json()["dis"]), response.json()


# -- methods and paths --------------------------------------------------------

READING = ["about", "formats", "nav", "ops"]
CHANGING = ["close", "hisWrite", "load"]


@pytest.mark.parametrize("op", READING)
def test_reading_ops_by_both_methods(api: Api, op: str) -> None:
    by_get, by_post = api.get(op), api.post(op)
    assert by_get.status_code == by_post.status_code == 200
    assert grid_of(by_get).names == grid_of(by_post).names
    assert len(list(grid_of(by_get))) == len(list(grid_of(by_post))) > 0


@pytest.mark.parametrize("op", CHANGING)
def test_get_of_ops_with_side_effects(staff: Api, op: str) -> None:
    before = [record.raw for record in storages["default"].scan()]
    response = staff.get(op, id="@n", ts="2024-03-01", val="5")
    assert response.status_code == 405
    assert "POST" in response["Allow"]
    assert [record.raw for record in storages["default"].scan()] == before
    assert staff.get("about").status_code == 200


@pytest.mark.parametrize(
    "op", ["nosuch", "Read", "READ", "pointWriteX", "%00", "read.json"]
)
def test_an_unknown_op(api: Api, op: str) -> None:
    for response in (api.get(op), api.post(op)):
        assert response.status_code == 404
        assert response.json()["status"] == 404


def test_paths(api: Api, memory: Any) -> None:
    memory.load_entities(building()[:1])
    for project in ("", "default/", "sys/"):
        assert api.ids(f"{project}read", filter="site") == ["s1", "s2"]
        assert len(ids_of(api.post(f"{project}read", REQUEST))) == 2
    assert api.ids("memory/read", filter="site") == ["s1"]
    assert api.ids("memory/read/", filter="site") == ["s1"]
    for path in ("nosuch/read", "DEFAULT/read", "a/b/read", "", "default/", "%00/read"):
        assert api.get(path).status_code == 404
        assert api.post(path, REQUEST).status_code == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "FOO"])
def test_other_methods(api: Api, method: str) -> None:
    response = api.client.generic(method, "/api/about")
    assert response.status_code == 501


def test_head_and_options(api: Api) -> None:
    response = api.client.head("/api/about")
    assert (response.status_code, response.content) == (200, b"")
    response = api.client.options("/api/read")
    assert response.status_code == 200
    assert {"GET", "HEAD", "POST", "OPTIONS"} <= set(response["Allow"].split(", "))


def test_gzip_is_honoured(api: Api) -> None:
    headers = {"Accept-Encoding": "gzip"}
    response = api.client.get("/api/read", {"filter": "id"}, headers=headers)
    assert response.headers.get("Content-Encoding") == "gzip"


def test_a_body_on_a_get_is_tolerated(api: Api) -> None:
    response = api.client.generic(
        "GET", "/api/read?filter=site", b"garbage", "application/json"
    )
    assert len(ids_of(response)) == 2


@pytest.mark.parametrize(
    "content_type", [ZINC, JSON, f"{JSON};version=3", "text/trio", "text/csv"]
)
@pytest.mark.parametrize("body", ["", "\n", b"\xef\xbb\xbf"])
def test_an_empty_body_is_an_empty_grid(
    api: Api, content_type: str, body: str | bytes
) -> None:
    assert grid_of(api.post("about", body, content_type)).names
    assert "filter or ids" in api.error(api.post("read", body, content_type))


JSON3_BODY = (
    '{"meta":{"ver":"3.0"},"cols":[{"name":"filter"}],"rows":[{"filter":"site"}]}'
)


@pytest.mark.parametrize("content_type", [JSON, f"{JSON}; charset=utf-8", VND])
def test_json_3_without_a_version(api: Api, content_type: str) -> None:
    response = api.post("read", JSON3_BODY, content_type, accept=JSON)
    assert response["Content-Type"] == f"{JSON}; charset=utf-8"
    assert sorted(ids_of(response)) == ["s1", "s2"]
    text = json3_writer.grid_text(Grid.of([{"id": Ref("s1")}, {"id": Ref("s2")}]))
    assert '"r:s1"' in text
    assert sorted(ids_of(api.post("read", text, content_type))) == ["s1", "s2"]


@pytest.mark.parametrize("content_type", ["text/plain", "text/plain;charset=UTF-8"])
def test_plain_text_with_a_token_is_zinc(api: Api, content_type: str) -> None:
    """Older JavaScript clients send it. A browser sends it by itself, but no token."""
    assert api.post("read", REQUEST, content_type).status_code == 415  # a session
    token = Token(user=user("plain"), name="t", scope=Token.READ)
    bearer = {"Authorization": f"Bearer {tokens.create_secret(token)}"}
    token.save()
    body = zinc_writer.grid_text(REQUEST)
    with_token, with_basic = (
        Client().generic(
            "POST", "/api/read", body, CONTENT_TYPE=content_type, headers=headers
        )
        for headers in (bearer, basic("plain"))
    )
    assert sorted(ids_of(with_token)) == ["s1", "s2"]
    assert with_basic.status_code == 415


def test_the_empty_request_grid(api: Api) -> None:
    for body in ('ver:"3.0"\nempty\n\n', zinc_writer.grid_text(Grid())):
        assert api.post("about", body).status_code == 200
    assert "filter or ids" in api.error(api.post("read"))


def test_a_commit_is_answered_in_a_version_that_is_known(staff: Api) -> None:
    """The answer of a stored change does not fail by what it would repeat."""
    for at, version in enumerate(("9\x0b9", "9\r\nX-Y: z", "9" * 5_000)):
        for name in ("text/zinc", "text/csv", "text/trio"):
            id = f"new{at}-{name[5:]}"
            request = Grid.of([{"id": Ref(id)}], None, {"commit": "add"})
            accept = f'{name}; version="{version}"'
            answer = staff.post("commit", request, accept=accept)
            assert answer.status_code == 200
            assert answer["Content-Type"] == f"{name}; charset=utf-8"
            assert storages["default"].existing(id)
