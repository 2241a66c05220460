"""Watches with threads, several processes, restarts and kills: nothing is lost."""

from __future__ import annotations

import datetime as dt
import http.client
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections

from haystack_app.kinds import MARKER, Grid, Number, Ref
from haystack_app.models import Token, Watch
from haystack_app.ops import Context, find_op
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.currents import Current
from haystack_app.storage.errors import StorageError
from haystack_app.storage.handler import storages
from haystack_app.storage.orm import OrmAdapter
from tests.api.callers import Caller, databases, make_user, token_of
from tests.api.conftest import PASSWORD
from tests.api.servers import Servers, url_of
from tests.patience import PATIENCE, eventually
from tests.storage.building import point

NAMES = [f"k{number}" for number in range(12)]
committed = pytest.mark.django_db(transaction=True, databases="__all__")


def ids_of(grid: Grid) -> list[str]:
    return sorted(row["id"].id for row in grid)


class Told:
    """What a watcher knows, from answers in the order of their numbers."""

    def __init__(self) -> None:
        self.answers: list[Grid] = []
        self.lock = threading.Lock()

    def add(self, answer: Grid) -> int:
        assert not answer.is_error, answer.meta
        with self.lock:
            self.answers.append(answer)
        return int(answer.meta["seq"].val)

    @property
    def merged(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for answer in sorted(self.answers, key=lambda one: one.meta["seq"].val):
            for ref in answer.meta.get("gone", []):
                found.pop(ref.id, None)
            found.update((row["id"].id, dict(row)) for row in answer if row)
        return found


def state(store: StorageAdapter, filter: str = "point and cur") -> dict[str, Any]:
    return {row["id"].id: row.tags for row in store.read(filter)}


def at_once(works: list[Callable[[], None]]) -> None:
    """Run in threads with connections of their own; what any raises is raised."""
    failures: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    if failures:
        raise failures[0]


# -- threads ------------------------------------------------------------------------


@committed
@pytest.mark.parametrize("filter", [None, "point and on"])
def test_two_pollers_of_one_watch_miss_nothing(
    sql_store: OrmAdapter, filter: str | None
) -> None:
    """Each change is delivered to one of them; together they have all changes."""
    rows = [point(name, cur=MARKER, on=True) for name in NAMES]
    sql_store.load_entities(rows, replace=True)
    told, writing = Told(), threading.Event()
    writing.set()

    def ask(op: str, meta: dict[str, Any], names: list[str]) -> Grid:
        found = find_op(op)
        assert found is not None
        request = Grid.of([{"id": Ref(one)} for one in names], meta=meta)
        return found.run(Context(OrmAdapter(using=sql_store.using), "joe"), request)

    meta = {"watchDis": "t"} | ({"filter": filter} if filter else {})
    opened = ask("watchSub", meta, [] if filter else NAMES)
    told.add(opened)
    watch = {"watchId": opened.meta["watchId"]}

    def poll() -> None:
        while writing.is_set():
            told.add(ask("watchPoll", watch, []))

    def write(seed: int) -> Callable[[], None]:
        chance, own = random.Random(seed), NAMES[seed::3]

        def run() -> None:
            store = OrmAdapter(using=sql_store.using)
            for step in range(40):
                change(store, chance, chance.choice(own), step)

        return run

    def writers() -> None:
        try:
            at_once([write(seed) for seed in range(3)])
        finally:
            writing.clear()

    at_once([poll, poll, writers])
    told.add(ask("watchPoll", watch, []))
    assert told.merged == state(sql_store, filter or "point")
    numbers = [one.meta["seq"].val for one in told.answers if list(one)]
    assert len(numbers) == len(set(numbers))


def change(store: StorageAdapter, chance: random.Random, name: str, step: int) -> None:
    row = point(name, cur=MARKER, on=True, step=Number(step))
    act = chance.randrange(5)
    if act == 0:
        store.commit([], remove=[name])
    elif act == 1:
        store.load_entities([row])
    elif act == 2:
        row.pop("on")
        store.load_entities([row])
    else:
        try:
            store.cur_write({name: Current(Number(step))})
        except StorageError:
            store.load_entities([row])


# -- processes ----------------------------------------------------------------------


class Site:
    """Two server processes on one database, with points in it."""

    def __init__(self, alias: str, servers: Servers) -> None:
        self.alias = alias
        self.store = storages["default" if alias == "default" else alias]
        rows = [point(name, cur=MARKER) for name in NAMES]
        self.store.load_entities(rows, replace=True)
        joe = make_user(alias, "joe", PASSWORD, "operator")
        self.token = token_of(joe, Token.WRITE)
        self.servers = [
            servers.running(url_of(alias), number, HAYSTACK_TICK_SECONDS="0.5")
            for number in range(2)
        ]

    def caller(self, number: int) -> Caller:
        return Caller(self.servers[number].port, self.token)


@pytest.fixture(params=databases("sqlite", "postgres"))
def site(request: pytest.FixtureRequest, servers: Servers) -> Site:
    request.getfixturevalue("transactional_db")
    return Site(request.param, servers)


def sub(caller: Caller, *names: str, **meta: Any) -> Grid:
    rows = [{"id": Ref(name)} for name in names]
    return caller.ask("watchSub", Grid.of(rows, None, {"watchDis": "t", **meta}))


def poll(caller: Caller, id: str, **meta: Any) -> Grid:
    return caller.ask("watchPoll", Grid(meta={"watchId": id, **meta}))


def write(caller: Caller, names: list[str], val: int) -> Grid:
    rows = [{"id": Ref(name), "val": Number(val)} for name in names]
    return caller.ask("curWrite", Grid.of(rows))


def test_processes_and_a_restart_share_watches(site: Site) -> None:
    one, two = site.caller(0), site.caller(1)
    id = sub(one, "k0", "k1").meta["watchId"]
    write(one, ["k0"], 1)
    write(two, ["k1"], 1)
    assert ids_of(poll(two, id)) == ["k0", "k1"]
    assert ids_of(poll(one, id)) == []
    write(two, ["k1"], 2)
    site.servers[0].__exit__()  # kill -9
    site.servers[0].__enter__()
    # a connection that waited meanwhile may have been closed as idle
    one, two = site.caller(0), site.caller(1)
    assert ids_of(poll(one, id)) == ["k1"]
    assert ids_of(poll(two, id, refresh=MARKER)) == ["k0", "k1"]
    two.ask("watchUnsub", Grid(meta={"watchId": id, "close": MARKER}))
    assert "open a new one" in poll(one, id).meta["dis"]


def test_leases_end_without_requests(site: Site) -> None:
    """By the ticker of a server: within a second of their time, if it has the CPU."""
    one = site.caller(0)
    short = sub(one, "k0", lease=Number(1, "s")).meta["watchId"]
    long = sub(one, "k0", lease=Number(10, "min")).meta["watchId"]
    rows = Watch.objects.using(site.alias)
    due = rows.get(id=short).expires
    eventually(lambda: not rows.filter(id=short).exists(), "it has ended")
    assert dt.datetime.now(dt.UTC) >= due
    assert list(rows.values_list("id", flat=True)) == [long]
    assert "open a new one" in poll(one, short).meta["dis"]
    assert ids_of(poll(one, long, refresh=MARKER)) == ["k0"]


class Load:
    """Writers and a poller that go on with the other server when one dies."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.stopped = threading.Event()
        self.acknowledged: dict[str, int] = dict.fromkeys(NAMES, 0)
        self.told = Told()

    def calls(self, first: int) -> Iterator[Caller]:
        """The caller to use; the next one when the last has failed."""
        for number in (first, 1 - first):
            caller = self.site.caller(number)
            # waiters for SQLite's lock have no order: one may not get it for long
            caller.patient = True
            yield caller

    def write(self, first: int, names: list[str]) -> None:
        val = 0
        for caller in self.calls(first):
            try:
                while not self.stopped.is_set():
                    val += 1
                    answer = write(caller, names, val)
                    assert not answer.is_error, answer.meta
                    self.acknowledged.update(dict.fromkeys(names, val))
                return
            except (OSError, http.client.HTTPException):
                continue
        raise AssertionError("both servers are dead")

    def poll(self, first: int, id: str, seq: int) -> None:
        for caller in self.calls(first):
            try:
                while not self.stopped.is_set():
                    seq = self.told.add(poll(caller, id, ack=Number(seq)))
                break
            except (OSError, http.client.HTTPException):
                continue
        self.told.add(poll(caller, id, ack=Number(seq)))

    def reach(self, count: int) -> None:
        """Wait until each point has been written so many times more."""
        goals = {name: val + count for name, val in self.acknowledged.items()}
        deadline = time.monotonic() + PATIENCE
        while any(self.acknowledged[name] < goals[name] for name in NAMES):
            assert time.monotonic() < deadline and not self.stopped.is_set()
            time.sleep(0.01)


def test_a_killed_server_loses_nothing_acknowledged(site: Site) -> None:
    load = Load(site)
    by_ids, by_filter = (
        sub(site.caller(0), *NAMES),
        sub(site.caller(0), filter="point and cur"),
    )
    others = Told()
    others.add(by_filter)
    load.told.add(by_ids)

    def kill() -> None:
        try:
            load.reach(10)
            site.servers[0].process.kill()
            load.reach(10)
        finally:
            load.stopped.set()

    def watch(told: Told, opened: Grid) -> Callable[[], None]:
        own = Load(site)
        own.told, own.stopped = told, load.stopped
        seq = int(opened.meta["seq"].val)
        return lambda: own.poll(0, opened.meta["watchId"], seq)

    at_once(
        [
            lambda: load.write(0, NAMES[:4]),
            lambda: load.write(0, NAMES[4:8]),
            lambda: load.write(1, NAMES[8:]),
            watch(load.told, by_ids),
            watch(others, by_filter),
            kill,
        ]
    )
    site.servers[0].process.wait(PATIENCE)
    # the last answer may be from before the writers ended
    caller = site.caller(1)
    for told, opened in ((load.told, by_ids), (others, by_filter)):
        told.add(poll(caller, opened.meta["watchId"]))
    kept = {id: int(row["curVal"].val) for id, row in state(site.store).items()}
    assert kept == load.acknowledged
    assert load.told.merged == others.merged == state(site.store)
