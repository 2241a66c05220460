"""Content codings, conditions and byte order marks, on every URL."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from haystack_app.serving import get_asgi_application
from haystack_app.serving.content_coding import Codings
from haystack_app.storage.handler import storages
from haystack_app.wire.registry import CSV
from tests.api.conftest import fill, logged_in
from tests.serving.test_asgi import called

URLS = [
    "/",
    "/admin/login/",
    "/log-in/",
    "/explore/",
    "/healthz",
    "/readyz",
    "/api/about",
    "/api/defs",
    "/api/read?filter=point",
    "/api/hisRead?id=@n&range=today",
    "/api/nonsense",
    "/api/changes?wait=0",
    "/api/entities/",
    "/api/entities/n/",
    "/api/users/",
    "/api/schema/",
    "/api/docs/",
    "/static/haystack_app/live.js",
    "/static/haystack_app/mark.svg",
    "/nonsense",
]
WITHOUT = [
    "",
    "gzip;q=0",
    "gzip; q=0.000, identity",
    "x-gzip;q=0",
    "GZIP;Q=0",
    "*;q=0, identity;q=0.1",
    "gzip;q=0.3, identity;q=0.5",
    "br, deflate",
    "gzip;q=nan",
    "gzip;q=-1",
    "gzip;q=2",
    "notgzip, gzipped",
]
WITH = [
    "gzip",
    "identity;q=0, *",
    "*",
    "gzip;q=0.001",
    "deflate, x-gzip, br",
    "GZip;q=1.000",
    "identity;q=0.2, gzip;q=0.3",
    "gzip, identity",
]
REFUSED = [
    "identity;q=0",
    "*;q=0",
    "identity;q=0, gzip;q=0",
    "identity;q=0, br",
    "*;q=0.0",
]


@pytest.fixture
def client(db: None) -> Client:
    fill(storages["default"])
    return logged_in("boss", is_staff=True, is_superuser=True)


def body(answer: Any) -> bytes:
    return b"".join(answer) if answer.streaming else answer.content


@pytest.mark.parametrize("header", WITHOUT)
def test_without_a_coding(header: str) -> None:
    assert not Codings.parse(header).prefers_gzip
    assert Codings.parse(header).is_possible


@pytest.mark.parametrize("header", WITH)
def test_with_gzip(header: str) -> None:
    assert Codings.parse(header).prefers_gzip


@pytest.mark.parametrize("header", REFUSED)
def test_no_coding_is_accepted(header: str) -> None:
    assert not Codings.parse(header).is_possible


@pytest.mark.parametrize("url", URLS)
def test_every_url(client: Client, url: str) -> None:
    plain = client.get(url)
    assert "Content-Encoding" not in plain
    assert "Accept-Encoding" in plain["Vary"]
    for header in ("gzip;q=0", "identity"):
        answer = client.get(url, headers={"Accept-Encoding": header})
        assert "Content-Encoding" not in answer
        assert answer.status_code == plain.status_code
        assert not body(answer).startswith(b"\x1f\x8b")
    coded = client.get(url, headers={"Accept-Encoding": "gzip, identity;q=0"})
    assert coded.status_code == plain.status_code
    if whole := body(coded):
        assert coded["Content-Encoding"] == "gzip"
        gzip.decompress(whole)
    refused = client.get(url, headers={"Accept-Encoding": "identity;q=0"})
    assert refused.status_code == 406
    assert "gzip" in json.loads(body(refused))["dis"]


def test_refused_requests_are_not_run(client: Client) -> None:
    answer = client.post(
        "/api/entities/",
        b'{"id":{"_kind":"ref","val":"new"}}',
        "application/json",
        headers={"Accept-Encoding": "*;q=0"},
    )
    assert answer.status_code == 406
    assert client.get("/api/entities/new/").status_code == 404


def test_parts_of_files(client: Client) -> None:
    url = "/static/haystack_app/live.js"
    for header in ("gzip", "gzip;q=0"):
        part = client.get(
            url, headers={"Accept-Encoding": header, "Range": "bytes=0-499"}
        )
        assert (part.status_code, len(body(part))) == (206, 500)
        assert "Content-Encoding" not in part
    headers = {"Accept-Encoding": "gzip, identity;q=0", "Range": "bytes=0-499"}
    whole = client.get(url, headers=headers)
    assert whole.status_code == 200
    assert gzip.decompress(body(whole)) == body(client.get(url))


@pytest.mark.django_db(transaction=True)
async def test_health_of_the_server() -> None:
    app = get_asgi_application()
    for path in ("/healthz", "/readyz"):
        for header, refused in ((b"gzip, identity;q=0", False), (b"*;q=0", True)):
            headers = [(b"host", b"x"), (b"accept-encoding", header)]
            start, content = await called(app, "http", path, headers=headers)
            assert (start["status"] == 406) == refused
            coded = (b"content-encoding", b"gzip") in start["headers"]
            assert coded != refused
            text = gzip.decompress(content["body"]) if coded else content["body"]
            assert (json.loads(text)["status"] == 406) == refused


# -- conditions ----------------------------------------------------------------

TAGGED = [
    "/api/entities/n/",
    "/static/haystack_app/live.js",
    "/static/haystack_app/mark.svg",
]


@pytest.mark.parametrize("url", TAGGED)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("coding", ["gzip", "gzip;q=0", "gzip, identity;q=0"])
def test_what_the_client_has(
    client: Client, url: str, method: str, coding: str
) -> None:
    etag = client.get(url)["ETag"]
    strong = etag.removeprefix("W/")
    for header in (
        etag,
        strong,
        f"W/{strong}",
        f'"other", {strong}',
        "*",
        f'W/"x" , W/{strong}',
    ):
        headers = {"If-None-Match": header, "Accept-Encoding": coding}
        answer = client.generic(method, url, headers=headers)
        assert (answer.status_code, body(answer)) == (304, b""), header
        assert answer["ETag"].removeprefix("W/") == strong
        assert "Content-Encoding" not in answer
        assert "Accept-Encoding" in answer["Vary"]
    for header in ('"other"', 'W/"other"', strong.strip('"'), '"'):
        headers = {"If-None-Match": header, "Accept-Encoding": coding}
        assert client.generic(method, url, headers=headers).status_code == 200, header


@pytest.mark.parametrize("url", URLS)
def test_any_representation(client: Client, url: str) -> None:
    plain = client.get(url)
    answer = client.get(url, headers={"If-None-Match": "*"})
    assert answer.status_code == (
        304 if plain.status_code == 200 else plain.status_code
    )
    answer = client.get(url, headers={"If-None-Match": '"none of ours"'})
    assert answer.status_code == plain.status_code


def test_a_changed_entity_is_sent(client: Client) -> None:
    url = "/api/entities/n/"
    etag = client.get(url)["ETag"]
    headers = {"If-Match": etag}
    done = client.patch(url, b'{"dis":"N"}', "application/json", headers=headers)
    assert done.status_code == 200
    assert client.get(url, headers={"If-None-Match": etag}).status_code == 200


def test_other_methods_are_refused_for_a_state_that_is_named(client: Client) -> None:
    url = "/api/entities/n/"
    etag = client.get(url)["ETag"]
    for header in (etag, f"W/{etag}", "*", f'"x", {etag}'):
        headers = {"If-None-Match": header, "If-Match": etag}
        done = client.patch(url, b'{"dis":"N"}', "application/json", headers=headers)
        assert done.status_code == 412
        assert client.delete(url, headers={"If-None-Match": header}).status_code == 412
    assert client.get(url)["ETag"] == etag
    headers = {"If-None-Match": '"x"', "If-Match": "*"}
    done = client.patch(url, b'{"dis":"N"}', "application/json", headers=headers)
    assert done.status_code == 200
    gone = client.delete(url, headers={"If-None-Match": '"x"'})
    assert gone.status_code == 204


# -- byte order marks ------------------------------------------------------------

MARK = b"\xef\xbb\xbf"
GRIDS = [
    ("text/zinc", b'ver:"3.0"\nfilter\n"point"\n'),
    (
        "application/json",
        b'{"_kind":"grid","meta":{"ver":"3.0"},"cols":[{"name":"filter"}],'
        b'"rows":[{"filter":"point"}]}',
    ),
    (
        "application/json; version=3",
        b'{"meta":{"ver":"3.0"},"cols":[{"name":"filter"}],"rows":[{"filter":"point"}]}',
    ),
    ("text/csv", b"filter\npoint\n"),
    ("text/trio", b"filter:point\n"),
]


@pytest.mark.parametrize(("content_type", "text"), GRIDS)
@pytest.mark.parametrize("packed", [False, True])
def test_a_mark_before_a_grid(
    client: Client, content_type: str, text: bytes, packed: bool
) -> None:
    def read(sent: bytes) -> Any:
        headers = {"Content-Encoding": "gzip"} if packed else {}
        sent = gzip.compress(sent) if packed else sent
        return client.post("/api/read", sent, content_type, headers=headers)

    assert b"err" not in read(text).content
    assert read(MARK + text).content == read(text).content


def test_a_mark_before_json_of_rest(client: Client) -> None:
    record = MARK + b'{"id":{"_kind":"ref","val":"new"},"dis":"New"}'
    assert client.post("/api/entities/", record, "application/json").status_code == 201
    many = MARK + b'[{"dis":"One"},{"dis":"Two"}]'
    assert client.post("/api/entities/", many, "application/json").status_code == 201
    loaded = client.post("/api/load", many, "application/json")
    assert loaded.status_code == 200
    assert b'"err"' not in loaded.content
    url, patch = "/api/entities/new/", MARK + b'{"dis":"Newer"}'
    headers = {"If-Match": "*"}
    done = client.patch(url, patch, "application/json", headers=headers)
    assert done.status_code == 200
    someone = MARK + b'{"username":"eve","password":"a long phrase indeed"}'
    assert client.post("/api/users/", someone, "application/json").status_code == 201


def test_the_other_encoding_is_named(client: Client) -> None:
    text = 'ver:"3.0"\nfilter\n"point"\n'.encode("utf-16")
    answer = client.post("/api/read", text, "text/zinc")
    assert answer.status_code == 400
    assert "this text is UTF-16" in answer.json()["dis"]


# -- long cells ------------------------------------------------------------------


def test_long_cells(client: Client) -> None:
    long = "long " * 100_000
    text = f'id,dis,note\n@long,"{long}",{long}x\n'
    [row] = CSV.read_bytes(text.encode())
    assert (row["dis"], row["note"]) == (long, f"{long}x")
    condition = " or ".join(["point"] * 40_000)
    answer = client.post("/api/read", f"filter\n{condition}\n", "text/csv")
    assert answer.status_code in (200, 400)
    assert b"field" not in answer.content


def test_long_samples(client: Client, tmp_path: Path) -> None:
    record = b'{"id":{"_kind":"ref","val":"s"},"point":{"_kind":"marker"},"his":{"_kind":"marker"},"kind":"Str","tz":"UTC"}'
    assert client.post("/api/entities/", record, "application/json").status_code == 201
    long = "long " * 40_000
    file = tmp_path / "long.csv"
    file.write_text(
        f'ts,@s\n2024-01-01T00:00:00Z,"{long}"\n2024-01-01T01:00:00Z,{long}\n'
    )
    call_command("haystack_his_import", file, verbosity=0)
    answer = client.get(
        "/api/hisRead?id=@s&range=2024-01-01", headers={"Accept": "text/csv"}
    )
    assert body(answer).decode().count(long.strip()) == 2
