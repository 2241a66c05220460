"""Workers that are killed, and stores that are away, while messages come."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as project
from django.db import OperationalError, connections
from django.test import override_settings

from haystack_app.models import Connector, HisSample
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from tests.api.servers import url_of
from tests.connectors.mqtt.broker import Broker
from tests.connectors.mqtt.conftest import made, point, publish
from tests.jobs.conftest import OneDatabase
from tests.jobs.workers import Workers, workers
from tests.patience import eventually

ALIAS = "timescale"
pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", ALIAS])
    if ALIAS in project.DATABASES
    else pytest.mark.skip(reason=project.MISSING_SERVICES[ALIAS])
]
POINTS = 20
BEGIN = 1_700_000_000_000


@pytest.fixture
def store() -> Iterator[StorageAdapter]:
    """TimescaleDB, with everything else in the same database."""
    router = type("Router", (OneDatabase,), {"alias": ALIAS})()
    with override_settings(DATABASE_ROUTERS=[router]):
        found = storages[ALIAS]
        found.load_entities([point(f"p{n}") for n in range(POINTS)])
        yield found


@pytest.fixture
def start(store: StorageAdapter, tmp_path: Path) -> Iterator[Workers]:
    with workers(ALIAS, tmp_path) as found:
        yield found


def lines(start: int, end: int) -> list[str]:
    return [f'{{"v":{n},"t":{BEGIN + n}}}' for n in range(start, end)]


def stored(store: StorageAdapter) -> list[tuple[int, float]]:
    """Time since the beginning, and value, of all samples."""
    found = []
    for n in range(POINTS):
        for row in store.his_read(f"p{n}"):
            time = round(row["ts"].utc.timestamp() * 1000) - BEGIN
            found.append((time, row["val"].val))
    return sorted(found)


def count() -> int:
    return HisSample.objects.count()


def is_ok() -> bool:
    return Connector.objects.get().status == "ok"


def test_kill_9_loses_and_doubles_nothing(
    store: StorageAdapter, start: Workers, broker: Broker
) -> None:
    """Every message that the broker has is in the store, once."""
    made(broker)
    worker = start()
    eventually(is_ok)
    total, random_ = 4_000, random.Random(5)
    publishers = [Publisher(broker, n, total) for n in range(POINTS)]
    for _ in range(3):
        time.sleep(random_.uniform(0.05, 1.2))
        worker.kill()
        worker.wait()
        worker = start()
        held = count()
        eventually(lambda held=held: count() > held or held == total, "it goes on")
    for publisher in publishers:
        publisher.wait()
    eventually(lambda: count() >= total, "all are stored")
    assert stored(store) == [(n, float(n)) for n in range(total)]
    assert sum(row["hisSize"].val for row in store.read("point")) == total


class Publisher:
    """Publishes the messages of one point, about 25 in a second."""

    def __init__(self, broker: Broker, number: int, total: int) -> None:
        words = ["mosquitto_pub", "-p", str(broker.port), "-q", "1", "-l"]
        words += ["-t", f"b/p{number}"]
        text = "\n".join(lines(0, total)[number::POINTS]) + "\n"
        pace = 'while read -r line; do echo "$line"; sleep 0.03; done'
        feed = subprocess.Popen(
            ["bash", "-c", pace],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.process = subprocess.Popen(words, stdin=feed.stdout)
        assert feed.stdin
        feed.stdin.write(text)
        feed.stdin.close()

    def wait(self) -> None:
        assert self.process.wait(300) == 0


def test_a_database_that_is_away(
    store: StorageAdapter, start: Workers, broker: Broker
) -> None:
    made(broker)
    start()
    eventually(is_ok)
    publish(broker, lines(0, 100), "b/p0")
    eventually(lambda: count() == 100)
    with away(ALIAS):
        publish(broker, lines(100, 600), "b/p0")
        time.sleep(1.5)
    eventually(lambda: count() >= 600)
    assert stored(store) == [(n, float(n)) for n in range(600)]
    eventually(is_ok)


class away:
    """A database that ends its connections and accepts no others."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        at = connections[alias].settings_dict
        self.name = at["NAME"]
        url = url_of(alias).rpartition("/")[0]
        self.admin = psycopg.connect(f"{url}/postgres", autocommit=True)

    def __enter__(self) -> None:
        connections.close_all()
        self._allow("false")
        self.admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [self.name],
        )

    def __exit__(self, *_: object) -> None:
        self._allow("true")
        self.admin.close()
        # threads of this process may have found out that it was down, too
        eventually(self._is_back)

    def _is_back(self) -> bool:
        try:
            connections[self.alias].ensure_connection()
        except OperationalError:
            return False
        return True

    def _allow(self, word: str) -> None:
        name = psycopg.sql.Identifier(self.name)
        sql = psycopg.sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        self.admin.execute(sql.format(name, psycopg.sql.SQL(word)))
