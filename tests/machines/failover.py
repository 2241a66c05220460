"""What clients of two hosts see while their Redis fails over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haystack_app.kinds import MARKER, Grid, Number, Ref
from tests.api.conftest import basic
from tests.live.conftest import Socket
from tests.machines.hosts import Hosts, hosts, op
from tests.outages.site import Load, connected
from tests.patience import eventually
from tests.storage.building import entity, point

ATTEMPTS = 6


@contextmanager
def on_redis(url: str, folder: Path) -> Iterator[Hosts]:
    """Two hosts with everything on Redis but users, tokens and sessions.

    Without periodic checks, pushes need the channel layer.
    """
    environ = {
        "REDIS_URL": url,
        "HAYSTACK_STORAGE": "redis",
        "HAYSTACK_CHECK_SECONDS": "3000",
        "HAYSTACK_TICK_SECONDS": "1",
        "HAYSTACK_THROTTLE": "on",
        "HAYSTACK_THROTTLE_LOG_IN_USER": str(ATTEMPTS),
    }
    database = f"sqlite:///{folder / 'users.sqlite3'}"
    with hosts(database, folder, **environ) as found:
        for site in found.sites:
            eventually(lambda site=site: site.ready().status == 200, "ready")
        yield found


def pushed(socket: Socket) -> float:
    [row] = socket.pushed()
    return float(row["curVal"].val)


def ack(socket: Socket, grid: Grid) -> None:
    seq = int(grid.meta["seq"].val)
    socket.say(op="ack", watchId=grid.meta["watchId"], seq=seq)


@dataclass
class Clients:
    """Writers and readers under way, and a socket at each host."""

    both: Hosts
    load: Load
    sockets: list[Socket]

    def check_pushes(self, value: int) -> None:
        """What one host stores, the other one pushes."""
        for site in self.both.sites:
            grid = Grid.of([{"id": Ref("pushed"), "val": Number(value)}])
            op(site, "curWrite", grid)
            for socket in self.sockets:
                while pushed(socket) != value:
                    continue
            value += 1

    def check_pushes_again(self, value: int) -> None:
        """As soon as each host is connected again."""
        for socket in self.sockets:

            def arrives(socket: Socket = socket) -> bool:
                nonlocal value
                value += 1
                grid = Grid.of([{"id": Ref("pushed"), "val": Number(value)}])
                op(self.both, "curWrite", grid)
                return not socket.is_quiet(1)

            eventually(arrives, "a push")
            for message in socket.others:
                ack(socket, message["grid"])
            socket.others.clear()
        self.check_pushes(value + 1)

    def check_throttle(self, name: str) -> None:
        """Both hosts count together, exactly unless a minute ends meanwhile."""

        def statuses(name: str) -> list[int]:
            headers = basic(name, "wrong")
            asked = range(ATTEMPTS + 2)
            return [self.both.ask("/api/about", **headers).status for _ in asked]

        expected = [401] * ATTEMPTS + [429] * 2
        found = [statuses(f"{name}-{number}") for number in range(2)]
        assert expected in found, found

    def survive(self, fault: Callable[[], Any]) -> None:
        """A fault, after which the hosts serve again by themselves.

        What was acknowledged a second before is there: replicas are asynchronous.
        """
        before = set(self.load.written)
        eventually(lambda: len(self.load.written) > len(before) + 10, "writes go on")
        fault()
        count = self.load.answered(200)
        eventually(
            lambda: (
                self.load.answered(200) > count + 20
                and all(site.ready().status == 200 for site in self.both.sites)
            ),
            "requests are answered again",
        )
        found = self.both.ask("/api/hisRead?id=@n&range=2024-01-01,2024-02-28").text
        stored = {
            int(line.rpartition(",")[2])
            for line in found.split("\n")
            if line.startswith("2024-")
        }
        assert before <= stored
        assert self.load.odd == []


@contextmanager
def clients(both: Hosts) -> Iterator[Clients]:
    points = [point(id, tz="UTC", cur=MARKER) for id in ("n", "pushed")]
    rows = [entity("hq", site=MARKER), *points]
    op(both, "commit", Grid.of(rows, meta={"commit": "add"}))
    with ExitStack() as held:
        sockets = [held.enter_context(connected(site)) for site in both.sites]
        for socket in sockets:
            socket.sub("pushed")
        load = held.enter_context(Load(both, threads=2))
        yield Clients(both, load, sockets)
