"""Servers of the release before serve while ``migrate`` runs, and beside new ones."""

from __future__ import annotations

import operator
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connections, migrations
from django.db.migrations.loader import MigrationLoader
from django.db.models import NOT_PROVIDED

from haystack_app import databases
from haystack_app.kinds import MARKER, Grid, Number, Ref
from haystack_app.migrations._operations import PostgresSql
from haystack_app.postgresql import schema
from haystack_app.transfer.stores import connected
from tests import forks
from tests.api.servers import UVICORN, Server
from tests.machines.hosts import Hosts, op
from tests.machines.previous import FIRST_MIGRATION, check_out
from tests.outages.services import Postgres, running
from tests.outages.site import PREPARE, Load, Site
from tests.patience import PATIENCE, eventually


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running(Postgres) as service:
        assert isinstance(service, Postgres)
        yield service


@pytest.fixture
def old(postgres: Postgres, tmp_path: Path) -> Iterator[Site]:
    """A server of the release before, on a database that its ``migrate`` made."""
    code = check_out(tmp_path / "code")
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE rolling")
    url = f"{postgres.url.rpartition('/')[0]}/rolling"
    server = Server(url, tmp_path, HAYSTACK_TICK_SECONDS="0.5")
    server.cwd = code
    server.command = [sys.executable, *UVICORN]
    environ = {**server.environ, "DJANGO_SETTINGS_MODULE": "project.settings"}
    done = subprocess.run(
        [sys.executable, "-c", PREPARE],
        cwd=code,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with server:
        yield Site(server, {"Authorization": f"Bearer {done.stdout.strip()}"})


@dataclass
class Clients:
    """One that polls a watch of what it writes, and one that adds entities."""

    site: Site
    polls: int = 0
    added: int = 0
    errors: list[Any] = field(default_factory=list)

    def __enter__(self) -> Clients:
        self.stopped = threading.Event()
        self.threads = [
            threading.Thread(target=self.again, args=(work,), daemon=True)
            for work in (self.poll, self.add)
        ]
        point = {"id": Ref("own"), "point": MARKER, "kind": "Number", "cur": MARKER}
        op(self.site, "commit", Grid.of([point], meta={"commit": "add"}))
        rows = [{"id": Ref("own")}]
        opened = op(self.site, "watchSub", Grid.of(rows, meta={"watchDis": "t"}))
        self.watch = {"watchId": opened.meta["watchId"]}
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join(PATIENCE)

    def again(self, work: Any) -> None:
        while not self.stopped.wait(0.02):
            try:
                work()
            except Exception as error:
                self.errors.append(error)

    def poll(self) -> None:
        row = {"id": Ref("own"), "val": Number(self.polls)}
        op(self.site, "curWrite", Grid.of([row]))
        [found] = op(self.site, "watchPoll", Grid(meta=self.watch))
        assert found["curVal"] == Number(self.polls)
        self.polls += 1

    def add(self) -> None:
        row = {"id": Ref(f"new-{self.added}"), "dis": "New", "siteRef": Ref("hq")}
        op(self.site, "commit", Grid.of([row], meta={"commit": "add"}))
        self.added += 1


def test_old_servers_beside_a_new_schema_and_new_servers(
    old: Site, tmp_path: Path
) -> None:
    """Nothing is refused, nothing acknowledged is lost, and nothing differs."""
    new = Server(
        old.server.environ["DATABASE_URL"], tmp_path, HAYSTACK_TICK_SECONDS="1"
    )
    either = Hosts(old.server, old.headers, [old])
    with Load(either, threads=3) as load, Clients(either) as clients:
        eventually(lambda: load.answered(200) > 30, "requests before")
        before = counts(load, clients)
        migrated = forks.run(["manage.py", "migrate", "-v0"], new.environ)
        assert migrated.returncode == 0, migrated.stderr
        after = counts(load, clients)
        assert all(map(operator.lt, before, after)), "requests while it ran"
        go_on(load, clients)
        with new:
            either.sites.append(Site(new, old.headers))
            go_on(load, clients)
            either.sites.pop(0)
            end(old.server)
            go_on(load, clients)
            last = Site(new, old.headers)
            stop(clients, load)
            answer = last.ask("/api/hisRead?id=@n&range=2024-01-01,2024-01-31")
            assert answer.text.count("\n2024-") == len(load.written)
            answer = last.ask("/api/read?filter=dis==%22New%22")
            assert answer.text.count("\n@new-") == clients.added
            assert last.ready().status == 200
            eventually(lambda: is_whole(new), "nothing differs")
    assert load.odd == []
    assert clients.errors == []
    assert load.answered(503) == 0


def counts(load: Load, clients: Clients) -> tuple[int, int, int]:
    return load.answered(200), clients.polls, clients.added


def go_on(load: Load, clients: Clients) -> None:
    wanted = [count + 10 for count in counts(load, clients)]
    eventually(
        lambda: all(map(operator.ge, counts(load, clients), wanted)),
        "more requests are answered",
    )


def end(server: Server) -> None:
    """As a service manager does, some time after the balancer has left it out."""
    time.sleep(0.5)
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(PATIENCE)


def stop(clients: Clients, load: Load) -> None:
    clients.__exit__()
    load.__exit__()


def is_whole(server: Server) -> bool:
    return forks.run(["manage.py", "haystack_check"], server.environ).returncode == 0


# -- migrations -----------------------------------------------------------------


def test_a_migration_gives_up_a_lock(
    postgres: Postgres, by_url: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else all later statements wait for it, reads too."""
    monkeypatch.setattr(schema, "LOCK_SECONDS", 0.2)
    using = connected(databases.from_url(postgres.url))
    with psycopg.connect(postgres.url, autocommit=True) as setting_up:
        setting_up.execute("CREATE TABLE busy (id int)")
    with psycopg.connect(postgres.url) as reader:
        reader.execute("SELECT * FROM busy")
        with (
            pytest.raises(OperationalError, match="lock timeout"),
            connections[using].schema_editor() as editor,
        ):
            editor.execute("ALTER TABLE busy ADD COLUMN other int")
    with connections[using].schema_editor() as editor:
        editor.execute("ALTER TABLE busy ADD COLUMN other int")
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout')")
        assert cursor.fetchone() == ("0",)


def test_migrations_only_add() -> None:
    """The release before can work with the tables of this one."""
    graph = MigrationLoader(None).graph
    [leaf] = graph.leaf_nodes("haystack_app")
    plan = [key for key in graph.forwards_plan(leaf) if key[0] == "haystack_app"]
    new = plan[plan.index(("haystack_app", FIRST_MIGRATION)) + 1 :]
    assert new
    for key in new:
        migration = graph.nodes[key]
        made = {
            it.name_lower
            for it in migration.operations
            if isinstance(it, migrations.CreateModel)
        }
        for operation in migration.operations:
            assert not (why := problem(operation, made)), f"{key[1]}: {why}"


REMOVING = (
    migrations.RemoveField,
    migrations.RenameField,
    migrations.DeleteModel,
    migrations.RenameModel,
    migrations.AlterModelTable,
)


def problem(operation: Any, made: set[str]) -> str:
    """What the release before cannot do beside it; ``made`` are tables of its own."""
    if isinstance(operation, REMOVING):
        return f"{operation.describe()}: remove it one release later"
    if getattr(operation, "model_name_lower", None) in made:
        return ""
    if isinstance(operation, migrations.AddField):
        column = operation.field
        if not column.null and column.db_default is NOT_PROVIDED:
            return f"{operation.describe()}: older programs insert rows without it"
    if isinstance(operation, migrations.AddIndex | migrations.AddConstraint):
        return f"{operation.describe()}: writers wait for it"
    if isinstance(operation, PostgresSql):
        sql = operation.forwards.upper()
        if "DROP COLUMN" in sql or "DROP TABLE" in sql or "RENAME" in sql:
            return f"{operation.forwards}: remove it one release later"
        if "CREATE INDEX" in sql and "CONCURRENTLY" not in sql:
            return f"{operation.forwards}: writers wait for it"
    return ""


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        (migrations.RemoveField("entity", "search"), "one release later"),
        (migrations.RenameField("entity", "search", "words"), "one release later"),
        (PostgresSql("CREATE INDEX a ON entities (mod)", ""), "writers wait"),
        (PostgresSql("ALTER TABLE entities DROP COLUMN cur", ""), "one release later"),
    ],
)
def test_what_is_not_additive_is_found(operation: Any, text: str) -> None:
    assert text in problem(operation, set())
    assert not problem(PostgresSql("CREATE INDEX CONCURRENTLY a ON b (c)", ""), set())
