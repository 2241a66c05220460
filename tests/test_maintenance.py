"""Expired writes: released by a thread, by a command, once among processes."""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connections

from haystack_app import maintenance
from haystack_app.kinds import MARKER, Number
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from haystack_app.storage.memory import InMemoryAdapter
from haystack_app.storage.orm import OrmAdapter
from tests import forks
from tests.patience import PATIENCE, eventually
from tests.storage.building import point, tags_of

ORM = "haystack_app.storage.orm.OrmAdapter"
MEMORY = "haystack_app.storage.memory.InMemoryAdapter"
ROOT = Path(__file__).parent.parent
COMMAND = """
import django, sys
from django.core.management import call_command
django.setup()
print("ready", flush=True)
sys.stdin.readline()
call_command("haystack_tick")
"""
"""Processes that have all started before the first one ticks."""
POINTS = 150
SECOND = dt.timedelta(seconds=1)
DOWN = ConnectionError("the database is down")


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def due(store: StorageAdapter, count: int, expires: dt.datetime) -> None:
    """Points that someone has written to for some time."""
    ids = [f"w{number:03}" for number in range(count)]
    store.load_entities([point(id, writable=MARKER) for id in ids], replace=True)
    for id in ids:
        store.point_write(id, 8, Number(5), "joe", expires)


@pytest.fixture
def two(settings: Any) -> list[StorageAdapter]:
    """Two stores, of which tests make the first fail."""
    settings.HAYSTACK = {
        **settings.HAYSTACK,
        "STORAGES": {"default": {"BACKEND": MEMORY}, "second": {"BACKEND": MEMORY}},
    }
    return [storages["default"], storages["second"]]


class Fault:
    """Makes a store fail, or work again; counts its calls meanwhile."""

    def __init__(self, store: StorageAdapter, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = store
        self.monkeypatch = monkeypatch
        self.asked = 0

    def release_due(self, at: dt.datetime) -> list[str]:
        self.asked += 1
        raise DOWN

    def begin(self) -> None:
        self.asked = 0
        self.monkeypatch.setattr(self.store, "release_due", self.release_due)

    def end(self) -> None:
        self.monkeypatch.undo()


@pytest.fixture
def fault(two: list[StorageAdapter], monkeypatch: pytest.MonkeyPatch) -> Fault:
    return Fault(two[0], monkeypatch)


# -- one tick --------------------------------------------------------------------


def test_a_tick_releases_what_is_due_in_every_store(two: list[StorageAdapter]) -> None:
    at = now()
    due(two[0], 2, at)
    due(two[1], 3, at)
    two[1].point_write("w000", 8, Number(5), "joe", at + SECOND)
    assert maintenance.tick(at - SECOND) == (0, {})
    assert maintenance.tick(at) == (4, {})
    assert maintenance.tick(at) == (0, {})
    assert maintenance.tick(at + SECOND) == (1, {})
    assert "writeVal" not in tags_of(two[0], "w001")


def test_a_store_that_fails_keeps_nothing_from_the_others(
    two: list[StorageAdapter], fault: Fault
) -> None:
    due(two[1], 2, now())
    fault.begin()
    assert maintenance.tick() == (2, {"default": DOWN})


# -- the thread ------------------------------------------------------------------


@pytest.fixture
def ticker() -> Iterator[Callable[[], maintenance.Ticker]]:
    """Starts them, and stops them after the test."""
    started: list[maintenance.Ticker] = []

    def start() -> maintenance.Ticker:
        found = maintenance.start()
        assert found is not None
        started.append(found)
        return found

    yield start
    for one in started:
        one.stopped.set()
        one.join(30)
        assert not one.is_alive()


def quick(settings: Any) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "TICK_SECONDS": 0.02}


def test_the_thread_releases_in_time(
    two: list[StorageAdapter], settings: Any, ticker: Callable[[], maintenance.Ticker]
) -> None:
    quick(settings)
    store = storages["default"]
    assert ticker().daemon
    expires = now() + SECOND
    due(store, 3, expires)
    store.point_write("w000", 17, Number(1), "joe")
    assert tags_of(store, "w000")["writeVal"] == Number(5)
    eventually(lambda: tags_of(store, "w002").get("writeVal") is None)
    eventually(lambda: tags_of(store, "w000")["writeVal"] == Number(1))
    assert now() >= expires


@pytest.mark.django_db(transaction=True, databases=["default"])
def test_the_thread_on_a_database(
    settings: Any, ticker: Callable[[], maintenance.Ticker]
) -> None:
    entry = {"BACKEND": ORM, "OPTIONS": {"using": "default"}}
    settings.HAYSTACK = {**settings.HAYSTACK, "STORAGES": {"default": entry}}
    quick(settings)
    store = storages["default"]
    due(store, 2, now() + SECOND / 2)
    ticker()
    eventually(lambda: "writeVal" not in tags_of(store, "w001"))
    assert store.point_array("w000", now()) == {}


def test_the_thread_survives_and_logs_once(
    two: list[StorageAdapter],
    fault: Fault,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def entries() -> int:
        return caplog.text.count("maintenance of storage 'default' failed")

    fault.begin()
    one = maintenance.Ticker(0.01)
    one.start()
    try:
        eventually(lambda: fault.asked > 3)
        due(two[1], 1, now())
        eventually(lambda: "writeVal" not in tags_of(two[1], "w000"))
        assert one.is_alive()
        assert entries() == 1
        assert "the database is down" in caplog.text
        fault.end()
        due(two[0], 1, now())
        eventually(lambda: "writeVal" not in tags_of(two[0], "w000"))
        eventually(lambda: not one.failing)
        fault.begin()
        eventually(lambda: fault.asked > 3)
        assert entries() == 2
    finally:
        one.stopped.set()
        one.join(30)
    assert not one.is_alive()


@pytest.mark.parametrize("seconds", [0, -1])
def test_no_thread_where_none_is_wanted(settings: Any, seconds: float) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "TICK_SECONDS": seconds}
    before = threading.active_count()
    assert maintenance.start() is None
    assert threading.active_count() == before


# -- the command -----------------------------------------------------------------


def ticked() -> str:
    out = StringIO()
    call_command("haystack_tick", stdout=out)
    return out.getvalue()


def test_the_command(two: list[StorageAdapter]) -> None:
    due(two[0], 2, now())
    assert ticked() == "2 points released\n"
    assert ticked() == "0 points released\n"


def test_the_command_says_which_store_failed(
    two: list[StorageAdapter], fault: Fault
) -> None:
    due(two[1], 1, now())
    fault.begin()
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError, match="1 storages failed"):
        call_command("haystack_tick", stdout=out, stderr=err)
    assert out.getvalue() == "1 points released\n"
    assert "storage 'default': the database is down" in err.getvalue()


# -- several processes -----------------------------------------------------------


def deployment(folder: Path, **more: str) -> dict[str, str]:
    """The environment of a separate server, independent of the shell's."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "SECRET_KEY": "only for tests",
        "VAR_DIR": str(folder),
        "HAYSTACK_STORAGE": "orm",
        "HAYSTACK_ACTIONS": "",
        "TIMESCALE_DSN": "",
        "REDIS_URL": "",
        **more,
    }


@pytest.mark.parametrize(("seconds", "expected"), [("0.5", "0.5 True"), ("0", "[]")])
def test_a_server_ticks_as_its_settings_say(
    seconds: str, expected: str, tmp_path: Path
) -> None:
    script = (
        "import threading, project.asgi;"
        "found = [t for t in threading.enumerate() if t.name == 'haystack-ticker'];"
        "print(found and f'{found[0].seconds} {found[0].is_alive()}')"
    )
    environ = deployment(tmp_path, DATABASE_URL="", HAYSTACK_TICK_SECONDS=seconds)
    answer = forks.run(["-c", script], environ)
    assert (answer.stdout.strip(), answer.returncode) == (expected, 0), answer.stderr


def processes(count: int, url: str, folder: Path) -> list[int]:
    """Run the command in some processes at once; what each counted."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", COMMAND],
            cwd=ROOT,
            env=deployment(folder, DATABASE_URL=url),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    for one in started:
        assert one.stdout
        assert one.stdout.readline() == "ready\n", one.communicate()
    for one in started:
        assert one.stdin
        one.stdin.write("go\n")
        one.stdin.flush()
    counts = []
    for one in started:
        out, err = one.communicate(timeout=PATIENCE)
        assert one.returncode == 0, err
        counted = re.fullmatch(r"([\d,]+) points released\n", out)
        assert counted, out
        counts.append(int(counted[1].replace(",", "")))
    return counts


def url_of(alias: str) -> str:
    config = connections[alias].settings_dict
    if config["ENGINE"].endswith("sqlite3"):
        return f"sqlite:///{config['NAME']}"
    password = f":{config['PASSWORD']}" if config.get("PASSWORD") else ""
    host = f"{config['HOST']}:{config['PORT'] or 5432}"
    return f"postgresql://{config['USER']}{password}@{host}/{config['NAME']}"


@pytest.mark.django_db(transaction=True, databases="__all__")
@pytest.mark.parametrize("alias", ["default", "postgres"])
def test_each_expiry_counts_once_among_processes(alias: str, tmp_path: Path) -> None:
    if alias in settings.MISSING_SERVICES:
        pytest.skip(settings.MISSING_SERVICES[alias])
    store = OrmAdapter(using=alias)
    due(store, POINTS, now())
    store.point_write("w000", 17, Number(1), "joe")
    counts = processes(2, url_of(alias), tmp_path)
    assert sum(counts) == POINTS, counts
    assert [record["id"].id for record in store.read("writeVal")] == ["w000"]
    assert len(store.read("writeLevel == 17")) == POINTS


@pytest.mark.django_db(transaction=True, databases="__all__")
@pytest.mark.parametrize("alias", [None, "default", "postgres"])
def test_each_expiry_counts_once_among_threads(alias: str | None) -> None:
    """They start together, which processes do not."""
    if alias in settings.MISSING_SERVICES:
        pytest.skip(settings.MISSING_SERVICES[alias])
    store = OrmAdapter(using=alias) if alias else InMemoryAdapter()
    at = now()
    due(store, POINTS, at)
    released: list[list[str]] = []
    barrier = threading.Barrier(4)

    def release() -> None:
        barrier.wait(30)
        try:
            released.append(store.release_due(at))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=release) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(released) == 4
    found = [id for ids in released for id in ids]
    assert sorted(found) == [f"w{number:03}" for number in range(POINTS)]
