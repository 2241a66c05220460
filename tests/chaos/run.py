"""Two server processes and their services, clients that write, and trouble."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any

import orjson

from tests.chaos import clients
from tests.chaos.clients import Api, Client, Import
from tests.chaos.comparison import faults, is_allowed
from tests.chaos.ledger import Acks, Ledger
from tests.chaos.redis_nodes import Clustered, Guarded, RedisNode, RedisNodes
from tests.chaos.replication import Nodes
from tests.chaos.troubles import Record, cause, troubles
from tests.chaos.victims import ROOT, App, Disk, Postgres, Redis, Victim, Worker

__all__ = ["STORES", "Plan", "Result", "chaos"]

_APPS = 2
_DISK_MB = {"postgres": 400, "redis": 200}
_REPLICAS = "replicas"
_REDIS_NODES: dict[str, type[Guarded] | type[Clustered]] = {
    "sentinel": Guarded,
    "cluster": Clustered,
}
STORES = [*_DISK_MB, _REPLICAS, *_REDIS_NODES]
_JOBS_PATIENCE = 300
_PAUSE = 0.8
"""Seconds of peace after each trouble, at most."""
_LONG_PAUSE = 3.0
"""The same where only what is acknowledged in peace must not be lost."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Trouble until there were ``kills``, or for ``seconds``."""

    store: str
    kills: int
    seconds: float
    seed: int


@dataclass(slots=True)
class Result:
    records: dict[str, Record] = field(default_factory=dict)
    ledgers: dict[str, Ledger] = field(default_factory=dict)
    acks: Acks = field(default_factory=Acks)
    faults: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)
    """Losses of what replicas that follow later had not got yet."""
    imports: tuple[int, int] = 0, 0
    """Runs of the command, and how many of them failed."""

    @property
    def kills(self) -> int:
        return sum(record.kills for record in self.records.values())


@dataclass(slots=True)
class Site:
    """Everything that runs; ``data`` is the victim that has the data."""

    folder: Path
    environ: dict[str, str]
    data: Victim
    disk: Disk | None
    others: list[Victim]
    apps: list[App]
    nodes: Nodes | RedisNodes | None = None
    """Of which ``data`` is one, and some of the others."""

    @property
    def victims(self) -> list[Victim]:
        return [self.data, *self.others, *self.apps]


def chaos(plan: Plan) -> Result:
    random.seed(plan.seed)
    with _site(plan.store) as site:
        token = _script(site, "prepare")
        for victim in site.victims:
            victim.start()
        for victim in site.victims:
            victim.wait()
        return _troubled(plan, site, str(token))


@contextmanager
def _site(store: str) -> Iterator[Site]:
    with ExitStack() as exits:
        folder = Path(tempfile.mkdtemp(prefix="haystack-chaos-"))
        exits.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)
        small, plain = folder / "disk", folder / "plain"
        small.mkdir()
        plain.mkdir()
        disk = Disk(small, _DISK_MB[store]) if store in _DISK_MB else None
        if disk is not None:
            exits.callback(disk.close)
        nodes: Nodes | RedisNodes | None = None
        if store in _REDIS_NODES:
            nodes = _REDIS_NODES[store](plain)
            data: Victim = nodes.nodes[0]
            others = [*nodes.nodes[1:], *nodes.others]
            environ = _environ(folder, nodes.url) | _on_redis(folder)
        else:
            data = redis = Redis(small if store == "redis" else plain)
            others = [] if store == "redis" else [redis]
            environ = _environ(folder, redis.url)
        if store == "redis":
            environ |= _on_redis(folder)
        elif store == _REPLICAS:
            nodes = Nodes(small)
            data, *standbys = nodes.nodes
            others += standbys
            environ |= nodes.environ
        elif store == "postgres":
            data = postgres = Postgres(small)
            environ["DATABASE_URL"] = postgres.url
        services = [data, *others]
        others.append(Worker(folder, environ))
        apps = [App(folder, environ) for _ in range(_APPS)]
        site = Site(folder, environ, data, disk, others, apps, nodes)
        for victim in site.victims:
            exits.callback(victim.kill)
        for service in services:
            service.start()
        for service in services:
            service.wait()
        if nodes is not None:
            nodes.form()
        yield site


def _on_redis(folder: Path) -> dict[str, str]:
    return {
        "HAYSTACK_STORAGE": "redis",
        "DATABASE_URL": f"sqlite:///{folder}/users.sqlite3",
    }


def _environ(folder: Path, redis_url: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "SECRET_KEY": "only for chaos",
        "VAR_DIR": str(folder),
        "REDIS_URL": redis_url,
        "HAYSTACK_THROTTLE": "off",
        "HAYSTACK_WORKER": "external",
        "HAYSTACK_JOB_LEASE_SECONDS": "5",
        "HAYSTACK_MAX_JOBS": "100000",
        "DB_POOL_TIMEOUT": "2",
        "PYTHONPATH": str(ROOT),
    }


def _script(site: Site, action: str) -> Any:
    words = [sys.executable, "-m", "tests.chaos.store_script", action]
    done = subprocess.run(words, cwd=ROOT, env=site.environ, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return orjson.loads(done.stdout)


def _finish_jobs(site: Site) -> None:
    """A job whose attempt failed is tried again after a while."""
    deadline = time.monotonic() + _JOBS_PATIENCE
    while unfinished := _script(site, "jobs"):
        assert time.monotonic() < deadline, f"{unfinished} jobs do not end"
        for victim in site.victims:
            victim.start()
        time.sleep(1)


def _troubled(plan: Plan, site: Site, token: str) -> Result:
    result = Result()
    api = Api([app.root for app in site.apps], token, result.acks)
    importing = Import(site.folder, site.environ, result.acks)
    writers = list(_writers(api, result.ledgers))
    result.ledgers["import"] = importing.ledger
    for one in (importing, *writers):
        one.thread.start()
    probe = _Probe(api, site, result.ledgers["hisWrite"])
    try:
        probe()
        _cause_trouble(plan, site, importing, result, probe)
    finally:
        for victim in site.victims:
            victim.start()
        for one in (*writers, importing):
            one.stop()
    _finish_jobs(site)
    result.imports = importing.runs, importing.failures
    for fault in faults(result.ledgers, _script(site, "report")):
        allowed = is_allowed(fault, result.ledgers, result.acks.risks)
        (result.allowed if allowed else result.faults).append(fault)
    return result


def _writers(api: Api, ledgers: dict[str, Ledger]) -> Iterator[Client]:
    kinds = {
        "hisWrite": (clients.histories, True),
        "commit": (clients.commits, False),
        "update": (clients.counts, False),
        "pointWrite": (clients.point_writes, False),
        "load": (clients.loads, False),
        "job": (clients.jobs, False),
    }
    for kind, (write, again) in kinds.items():
        ledgers[kind] = Ledger(kind)
        pause = {"load": 0.3, "job": 1.0}.get(kind, 0.05)
        yield Client(ledgers[kind], api, write, again=again, pause=pause)


class _Probe:
    """Waits until every server process acknowledges a write."""

    def __init__(self, api: Api, site: Site, ledger: Ledger) -> None:
        self.api, self.site = api, site
        self.clients = [
            Client(ledger, api.at(app.root), clients.histories) for app in site.apps
        ]
        self.next = 1_000_000  # numbers that the others do not reach

    def __call__(self) -> None:
        deadline = time.monotonic() + 180
        waiting = [
            threading.Thread(target=self._wait, args=(client, self.next + at, deadline))
            for at, client in enumerate(self.clients)
        ]
        self.next += len(waiting)
        for thread in waiting:
            thread.start()
        for thread in waiting:
            thread.join()
        tails = "\n".join(victim.tail() for victim in self.site.victims)
        assert time.monotonic() < deadline, f"a server does not recover: {tails}"

    def _wait(self, client: Client, number: int, deadline: float) -> None:
        while not client.once(number) and time.monotonic() < deadline:
            for victim in self.site.victims:  # as a supervisor does
                victim.start()
            time.sleep(0.05)


def _cause_trouble(
    plan: Plan, site: Site, importing: Import, result: Result, probe: _Probe
) -> None:
    groups: Sequence[tuple[Victim, int]] = [
        (site.data, 4),
        *((victim, 2) for victim in site.others),
        *((app, 2) for app in site.apps),
    ]
    pause = _PAUSE
    if isinstance(site.nodes, RedisNodes):
        # they have troubles of their own
        groups = [one for one in groups if not isinstance(one[0], RedisNode)]
        pause = _LONG_PAUSE
    general = troubles(groups, importing, site.disk, site.data)
    special = site.nodes.troubles if site.nodes else []
    todo = general + special
    weights = [one.weight for one in todo]
    ends = time.monotonic() + plan.seconds
    for one in todo:
        result.records.setdefault(one.name, Record())
    # one of each, but first those for which the store was chosen: a run may be short
    first = [
        *random.sample(general, len(general)),
        *sorted(special, key=attrgetter("weight")),
    ]
    while time.monotonic() < ends and result.kills < plan.kills:
        time.sleep(random.uniform(0.1, pause))
        one = first.pop() if first else random.choices(todo, weights)[0]
        cause(one, result.records[one.name], result.acks, probe)
