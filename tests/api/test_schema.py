"""The OpenAPI schema is valid and correct; what it allows causes no internal error."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.conf import settings as project
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client, override_settings
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import sampled_from
from schemathesis.checks import CHECKS

from haystack_app.api.schema import CachedGenerator
from haystack_app.auth.caller import Caller
from haystack_app.imports import uploads
from haystack_app.kinds import Number
from haystack_app.models import Alarm, AlarmRule, Dashboard, ImportMapping
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
ALARM_EVENTS = "/api/alarms/events/"
"""Refused without ASGI; tests/api/test_jobs.py asks a server."""
STEPS = {"/api/imports/{id}/parts/", "/api/imports/{id}/undo/"}
"""Refused until a file is incomplete, or imported; tests/imports has these."""
METHODS = {
    "/api/dashboards/": ["get", "post"],
    "/api/dashboards/{slug}/": ["get", "patch", "delete"],
    "/api/alarms/": ["get"],
    "/api/alarms/summary/": ["get"],
    ALARM_EVENTS: ["get"],
    "/api/alarms/{id}/": ["get"],
    "/api/alarms/{id}/acknowledge/": ["post"],
    "/api/alarm-rules/": ["get", "post"],
    "/api/alarm-rules/dry-run/": ["post"],
    "/api/alarm-rules/{id}/": ["get", "patch", "delete"],
    "/api/alarm-rules/{id}/dry-run/": ["get"],
    "/api/entities/": ["get", "post"],
    "/api/entities/{id}/": ["get", "patch", "delete"],
    "/api/entities/{id}/writes/": ["get"],
    "/api/entities/{id}/changes/": ["get"],
    "/api/entities/{id}/removal/": ["get"],
    "/api/changes/": ["get"],
    "/api/changes/{cursor}/": ["get"],
    "/api/changes/{cursor}/revert/": ["post"],
    "/api/imports/": ["get", "post"],
    "/api/imports/{id}/": ["get", "patch", "delete"],
    "/api/imports/{id}/bad-rows/": ["get"],
    "/api/imports/{id}/parts/": ["post"],
    "/api/imports/{id}/start/": ["post"],
    "/api/imports/{id}/undo/": ["post"],
    "/api/import-mappings/": ["get"],
    "/api/import-mappings/{name}/": ["get", "put", "delete"],
    "/api/jobs/": ["get"],
    "/api/jobs/{id}/": ["get"],
    "/api/jobs/{id}/cancel/": ["post"],
    EVENTS: ["get"],
    "/api/history/": ["get"],
    "/api/quality/": ["get"],
    "/api/tags/": ["get"],
    "/api/tags/{tag}/values/": ["get"],
    "/api/status/": ["get"],
    "/api/samples/changes/": ["get", "post"],
    "/api/samples/changes/{change}/": ["get"],
    "/api/samples/changes/{change}/undo/": ["post"],
    "/api/samples/import/": ["post"],
    "/api/writes/": ["get"],
    "/api/users/": ["get", "post"],
    "/api/users/{id}/": ["get", "patch", "delete"],
    "/api/users/{id}/invite/": ["post"],
}
IDS = [None, "s1", "s2", "n", "d", "p1", "p2", "p3", "p4"]
RULE = {"name": "any", "filter": "temp", "value": "25°C"}
TEMPERATURES = {
    "_kind": "grid",
    "meta": {"ver": "3.0", "id": {"_kind": "ref", "val": "p1"}},
    "cols": [{"name": "ts"}, {"name": "val"}],
    "rows": [
        {
            "ts": {"_kind": "dateTime", "val": "2024-03-01T12:00:00-05:00"},
            "val": {"_kind": "number", "val": 70, "unit": "°F"},
        }
    ],
}
BODIES: dict[str, list[Any]] = {
    "/api/alarms/": [None],
    "/api/alarms/summary/": [None],
    "/api/alarms/{id}/": [None],
    "/api/alarms/{id}/acknowledge/": [{"note": "any"}],
    "/api/alarm-rules/": [None, RULE],
    "/api/alarm-rules/dry-run/": [RULE],
    "/api/alarm-rules/{id}/": [None, {"severity": 3}],
    "/api/alarm-rules/{id}/dry-run/": [None],
    "/api/changes/": [None],
    "/api/changes/{cursor}/": [None],
    "/api/changes/{cursor}/revert/": [None],
    "/api/entities/{id}/changes/": [None],
    "/api/entities/{id}/removal/": [None],
    "/api/writes/": [None],
    "/api/history/": [None],
    "/api/quality/": [None],
    "/api/tags/": [None],
    "/api/tags/{tag}/values/": [None],
    "/api/status/": [None],
    "/api/samples/changes/": [
        None,
        {"id": "p1", "action": "na", "range": "2024-03-01", "reason": "test"},
    ],
    "/api/samples/changes/{change}/": [None],
    "/api/samples/changes/{change}/undo/": [None],
    "/api/samples/import/": [None, TEMPERATURES],
    "/api/imports/": [None],
    "/api/imports/{id}/": [None, {"tz": "UTC", "skipBad": "1%"}],
    "/api/imports/{id}/bad-rows/": [None],
    "/api/imports/{id}/start/": [None],
    "/api/import-mappings/": [None],
    "/api/import-mappings/{name}/": [None, {"dates": "dmy"}],
    "/api/jobs/": [None],
    "/api/jobs/{id}/": [None],
    "/api/jobs/{id}/cancel/": [None],
    "/api/dashboards/": [None, {"slug": "any", "title": "Any"}],
    "/api/dashboards/{slug}/": [None, {"title": "Other"}],
    "/api/entities/": [None, None, {"dis": "Any"}],
    "/api/entities/{id}/": [None, None, {"dis": "Any"}],
    "/api/entities/{id}/writes/": [None],
    "/api/users/": [
        None,
        {"username": "eve", "password": "some long words", "groups": ["viewer"]},
    ],
    "/api/users/{id}/": [None, {"email": "any@example.org", "active": True}],
    "/api/users/{id}/invite/": [None],
}
_DAY = {"ids": "n", "range": "2024-03-01"}
QUERIES: dict[str, list[Any]] = {
    "/api/samples/import/": [None, {"file": "a.json"}, {"file": "a.csv"}],
    "/api/imports/": [None, {"name": "any.csv"}],
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
def spool(tmp_path: Path) -> Iterator[None]:
    """A folder of uploads of the test."""
    given = {**project.HAYSTACK, "IMPORTS_DIR": str(tmp_path / "spool")}
    with override_settings(HAYSTACK=given):
        yield


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


def some_imports(owner: Any) -> list[int]:
    """Files that may be imported."""
    body = b"ts,id,val\n2024-03-01T12:00:00-05:00,n,1\n"
    caller, made = Caller(owner), []
    for _ in range(30):
        found = uploads.begin_upload(caller, "default", "any.csv", len(body))
        uploads.add_part(found, 0, BytesIO(body))
        uploads.understand(found, caller)
        made.append(found.pk)
    return made


def some_changes() -> list[str]:
    """Writes that replaced a sample."""
    store = storages["default"]
    for number in range(20):
        store.his_write("p1", [(at("2024-03-01 12:00"), Number(number, "°F"))])
    return [one.origin.change for one in store.sample_changes(100)]


def some_dashboards() -> list[str]:
    slugs = [f"plant-{number}" for number in range(60)]
    Dashboard.objects.bulk_create(Dashboard(slug=one, title=one) for one in slugs)
    return slugs


def some_alarms() -> tuple[list[int], list[int]]:
    """Keys of rules, and of open alarms of one."""
    made = [
        AlarmRule.objects.create(name=f"r{n}", filter="temp", value="25°C")
        for n in range(60)
    ]
    now = timezone.now()
    alarms = [
        Alarm.objects.create(
            rule=made[0], point_id=f"p{n}", dis="P", raised_at=now, recorded_at=now
        )
        for n in range(60)
    ]
    return [one.pk for one in made], [one.pk for one in alarms]


@pytest.mark.usefixtures("quiet", "one_connection", "spool")
@pytest.mark.parametrize(
    ("path", "method"),
    [
        (path, method)
        for path, methods in METHODS.items()
        for method in methods
        if path not in {EVENTS, ALARM_EVENTS, *STEPS}
    ],
)
def test_generated_requests(path: str, method: str, db: None) -> None:
    """Requests of a superuser, on the building; each changes it for the next."""
    fill(storages["default"])
    others = [user(name).pk for name in ("bob", "carol")]
    User.objects.update(email="crew@example.org")  # invitations are mailed
    boss = user("boss", is_staff=True, is_superuser=True)
    ids: list[Any] = [None, *others] if "users" in path else IDS
    if "jobs" in path:
        ids = [None, *(note.enqueue().id for _ in range(60))]
    if "samples" in path:
        ids = [None, *some_changes()]
    if "{id}" in path and "imports" in path:
        ids = [None, *some_imports(boss)]
    if "alarm" in path:
        rules, alarms = some_alarms()
        ids = [None, *(rules if "rules" in path else alarms)]
    name = "change" if "samples" in path else "id"
    if "{name}" in path:
        for saved in "ab":
            ImportMapping.objects.create(owner=boss, name=saved, corrections={})
        ids, name = ["a", "b", "c"], "name"
    if "{cursor}" in path:
        log = storages["default"].changes_since(0, 100)
        ids, name = [None, *(str(place) for place, _ in log.entries)], "cursor"
    if "{slug}" in path:
        ids, name = [None, *some_dashboards()], "slug"
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
        if body and method in ("post", "patch", "put"):
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
    CachedGenerator._schemas.clear()
    call_command(
        "spectacular",
        validate=True,
        fail_on_warn=True,
        file=None,
        generator_class="haystack_app.api.schema.CachedGenerator",
        stdout=written,
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
    names = {"filter", "fields", "limit", "search", "cursor", "trash"}
    names |= {"format", "download"}
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
