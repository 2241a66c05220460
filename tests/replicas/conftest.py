"""A primary, a standby that follows it, a Redis, and servers that use all three."""

from __future__ import annotations

import atexit
import functools
import pickle
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families

from tests import forks
from tests.api.servers import Server
from tests.outages.services import Postgres, Primary, Redis, Standby, folder
from tests.outages.site import Site
from tests.patience import eventually

PREPARE = """
import django
django.setup()
from django.contrib.auth import get_user_model
from django.core.management import call_command
call_command("migrate", verbosity=0)
from haystack_app.storage.handler import storages
from haystack_app.kinds import MARKER
from tests.defects.building import building, point
points = [point(f"n{n}", tz="UTC", cur=MARKER) for n in range(8)]
storages["default"].load_entities([*building(), *points, point("n", tz="UTC")])
for name in ("alice", "bob", "carol"):
    get_user_model().objects.create_superuser(name, password="correct horse")
    call_command("haystack_token", "create", name, "test", "--scope", "admin")
"""
METRICS_TOKEN = "a token for metrics"


@dataclass
class Pair:
    """``secrets`` are tokens of users by name."""

    primary: Primary
    standby: Standby
    redis: Redis
    url: str
    secrets: dict[str, str]

    @property
    def replica_url(self) -> str:
        return _site_of(self.standby)

    @contextmanager
    def site(self, path: Path, url: str = "", **environ: str) -> Iterator[Site]:
        """A server that uses the replica, logged in as alice."""
        with self.server(path, url, **environ) as server:
            at = Site(server, self.headers("alice"))
            eventually(lambda: reads(at).get("replica_1"), "the replica is used")
            yield at

    def server(self, path: Path, url: str = "", **environ: str) -> Server:
        more = {
            "REPLICA_URLS": self.replica_url,
            "REDIS_URL": self.redis.url,
            "HAYSTACK_METRICS_TOKEN": METRICS_TOKEN,
            "DB_POOL_TIMEOUT": "2",
        }
        return Server(url or self.url, path, **{**more, **environ})

    def headers(self, name: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secrets[name]}"}

    def rely_on_the_cache(self) -> None:
        """It has lost no position for long."""
        with redis.Redis(port=self.redis.port) as client:
            client.set(":1:haystack.position.since", pickle.dumps(time.time() - 60))


def reads(at: Site) -> dict[str, float]:
    """Reads by the database that answered, and those of the primary by reason."""
    at.ask("/api/read?filter=site")
    return counts(at)


def counts(at: Site) -> dict[str, float]:
    text = at.ask("/metrics", Authorization=f"Bearer {METRICS_TOKEN}").text
    return {
        one.labels["reason"] or one.labels["database"]: one.value
        for one in samples(text, "haystack_replica_reads_total")
    }


def grows(at: Site, name: str) -> bool:
    """Whether a read is counted there."""
    before = counts(at).get(name, 0)
    return reads(at).get(name, 0) > before


def samples(text: str, name: str) -> list[Any]:
    families = text_string_to_metric_families(text)
    return [one for family in families for one in family.samples if one.name == name]


@dataclass(frozen=True)
class _Prepared:
    """Data of both servers, which do not run, to be copied."""

    primary: Path
    standby: Path
    secrets: dict[str, str]


@functools.cache
def _prepared() -> _Prepared:
    """With users, points and samples; made once in a process."""
    path = Path(tempfile.mkdtemp(prefix="haystack-replicas-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    path.chmod(0o755)
    primary = Primary(_in(path, "primary"))
    primary.start()
    primary.run("CREATE DATABASE site")
    server = Server(_site_of(primary), path)
    environ = {**server.environ, "DJANGO_SETTINGS_MODULE": "project.settings"}
    done = forks.run(["-c", PREPARE], environ)
    assert done.returncode == 0, done.stderr
    standby = Standby(_in(path, "standby"), primary)
    primary.end = signal.SIGINT  # with nothing to recover
    primary.stop()
    secrets = dict(zip(("alice", "bob", "carol"), done.stdout.split(), strict=True))
    return _Prepared(primary.data, standby.data, secrets)


def _site_of(server: Postgres) -> str:
    return f"{server.url.rpartition('/')[0]}/site"


def made(path: Path) -> Pair:
    prepared = _prepared()
    primary = Primary(_in(path, "primary"), prepared.primary)
    standby = Standby(_in(path, "standby"), primary, prepared.standby)
    service = Redis(_in(path, "redis"))
    for one in (primary, standby, service):
        one.start()
    pair = Pair(primary, standby, service, _site_of(primary), prepared.secrets)
    pair.rely_on_the_cache()
    return pair


def _in(path: Path, name: str) -> Path:
    found = path / name
    found.mkdir()
    found.chmod(0o755)
    return found


@contextmanager
def running() -> Iterator[Pair]:
    with folder() as path:
        pair = made(path)
        try:
            yield pair
        finally:
            for service in (pair.standby, pair.primary, pair.redis):
                service.stop()


@pytest.fixture(scope="session")
def own() -> Iterator[Pair]:
    with running() as pair:
        yield pair


@pytest.fixture
def pair(own: Pair) -> Iterator[Pair]:
    yield own
    own.primary.start()
    own.standby.start()
    own.redis.start()
    own.standby.resume()
