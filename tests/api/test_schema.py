"""The OpenAPI schema is valid and correct; what it allows causes no internal error."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import sampled_from
from schemathesis.checks import CHECKS

from haystack_app.kinds import Number
from haystack_app.ops import all_ops
from haystack_app.storage.handler import storages
from project.wsgi import application
from tests.api.conftest import basic, fill, logged_in, user
from tests.jobs.examples import note
from tests.storage.building import at

CHECKED = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]
EVENTS = "/api/jobs/{id}/events/"
"""Refused without ASGI; tests/api/test_jobs.py asks a server."""
METHODS = {
    "/api/entities/": ["get", "post"],
    "/api/entities/{id}/": ["get", "patch", "delete"],
    "/api/entities/{id}/writes/": ["get"],
    "/api/changes/": ["get"],
    "/api/jobs/": ["get"],
    "/api/jobs/{id}/": ["get"],
    "/api/jobs/{id}/cancel/": ["post"],
    EVENTS: ["get"],
    "/api/history/": ["get"],
    "/api/quality/": ["get"],
    "/api/samples/changes/": ["get"],
    "/api/samples/changes/{change}/": ["get"],
    "/api/samples/changes/{change}/undo/": ["post"],
    "/api/users/": ["get", "post"],
    "/api/users/{id}/": ["get", "patch", "delete"],
}
IDS = [None, "s1", "s2", "n", "d", "p1", "p2", "p3", "p4"]
BODIES: dict[str, list[Any]] = {
    "/api/changes/": [None],
    "/api/history/": [None],
    "/api/quality/": [None],
    "/api/samples/changes/": [None],
    "/api/samples/changes/{change}/": [None],
    "/api/samples/changes/{change}/undo/": [None],
    "/api/jobs/": [None],
    "/api/jobs/{id}/": [None],
    "/api/jobs/{id}/cancel/": [None],
    "/api/entities/": [None, None, {"dis": "Any"}],
    "/api/entities/{id}/": [None, None, {"dis": "Any"}],
    "/api/entities/{id}/writes/": [None],
    "/api/users/": [
        None,
        {"username": "eve", "password": "some long words", "groups": ["viewer"]},
    ],
    "/api/users/{id}/": [None, {"email": "any@example.org", "active": True}],
}
_DAY = {"ids": "n", "range": "2024-03-01"}
QUERIES: dict[str, list[Any]] = {
    "/api/history/": [
        None,
        {**_DAY, "rollup": "avg", "interval": "1hr"},
        *({**_DAY, "format": it} for it in ("json", "csv", "arrow", "parquet")),
    ],
}
"""Parameters that belong together, which are not generated often enough."""


def document() -> Any:
    answer = Client().get("/api/schema/", headers={"Accept": "application/json"})
    assert answer.status_code == 200
    return answer.json()


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Django has a line in the log for each 4xx."""
    caplog.set_level(logging.ERROR, "django.request")


@pytest.fixture
def one_connection() -> Iterator[None]:
    """The transaction of the test continues after a request, as in Django's client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@functools.cache
def published() -> Any:
    """The schema, generated once."""
    return schemathesis.openapi.from_wsgi("/api/schema/?format=json", application)


def some_changes() -> list[str]:
    """Writes that replaced a sample."""
    store = storages["default"]
    for number in range(20):
        store.his_write("p1", [(at("2024-03-01 12:00"), Number(number, "°F"))])
    return [one.origin.change for one in store.sample_changes(100)]


@pytest.mark.usefixtures("quiet", "one_connection")
@pytest.mark.parametrize(
    ("path", "method"),
    [
        (path, method)
        for path, methods in METHODS.items()
        for method in methods
        if path != EVENTS
    ],
)
def test_generated_requests(path: str, method: str, db: None) -> None:
    """Requests of a superuser, on the building; each changes it for the next."""
    fill(storages["default"])
    others = [user(name).pk for name in ("bob", "carol")]
    user("boss", is_staff=True, is_superuser=True)
    ids: list[Any] = [None, *others] if "users" in path else IDS
    if "jobs" in path:
        ids = [None, *(note.enqueue().id for _ in range(60))]
    if "samples" in path:
        ids = [None, *some_changes()]
    name = "change" if "samples" in path else "id"
    schema = published()
    checks = [CHECKS.get_one(name) for name in CHECKED]

    @given(
        case=schema[path][method].as_strategy(),
        id=sampled_from(ids),
        more=sampled_from([{}, {"If-Match": "*"}]),
        body=sampled_from(BODIES[path]),
        query=sampled_from(QUERIES.get(path, [None])),
    )
    @settings(
        max_examples=60,
        deadline=None,
        derandomize=True,  # random failures would be hard to reproduce
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(
        case: schemathesis.Case, id: Any, more: dict[str, str], body: Any, query: Any
    ) -> None:
        case.query = query or case.query
        if body and method in ("post", "patch"):
            case.body, case.media_type = body, "application/json"
        if id is not None and name in case.path_parameters:
            case.path_parameters[name] = id
        headers = {**case.headers, "Accept-Encoding": "identity", **more}
        answer = case.call(headers={**headers, **basic("boss")})
        case.validate_response(answer, checks=checks)
        if answer.status_code >= 400:
            assert answer.json()["status"] == answer.status_code
        answered.add(answer.status_code)

    answered: set[int] = set()
    ask()
    # not all of them were refused before they had an effect
    assert min(answered) < 300


def test_the_schema_is_valid() -> None:
    written = StringIO()
    call_command(
        "spectacular", validate=True, fail_on_warn=True, file=None, stdout=written
    )
    assert "openapi: 3" in written.getvalue()


def test_it_has_every_method_of_every_resource() -> None:
    found = document()
    paths = {path: list(item) for path, item in found["paths"].items()}
    assert {path: paths[path] for path in METHODS} == METHODS
    assert paths.keys() - METHODS.keys() == {f"/api/{op.name}" for op in all_ops()}
    for item in found["paths"].values():
        for operation in item.values():
            assert {"400", "401", "404"} <= operation["responses"].keys()
            for scheme in ("basicAuth", "cookieAuth"):
                assert {scheme: []} in operation["security"]
    patch = found["paths"]["/api/entities/{id}/"]["patch"]
    assert patch["responses"].keys() >= {"200", "403", "412", "413", "415", "428"}
    delete = found["paths"]["/api/entities/{id}/"]["delete"]
    assert delete["responses"].keys() >= {"204", "403", "409", "412"}
    post = found["paths"]["/api/entities/"]["post"]
    assert post["responses"].keys() >= {"201", "403", "413", "415"}
    assert set(post["responses"]["201"]["headers"]) == {"ETag", "Location"}
    assert {one["name"] for one in patch["parameters"]} == {"id", "If-Match"}
    listed = found["paths"]["/api/entities/"]["get"]["parameters"]
    names = {"filter", "fields", "limit", "cursor", "trash"}
    assert {one["name"] for one in listed} == names


def test_it_has_every_op() -> None:
    paths = document()["paths"]
    for op in all_ops():
        item = paths[f"/api/{op.name}"]
        assert list(item) == (["post"] if op.side_effects else ["get", "post"])
        for operation in item.values():
            assert op.doc in operation["description"]
            assert "text/zinc" in operation["responses"]["200"]["content"]
            assert operation["responses"].keys() >= {"401", "403", "404", "429"}
    assert "requestBody" in paths["/api/hisWrite"]["post"]


def test_the_page_of_the_schema(db: None) -> None:
    client = logged_in("alice")
    answer = client.get("/api/docs/")
    assert answer.status_code == 200
    script = client.get("/api/docs/?script=")
    assert script["Content-Type"] == "application/javascript"
    assert b"/api/schema/" in script.content
    assert b"https://" not in answer.content.replace(b"https://www.w3.org", b"")


@pytest.mark.parametrize("path", ["/api/schema/", "/api/docs/"])
@pytest.mark.parametrize(
    "accept",
    ["a/b; x*0=a; x*1*=b; x*=c", "a/b; x*=nosuch''a", "text/html; q*=0; q*0=1, ,;"],
)
def test_what_of_accept_cannot_be_read_is_left_out(
    client: Client, path: str, accept: str
) -> None:
    assert client.get(path, headers={"Accept": accept}).status_code == 406
    both = f"{accept}, */*"
    assert client.get(path, headers={"Accept": both}).status_code == 200
    answer = client.options(path, headers={"Accept": accept})
    assert answer.status_code in (200, 406)
    assert client.options(path).status_code == 200
