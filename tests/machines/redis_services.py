"""Redis with Sentinel, and a Redis Cluster, of the test's own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import redis

from tests.outages.services import Redis, Service, binary, folder, free_port
from tests.patience import eventually

SERVICE = "haystack"
_DOWN_MS = 1_000
"""After which a server that does not answer is taken to be down."""


class Member(Redis):
    """A server with a folder and more options of its own; it may come back."""

    def __init__(self, path: Path, *options: str, port: int = 0) -> None:
        path.mkdir(exist_ok=True)
        super().__init__(path)
        if port:
            words = self.command
            words[words.index("--port") + 1] = str(port)
            self.port = port
            self.url = f"redis://127.0.0.1:{port}/0"
        self.command += ["--repl-diskless-sync-delay", "0", *options]

    @property
    def client(self) -> Any:
        return redis.Redis(port=self.port, socket_timeout=2, decode_responses=True)

    def is_synced(self) -> bool:
        """Whether it is a master, or a replica that has what its master has."""
        found = self.client.info("replication")
        return found.get("master_link_status", "up") == "up"


class Sentinel(Service):
    def __init__(self, path: Path, master: Redis, quorum: int) -> None:
        self.port = free_port()
        file = path / f"sentinel-{self.port}.conf"
        file.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {path}\n"
            f"sentinel monitor {SERVICE} 127.0.0.1 {master.port} {quorum}\n"
            f"sentinel down-after-milliseconds {SERVICE} {_DOWN_MS}\n"
            f"sentinel failover-timeout {SERVICE} 5000\n"
        )
        super().__init__([binary("redis-server"), str(file), "--sentinel"])

    @property
    def client(self) -> Any:
        return redis.Redis(port=self.port, socket_timeout=2, decode_responses=True)

    def answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False


class Guarded:
    """A master and a replica, and three sentinels."""

    def __init__(self, path: Path) -> None:
        self.first = Member(path / "first")
        replicaof = f"127.0.0.1 {self.first.port}".split()
        self.second = Member(path / "second", "--replicaof", *replicaof)
        self.sentinels = [Sentinel(path, self.first, 2) for _ in range(3)]
        places = ",".join(f"127.0.0.1:{one.port}" for one in self.sentinels)
        self.url = f"redis+sentinel://{places}/{SERVICE}"

    @property
    def services(self) -> list[Service]:
        return [self.first, self.second, *self.sentinels]

    def is_ready(self) -> bool:
        """Whether every sentinel knows the replica and the others."""
        for one in self.sentinels:
            [state] = one.client.sentinel_masters().values()
            if state["num-slaves"] != 1 or state["num-other-sentinels"] != 2:
                return False
        return self.second.is_synced()

    def master(self) -> Member:
        """As two of the sentinels say; raises StopIteration if they differ."""
        ports = [
            one.client.execute_command("SENTINEL", "get-master-addr-by-name", SERVICE)
            for one in self.sentinels
        ]
        found = [int(port) for _, port in ports]
        return next(
            one for one in (self.first, self.second) if found.count(one.port) >= 2
        )

    def other(self, one: Member) -> Member:
        return self.second if one is self.first else self.first


class Cluster:
    """Three masters, each with ``replicas``."""

    def __init__(self, path: Path, replicas: int = 0) -> None:
        count = 3 * (1 + replicas)
        options = (
            *("--cluster-enabled", "yes", "--cluster-node-timeout", str(_DOWN_MS)),
            *("--cluster-config-file", "nodes.conf", "--appendonly", "no"),
        )
        self.nodes = []
        for number in range(count):
            port = free_port()
            while port > 55_000:  # its bus has that number and 10,000
                port = free_port()
            self.nodes.append(Member(path / f"node-{number}", *options, port=port))
        self.replicas = replicas
        places = ",".join(f"127.0.0.1:{one.port}" for one in self.nodes)
        self.url = f"redis+cluster://{places}"

    @property
    def services(self) -> list[Service]:
        return list(self.nodes)

    def join(self) -> None:
        subprocess.run(
            [
                *(binary("redis-cli"), "--cluster", "create"),
                *(f"127.0.0.1:{one.port}" for one in self.nodes),
                *("--cluster-replicas", str(self.replicas), "--cluster-yes"),
            ],
            check=True,
            capture_output=True,
        )
        eventually(self.is_ready, "the cluster is formed")

    def is_ready(self) -> bool:
        return all(
            one.client.cluster("info")["cluster_state"] == "ok"
            and len(one.client.cluster("nodes")) == len(self.nodes)
            and one.is_synced()
            for one in self.nodes
        )

    def move(self, key: str, source: Member, target: Member) -> None:
        """Give the empty slot of a key to another master."""
        slot = target.client.cluster("keyslot", key)
        ids = {one: one.client.cluster("myid") for one in (source, target)}
        target.client.cluster("setslot", slot, "importing", ids[source])
        source.client.cluster("setslot", slot, "migrating", ids[target])
        for one in (target, source):
            one.client.cluster("setslot", slot, "node", ids[target])

    def master_of(self, key: str) -> Member:
        """The node that has a key, as any node that answers says."""
        for one in self.nodes:
            try:
                slot = one.client.cluster("keyslot", key)
                ranges = one.client.execute_command("CLUSTER SLOTS")
            except redis.RedisError:
                continue
            for first, last, master, *_ in ranges:
                if first <= slot <= last:
                    port = int(master[1])
                    return next(node for node in self.nodes if node.port == port)
        raise AssertionError("no node answers")


@contextmanager
def guarded() -> Iterator[Guarded]:
    with folder() as path, _running(Guarded(path)) as found:
        eventually(found.is_ready, "the sentinels know each other")
        yield found


@contextmanager
def cluster(replicas: int = 0) -> Iterator[Cluster]:
    with folder() as path, _running(Cluster(path, replicas)) as found:
        found.join()
        yield found


@contextmanager
def _running(whole: Any) -> Iterator[Any]:
    with ExitStack() as stack:
        for service in whole.services:
            stack.callback(service.stop)
            service.start()
        yield whole
