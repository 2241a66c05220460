"""The programs of PostgreSQL's client, here scripts of our own."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from haystack_app.backups.errors import BackupError
from haystack_app.backups.pg_programs import PgProgram

WORDS = {"dbname": "plant", "user": "ada", "password": "hidden", "sslmode": "require"}


def program(folder: Path, body: str, version: int = 99) -> PgProgram:
    path = folder / "pg_dump"
    path.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo "pg_dump (PostgreSQL) {version}.1"'
        f" && exit\n{body}\n"
    )
    path.chmod(0o755)
    return PgProgram.found("pg_dump", version, str(folder))


def test_the_password_is_not_an_argument(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SECRET_KEY", "HAYSTACK_BACKUP_KEY", "PGPASSWORD"):
        monkeypatch.setenv(name, "of the server")
    output = io.BytesIO()
    program(tmp_path, 'echo "[$*]"; env').read(WORDS, ["--format=custom"], output)
    arguments, *variables = output.getvalue().decode().splitlines()
    assert arguments == "[--format=custom]"
    assert {"PGPASSWORD=hidden", "PGDATABASE=plant", "PGSSLMODE=require"} <= set(
        variables
    )
    assert "of the server" not in output.getvalue().decode()


def test_what_it_reads_and_why_it_fails(tmp_path: Path) -> None:
    whole = b"x" * 3_000_000
    program(tmp_path, f"[ $(wc -c) = {len(whole)} ]").write(
        WORDS, [], io.BytesIO(whole)
    )
    with pytest.raises(BackupError, match="pg_dump: it ended with status 3"):
        program(tmp_path, "exit 3").write(WORDS, [], io.BytesIO(whole))
    failing = program(tmp_path, "echo half; echo no such table >&2; exit 1")
    with pytest.raises(BackupError, match="pg_dump: no such table"):
        failing.read(WORDS, [], io.BytesIO())


def test_a_writer_that_fails_ends_it(tmp_path: Path) -> None:
    class Full:
        def write(self, data: bytes) -> None:
            raise BackupError("no space")

    with pytest.raises(BackupError, match="no space"):
        program(tmp_path, "cat /dev/zero").read(WORDS, [], Full())


def test_a_reader_that_fails_ends_it(tmp_path: Path) -> None:
    class Cut(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise BackupError("was changed or cut off")

    with pytest.raises(BackupError, match="was changed or cut off"):
        program(tmp_path, "sleep 60").write(WORDS, [], Cut())


def test_the_version_fits(tmp_path: Path) -> None:
    assert program(tmp_path, "").version == 99
    with pytest.raises(BackupError, match=r"pg_dump of PostgreSQL 100 or newer not"):
        PgProgram.found("pg_dump", 100, str(tmp_path))
    (tmp_path / "pg_dump").write_text("not a program")
    with pytest.raises(BackupError, match="install postgresql-client-99"):
        PgProgram.found("pg_dump", 99, str(tmp_path))
