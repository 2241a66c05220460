"""Back-ups of SQLite by its online back-up, while others write."""

from __future__ import annotations

import gzip
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from ..sql.tables import HISTORY
from ..transfer.checksums import Total
from .compression import compressing
from .encryption import CHUNK, Writer
from .errors import BackupError
from .manifest import SQLITE, Part, Sums

__all__ = ["backed_up", "filled_tables", "part_of", "replace", "restored"]

_PAGES, _PAUSE = 2_000, 0.005
"""Pages of one step, and seconds until the next one."""
BUSY_SECONDS = 5.0
_MIGRATIONS = "SELECT name FROM django_migrations WHERE app = 'haystack_app'"


def backed_up(path: str, part: Part, writer: Writer) -> None:
    """Write a consistent copy, compressed. Raises BackupError."""
    file = Path(path)
    if not file.is_file():
        raise BackupError(f"{part}: {path} is not a file, so it cannot be backed up")
    with TemporaryDirectory(prefix="haystack-backup-") as folder, _refused(part):
        copy = Path(folder) / "copy.sqlite3"
        _copy(file, copy)
        with closing(_opened(copy)) as database:
            _check(database, part)
            part.versions["sqlite"] = sqlite3.sqlite_version
            part.migrations = _migrations(database)
            part.sums = sums(database)
        with open(copy, "rb") as source, compressing(writer) as output:
            shutil.copyfileobj(source, output, CHUNK)


def step(status: int, remaining: int, total: int) -> None:
    """Called after each step; others may write then."""


def _copy(source: Path, copy: Path) -> None:
    """Copy in steps. Of a database with a WAL, the copy is the state at its begin.

    Without the transaction each write of another process would begin the copy anew.
    """
    with (
        closing(sqlite3.connect(source, timeout=20, isolation_level=None)) as original,
        closing(sqlite3.connect(copy)) as output,
    ):
        [[mode]] = original.execute("PRAGMA journal_mode")
        if mode == "wal":
            original.execute("BEGIN")
            original.execute("SELECT count(*) FROM sqlite_master")
        original.backup(output, pages=_PAGES, progress=step, sleep=_PAUSE)
        output.execute("PRAGMA journal_mode = DELETE")


def _opened(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path)
    database.text_factory = bytes
    return database


def _check(database: sqlite3.Connection, part: Part) -> None:
    found = [row[0].decode() for row in database.execute("PRAGMA integrity_check")]
    if found != ["ok"]:
        raise BackupError(f"{part} is damaged: {found[0]}")


def _tables(database: sqlite3.Connection) -> list[str]:
    rows = database.execute(
        "SELECT name FROM sqlite_master"
        " WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'"
    )
    names = (name for (name,) in rows)
    return sorted(name.decode() if isinstance(name, bytes) else name for name in names)


def _migrations(database: sqlite3.Connection) -> list[str]:
    if "django_migrations" not in _tables(database):
        return []
    return sorted(name.decode() for (name,) in database.execute(_MIGRATIONS))


def sums(database: sqlite3.Connection) -> Sums:
    """Sums of each table of a database that returns texts as bytes."""
    found = Sums()
    for table in _tables(database):
        total, months = Total(), dict[bytes, Total]()
        rows = database.execute(f"SELECT * FROM {_quoted(table)}")
        names = [column[0] for column in rows.description]
        at = names.index("ts") if table == HISTORY else None
        for row in rows:
            text = repr(row).encode()
            total.add(text)
            if at is not None:
                months.setdefault(row[at][:7], Total()).add(text)
        found.tables[table] = Sums.text(total)
        for month in sorted(months):
            found.months[month.decode()] = Sums.text(months[month])
    return found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def filled_tables(part: Part, path: str) -> list[str]:
    """The tables with rows; none if the database does not exist."""
    if not Path(path).is_file():
        return []
    with (
        _refused(part),
        closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as database,
    ):
        return [
            table
            for table in _tables(database)
            if database.execute(f"SELECT 1 FROM {_quoted(table)} LIMIT 1").fetchone()
        ]


@contextmanager
def restored(part: Part, file: IO[bytes]) -> Iterator[tuple[Path, Sums]]:
    """A temporary database of a part's content, with its sums. Raises BackupError."""
    with TemporaryDirectory(prefix="haystack-restore-") as folder:
        path = Path(folder) / "restored.sqlite3"
        try:
            with gzip.open(file) as source, open(path, "wb") as output:
                shutil.copyfileobj(source, output, CHUNK)
        except (EOFError, gzip.BadGzipFile, OSError) as error:
            raise BackupError(f"{part.file} cannot be unpacked: {error}") from error
        with _refused(part), closing(_opened(path)) as database:
            _check(database, part)
            found = sums(database)
        yield path, found


def replace(part: Part, path: Path, target: str) -> None:
    """Make the database at ``target`` a copy of ``path``, in one transaction."""
    existed = Path(target).is_file()
    try:
        with (
            _refused(part),
            closing(sqlite3.connect(path)) as source,
            closing(sqlite3.connect(target, timeout=BUSY_SECONDS)) as output,
        ):
            source.backup(output)
    except BaseException:
        if not existed:
            Path(target).unlink(missing_ok=True)
        raise


@contextmanager
def _refused(part: Part) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise BackupError(f"{part}: {error}") from error


def part_of(alias: str) -> Part:
    return Part(SQLITE, alias, f"database-{alias}.sqlite3.gz")
