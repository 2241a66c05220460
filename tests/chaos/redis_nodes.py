"""Redis with replicas: the victims of ``--store sentinel`` and ``--store cluster``.

A replica becomes the master when the master is killed or stalled. Replication is
asynchronous: the new master need not have what was acknowledged at that moment.
"""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import redis

from tests.chaos.troubles import Trouble
from tests.chaos.victims import Redis, Victim
from tests.outages.services import binary, free_port

__all__ = ["Clustered", "Guarded", "RedisNode", "RedisNodes"]

_SERVICE = "haystack"
_TAG = "{haystack}"
_DOWN_MS = 1_000
_PATIENCE = 60.0
_DURABLE = {
    "save": '""',
    "appendonly": "yes",
    "repl-diskless-sync-delay": "0",
    # as docs/more-than-one-machine.md says
    "min-replicas-to-write": "1",
    "min-replicas-max-lag": "10",
}


class RedisNode(Redis):
    """A server with a file of its own, in which its role is kept."""

    def __init__(self, folder: Path, name: str, settings: Mapping[str, str]) -> None:
        folder.mkdir()
        self.name = name
        self.port = free_port()
        while self.port > 55_000:  # the bus of a cluster has that number and 10,000
            self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        place = {"port": str(self.port), "bind": "127.0.0.1", "dir": str(folder)}
        command = _server(folder / "redis.conf", {**place, **_DURABLE, **settings})
        Victim.__init__(self, command, folder.parent, os.environ)

    @property
    def client(self) -> Any:
        return _client(self.port)

    def replication(self) -> dict[str, Any]:
        """What it says of its role; empty if it does not answer."""
        try:
            with self.client as client:
                found: dict[str, Any] = client.info("replication")
        except redis.RedisError:
            return {}
        return found

    def has_replica(self) -> bool:
        """Whether it is a master that may acknowledge writes."""
        return self.replication().get("min_slaves_good_slaves", 0) > 0

    def is_replica(self) -> bool:
        """Whether it has what its master has."""
        return self.replication().get("master_link_status") == "up"


class _Sentinel(Victim):
    def __init__(self, folder: Path, name: str, master: RedisNode) -> None:
        self.name = name
        self.port = free_port()
        settings = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(folder),
            "sentinel monitor": f"{_SERVICE} 127.0.0.1 {master.port} 2",
            "sentinel down-after-milliseconds": f"{_SERVICE} {_DOWN_MS}",
            "sentinel failover-timeout": f"{_SERVICE} 5000",
        }
        command = [*_server(folder / f"{name}.conf", settings), "--sentinel"]
        super().__init__(command, folder, os.environ)

    def master_port(self) -> int:
        """Raises redis.RedisError."""
        with _client(self.port) as client:
            words = "SENTINEL", "get-master-addr-by-name", _SERVICE
            return int(client.execute_command(*words)[1])

    def knows_all(self) -> bool:
        """Whether it can help to replace the master."""
        with _client(self.port) as client:
            found = client.sentinel_masters()[_SERVICE]
        return found["num-slaves"] > 1 and found["num-other-sentinels"] > 1

    def answers(self) -> bool:
        try:
            return self.master_port() > 0
        except redis.RedisError:
            return False


class RedisNodes:
    """All of them; ``others`` have no data."""

    url: str
    nodes: Sequence[RedisNode]
    others: Sequence[Victim] = ()

    def form(self) -> None:
        """Start them, and wait until writes may be acknowledged."""
        for victim in (*self.nodes, *self.others):
            victim.start()
            victim.wait()
        _until(self.is_formed, "the nodes of Redis find each other")

    def is_formed(self) -> bool:
        return self.master().has_replica()

    def master(self) -> RedisNode:
        """The one with the keys of the store. Raises AssertionError if none is known."""
        raise NotImplementedError

    def of_port(self, port: int) -> RedisNode:
        return next(one for one in self.nodes if one.port == port)

    @property
    def troubles(self) -> list[Trouble]:
        nodes = self.nodes
        return [
            Trouble("kill the master", 6, self._kill_master, nodes, is_risk=True),
            Trouble("stall the master", 3, self._stall_master, nodes, is_risk=True),
            Trouble("kill a replica", 3, self._kill_replica, nodes),
            Trouble("kill all nodes", 1, self._kill_nodes, nodes, is_risk=True),
        ]

    def _kill_master(self) -> int:
        """Until another one is promoted, as when a machine is lost."""
        old = self._settled_master()
        old.kill()
        self._wait_for_promotion(old)
        return 1

    def _stall_master(self) -> int:
        """It goes on as a master that has been replaced meanwhile."""
        old = self._settled_master()
        with old.stalled():
            self._wait_for_promotion(old)
        _until(old.is_replica, f"{old.name} becomes a replica")
        return 0

    def _kill_replica(self) -> int:
        old = self._settled_master()
        random.choice([one for one in self.nodes if one is not old]).kill()
        time.sleep(random.uniform(0, 1))
        return 1

    def _kill_nodes(self) -> int:
        """The master that comes back may be another one."""
        for node in self.nodes:
            node.kill()
        self._settled_master()
        return len(self.nodes)

    def _settled_master(self) -> RedisNode:
        """The master, once another node could take over."""
        for node in self.nodes:
            node.start()
            node.wait()
        _until(self.is_formed, "the master has a replica")
        return self.master()

    def _wait_for_promotion(self, old: RedisNode) -> None:
        _until(lambda: self.master() is not old, f"{old.name} is replaced")


class Guarded(RedisNodes):
    """A master with two replicas, and three sentinels."""

    def __init__(self, folder: Path) -> None:
        first = RedisNode(folder / "a", "node a", {})
        follows = {"replicaof": f"127.0.0.1 {first.port}"}
        self.nodes = [
            first,
            *(RedisNode(folder / one, f"node {one}", follows) for one in "bc"),
        ]
        self.sentinels = [
            _Sentinel(folder, f"sentinel {number}", first) for number in range(3)
        ]
        self.others = self.sentinels
        hosts = ",".join(f"127.0.0.1:{one.port}" for one in self.sentinels)
        self.url = f"redis+sentinel://{hosts}/{_SERVICE}"

    def is_formed(self) -> bool:
        """Whether the sentinels know enough to replace the master, too."""
        return super().is_formed() and all(one.knows_all() for one in self.sentinels)

    def master(self) -> RedisNode:
        ports = []
        for one in self.sentinels:
            with suppress(redis.RedisError):
                ports.append(one.master_port())
        named = [port for port in ports if ports.count(port) >= 2]
        assert named, "the sentinels do not agree"
        return self.of_port(named[0])


class Clustered(RedisNodes):
    """Three masters with a replica each, one of which has the store."""

    def __init__(self, folder: Path) -> None:
        settings = {
            "cluster-enabled": "yes",
            "cluster-config-file": "nodes.conf",
            "cluster-node-timeout": str(_DOWN_MS),
        }
        self.nodes = [
            RedisNode(folder / str(number), f"node {number}", settings)
            for number in range(6)
        ]
        hosts = ",".join(f"127.0.0.1:{one.port}" for one in self.nodes)
        self.url = f"redis+cluster://{hosts}"
        self._is_made = False

    def is_formed(self) -> bool:
        if not self._is_made:
            self._make()
        return all(map(self._is_well, self.nodes))

    @staticmethod
    def _is_well(node: RedisNode) -> bool:
        with node.client as client:
            state = client.cluster("info")["cluster_state"]
        return state == "ok" and (node.has_replica() or node.is_replica())

    def _make(self) -> None:
        places = [f"127.0.0.1:{one.port}" for one in self.nodes]
        words = [binary("redis-cli"), "--cluster", "create", *places]
        options = ["--cluster-replicas", "1", "--cluster-yes"]
        subprocess.run([*words, *options], check=True, capture_output=True)
        self._is_made = True

    def master(self) -> RedisNode:
        for node in self.nodes:
            with suppress(redis.RedisError), node.client as client:
                slot = client.cluster("keyslot", _TAG)
                for first, last, master, *_ in client.execute_command("CLUSTER SLOTS"):
                    if first <= slot <= last:
                        return self.of_port(int(master[1]))
        raise AssertionError("no node of the cluster answers")


def _client(port: int) -> Any:
    return redis.Redis(port=port, socket_timeout=2, decode_responses=True)


def _server(file: Path, settings: Mapping[str, str]) -> list[str]:
    file.write_text("".join(f"{key} {value}\n" for key, value in settings.items()))
    return [binary("redis-server"), str(file)]


def _until(is_true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        with suppress(redis.RedisError, AssertionError):
            if is_true():
                return
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.05)
