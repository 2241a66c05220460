"""Entities in one database and samples in another one: what is between two commits."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import NotSupportedError, OperationalError, connections
from django.test.utils import CaptureQueriesContext

from haystack_app.history_router import BESIDE_SAMPLES, HistoryRouter
from haystack_app.kinds import MARKER, NA, REMOVE, Number, Ref
from haystack_app.models import FoldPart, HisSample, HistoryTask, SampleEdit, Task
from haystack_app.monitoring.stores import store_facts
from haystack_app.outages import Interrupted
from haystack_app.storage.currents import Current
from haystack_app.storage.memory import InMemoryAdapter
from haystack_app.storage.orm import OrmAdapter, history_tasks
from haystack_app.storage.sample_edits import Origin
from haystack_app.transfer.his_import import import_histories, transaction_of
from haystack_app.transfer.store_copy import copy_store
from haystack_app.transfer.verification import verify
from tests.api.servers import url_of
from tests.conftest import missing_of_two
from tests.forks import Forked
from tests.storage.building import at, entity, history, numbers, point
from tests.transfer.stores import filled

pytestmark = [
    pytest.mark.django_db(transaction=True, databases="__all__"),
    pytest.mark.skipif(bool(missing_of_two()), reason=missing_of_two() or "both"),
]
ENTITIES, SAMPLES = "postgres", "timescale"
NOON = at("2024-03-01 12:00")
OPTIONS = {"using": ENTITIES, "history": SAMPLES}


class Crash(OperationalError):
    """What a lost connection raises."""


@pytest.fixture
def store(settings: Any) -> OrmAdapter:
    storage = {"BACKEND": "haystack_app.storage.orm.OrmAdapter", "OPTIONS": OPTIONS}
    settings.HAYSTACK = {**settings.HAYSTACK, "STORAGES": {"default": storage}}
    return OrmAdapter(**OPTIONS)


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks are late at once."""
    monkeypatch.setattr(history_tasks, "_LATE", dt.timedelta(0))


@contextmanager
def lost(alias: str) -> Iterator[None]:
    """The connection to a database is lost when the next transaction commits."""
    connection = connections[alias]
    with pytest.MonkeyPatch.context() as patch:

        def lose() -> None:
            connection.connection.close()
            raise Crash("lost") from psycopg.OperationalError("lost")

        patch.setattr(connection, "_commit", lose)
        yield
    connection.close()


def tasks() -> int:
    return HistoryTask.objects.using(SAMPLES).count()


def facts(store: OrmAdapter, id: str = "p") -> tuple[Any, ...]:
    record = store.existing(id)
    return tuple(record.get(name) for name in ("hisSize", "hisEnd", "curVal"))


def test_where_things_are(store: OrmAdapter) -> None:
    store.load_entities([point()])
    store.his_write("p", numbers(30, NOON))
    store.his_write("p", numbers(2, NOON), origin=Origin("ada"))
    store.his_write("p", [(NOON, Number(9))])
    while store.fold_dirty():
        continue
    for model in (HisSample, FoldPart, SampleEdit):
        assert model.objects.using(SAMPLES).exists()
        assert not model.objects.using(ENTITIES).exists()
    assert not store.entities.using(SAMPLES).exists()
    assert tasks() == 0
    assert store.differences() == []


def statements(call: Callable[[], object]) -> dict[str, int]:
    """How many statements a call executes in each database, without BEGIN and COMMIT."""
    with ExitStack() as stack:
        found = {
            alias: stack.enter_context(CaptureQueriesContext(connections[alias]))
            for alias in (ENTITIES, SAMPLES)
        }
        call()
    return {
        alias: sum(it["sql"] not in ("BEGIN", "COMMIT") for it in one.captured_queries)
        for alias, one in found.items()
    }


@pytest.mark.parametrize("count", [1, 1_000])
def test_statements_of_a_write(store: OrmAdapter, count: int) -> None:
    """Beside those of one database, a task is made and deleted."""
    store.load_entities([point("p"), point("q")])
    for id in ("p", "q"):
        store.his_write(id, numbers(1, at("2023-03-01 12:00")))
    single = OrmAdapter(using=ENTITIES)
    single.load_entities([point("one")])
    single.his_write("one", numbers(1, at("2023-03-01 12:00")))
    alone = statements(lambda: single.his_write("one", numbers(count, NOON)))
    found = statements(lambda: store.his_write("p", numbers(count, NOON)))
    assert found[ENTITIES] + found[SAMPLES] == sum(alone.values()) + 2
    assert found == {ENTITIES: 3, SAMPLES: 3}
    # what writes no samples needs nothing of their database
    assert statements(lambda: store.set_transient({"p": {"curVal": Number(1)}})) == {
        ENTITIES: 1,
        SAMPLES: 0,
    }


def test_a_crash_between_the_commits(store: OrmAdapter, late: None) -> None:
    store.load_entities([point(cur=MARKER)])
    store.his_write("p", numbers(2, NOON))
    before = facts(store)
    with lost(ENTITIES), pytest.raises(Interrupted, match="may be stored"):
        store.his_write("p", [(at("2024-03-02 12:00"), Number(7))])
    assert len(history(store)) == 3
    assert facts(store) == before
    assert tasks() == 1
    assert store.mend_histories() == 1
    assert facts(store) == (Number(3), at("2024-03-02 12:00"), Number(7))
    assert (store.mend_histories(), tasks(), store.differences()) == (0, 0, [])


def test_a_crash_before_both_commits(store: OrmAdapter, late: None) -> None:
    store.load_entities([point()])
    with lost(SAMPLES), pytest.raises(Crash):
        store.his_write("p", numbers(2, NOON))
    assert history(store) == []
    assert "hisSize" not in store.existing("p")
    assert (tasks(), store.mend_histories(), store.differences()) == (0, 0, [])


def test_a_task_that_is_not_deleted_is_done_again(
    store: OrmAdapter, late: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.load_entities([point(cur=MARKER), point("n")])

    def fail(*_: Any) -> None:
        raise Crash("down")

    with monkeypatch.context() as patch:
        patch.setattr(history_tasks, "finish", fail)
        store.his_write_all({"p": numbers(2, NOON), "n": numbers(1, NOON)})
    before = facts(store)
    assert tasks() == 2
    assert store.mend_histories() == 2
    assert (facts(store), tasks()) == (before, 0)


def test_an_error_undoes_both(store: OrmAdapter) -> None:
    store.load_entities([point("p"), point("q")])
    store.his_write("q", numbers(1, NOON))
    with pytest.raises(ZeroDivisionError), store.locked(["p"]):
        store.his_write("p", numbers(2, NOON))
        with pytest.raises(KeyError), store.locked(["q"]):
            store.his_write("q", numbers(5, NOON))
            raise KeyError
        assert len(history(store, "q")) == 1
        raise ZeroDivisionError
    assert (history(store), tasks()) == ([], 0)


def test_an_import_is_stored_in_both_or_in_none(
    store: OrmAdapter, tmp_path: Path
) -> None:
    store.load_entities([point("p"), point("q")])
    path = tmp_path / "trend.csv"
    path.write_text("ts,id,val\n2024-03-01T12:00:00-05:00,p,1\n")
    with pytest.raises(ZeroDivisionError), transaction_of(store):
        assert import_histories(store, [path]).samples == 1
        store.his_write("q", numbers(2, NOON))
        assert len(history(store, "q")) == 2
        raise ZeroDivisionError
    assert (history(store), history(store, "q"), tasks()) == ([], [], 0)
    found = import_histories(store, [path], user="ada")
    assert (found.samples, facts(store)[0], tasks()) == (1, Number(1), 0)
    assert store.differences() == []


def test_reading_and_writing_inside_a_lock(store: OrmAdapter) -> None:
    store.load_entities([point()])
    store.his_write("p", numbers(3, NOON))
    with store.locked(["p"]):
        for pair in store.his_read("p").pairs():
            store.his_write("p", [(at("2024-03-05 12:00"), pair[1])])
    assert facts(store)[0] == Number(4)


def test_a_late_writer_is_waited_for(store: OrmAdapter, late: None) -> None:
    """A task of a writer that has not committed entities yet is none that was left."""
    store.load_entities([point()])
    with store.locked(["p"]):
        store.his_write("p", numbers(2, NOON))
    assert (facts(store)[0], store.mend_histories()) == (Number(2), 0)


def test_removal(store: OrmAdapter, late: None) -> None:
    store.load_entities([point("p"), point("q")])
    for id in ("p", "q"):
        store.his_write(id, numbers(3, NOON))
    with lost(ENTITIES), pytest.raises(Interrupted, match="may be stored"):
        store.commit([], remove=["p"])
    assert len(history(store)) == 3  # the removal was not acknowledged
    assert tasks() == 1
    assert store.mend_histories() == 1
    assert facts(store)[0] == Number(3)
    store.commit([], remove=["p"])
    assert not store.has_samples("p")
    assert store.has_samples("q")
    assert (tasks(), store.differences()) == (0, [])


def removed_without_samples(store: OrmAdapter, patch: pytest.MonkeyPatch) -> None:
    """Remove a point by a process that ends before it deletes the samples."""
    store.load_entities([point("p")])
    store.his_write("p", numbers(3, NOON))
    with patch.context() as one:
        one.setattr(history_tasks, "remove", lambda *_: None)
        store.commit([], remove=["p"])
    assert store.has_samples("p")
    assert store.differences() == []


def test_a_removal_is_finished(
    store: OrmAdapter, late: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed_without_samples(store, monkeypatch)
    assert store.mend_histories() == 1
    assert (store.has_samples("p"), tasks()) == (False, 0)


def test_a_new_point_begins_without_samples(
    store: OrmAdapter, late: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed_without_samples(store, monkeypatch)
    store.load_entities([point("p")])
    assert not store.has_samples("p")
    store.his_write("p", numbers(2, NOON))
    assert (store.mend_histories(), len(history(store))) == (0, 2)


def test_dropped_samples_are_said_later(store: OrmAdapter, late: None) -> None:
    store.load_entities([point()])
    store.his_write("p", numbers(72, at("2024-03-01 00:00")))
    end = at("2024-03-03 00:00")
    with lost(ENTITIES), pytest.raises(Interrupted, match="may be stored"):
        [one] = store.his_points(["p"])
        store.his_drop(one, int(end.utc.timestamp() * 1e6))
    assert len(history(store)) < 72
    assert facts(store)[0] == Number(72)
    assert store.mend_histories() == 1
    record = store.existing("p")
    assert (record["hisSize"].val, record["hisDropped"]) == (len(history(store)), end)


def test_repair(store: OrmAdapter) -> None:
    store.load_entities([point("p"), point("q")])
    store.his_write("p", numbers(3, NOON))
    HisSample.objects.using(SAMPLES).filter(ts=NOON.utc)._raw_delete(SAMPLES)
    [text] = store.differences()
    assert "hisSize is 3, the history has 2 samples" in text
    assert store.repair() == 1
    assert (facts(store)[0], store.differences()) == (Number(2), [])
    HisSample.objects.using(SAMPLES).all()._raw_delete(SAMPLES)
    store.mend_facts("", 100)
    assert facts(store)[0] == Number(0)


def test_what_was_restored_from_two_times(store: OrmAdapter) -> None:
    store.load_entities([point("p"), point("q")])
    for id in ("p", "q"):
        store.his_write(id, numbers(3, NOON))
    store.set_transient({"p": {"hisSize": Number(8)}})
    store.entities.filter(id="q")._raw_delete(ENTITIES)
    assert len(store.differences()) == 2
    assert store.match_histories() == 2
    assert (facts(store)[0], store.differences()) == (Number(3), [])
    assert not store.has_samples("q")


def test_current_values_without_the_samples(
    store: OrmAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entities, current values and tags go on while the samples' server is down."""
    store.load_entities([point(cur=MARKER)])
    connection = connections[SAMPLES]
    connection.close()

    def refuse(*_: Any) -> None:
        raise Crash("down")

    with monkeypatch.context() as patch:
        patch.setattr(connection, "get_new_connection", refuse)
        store.cur_write({"p": Current(Number(5))})
        store.load_entities([entity("site", site=MARKER)])
        store.update_entities([{"id": Ref("p"), "dis": "P"}], force=True)
        with pytest.raises(Crash):
            store.his_write("p", numbers(1, NOON))
    assert facts(store)[2] == Number(5)
    assert "hisSize" not in store.existing("p")


def test_a_replica_reads_samples_of_their_own_database(store: OrmAdapter) -> None:
    view = store.in_replica("replica_1")
    assert (view.using, view.history_using) == ("replica_1", SAMPLES)
    alone = OrmAdapter().in_replica("replica_1")
    assert (alone.history_using, alone.is_split) == ("replica_1", False)


def test_edits_with_a_scope(store: OrmAdapter) -> None:
    store.load_entities([point("p", a=MARKER), point("q")])
    for id in ("p", "q"):
        store.his_write(id, numbers(2, NOON))
        store.his_write(id, [(NOON, NA)], origin=Origin("ada", "hisWrite", id))
    view = store.visible_to(store.parsed("a"))
    assert [it.origin.change for it in view.sample_changes(10)] == ["p"]
    assert view.edits_of("q") == []
    assert len(store.edits_of("q")) == 1


def test_undo(store: OrmAdapter) -> None:
    store.load_entities([point()])
    store.his_write("p", numbers(3, NOON))
    store.his_write("p", [(NOON, REMOVE)], origin=Origin("ada", "hisWrite", "c"))
    assert store.undo_samples("c").restored == 1
    assert (len(history(store)), facts(store)[0]) == (3, Number(3))
    assert store.differences() == []


def test_copies(store: OrmAdapter) -> None:
    """From one database to two of them, and back to memory."""
    single = filled(OrmAdapter())
    copy_store(single, store)
    assert not verify(single, store).differences
    assert tasks() == 0
    back = InMemoryAdapter()
    copy_store(store, back)
    assert not verify(single, back).differences


# -- what two databases cannot do -------------------------------------------------


def test_joins_are_refused(store: OrmAdapter) -> None:
    rows = HisSample.objects.using(SAMPLES)
    for found in (
        rows.filter(point__tags__matching="point"),
        rows.order_by("point__mod"),
        rows.values_list("point__tags"),
    ):
        with pytest.raises(NotSupportedError, match="another database"):
            list(found)
    store.load_entities([point()])
    store.his_write("p", numbers(2, NOON))
    assert rows.of("p").between(None, None).count() == 2
    assert (
        HisSample.objects.using(ENTITIES).filter(point__tags__matching="x") is not None
    )


def test_views_are_refused(store: OrmAdapter) -> None:
    with pytest.raises(CommandError, match="postgres_fdw"):
        call_command("haystack_views")


def test_checks(store: OrmAdapter, settings: Any) -> None:
    assert store.check() == []
    other = OrmAdapter(history=SAMPLES)
    assert [it.id for it in other.check()] == ["haystack.E027"]
    settings.DATABASE_ROUTERS = ["haystack_app.history_router.HistoryRouter"]
    assert other.check() == []
    lite = OrmAdapter(using=ENTITIES, history="default")
    assert [it.id for it in lite.check()] == ["haystack.E027"]
    unknown = OrmAdapter(using=ENTITIES, history="nowhere")
    assert [it.id for it in unknown.check()] == ["haystack.E002"]


def test_unread_samples_are_noticed(store: OrmAdapter) -> None:
    assert [it.id for it in store.check_server()] == ["haystack.I001"]
    single = OrmAdapter(using=ENTITIES)
    single.load_entities([point()])
    single.his_write("p", numbers(1, NOON))
    assert [it.id for it in store.check_server()] == ["haystack.I001", "haystack.W016"]


def test_the_router(settings: Any) -> None:
    storage = {
        "BACKEND": "haystack_app.storage.orm.OrmAdapter",
        "OPTIONS": {"history": SAMPLES},
    }
    router = HistoryRouter()
    assert router.db_for_read(HisSample) is None
    settings.HAYSTACK = {**settings.HAYSTACK, "STORAGES": {"default": storage}}
    for model in (HisSample, FoldPart, SampleEdit, HistoryTask):
        assert model.__name__ in BESIDE_SAMPLES
        assert router.db_for_read(model) == router.db_for_write(model) == SAMPLES
    assert router.db_for_read(Task) is None
    sample = HisSample()
    sample._state.db = ENTITIES
    assert router.db_for_write(HisSample, instance=sample) == ENTITIES


def test_health_writes_to_both(store: OrmAdapter) -> None:
    store.try_write("health", dt.datetime.now(dt.UTC))
    for alias in (ENTITIES, SAMPLES):
        assert Task.objects.using(alias).filter(name="health").exists()


def test_sizes_are_those_of_both(store: OrmAdapter) -> None:
    store.load_entities([point()])
    store.his_write("p", numbers(5, NOON))
    found = store_facts(store)
    parts = [store_facts(OrmAdapter(using=alias)) for alias in (ENTITIES, SAMPLES)]
    assert found.samples == 5
    assert found.size is not None
    assert found.size > max(one.size or 0 for one in parts)
    assert found.tables["history"] == sum(one.tables["history"] for one in parts)


# -- a process that is killed -----------------------------------------------------

WRITER = """
import itertools, os, signal, sys
import django
django.setup()
from django.db import connections
from haystack_app.kinds import DateTime, Number
from haystack_app.kinds.series import instant_of
from haystack_app.storage.handler import storages
store = storages["default"]
dies_at = int(sys.argv[1])
for number in itertools.count():
    if number == dies_at:
        connections["default"]._commit = lambda: os.kill(os.getpid(), signal.SIGKILL)
    time = DateTime(instant_of(1_709_300_000_000_000 + number * 1_000_000), "New_York")
    store.his_write("p", [(time, Number(number))])
    print(number, flush=True)
"""


def test_kill_9_between_the_commits(
    store: OrmAdapter, late: None, tmp_path: Path
) -> None:
    store.load_entities([point(cur=MARKER)])
    out, err = tmp_path / "out", tmp_path / "err"
    environ = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "VAR_DIR": str(tmp_path),
        "SECRET_KEY": "only for tests",
        "DATABASE_URL": url_of(ENTITIES),
        "HISTORY_DATABASE_URL": url_of(SAMPLES),
    }
    process = Forked(["-c", WRITER, "5"], environ, out, err)
    assert process.wait() == -9, err.read_text()
    acknowledged = len(out.read_text().split())
    assert acknowledged == 5
    assert len(history(store)) == 6  # the last one was committed, and not acknowledged
    assert facts(store)[0] == Number(5)
    store.mend_histories()
    assert facts(store)[::2] == (Number(6), Number(5))
    assert (store.differences(), tasks()) == ([], 0)
