"""Back-ups of the databases of the tests, and empty databases to restore them into."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connections

from haystack_app.backups import sources
from haystack_app.backups.errors import BackupError
from haystack_app.backups.pg_programs import PgProgram

ORM = "haystack_app.storage.orm.OrmAdapter"
PROGRAMS = os.environ.get("PG_PROGRAMS", "")


@pytest.fixture
def configured(settings: Any) -> Callable[..., None]:
    """Set the storages and, by keywords, entries of BACKUP."""

    def configure(storages: dict[str, Any], **backup: Any) -> None:
        given = {"STORAGES": storages, "BACKUP": {"PROGRAMS": PROGRAMS, **backup}}
        settings.HAYSTACK = {**settings.HAYSTACK, **given}

    return configure


@pytest.fixture
def sqlite_only(configured: Callable[..., None]) -> None:
    configured({"default": {"BACKEND": ORM}})


def need_programs(alias: str) -> None:
    """Skip where no pg_dump fits the server of a database."""
    if connections[alias].vendor != "postgresql":
        return
    with psycopg.connect(**sources.connection_words(alias)) as database:  # type: ignore[arg-type]
        major = database.info.server_version // 10_000
    try:
        PgProgram.found("pg_dump", major, PROGRAMS)
    except BackupError as error:
        pytest.skip(f"no pg_dump fits the server: {error}")


@pytest.fixture
def moved(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Callable[[str], None]]:
    """Give an alias an empty database until the end of the test."""
    made: list[tuple[str, dict[str, str], str]] = []

    def move(alias: str) -> None:
        connections[alias].close()
        if connections[alias].vendor == "sqlite":
            name = str(tmp_path / f"{alias}.sqlite3")
        else:
            words = sources.connection_words(alias)
            name = f"{words['dbname'][:40]}_{secrets.token_hex(3)}"
            _run(words, f"CREATE DATABASE {name} TEMPLATE template0")
            made.append((alias, words, name))
        monkeypatch.setitem(connections.settings[alias], "NAME", name)

    yield move
    for alias in ("default", *(alias for alias, _, _ in made)):
        connections[alias].close()
    monkeypatch.undo()
    for _, words, name in made:
        _run(words, f"DROP DATABASE {name}")


def _run(words: dict[str, str], statement: str) -> None:
    with psycopg.connect(autocommit=True, **words) as database:  # type: ignore[arg-type]
        database.execute(statement)
