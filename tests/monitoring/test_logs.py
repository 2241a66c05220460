"""Lines of the log: one for a request, with its id, and plans of slow statements."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from typing import Any

import pytest
from django.test import Client

from haystack_app.monitoring import plans
from haystack_app.monitoring.line_rate import LineRate
from haystack_app.request_facts import request_id_of
from haystack_app.storage.handler import storages
from tests.api.conftest import Api, basic, fill, logged_in, user

REQUESTS = "haystack_app.monitoring.middleware"
SLOW = "haystack_app.monitoring.plans"


@pytest.fixture
def api(db: None, settings: Any) -> Api:
    settings.HAYSTACK = {**settings.HAYSTACK, "REQUEST_LOG_RATE": 1_000}
    fill(storages["default"])
    return Api(logged_in("vera", "viewer"))


def lines(caplog: pytest.LogCaptureFixture, name: str) -> list[Any]:
    return [record for record in caplog.records if record.name == name]


def test_a_line_has_who_what_and_how_long(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    api.get("read", filter="site and area > 1m²")
    [line] = lines(caplog, REQUESTS)
    assert line.getMessage() == "GET /api/read 200"
    assert (line.user, line.op, line.storage, line.status) == (
        *("vera", "read", "default", 200),
    )
    assert line.query == "site and area > 1m²"
    assert line.statements > 0
    assert 0 < line.statement_ms <= line.ms


def test_a_path_does_not_forge_a_line(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    api.get("entities/a%0A2026-01-01 INFO login: ok/")
    [line] = lines(caplog, REQUESTS)
    path = "/api/entities/a%0A2026-01-01%20INFO%20login:%20ok/"
    assert line.getMessage() == f"GET {path} 404"


def test_ids_and_long_filters_are_cut(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    api.post("read", 'ver:"3.0"\nid\n@s1\n@s2\n')
    api.get("read", filter=f'dis == "{"x" * 500}"')
    first, second = lines(caplog, REQUESTS)
    assert first.query == "@s1 @s2"
    assert len(second.query) == 200


def test_no_secret_is_logged(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    user("carl")
    headers = basic("carl", "a secret password")
    Client().get("/api/about?token=tok-in-query", headers=headers)
    Client().post("/log-in/", {"username": "carl", "password": "a secret password"})
    for record in lines(caplog, REQUESTS):
        text = str(vars(record))
        assert "secret" not in text and headers["Authorization"][6:] not in text
        assert "tok-in-query" not in text


def test_requests_without_a_rate_are_not_logged(
    api: Api, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "REQUEST_LOG_RATE": 0}
    caplog.set_level(logging.INFO)
    api.get("about")
    assert lines(caplog, REQUESTS) == []
    settings.HAYSTACK = {**settings.HAYSTACK, "SLOW_SECONDS": 0.000_001}
    api.get("about")
    assert len(lines(caplog, REQUESTS)) == 1


def test_a_rate_is_a_number_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [10.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    rate = LineRate()
    assert [rate.allows(2) for _ in range(3)] == [True, True, False]
    now[0] = 11.5
    assert rate.allows(2)
    assert not rate.allows(0)


@pytest.mark.parametrize(
    ("given", "is_kept"),
    [
        ("abc-123", True),
        ("550e8400-e29b-41d4-a716-446655440000", True),
        ("", False),
        ("x" * 65, False),
        ("a b", False),
        ("a\nInjected: 1", False),
        ("<script>", False),
    ],
)
def test_ids_of_requests(api: Api, given: str, is_kept: bool) -> None:
    assert (request_id_of(given) == given) is is_kept
    if "\n" not in given:
        headers = {"X-Request-ID": given}
        answer = api.client.get("/api/about", headers=headers)
        assert (answer["X-Request-ID"] == given) is is_kept
        assert answer["X-Request-ID"]


@pytest.mark.django_db(transaction=True)
def test_slow_statements_are_explained_once_a_minute(
    transactional_db: None, api: Api, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    plans._explained.clear()
    plans._slow.clear()
    settings.HAYSTACK = {**settings.HAYSTACK, "SLOW_SECONDS": 0.000_001}
    api.get("read", filter="site")
    shown = [line for line in lines(caplog, SLOW) if line.plan]
    assert shown
    assert shown[0].op == "read"
    assert "entities" in shown[0].sql
    # nothing of users and sessions is explained
    assert not any("auth_user" in line.sql for line in shown)
    caplog.clear()
    api.get("read", filter="site")
    assert lines(caplog, SLOW)
    assert not [line for line in lines(caplog, SLOW) if line.plan]
    assert plans.slow_statements()[0].query in ("site", "")


def test_lines_are_json_if_asked() -> None:
    code = (
        "import django, logging; django.setup();"
        "logging.getLogger('haystack_app').warning('one %s', 2, extra={'op': 'read'})"
    )
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "project.settings"}
    env |= {"LOG_FORMAT": "json", "SECRET_KEY": "x" * 60}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=env,
        check=True,
        capture_output=True,
        text=True,
    )
    line = json.loads(done.stderr.splitlines()[-1])
    assert (line["message"], line["op"], line["level"], line["name"]) == (
        *("one 2", "read", "WARNING", "haystack_app"),
    )
    assert line["time"] and line["request_id"] == ""
