"""A server with its own database, under constant load."""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from websockets.sync.client import connect

from tests import forks
from tests.api.servers import Server
from tests.live.conftest import Socket
from tests.patience import PATIENCE

PREPARE = """
import django
django.setup()
from django.contrib.auth import get_user_model
from django.core.management import call_command
call_command("migrate", verbosity=0)
users = get_user_model().objects
users.create_superuser("alice", password="correct horse")
from haystack_app.storage.handler import storages
from haystack_app.kinds import MARKER
from tests.defects.building import building, point
storages["default"].load_entities([*building(), point("n", tz="UTC", cur=MARKER)])
call_command("haystack_token", "create", "alice", "test", "--scope", "admin")
"""


def prepare(server: Server) -> str:
    """Tables, a superuser and a building; the secret of a token of hers.

    It is done once in a process; later databases are copies of the first one.
    """
    url = server.environ["DATABASE_URL"]
    scheme, _, path = url.partition(":///")
    if scheme == "sqlite":
        made = _prepared_file()
        shutil.copy(made.file, path)
        return made.secret
    return _prepared_database(server, url)


@dataclass(frozen=True)
class _Prepared:
    file: Path
    secret: str


@functools.cache
def _prepared_file() -> _Prepared:
    folder = Path(tempfile.mkdtemp(prefix="haystack-site-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = folder / "site.sqlite3"
    return _Prepared(file, _prepare(Server(f"sqlite:///{file}", folder)))


_SECRETS: dict[str, str] = {}
"""By the URL of the PostgreSQL server that holds the template."""


def _prepared_database(server: Server, url: str) -> str:
    """An empty database becomes a copy of the server's template, or the template."""
    cluster, _, name = url.rpartition("/")
    if cluster not in _SECRETS:
        _SECRETS[cluster] = _prepare(server)
        copied, original = "prepared", name
    else:
        copied, original = name, "prepared"
    with psycopg.connect(f"{cluster}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {copied}")
        connection.execute(f"CREATE DATABASE {copied} TEMPLATE {original}")
    return _SECRETS[cluster]


def _prepare(server: Server) -> str:
    environ = {**server.environ, "DJANGO_SETTINGS_MODULE": "project.settings"}
    done = forks.run(["-c", PREPARE], environ)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@dataclass
class Answer:
    status: int
    headers: Any
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class _AsItComes(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_AsItComes)


@dataclass
class Site:
    server: Server
    headers: dict[str, str]

    def ask(
        self,
        path: str,
        body: str | None = None,
        seconds: float = PATIENCE,
        **headers: str,
    ) -> Answer:
        """``headers`` in place of the token."""
        request = urllib.request.Request(
            self.server.root + path,
            data=None if body is None else body.encode(),
            headers={"Content-Type": "text/zinc", **(headers or self.headers)},
        )
        try:
            with _OPENER.open(request, timeout=seconds) as got:
                return Answer(got.status, got.headers, got.read().decode())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read().decode())

    def write(self, number: int) -> Answer:
        """One sample whose time and value are the number's own."""
        hours, seconds = divmod(number, 3600)
        day, hour = divmod(hours, 24)
        time = f"{hour:02}:{seconds // 60:02}:{seconds % 60:02}"
        row = f"2024-01-{day + 1:02}T{time}Z UTC,{number}"
        return self.ask("/api/hisWrite", f'ver:"3.0" id:@n\nts,val\n{row}\n')

    def ready(self) -> Answer:
        return self.ask("/readyz", Host="unknown.example")


@contextmanager
def site(
    url: str, folder: Path, command: list[str] | None = None, **environ: str
) -> Iterator[Site]:
    """``command`` starts another server on the port that it names as {port}."""
    server = Server(url, folder, **{"DB_POOL_TIMEOUT": "1", **environ})
    server.command = command
    secret = prepare(server)
    with server:
        yield Site(server, {"Authorization": f"Bearer {secret}"})


@contextmanager
def connected(at: Site) -> Iterator[Socket]:
    url = at.server.root.replace("http", "ws") + "/ws/"
    with connect(url, additional_headers=at.headers) as raw:
        yield Socket(raw)


@dataclass
class Load:
    """Threads that write and read until ``stop`` is called."""

    site: Site
    threads: int = 6
    written: set[int] = field(default_factory=set)
    """Numbers whose writing was answered as done."""
    statuses: dict[int, int] = field(default_factory=dict)
    odd: list[Any] = field(default_factory=list)
    """What is neither done nor a proper 503."""

    def __enter__(self) -> Load:
        self.stopped = threading.Event()
        self.running = [
            threading.Thread(target=self.run, args=(n,), daemon=True)
            for n in range(self.threads)
        ]
        for thread in self.running:
            thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.stopped.set()
        for thread in self.running:
            thread.join(PATIENCE)

    def run(self, first: int) -> None:
        number = first
        while not self.stopped.is_set():
            try:
                self.note(self.site.write(number), number)
                self.note(self.site.ask("/api/read?filter=site"))
            except Exception as error:
                self.odd.append(error)
            number += self.threads

    def note(self, answer: Answer, number: int | None = None) -> None:
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        failed = answer.text.startswith('ver:"3.0" err')
        if answer.status == 200 and not failed:
            if number is not None:
                self.written.add(number)
        elif not (answer.status == 503 and failed and answer.headers["Retry-After"]):
            self.odd.append(answer)

    def answered(self, status: int) -> int:
        return self.statuses.get(status, 0)
