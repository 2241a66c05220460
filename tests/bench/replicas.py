"""Measure which server the reads cost CPU: a primary alone, or with a replica.

    python -m tests.bench.replicas --seconds 10

A primary, a standby and a Redis of the bench's own, a server in a process, and clients
that read entities, histories and roll-ups. Counted is the CPU of all processes of each
database server while the clients read; one of them also writes, and checks that it is
always shown what it wrote.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import django

if TYPE_CHECKING:
    from tests.outages.services import Postgres
    from tests.outages.site import Site
    from tests.replicas.conftest import Pair

READS = [
    "/api/read?filter=point",
    "/api/read?filter=point%20and%20siteRef-%3Esite",
    "/api/entities/",
    "/api/hisRead?id=@n0&range=2024-01-01",
    "/api/history/?ids=n0&range=2024-01-01,2024-01-31&rollup=avg&interval=1hr",
]
_TICKS = os.sysconf("SC_CLK_TCK")


class Cost(NamedTuple):
    """CPU seconds of the database servers, for a number of reads."""

    reads: int
    seconds: float
    primary: float
    standby: float
    median: float


@dataclass
class Clients:
    """``wrong`` are answers without what the client had written."""

    site: Site
    times: list[float] = field(default_factory=list)
    wrong: int = 0
    writes: int = 0

    def read(self, end: float) -> None:
        number = 0
        while time.monotonic() < end:
            number += 1
            begun = time.monotonic()
            assert self.site.ask(READS[number % len(READS)]).status == 200
            self.times.append(time.monotonic() - begun)

    def write(self, end: float) -> None:
        while time.monotonic() < end:
            self.writes += 1
            assert self.site.write(self.writes).status == 200
            text = self.site.ask("/api/hisRead?id=@n&range=2024-01-01").text
            self.wrong += text.count("\n2024-01-01T") != self.writes
            time.sleep(0.5)


def cpu_of(server: Postgres) -> float:
    """Of the processes of a server, and of those that have ended."""
    total = 0
    for pid in server.processes():
        try:
            words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            continue
        is_first = server.process is not None and pid == server.process.pid
        total += sum(map(int, words[11 : 15 if is_first else 13]))
    return total / _TICKS


def measure(pair: Pair, at: Site, seconds: float, *, writes: bool) -> Cost:
    clients = Clients(at)
    end = time.monotonic() + seconds
    calls = [clients.read] * 3 + ([clients.write] if writes else [])
    threads = [threading.Thread(target=call, args=(end,)) for call in calls]
    before = cpu_of(pair.primary), cpu_of(pair.standby)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = cpu_of(pair.primary), cpu_of(pair.standby)
    assert clients.wrong == 0, f"{clients.wrong} answers without own writes"
    return Cost(
        len(clients.times),
        seconds,
        after[0] - before[0],
        after[1] - before[1],
        statistics.median(clients.times),
    )


def fill(at: Site) -> None:
    """A month of samples each five minutes."""
    for day in range(1, 32):
        rows = "".join(
            f"2024-01-{day:02}T{n // 12:02}:{n % 12 * 5:02}:30Z UTC,{n}\n"
            for n in range(288)
        )
        answer = at.ask("/api/hisWrite", f'ver:"3.0" id:@n0\nts,val\n{rows}')
        assert answer.status == 200, answer.text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    # what is imported next has models; servers are started with other settings
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    del os.environ["DJANGO_SETTINGS_MODULE"]
    from tests.outages.site import Site
    from tests.patience import eventually
    from tests.replicas.conftest import grows, running

    with running() as pair, tempfile.TemporaryDirectory() as folder:
        found = {}
        for name, more in (("alone", {"REPLICA_URLS": ""}), ("replica", {})):
            with pair.server(Path(folder), **more) as server:
                at = Site(server, pair.headers("alice"))
                if more:
                    fill(at)
                else:
                    eventually(partial(grows, at, "replica_1"), "it is used")
                found[name] = measure(pair, at, options.seconds, writes=not more)
        for name, cost in found.items():
            print(
                f"{name:8} {cost.reads / cost.seconds:6.0f} reads/s, median"
                f" {cost.median * 1e3:5.1f} ms; CPU by read: primary"
                f" {cost.primary / cost.reads * 1e6:6.0f} us, standby"
                f" {cost.standby / cost.reads * 1e6:6.0f} us"
            )
        alone, beside = (cost.primary / cost.reads for cost in found.values())
        print(f"off the primary: {1 - beside / alone:.1%} of the reads' database CPU")


if __name__ == "__main__":
    main()
