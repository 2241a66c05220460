"""A server whose samples are in a database of their own."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from haystack_app.kinds import MARKER, Col, DateTime, Grid, Number, Ref
from haystack_app.models import HisSample
from haystack_app.storage.orm import OrmAdapter, history_tasks
from tests.api.callers import Caller, make_user, token_of
from tests.api.servers import Server, url_of
from tests.conftest import missing_of_two
from tests.patience import eventually
from tests.storage.building import at, point

pytestmark = [
    pytest.mark.django_db(transaction=True, databases="__all__"),
    pytest.mark.skipif(bool(missing_of_two()), reason=missing_of_two() or "both"),
]
NOON = at("2024-03-01 12:00")
WRITERS = 3
WRITES = 40
"""Of all writers, before the server is killed."""


@pytest.fixture
def token() -> str:
    return token_of(make_user("postgres", "ada", "secret", "admin"), "admin")


@pytest.fixture
def store() -> OrmAdapter:
    return OrmAdapter(using="postgres", history="timescale")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    environ = {
        "HISTORY_DATABASE_URL": url_of("timescale"),
        "HAYSTACK_TICK_SECONDS": "0.2",
    }
    with Server(url_of("postgres"), tmp_path, **environ) as found:
        yield found


def later(number: int) -> DateTime:
    return DateTime(NOON.utc + dt.timedelta(seconds=number), NOON.tz)


def samples(id: str, *numbers: int) -> Grid:
    rows = [{"ts": later(number), "val": Number(number)} for number in numbers]
    return Grid([Col("ts"), Col("val")], rows, {"id": Ref(id)})


def ready(server: Server) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"{server.root}/readyz") as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_over_http(store: OrmAdapter, server: Server, token: str) -> None:
    caller = Caller(server.port, token)
    new = {"point": MARKER, "his": MARKER, "kind": "Number", "tz": "New_York"}
    added = caller.ask(
        "commit", Grid.of([{"id": Ref("p"), "dis": "P", **new}], meta={"commit": "add"})
    )
    assert "err" not in added.meta, added.meta
    written = caller.ask("hisWrite", samples("p", *range(100)))
    assert "err" not in written.meta, written.meta
    request = Grid.of([{"id": Ref("p"), "range": "2024-03-01"}])
    assert len(caller.ask("hisRead", request).rows) == 100
    day = {"range": "2024-03-01", "rollup": "sum", "interval": Number(1, "day")}
    by_day = Grid.of([{"id": Ref("p"), **day}])
    [row] = caller.ask("hisRead", by_day).rows
    assert row["val"] == Number(sum(range(100)))
    eventually(lambda: not store.fold_dirty(), "folded by the server")
    assert caller.ask("hisRead", by_day).rows[0]["val"] == Number(4950)
    found = caller.ask("read", Grid.of([{"filter": "point and hisSize == 100"}]))
    assert [one["id"].id for one in found] == ["p"]
    status, report = ready(server)
    assert status == 200, report
    assert report["checks"]["database.history"] == "ok"
    assert HisSample.objects.using("timescale").count() == 100
    assert not HisSample.objects.using("postgres").exists()
    assert store.differences() == []
    caller.ask("commit", Grid.of([_row(caller)], meta={"commit": "remove"}))
    assert not HisSample.objects.using("timescale").exists()


def _row(caller: Caller) -> dict[str, Any]:
    [row] = caller.ask("read", Grid.of([{"filter": "id == @p"}]))
    return {"id": row["id"], "mod": row["mod"]}


def test_kill_9_under_writes(
    store: OrmAdapter, server: Server, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was acknowledged is there, and entities say what is there."""
    ids = [f"p{number}" for number in range(WRITERS)]
    store.load_entities([point(id) for id in ids])
    acknowledged: Counter[str] = Counter()

    def write(id: str) -> None:
        caller = Caller(server.port, token)
        while True:
            try:
                answer = caller.ask("hisWrite", samples(id, acknowledged[id]))
            except (OSError, http.client.HTTPException):
                return
            assert "err" not in answer.meta
            acknowledged[id] += 1

    threads = [threading.Thread(target=write, args=(id,)) for id in ids]
    for thread in threads:
        thread.start()
    eventually(lambda: acknowledged.total() >= WRITES, "writes")
    server.process.kill()
    for thread in threads:
        thread.join()
    # sessions of the killed process end when their server notices
    monkeypatch.setattr(history_tasks, "_LATE", dt.timedelta(0))
    while store.mend_histories():
        continue
    for id in ids:
        held = store.existing(id)["hisSize"].val
        count = sum(len(chunk.times) for chunk in store.his_chunks(id))
        assert held == count
        assert acknowledged[id] <= count <= acknowledged[id] + 1
    assert store.differences() == []


def test_a_server_of_samples_that_is_down(
    store: OrmAdapter, token: str, tmp_path: Path
) -> None:
    store.load_entities([point("p")])
    down = {"HISTORY_DATABASE_URL": "postgresql://x@127.0.0.1:1/none"}
    with Server(url_of("postgres"), tmp_path, **down) as server:
        caller = Caller(server.port, token)
        assert len(caller.ask("read", Grid.of([{"filter": "point"}])).rows) == 1
        with pytest.raises(AssertionError, match="503"):
            caller.ask("hisWrite", samples("p", 1))
        status, report = ready(server)
        assert (status, report["checks"]["database"]) == (503, "ok")
        assert "no answer" in report["checks"]["database.history"]
    assert "hisSize" not in store.existing("p")
