"""A database for one run, dropped after it unless ``keep`` is set."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryDirectory, mkdtemp

import django
import psycopg
from django.core.management import call_command
from psycopg import sql
from psycopg.conninfo import make_conninfo

from .redis_servers import wipe_servers

__all__ = ["DEFAULT_DSN", "STORES", "Unreachable", "database", "server_dsn"]

STORES = ("timescale", "postgres", "sqlite")
DEFAULT_DSN = {
    "postgres": "postgresql://postgres@127.0.0.1:5432/postgres",
    "timescale": "postgresql://haystack@127.0.0.1:5433/haystack",
}
_DEPLOYMENT = (
    "ALLOWED_HOSTS",
    "DATABASE_URL",
    "DEBUG",
    "HAYSTACK_MAX_BODY",
    "HAYSTACK_STORAGE",
    "HISTORY_DATABASE_URL",
    "HTTPS",
    "REDIS_URL",
    "TIMESCALE_DSN",
)


class Unreachable(Exception):
    """No server for the requested store is available."""


def server_dsn(store: str) -> str:
    """Where the server is, by ``TIMESCALE_DSN`` or ``POSTGRES_DSN``."""
    return os.environ.get(f"{store.upper()}_DSN") or DEFAULT_DSN[store]


@contextmanager
def database(store: str, *, keep: bool = False) -> Iterator[None]:
    """Django set up on an empty, migrated database. Raises Unreachable."""
    with TemporaryDirectory(prefix="haystack-bench-") as folder, ExitStack() as exits:
        if store == "sqlite":
            home = mkdtemp(prefix="haystack-bench-") if keep else folder
            url = f"sqlite:///{home}/bench.sqlite3"
            if keep:
                exits.callback(print, f"\nkept: {url}")
            _set_up(folder, DATABASE_URL=url)
        else:
            dsn = exits.enter_context(_server_database(store, keep=keep))
            _set_up(folder, TIMESCALE_DSN=dsn)
            exits.callback(_disconnect)
        exits.callback(wipe_servers)
        yield


@contextmanager
def _server_database(store: str, *, keep: bool) -> Iterator[str]:
    server, name = server_dsn(store), f"bench_{os.getpid()}"
    try:
        with psycopg.connect(server, autocommit=True, connect_timeout=5) as admin:
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except psycopg.OperationalError as err:
        raise Unreachable(f"no {store} server: {str(err).splitlines()[0]}") from None
    try:
        yield make_conninfo(server, dbname=name)
    finally:
        if keep:
            print(f"\nkept: {make_conninfo(server, dbname=name)}")
        else:
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            with psycopg.connect(server, autocommit=True) as admin:
                admin.execute(drop.format(sql.Identifier(name)))


def _set_up(folder: str, **deployment: str) -> None:
    for name in _DEPLOYMENT:
        os.environ.pop(name, None)
    os.environ.update(
        deployment,
        DJANGO_SETTINGS_MODULE="tests.bench.settings",
        BENCH_PREFIX=f"bench-{os.getpid()}",
        SECRET_KEY="only for the bench",
        VAR_DIR=folder,
    )
    django.setup()
    call_command("migrate", verbosity=0)


def _disconnect() -> None:
    from django.db import connection

    connection.close()
    if getattr(connection, "pool", None):
        connection.close_pool()
