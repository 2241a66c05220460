"""``/api/entities/``: each method with its statuses, headers and errors."""

from __future__ import annotations

import gzip
import http.client
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from django.conf import settings
from django.test import Client

from haystack_app.kinds import MARKER, DateTime, Number, Ref
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from tests.api.conftest import basic, fill, logged_in, user
from tests.storage.building import entity, given, tags_of

JSON = "application/json"
ODD_ID = "a:b.c-d~e_F9"
BUILDING = ["d", "e1", "n", "p1", "p2", "p3", "p4", "s1", "s2"]
"""The ids of ``fill``, without the one in the trash."""


class Rest:
    """Requests of one client; a body that is not bytes is sent as JSON."""

    def __init__(self, client: Client, root: str = "/api/entities/") -> None:
        self.client = client
        self.root = root

    def ask(
        self,
        method: str,
        path: str = "",
        body: Any = None,
        content_type: str = JSON,
        **headers: str,
    ) -> Any:
        sent = body if isinstance(body, bytes) else orjson.dumps(body)
        return self.client.generic(
            method,
            self.root + path,
            b"" if body is None else sent,
            # also for an empty body, which the test client would send without
            CONTENT_TYPE=content_type,
            headers={name.replace("_", "-"): val for name, val in headers.items()},
        )

    def get(self, path: str = "", **headers: str) -> Any:
        return self.ask("GET", path, **headers)

    def post(self, body: Any, path: str = "", **options: str) -> Any:
        return self.ask("POST", path, body, **options)

    def patch(self, id: str, body: Any, **options: str) -> Any:
        return self.ask("PATCH", f"{id}/", body, **options)

    def delete(self, path: str, **headers: str) -> Any:
        return self.ask("DELETE", path, **headers)

    def page(self, query: str = "") -> tuple[list[str], str | None]:
        """The ids of a page, and where the next one begins."""
        answer = self.get(query)
        assert answer.status_code == 200, answer.content
        body = answer.json()
        assert set(body) == {"results", "next"}
        return [row["id"]["val"] for row in body["results"]], body["next"]


def refused(answer: Any, status: int) -> str:
    """The reason, from the JSON body of any status."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    assert answer["Cache-Control"] == "no-cache, no-store"
    body = answer.json()
    assert set(body) == {"status", "dis"}
    assert body["status"] == status
    assert isinstance(body["dis"], str)
    return str(body["dis"])


def log(id: str, store: str = "default") -> list[tuple[Any, ...]]:
    changes = storages[store].changes_of(id)
    return [(one.kind, one.who, given(one.before), given(one.after)) for one in changes]


def etag(id: str) -> str:
    mod = storages["default"].existing(id)["mod"]
    assert isinstance(mod, DateTime)
    return f'"{mod.iso}"'


def contents() -> list[str]:
    return [record.raw for record in storages["default"].scan()]


@pytest.fixture
def rest(db: None) -> Rest:
    fill(storages["default"])
    return Rest(logged_in("boss", is_staff=True))


@pytest.fixture
def reader(db: None) -> Rest:
    fill(storages["default"])
    return Rest(logged_in("alice"))


# -- reading one ---------------------------------------------------------------


def test_retrieve(reader: Rest) -> None:
    answer = reader.get("s2/")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    assert answer["Cache-Control"] == "no-cache, no-store"
    assert answer["ETag"] == etag("s2")
    assert answer["Allow"] == "GET, PATCH, DELETE, HEAD, OPTIONS"
    assert answer.json() == orjson.loads(storages["default"].existing("s2").raw)
    assert reader.get("s2").content == answer.content
    head = reader.ask("HEAD", "s2/")
    assert (head.status_code, head.content, head["ETag"]) == (200, b"", etag("s2"))


def test_entity_in_the_trash_can_be_retrieved(reader: Rest) -> None:
    assert reader.get("gone/").json()["trash"] == {"_kind": "marker"}


@pytest.mark.parametrize(
    "id", ["missing", "a%20b", "%C3%A4", "%00", "s1%0A", "'", "@s1"]
)
def test_an_unknown_id(reader: Rest, id: str) -> None:
    assert "unknown entity @" in refused(reader.get(f"{id}/"), 404)


@pytest.mark.parametrize("id", [ODD_ID, "entities", "schema", "~", "9", "x" * 2_000])
def test_ids_in_paths(rest: Rest, id: str) -> None:
    created = rest.post(
        {"id": {"_kind": "ref", "val": id}, "site": {"_kind": "marker"}}
    )
    assert created.status_code == 201, created.content
    assert created["Location"] == f"/api/entities/{quote(id)}/"
    every = "".join(f"%{ord(letter):02X}" for letter in id)
    for path in (f"{id}/", id, f"{quote(id, safe='')}/", f"{every}/"):
        assert rest.get(path).json()["id"]["val"] == id
    found = rest.client.get(created["Location"])
    assert found["ETag"] == created["ETag"]
    assert rest.patch(id, {"dis": "X"}, If_Match="*").json()["dis"] == "X"
    assert rest.delete(f"{quote(id)}/").status_code == 204
    refused(rest.get(f"{id}/"), 404)


# -- reading all ---------------------------------------------------------------


def test_list(reader: Rest) -> None:
    assert reader.page() == (BUILDING, None)
    assert reader.client.get("/api/entities").json() == reader.get().json()
    answer = reader.get()
    assert answer["Allow"] == "GET, POST, HEAD, OPTIONS"
    assert answer["Cache-Control"] == "no-cache, no-store"
    rows = {row["id"]["val"]: row for row in answer.json()["results"]}
    assert rows["p4"] == orjson.loads(storages["default"].existing("p4").raw)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("filter=site", ["s1", "s2"]),
        ("filter=siteRef==@s1+and+point", ["p1", "p2"]),
        ("filter=siteRef-%3Earea%3E1000ft%C2%B2", ["e1", "p1", "p2"]),
        ("filter=^equip", ["e1"]),
        ("filter=missing", []),
        ("filter=trash", []),
        ("filter=trash&trash=true", ["gone"]),
        ("filter=site+or+trash&trash=false", ["s1", "s2"]),
        ("trash=true", sorted([*BUILDING, "gone"])),
        ("cursor=p4", ["s1", "s2"]),
        ("cursor=p3x", ["p4", "s1", "s2"]),
        ("cursor=zz", []),
        ("cursor=", BUILDING),
        ("limit=007&filter=site", ["s1", "s2"]),
        ("limit=99999999999999999999", BUILDING),
        ("colour=blue", BUILDING),
    ],
)
def test_what_a_list_has(reader: Rest, query: str, expected: list[str]) -> None:
    assert reader.page(f"?{query}") == (expected, None)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("store", ["default", "memory", "postgres"])
@pytest.mark.django_db(
    databases=["default", *({"postgres"} & settings.DATABASES.keys())]
)
def test_pages_have_every_entity_once(size: int, store: str) -> None:
    if store in settings.MISSING_SERVICES:
        pytest.skip(settings.MISSING_SERVICES[store])
    letters = ["A", "Z", "a", "b.1", "b-1", "b:1", "b~1", "b_1", "b1", "bB", "bb", "9"]
    rows = [entity(id, x=MARKER) for id in letters]
    storages[store].load_entities([*rows, entity("other")], replace=True)
    rest = Rest(logged_in("alice"), f"/api/{store}/entities/")
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        found, cursor = rest.page(f"?filter=x&limit={size}&cursor={cursor}")
        assert len(found) == size or cursor is None
        assert cursor is None or cursor == found[-1]
        seen += found
    assert seen == sorted(letters)
    storages["memory"].load_entities([], replace=True)


def test_a_page_has_a_thousand_at_most(rest: Rest) -> None:
    rows = [entity(f"x{number:04}") for number in range(1_001)]
    storages["default"].load_entities(rows, replace=True)
    assert len(rest.page()[0]) == 100
    found, cursor = rest.page("?limit=5000")
    assert (len(found), cursor) == (1_000, "x0999")
    assert rest.page(f"?limit=5000&cursor={cursor}") == (["x1000"], None)


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ("dis", {"id", "dis"}),
        ("id", {"id"}),
        ("area,%20dis,nosuch", {"id", "area", "dis"}),
        ("mod", {"id", "mod"}),
        ("", None),
    ],
)
def test_fields(reader: Rest, fields: str, names: set[str] | None) -> None:
    whole = orjson.loads(storages["default"].existing("s2").raw)
    [row] = reader.get(f"?filter=id==@s2&fields={fields}").json()["results"]
    assert row == {key: whole[key] for key in names or whole}


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("filter=site+and", "filter is cut short"),
        ("filter=", "filter"),
        ("filter=%00", "column 1"),
        ("limit=0", "limit must be 1 or greater, not '0'"),
        ("limit=-1", "limit must be 1 or greater"),
        ("limit=ten", "limit must be 1 or greater, not 'ten'"),
        ("limit=", "limit must be 1 or greater"),
        ("limit=%D9%A1", "limit must be 1 or greater"),
        ("limit=1.5", "limit must be 1 or greater"),
        ("fields=dis,Bad", 'fields: invalid tag name "Bad"'),
        ("fields=dis,", 'fields: invalid tag name ""'),
        ("cursor=a%00b", "invalid cursor"),
        ("cursor=a+b", "invalid cursor 'a b'"),
        ("trash=yes", "trash must be true or false, not 'yes'"),
        ("filter=" + "(" * 200 + "site" + ")" * 200, "FILTER_DEPTH"),
    ],
)
def test_invalid_list_parameters(reader: Rest, query: str, why: str) -> None:
    assert why in refused(reader.get(f"?{query}"), 400)


def test_a_list_takes_no_longer_than_an_op(
    reader: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[int] = []

    def time_limit(self: StorageAdapter, seconds: int) -> Any:
        limits.append(seconds)
        return given_limit(self, seconds)

    given_limit = type(storages["default"]).time_limit
    monkeypatch.setattr(type(storages["default"]), "time_limit", time_limit)
    for path in ("", "s1/"):
        assert reader.get(path).status_code == 200
    assert limits == [60, 60]


# -- adding --------------------------------------------------------------------


def test_create(rest: Rest) -> None:
    body = {"id": {"_kind": "ref", "val": "new"}, "dis": "New", "none": None}
    answer = rest.post(body)
    assert answer.status_code == 201
    assert answer["Location"] == "/api/entities/new/"
    assert answer["ETag"] == etag("new")
    assert answer.json() == orjson.loads(storages["default"].existing("new").raw)
    assert tags_of(storages["default"], "new") == entity("new", dis="New")
    assert log("new") == [("add", "boss", {}, {})]


@pytest.mark.parametrize("body", [{}, {"dis": "X"}, {"id": None, "dis": "X"}])
def test_an_entity_without_an_id_gets_one(rest: Rest, body: dict[str, Any]) -> None:
    answer = rest.post(body)
    id = answer.json()["id"]["val"]
    assert answer["Location"] == f"/api/entities/{id}/"
    assert rest.get(f"{id}/").json() == answer.json()
    assert rest.post(body).json()["id"]["val"] != id


def test_the_media_types_of_hayson(rest: Rest) -> None:
    for content_type in (
        "application/vnd.haystack+json",
        "application/vnd.haystack+json; version=4",
        "application/json; charset=utf-8",
    ):
        assert rest.post({}, content_type=content_type).status_code == 201


def test_a_list_is_added_whole(rest: Rest) -> None:
    rows = [{"id": {"_kind": "ref", "val": id}, "x": 1} for id in ("a1", "a2")]
    answer = rest.post([*rows, {"dis": "no id"}])
    assert answer.status_code == 201
    assert "Location" not in answer
    assert [row.get("x") for row in answer.json()] == [1, 1, None]
    assert tags_of(storages["default"], "a2") == entity("a2", x=Number(1))
    assert log("a1") == log("a2") == [("add", "boss", {}, {})]
    assert rest.post([]).json() == []


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ({"id": {"_kind": "ref", "val": "new"}}, "id @new is given twice"),
        ({"id": "b"}, 'id must be a Ref, not "b"'),
        ({"id": {"_kind": "ref", "val": "a b"}}, 'row 2: invalid ref id "a b"'),
        ({"Bad": 1}, 'row 2: invalid tag name "Bad"'),
        ({"curVal": 5}, "row 2: tag 'curVal' is set by the server"),
        ({"hisSize": 5}, "row 2: tag 'hisSize' is set by the server"),
        ({"x": {"_kind": "colour"}}, 'row 2: unknown _kind "colour" at x'),
        ({"x": {"_kind": "number", "val": 1, "unit": "nosuch"}}, "nosuch"),
        ({"x": "a\0b"}, "row 2: x: U+0000 cannot be stored"),
        (5, "row 2: expected a dict of tags"),
        ([], "row 2: expected a dict of tags"),
        (None, "row 2: expected a dict of tags"),
        ({"_kind": "ref", "val": "x"}, "row 2: expected a dict of tags"),
    ],
)
def test_a_bad_row_stops_the_whole_list(rest: Rest, bad: Any, why: str) -> None:
    before = contents()
    rows = [{"id": {"_kind": "ref", "val": "new"}}, bad]
    assert why in refused(rest.post(rows), 400)
    assert contents() == before
    assert log("new") == []


def test_an_id_that_exists_stops_the_whole_list(rest: Rest) -> None:
    before = contents()
    rows = [{"id": {"_kind": "ref", "val": id}} for id in ("new", "s1")]
    assert refused(rest.post(rows), 409) == "@s1 already exists"
    assert contents() == before


@pytest.mark.parametrize(
    "body", [b"", b"{", b"5", b"null", b'"site"', b"\xff", b"[" * 300, b'{"a":NaN}']
)
def test_bodies_that_are_not_entities(rest: Rest, body: bytes) -> None:
    before = contents()
    refused(rest.post(body), 400)
    refused(rest.patch("s1", body, If_Match="*"), 400)
    assert contents() == before


def test_no_more_entities_at_once_than_the_settings_say(
    rest: Rest, settings: Any
) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "LIMITS": {"IDS": 3}}
    assert "cap IDS" in refused(rest.post([{}] * 4), 400)
    assert rest.post([{}] * 3).status_code == 201


# -- changing ------------------------------------------------------------------


def test_patch(rest: Rest) -> None:
    before = etag("s2")
    answer = rest.patch(
        "s2", {"area": None, "yearBuilt": 2001, "new": "x"}, If_Match=before
    )
    assert answer.status_code == 200
    assert answer["ETag"] == etag("s2") != before
    assert answer.json() == orjson.loads(storages["default"].existing("s2").raw)
    tags = tags_of(storages["default"], "s2")
    assert (tags["yearBuilt"], tags["new"], tags["dis"]) == (Number(2001), "x", "Bravo")
    assert "area" not in tags
    was = {"area": Number(100, "m²"), "yearBuilt": Number(1990.5)}
    [change] = log("s2")[:1]
    assert change == ("update", "boss", was, {"new": "x", "yearBuilt": Number(2001)})


def test_trash_and_back(rest: Rest) -> None:
    rest.patch("s2", {"trash": {"_kind": "marker"}}, If_Match=etag("s2"))
    assert rest.page("?filter=site") == (["s1"], None)
    rest.patch("s2", {"trash": None}, If_Match=etag("s2"))
    assert rest.page("?filter=site") == (["s1", "s2"], None)


@pytest.mark.parametrize("form", ["{}", "W/{}", "*", " * ", "bare"])
def test_forms_of_if_match(rest: Rest, form: str) -> None:
    tag = etag("s2")
    header = tag.strip('"') if form == "bare" else form.format(tag)
    assert rest.patch("s2", {"n": 1}, If_Match=header).status_code == 200
    stale = "*" in header
    answer = rest.patch("s2", {"n": 2}, If_Match=header)
    assert answer.status_code == (200 if stale else 412)


@pytest.mark.parametrize(
    "tag",
    ['"2001-01-01T00:00:00Z"', '"abc"', '""', '"', "W/", '"0001-01-01T00:00:00+14:00"'],
)
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_the_etag_of_another_state(rest: Rest, method: str, tag: str) -> None:
    before = contents()
    answer = rest.ask(method, "s2/", {"x": 1}, If_Match=tag)
    refused(answer, 412)
    assert contents() == before


def test_one_of_two_concurrent_updates_wins(rest: Rest) -> None:
    tag = rest.get("s2/")["ETag"]
    assert rest.patch("s2", {"dis": "first"}, If_Match=tag).status_code == 200
    why = refused(rest.patch("s2", {"dis": "second"}, If_Match=tag), 412)
    assert "@s2 was changed since it was read" in why
    assert tags_of(storages["default"], "s2")["dis"] == "first"


def test_mod_in_the_body(rest: Rest) -> None:
    read = rest.get("s2/").json()
    assert rest.patch("s2", {**read, "dis": "X"}).json()["dis"] == "X"
    refused(rest.patch("s2", {**read, "dis": "Y"}), 412)
    # the header wins
    assert (
        rest.patch("s2", {**read, "dis": "Z"}, If_Match=etag("s2")).status_code == 200
    )


def test_patch_requires_a_precondition(rest: Rest) -> None:
    before = contents()
    assert "If-Match" in refused(rest.patch("s2", {"dis": "X"}), 428)
    for mod in ("x", None):
        assert "mod must be a DateTime" in refused(rest.patch("s2", {"mod": mod}), 400)
    assert contents() == before


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"id": {"_kind": "ref", "val": "s1"}}, "id @s1 in the body differs from @s2"),
        ({"id": "s2"}, "id"),
        ({"id": None}, "id"),
        ({"curVal": 5}, "tag 'curVal' is set by the server"),
        ({"writeVal": None}, "tag 'writeVal' is set by the server"),
        ({"Bad": 1}, 'invalid tag name "Bad"'),
        ({"Bad": None}, 'invalid tag name "Bad"'),
        ({"x": "\0"}, "U+0000"),
        ([{"dis": "X"}], "expected a dict of tags"),
        ({"_kind": "ref", "val": "s2"}, "expected a dict of tags"),
    ],
)
def test_invalid_patches(rest: Rest, body: Any, why: str) -> None:
    before = contents()
    assert why in refused(rest.patch("s2", body, If_Match=etag("s2")), 400)
    assert contents() == before


def test_a_point_with_history_keeps_its_kind(rest: Rest) -> None:
    from tests.defects.building import at

    storages["default"].his_write("n", [(at("2024-03-01 12:00"), Number(1))])
    why = refused(rest.patch("n", {"kind": "Str"}, If_Match="*"), 409)
    assert why == "@n has history: its tag 'kind' cannot change"


def test_an_own_id_in_the_body_is_fine(rest: Rest) -> None:
    body = {"id": {"_kind": "ref", "val": "s2"}, "dis": "X"}
    assert rest.patch("s2", body, If_Match="*").status_code == 200


# -- removing ------------------------------------------------------------------


def test_delete(rest: Rest) -> None:
    before = tags_of(storages["default"], "n")
    answer = rest.delete("n/", If_Match=etag("n"))
    assert (answer.status_code, answer.content) == (204, b"")
    assert "Content-Type" not in answer
    refused(rest.get("n/"), 404)
    assert log("n")[0] == ("remove", "boss", before, {})
    assert rest.delete("d").status_code == 204


def test_an_entity_that_others_refer_to(rest: Rest) -> None:
    before = contents()
    why = refused(rest.delete("s1/", If_Match=etag("s1")), 409)
    assert "@s1 is still referenced by @e1, @p1, @p2" in why
    assert "force=true" in why
    for query in ("", "?force=false"):
        refused(rest.delete(f"s1/{query}"), 409)
    refused(rest.delete("s1/?force=1"), 400)
    assert contents() == before
    refused(rest.delete("s1/?force=true", If_Match='"2001-01-01T00:00:00Z"'), 412)
    assert rest.delete("s1/?force=true").status_code == 204
    assert storages["default"].existing("p1")["siteRef"] == Ref("s1")


# -- who may, and what else is asked -------------------------------------------

WRITES: list[tuple[str, str, Any]] = [
    ("POST", "", {"dis": "X"}),
    ("PATCH", "n/", {"dis": "X"}),
    ("DELETE", "n/", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_writing_requires_permissions(
    reader: Rest, method: str, path: str, body: Any
) -> None:
    before = contents()
    answer = reader.ask(method, path, body, If_Match="*")
    assert refused(answer, 403).startswith("permission '")
    assert contents() == before


@pytest.mark.parametrize(("method", "path", "body"), [*WRITES, ("GET", "", None)])
@pytest.mark.parametrize("authorization", [{}, basic("alice", "wrong")])
def test_unauthenticated(
    reader: Rest, method: str, path: str, body: Any, authorization: dict[str, str]
) -> None:
    before = contents()
    answer = Rest(Client()).ask(method, path, body, If_Match="*", **authorization)
    refused(answer, 401)
    assert answer["WWW-Authenticate"]
    assert contents() == before


def test_basic_can_write(db: None) -> None:
    user("boss", is_staff=True)
    assert Rest(Client()).post({"dis": "X"}, **basic("boss")).status_code == 201


def test_sessions_need_the_token_of_a_form(db: None) -> None:
    fill(storages["default"])
    client = Client(enforce_csrf_checks=True)
    client.force_login(user("boss", is_staff=True))
    before = contents()
    for method, path, body in WRITES:
        assert "CSRF" in refused(
            Rest(client).ask(method, path, body, If_Match="*"), 403
        )
    assert contents() == before


@pytest.mark.parametrize(
    ("path", "methods"),
    [("", ["PUT", "PATCH", "DELETE", "TRACE"]), ("s1/", ["PUT", "POST", "TRACE"])],
)
def test_other_methods(rest: Rest, path: str, methods: list[str]) -> None:
    allowed = "GET, PATCH, DELETE" if path else "GET, POST"
    for method in methods:
        answer = rest.ask(method, path, {})
        assert method in refused(answer, 405)
        assert answer["Allow"] == f"{allowed}, HEAD, OPTIONS"


def test_options(reader: Rest) -> None:
    for path, allowed in (("", "GET, POST"), ("s1/", "GET, PATCH, DELETE")):
        answer = reader.ask("OPTIONS", path)
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer["Allow"] == f"{allowed}, HEAD, OPTIONS"


@pytest.mark.parametrize(
    "content_type",
    [
        "text/zinc",
        "text/plain",
        "",
        "application/json; version=3",
        "x",
        "multipart/form-data",
    ],
)
def test_bodies_in_other_formats(rest: Rest, content_type: str) -> None:
    before = contents()
    refused(rest.post({"dis": "X"}, content_type=content_type), 415)
    refused(rest.patch("n", {"dis": "X"}, content_type=content_type, If_Match="*"), 415)
    assert contents() == before


@pytest.mark.parametrize(
    "accept",
    ["", "*/*", "text/html", "text/zinc", "a", "a/b;c*=nosuch''x", ";", "\xe4"],
)
def test_every_accept_is_answered_in_json(reader: Rest, accept: str) -> None:
    answer = reader.get("s1/", Accept=accept)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json; charset=utf-8"


def test_compressed_bodies(rest: Rest) -> None:
    packed = gzip.compress(b'{"dis":"packed"}')
    answer = rest.post(packed, Content_Encoding="gzip")
    assert answer.json()["dis"] == "packed"
    answer = rest.patch("n", packed, Content_Encoding="gzip", If_Match="*")
    assert answer.json()["dis"] == "packed"
    refused(rest.post(b"no gzip", Content_Encoding="gzip"), 400)
    answer = rest.post(b"{}", Content_Encoding="br")
    refused(answer, 415)
    assert answer["Accept-Encoding"] == "gzip, identity"


def test_compressed_responses_and_weak_etags(rest: Rest) -> None:
    rest.patch("n", {"doc": "x" * 1_000}, If_Match="*")
    answer = rest.get("n/", Accept_Encoding="gzip")
    assert answer["Content-Encoding"] == "gzip"
    assert orjson.loads(gzip.decompress(answer.content))["id"]["val"] == "n"
    assert rest.patch("n", {"x": 1}, If_Match=answer["ETag"]).status_code == 200


def test_bodies_that_are_too_large(rest: Rest, settings: Any) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "LIMITS": {"BODY": 100}}
    before = contents()
    large = {"dis": "x" * 100}
    assert "cap BODY" in refused(rest.post(large), 413)
    refused(rest.patch("n", large, If_Match="*"), 413)
    packed = gzip.compress(orjson.dumps({"dis": "x" * 1_000}))
    assert len(packed) < 100
    refused(rest.post(packed, Content_Encoding="gzip"), 413)
    assert contents() == before


def test_internal_errors_are_json(
    reader: Rest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("secret")

    monkeypatch.setattr(type(storages["default"]), "existing", fail)
    assert refused(reader.get("s1/"), 500) == "internal error"
    assert "RuntimeError: secret" in caplog.text


# -- projects ------------------------------------------------------------------


@pytest.fixture
def other(memory: StorageAdapter, db: None) -> Iterator[Rest]:
    memory.load_entities([entity("m1", x=MARKER), entity("m2", ref=Ref("m1"))])
    yield Rest(logged_in("boss", is_staff=True), "/api/memory/entities/")


def test_a_project_has_entities_of_its_own(other: Rest) -> None:
    assert other.page() == (["m1", "m2"], None)
    created = other.post({"id": {"_kind": "ref", "val": "a:b"}})
    assert created["Location"] == "/api/memory/entities/a%3Ab/"
    assert other.client.get(created["Location"])["ETag"] == created["ETag"]
    assert log("a:b", "memory") == [("add", "boss", {}, {})]
    assert "@m2" in refused(other.delete("m1/"), 409)
    tag = other.get("m1/")["ETag"]
    assert other.patch("m1", {"x": None, "y": 1}, If_Match=tag).status_code == 200
    refused(other.patch("m1", {"y": 2}, If_Match=tag), 412)
    assert other.delete("m1/?force=true").status_code == 204
    assert [change[0] for change in log("m1", "memory")] == ["remove", "update", "add"]
    refused(Rest(other.client).get("m2/"), 404)


def test_sys_is_the_default_project(rest: Rest) -> None:
    assert Rest(rest.client, "/api/sys/entities/").page() == rest.page()


METHODS: list[Callable[[Rest], Any]] = [
    lambda rest: rest.get(),
    lambda rest: rest.post({}),
    lambda rest: rest.get("s1/"),
    lambda rest: rest.patch("s1", {}, If_Match="*"),
    lambda rest: rest.delete("s1/"),
]


@pytest.mark.parametrize("method", METHODS)
def test_an_unknown_project(rest: Rest, method: Callable[[Rest], Any]) -> None:
    rest.root = "/api/nosuch/entities/"
    assert refused(method(rest), 404) == "unknown project 'nosuch'"
    rest.root = "/api/entities/entities/"
    if method is not METHODS[0] and method is not METHODS[1]:
        assert refused(method(rest), 404) == "unknown project 'entities'"


def test_an_unknown_entity_is_neither_changed_nor_removed(rest: Rest) -> None:
    before = contents()
    for tag in ("*", etag("s1")):
        why = refused(rest.patch("missing", {"x": 1}, If_Match=tag), 404)
        assert why == "unknown entity @missing"
        refused(rest.delete("missing/", If_Match=tag), 404)
    refused(rest.delete("a%20b/"), 404)
    assert contents() == before


# -- real sockets ----------------------------------------------------------------


def test_the_whole_server(live: Callable[[], http.client.HTTPConnection]) -> None:
    """All methods on one connection, without leftover bytes."""
    connection = live()

    def ask(method: str, path: str, body: Any = None, **headers: str) -> Any:
        sent = None if body is None else orjson.dumps(body)
        given = {name.replace("_", "-"): val for name, val in headers.items()}
        kind = {"Content-Type": JSON} if body is not None else {}
        connection.request(method, path, sent, {**basic("alice"), **kind, **given})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()

    id = {"_kind": "ref", "val": ODD_ID}
    status, headers, _ = ask("POST", "/api/entities/", {"id": id, "dis": "A"})
    assert status == 201
    path = headers["Location"]
    assert ask("HEAD", path)[0] == 200
    assert ask("OPTIONS", path)[0] == 200
    status, headers, body = ask("PATCH", path, {"dis": "B"}, If_Match=headers["ETag"])
    assert (status, orjson.loads(body)["dis"]) == (200, "B")
    assert ask("PATCH", path, {"dis": "C"})[0] == 428
    assert ask("PUT", path, {"dis": "C"})[0] == 405
    assert ask("GET", f"/api/entities/{ODD_ID}")[1]["ETag"] == headers["ETag"]
    status, _, body = ask("DELETE", path, If_Match=headers["ETag"])
    assert (status, body) == (204, b"")
    assert ask("GET", path)[0] == 404
    assert ask("GET", "/api/entities/a%2Fb/")[0] == 404


# -- the log of writes --------------------------------------------------------


def test_writes_of_a_point(reader: Rest) -> None:
    store = storages["default"]
    store.load_entities([entity("w", point=MARKER, writable=MARKER, kind="Number")])
    store.point_write("w", 8, Number(5), "Joe", user="joe")
    store.point_write("w", 8, None, "", user="ann")
    answer = reader.get("w/writes/")
    assert answer.status_code == 200
    released, written = answer.json()
    assert written.pop("at") <= released.pop("at")
    given = {"level": 8, "kind": "set", "val": 5, "who": "Joe", "user": "joe"}
    assert written == given | {"expires": None}
    assert (released["kind"], released["val"]) == ("release", None)
    assert released["user"] == "ann"
    assert len(reader.get("w/writes/?limit=1").json()) == 1
    for path, status in (("missing/writes", 404), ("w/writes?limit=x", 400)):
        assert reader.get(path).status_code == status
    assert reader.post({}, "w/writes/").status_code in (403, 405)
