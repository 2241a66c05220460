"""SQLite while another program holds the lock of writers: the rest goes on."""

from __future__ import annotations

import base64
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import (
    HTTPCookieProcessor,
    HTTPRedirectHandler,
    Request,
    build_opener,
)

import phable
import pytest
from phable.auth.scram import AuthError

from haystack_app.kinds import Grid
from tests.outages.site import Site, connected, site
from tests.patience import PATIENCE, eventually

SECONDS = 5.0
"""A lock of 20 s held each of these for 20 s, or until the writers were through."""
LIMITS = {"HAYSTACK_MAX_LOCK_SECONDS": "10", "HAYSTACK_THREADS": "6"}


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Site]:
    with site(f"sqlite:///{tmp_path / 'site.sqlite3'}", tmp_path, **LIMITS) as one:
        yield one


@contextmanager
def locked(path: Path) -> Iterator[sqlite3.Connection]:
    holder = sqlite3.connect(path / "site.sqlite3", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        yield holder
    finally:
        holder.execute("ROLLBACK")
        holder.close()


@contextmanager
def quick() -> Iterator[None]:
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < SECONDS


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def basic(password: str) -> dict[str, str]:
    words = base64.b64encode(f"alice:{password}".encode()).decode()
    return {"Authorization": f"Basic {words}"}


def test_reads_and_logins_go_on(at: Site, tmp_path: Path) -> None:
    uri = f"{at.server.root}/api"
    with locked(tmp_path):
        with quick():
            assert at.ask("/api/read?filter=site").status == 200
        with quick():
            answer = at.ask("/api/read?filter=site", **basic("correct horse"))
            assert answer.status == 200
        with quick():
            assert at.ask("/api/about", **basic("wrong")).status == 401
        with quick():
            client = phable.HaystackClient.open(uri, "alice", "correct horse")
            assert client.about()["haystackVersion"]
        with quick(), pytest.raises(AuthError):
            phable.HaystackClient.open(uri, "alice", "wrong")
    # what the logins wrote is stored now
    tokens = "SELECT count(*) FROM haystack_tokens WHERE scope = ''"
    failures = "SELECT count(*) FROM haystack_audit"
    eventually(lambda: count(tmp_path, tokens) == 1, "the token is stored")
    eventually(lambda: count(tmp_path, failures) >= 2, "the failures are logged")
    assert client.about()["haystackVersion"]
    client.close()
    assert count(tmp_path, tokens) == 0


def test_people_log_in_and_out(at: Site, tmp_path: Path) -> None:
    """By the form: the session is stored when the lock is free."""
    jar = CookieJar()
    browser = build_opener(HTTPCookieProcessor(jar), _NoRedirects)

    def page(path: str, **data: str) -> int:
        token = next((it.value or "" for it in jar if it.name == "csrftoken"), "")
        headers = {"Referer": at.server.root, "X-CSRFToken": token}
        body = urlencode(data).encode() if data else None
        with quick():
            try:
                request = Request(at.server.root + path, body, headers)
                with browser.open(request, timeout=PATIENCE) as answer:
                    return int(answer.status)
            except HTTPError as error:
                return error.code

    assert page("/log-in/") == 200
    with locked(tmp_path):
        assert page("/log-in/", username="alice", password="correct horse") == 302
        assert page("/api/read?filter=site") == 200
        assert page("/api/about") == 200
    sessions = "SELECT count(*) FROM django_session"
    eventually(lambda: count(tmp_path, sessions) == 1, "the session is stored")
    noted = "SELECT count(*) FROM auth_user WHERE last_login IS NOT NULL"
    eventually(lambda: count(tmp_path, noted) == 1, "the login is noted")
    assert page("/api/about") == 200
    with locked(tmp_path):
        assert page("/log-out/", next="/") == 302
        assert page("/api/about") == 401
    eventually(lambda: count(tmp_path, sessions) == 0, "the session is gone")
    assert page("/api/about") == 401


def test_writers_leave_threads_to_reads(at: Site, tmp_path: Path) -> None:
    assert at.write(0).status == 200
    with locked(tmp_path), ThreadPoolExecutor(50) as writers:
        pending = [writers.submit(at.write, n) for n in range(1, 51)]
        time.sleep(1.5)
        with quick():
            assert (
                at.ask("/api/read?filter=site", **basic("correct horse")).status == 200
            )
        with quick():  # the user of the writers
            assert at.ask("/api/read?filter=site").status == 200
        answers = [one.result() for one in pending]
        assert {one.status for one in answers} == {503}
        assert all(one.headers["Retry-After"] for one in answers)
    assert at.write(1).status == 200


def test_a_user_has_the_same_turns_over_websockets(tmp_path: Path) -> None:
    """One request of hers waits for the lock, so that nothing else of hers runs."""
    url = f"sqlite:///{tmp_path / 'site.sqlite3'}"
    few = {**LIMITS, "HAYSTACK_MAX_RUNNING": "1"}
    grid = Grid.of([{"filter": "site"}])
    with site(url, tmp_path, **few) as at, connected(at) as socket:
        assert len(list(socket.grid("read", grid=grid))) == 2
        assert at.ask("/api/about").status == 200  # now it is known whose token it is
        with ThreadPoolExecutor(1) as writer, locked(tmp_path):
            begun = threading.Event()
            writing = writer.submit(lambda: (begun.set(), at.write(1))[1])
            assert begun.wait(PATIENCE)
            time.sleep(1)
            socket.say(op="read", ref="r", grid=grid)
            assert socket.is_quiet()
        assert writing.result().status == 200
        assert socket.receive()["ref"] == "r"


def test_a_dashboard_does_not_fail(at: Site) -> None:
    with ThreadPoolExecutor(20) as charts:
        asked = [
            charts.submit(at.ask, "/api/hisRead?id=@n&range=2024") for _ in "x" * 20
        ]
        assert [one.result().status for one in asked] == [200] * 20


def count(path: Path, sql: str) -> int:
    with sqlite3.connect(path / "site.sqlite3") as connection:
        row = connection.execute(sql).fetchone()
    connection.close()
    return int(row[0])
