"""Measure messages of an MQTT broker on their way into TimescaleDB.

    python -m tests.bench.mqtt --points 500 --rate 5000 --seconds 20

One ``mosquitto_pub -l`` publishes them, paced; the broker is of its own. Times depend
on what else the machine does, so what counts is messages per second of CPU.
"""

from __future__ import annotations

import argparse
import cProfile
import datetime as dt
import pstats
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING, Any

from . import scratch

if TYPE_CHECKING:
    from haystack_app.connectors.mqtt.listener import Listener

_TICKS = 100
"""A second of CPU in /proc."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--store", choices=scratch.STORES[:2], default="timescale")
    parser.add_argument("--points", type=int, default=500)
    parser.add_argument("--rate", type=int, default=5_000, help="messages per second")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--verbose", action="store_true", help="a line each batch")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    with scratch.database(options.store), TemporaryDirectory() as folder:
        from tests.connectors.mqtt.broker import Broker

        broker = Broker(Path(folder))
        broker.start()
        try:
            measure(options, broker.port)
        finally:
            broker.stop()


def measure(options: argparse.Namespace, port: int) -> None:
    listener = made(options.points, port)
    total = options.rate * options.seconds
    Thread(target=publish, args=(port, options, total)).start()
    cpu, server = time.process_time(), server_cpu()
    with profiled() if options.profile else unprofiled():
        seconds = follow(listener, total, verbose=options.verbose)
    cpu, server = time.process_time() - cpu, server_cpu() - server
    listener.client.stop()
    listener.client.join()
    counts = listener.counts
    print(
        f"{total:,} messages of {options.points:,} points,"
        f" {total / seconds:,.0f} a second\n"
        f"stored {counts.stored:,} in {rows():,} rows; garbage {counts.garbage},"
        f" refused {counts.refused}"
    )
    for name, used in (("worker", cpu), ("PostgreSQL", server)):
        each, rate = used / total * 1e6, total / used
        print(f"{name}: {each:.0f} us CPU a message, {rate:,.0f} in a CPU second")


def made(points: int, port: int) -> Listener:
    """A listener that is connected; all of its points have a sample."""
    from haystack_app.connectors.mqtt.client import BrokerClient
    from haystack_app.connectors.mqtt.decoder import Decoder
    from haystack_app.connectors.mqtt.inbox import Inbox
    from haystack_app.connectors.mqtt.listener import Listener
    from haystack_app.connectors.mqtt.resolver import Resolver
    from haystack_app.connectors.mqtt.rules import Rule
    from haystack_app.connectors.mqtt.settings import BrokerSettings
    from haystack_app.kinds import MARKER, Number, Ref
    from haystack_app.kinds.datetimes import DateTime
    from haystack_app.storage.handler import storages

    store = storages["default"]
    flags = dict.fromkeys(("point", "his", "cur", "sensor"), MARKER)
    tags = {**flags, "kind": "Number", "unit": "°C", "tz": "Berlin"}
    store.load_entities([{"id": Ref(f"p{n}"), **tags} for n in range(points)])
    first = DateTime(dt.datetime(2020, 1, 1, tzinfo=dt.UTC), "Berlin"), Number(0)
    store.his_write_all({f"p{n}": [first] for n in range(points)})
    inbox = Inbox(10_000)
    rule = Rule.of("bench", "id", "{$.id}", value="$.v", time="$.ts")
    settings = BrokerSettings("127.0.0.1", "bench", port)
    client = BrokerClient(settings, ["bench"], inbox)
    client.start()
    while not client.is_subscribed:
        time.sleep(0.05)
    return Listener(client, inbox, Decoder([rule], Resolver(store)), store, "bench")


def follow(listener: Listener, total: int, *, verbose: bool) -> float:
    """Store all messages. Returns the seconds since the first."""
    from haystack_app.connectors.context import ConnectorContext
    from haystack_app.models import Connector

    work = ConnectorContext(Connector(name="bench"))
    began = time.monotonic()
    while (before := listener.counts.messages) < total:
        if not before:
            began = time.monotonic()
        listener.step(work)
        stored = listener.counts.messages - before
        if verbose and stored:
            print(f"{stored:,} messages, {listener.lag:.1f} s after their arrival")
    return time.monotonic() - began


@contextmanager
def profiled() -> Iterator[None]:
    profile = cProfile.Profile()
    with profile:
        yield
    pstats.Stats(profile).sort_stats("tottime").print_stats(25)


@contextmanager
def unprofiled() -> Iterator[None]:
    yield


def publish(port: int, options: argparse.Namespace, total: int) -> None:
    words = ["mosquitto_pub", "-p", str(port), "-q", "1", "-t", "bench", "-l"]
    numbers = map(str, (options.points, options.rate, total))
    feed = [sys.executable, "-c", _FEED, *numbers]
    feeder = subprocess.Popen(feed, stdout=subprocess.PIPE)
    subprocess.run(words, stdin=feeder.stdout, check=True)


_FEED = """
import sys, time
points, rate, total = map(int, sys.argv[1:])
began, sent = time.time(), 0
while sent < total:
    due = min(total, int((time.time() - began) * rate))
    for n in range(sent, due):
        ts = int(began * 1000 + n * 1000 / rate)
        print('{"id":"p%d","v":%.2f,"ts":%d}' % (n % points, n % 977 / 7, ts))
    sys.stdout.flush()
    sent = due
    time.sleep(0.01)
"""


def rows() -> Any:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM history")
        return cursor.fetchone()[0]


def server_cpu() -> float:
    """Of the server's processes that have connections to the database."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        )
        return sum(_cpu(pid) for (pid,) in cursor.fetchall())


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


if __name__ == "__main__":
    main()
