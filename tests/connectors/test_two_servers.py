"""A worker follows a second server, and either is killed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from haystack_app.kinds import Number
from haystack_app.models import Connector
from haystack_app.storage.handler import storages
from tests.connectors.far import PASSWORD, Far, Proxy, far_server
from tests.jobs.workers import Workers, workers
from tests.patience import eventually

pytestmark = pytest.mark.django_db(transaction=True)
BEGIN = dt.datetime(2026, 1, 15, 12, tzinfo=dt.UTC)


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Far]:
    made = far_server(tmp_path / "far", SECRET_KEY="another" * 10)
    made.server.__enter__()
    yield made
    made.server.__exit__()


@pytest.fixture
def proxy(far: Far) -> Iterator[Proxy]:
    made = Proxy(far.server.port)
    yield made
    made.stop()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Workers]:
    with workers("default", tmp_path, CONNECTOR_FAR=PASSWORD) as found:
        yield found
    assert PASSWORD not in found.log.read_text()


def here(id: str) -> list[tuple[Any, Any]]:
    series = storages["default"].his_read(id)
    return [(row["ts"].utc, row["val"]) for row in series]


def now(id: str) -> tuple[Any, Any]:
    [row] = storages["default"].read_by_ids([id])
    return (row.get("curVal"), row.get("curStatus")) if row else (None, None)


def status() -> str:
    return str(Connector.objects.get().status)


def test_both_are_equal_after_kill_9_of_either(
    far: Far, proxy: Proxy, start: Workers
) -> None:
    far.site("k", 3)
    for number in range(3):
        values = [float(n) for n in range(500)]
        far.samples(f"k-{number}", BEGIN, values)
    far.write_cur('@k-0,20°C,"ok"')
    Connector.objects.create(
        name="k",
        kind="haystack",
        enabled=True,
        settings={
            **{"url": proxy.url, "username": "remote", "password": "env:CONNECTOR_FAR"},
            **{"id_prefix": "f.", "filter": "siteRef==@k or id==@k", "timeout": 2},
            **{"history_days": 500, "current_seconds": 1, "history_seconds": 1},
        },
    )
    worker = start()
    eventually(lambda: now("f.k-0") == (Number(20, "°C"), "ok"))
    # in the middle of the histories
    eventually(lambda: proxy.seen.count("hisRead") >= 3)
    worker.kill()
    worker.wait()
    start()
    eventually(lambda: here("f.k-2") == far.history("k-2"))
    eventually(lambda: status() == "ok")

    far.server.process.kill()
    far.server.process.wait()
    eventually(lambda: now("f.k-0") == (Number(20, "°C"), "stale"))
    assert status() == "unreachable"
    far.server.__enter__()
    far.write_cur('@k-0,21°C,"ok"')
    far.samples("k-1", BEGIN + dt.timedelta(days=1), [1, 2, 3])
    eventually(lambda: now("f.k-0") == (Number(21, "°C"), "ok"))
    eventually(lambda: here("f.k-1") == far.history("k-1"))
    eventually(lambda: status() == "ok")

    troubles = ["cut", 500, "drop", b"garbage", None]
    with proxy.making(lambda op, number: troubles[number % len(troubles)]):
        for step in range(5):
            day = BEGIN + dt.timedelta(days=2 + step)
            far.samples("k-2", day, [step, step + 1])
    eventually(lambda: here("f.k-2") == far.history("k-2"))
    eventually(lambda: status() == "ok")
    for number in range(3):
        assert here(f"f.k-{number}") == far.history(f"k-{number}")
