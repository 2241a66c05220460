"""Back-ups of PostgreSQL and TimescaleDB, by pg_dump and pg_restore.

The sums are counted in the snapshot that is dumped. A database is restored into one
beside it, which takes its name when it is complete, so that a failure changes nothing.
Source: PostgreSQL's documentation of pg_dump, and TimescaleDB's of logical back-ups.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

from psycopg import Connection, Error, connect
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import ObjectInUse
from psycopg.sql import SQL, Identifier, Literal

from ..sql.tables import HISTORY
from .encryption import Writer
from .errors import BackupError
from .manifest import POSTGRESQL, Part, Sums
from .pg_programs import PgProgram

__all__ = ["backed_up", "filled_tables", "part_of", "replace", "restored", "words_of"]

TIMESCALE = "timescaledb"
_OF_DJANGO = {
    *("pool", "cursor_factory", "context", "prepare_threshold", "isolation_level"),
    *("server_side_binding", "assume_role", "client_encoding", "autocommit"),
}
_SESSION = (
    "SET extra_float_digits = 1; SET datestyle = 'ISO'; SET intervalstyle = 'postgres';"
    " SET timezone = 'UTC'; SET bytea_output = 'hex'; SET jit = off"
)
"""What the texts of rows depend on."""
_TABLES = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p')
      AND NOT c.relispartition AND NOT EXISTS (
        SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e'
      )
    ORDER BY 1
"""
# half of an MD5 is enough: the file has a SHA-256 of its own
_SUM = SQL(
    "count(*), coalesce(sum("
    "(('x' || left(md5(t::text), 16))::bit(64)::bigint)::numeric"
    "), 0)"
)
_VERSION = "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'"
_OFFERED = """
    SELECT version FROM pg_available_extension_versions
    WHERE name = 'timescaledb' ORDER BY 1
"""
_MIGRATIONS = "SELECT name FROM django_migrations WHERE app = 'haystack_app' ORDER BY 1"


def part_of(alias: str) -> Part:
    return Part(POSTGRESQL, alias, f"database-{alias}.pgdump")


def words_of(settings: Mapping[str, Any], direct_url: str = "") -> dict[str, str]:
    """What libpq connects by, from an entry of DATABASES, or a URL beside a pooler."""
    if direct_url:
        found = conninfo_to_dict(direct_url)
        given = {name: str(value) for name, value in found.items()}
        return {"dbname": str(settings["NAME"]), **given}
    options = {
        name: str(value)
        for name, value in settings.get("OPTIONS", {}).items()
        if name not in _OF_DJANGO
    }
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD"}
    names |= {"host": "HOST", "port": "PORT"}
    named = {word: str(settings.get(key) or "") for word, key in names.items()}
    return options | {word: value for word, value in named.items() if value}


@contextmanager
def _connected(words: Mapping[str, str], **other: str) -> Iterator[Connection[Any]]:
    try:
        with connect(make_conninfo(**{**words, **other}), autocommit=True) as found:
            found.execute(_SESSION)
            yield found
    except Error as error:
        raise BackupError(
            f"database {other.get('dbname') or words['dbname']}: {_first_line(error)}"
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _value(database: Connection[Any], statement: Any) -> Any:
    row = database.execute(statement).fetchone()
    return row[0] if row else None


def _major(database: Connection[Any]) -> int:
    return database.info.server_version // 10_000


# -- back-up ---------------------------------------------------------------------


def backed_up(
    words: Mapping[str, str], part: Part, writer: Writer, folder: str = ""
) -> None:
    """Write a dump of one snapshot. Raises BackupError."""
    with _connected(words) as database:
        program = PgProgram.found("pg_dump", _major(database), folder)
        database.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        snapshot = _value(database, "SELECT pg_export_snapshot()")
        part.versions["pg_dump"] = str(program.version)
        part.versions["postgresql"] = database.info.parameter_status(
            "server_version"
        ) or str(_major(database))
        if version := _value(database, _VERSION):
            part.versions[TIMESCALE] = version
        arguments = ["--format=custom", f"--snapshot={snapshot}", "--no-owner"]
        arguments += ["--no-privileges", "--lock-wait-timeout=60000"]
        program.read(words, arguments, writer)
        part.migrations = _migrations(database)
        part.sums = sums(database)


def _migrations(database: Connection[Any]) -> list[str]:
    if _value(database, "SELECT to_regclass('django_migrations')") is None:
        return []
    return [name for (name,) in database.execute(_MIGRATIONS)]


def sums(database: Connection[Any]) -> Sums:
    found = Sums()
    for (table,) in database.execute(_TABLES).fetchall():
        statement = SQL("SELECT {} FROM {} t").format(_SUM, Identifier(table))
        [row] = database.execute(statement).fetchall()
        found.tables[table] = _text(*row)
    if HISTORY in found.tables:
        for month, *row in database.execute(
            SQL("SELECT to_char(ts, 'YYYY-MM'), {} FROM {} t GROUP BY 1").format(
                _SUM, Identifier(HISTORY)
            )
        ):
            found.months[month] = _text(*row)
    return found


def _text(count: int, total: Any) -> str:
    return f"{count} {int(total) % 2**64:016x}"


# -- restore ---------------------------------------------------------------------


def filled_tables(words: Mapping[str, str]) -> list[str]:
    with _connected(words) as database:
        return [
            table
            for (table,) in database.execute(_TABLES).fetchall()
            if _value(
                database,
                SQL("SELECT EXISTS (SELECT 1 FROM {})").format(Identifier(table)),
            )
        ]


@contextmanager
def restored(
    words: Mapping[str, str], part: Part, file: IO[bytes], folder: str = ""
) -> Iterator[tuple[str, Sums]]:
    """A new database beside the one of ``words``, with a part's content, and its sums.

    It is dropped at the end, unless it was renamed. Raises BackupError.
    """
    name = f"{words['dbname'][:40]}_restore_{secrets.token_hex(4)}"
    with _connected(words) as database:
        oldest = max(_major(database), int(part.versions["pg_dump"]))
        program = PgProgram.found("pg_restore", oldest, folder)
        _check_versions(database, part)
        database.execute(_creating(database, name))
    try:
        _fill({**words, "dbname": name}, part, program, file)
        with _connected(words, dbname=name) as database:
            found = sums(database)
        yield name, found
    finally:
        with _connected(words) as database:
            database.execute(SQL("DROP DATABASE IF EXISTS {}").format(Identifier(name)))


def _check_versions(database: Connection[Any], part: Part) -> None:
    source = int(part.versions["postgresql"].split(".")[0])
    if _major(database) < source:
        raise BackupError(
            f"{part} is of PostgreSQL {source}, and cannot be restored to"
            f" {_major(database)}: use a server of version {source} or newer"
        )
    wanted = part.versions.get(TIMESCALE)
    offered = [version for (version,) in database.execute(_OFFERED)]
    if wanted and wanted not in offered:
        raise BackupError(
            f"{part} needs TimescaleDB {wanted}, and the server has"
            f" {', '.join(offered) or 'none'}: install that version, restore, and"
            " update the extension afterwards"
        )


def _creating(database: Connection[Any], name: str) -> Any:
    """With the encoding and the order of texts that the existing database has."""
    [row] = database.execute(
        "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database"
        " WHERE datname = current_database()"
    )
    return SQL(
        "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}"
    ).format(Identifier(name), *map(Literal, row))


def _fill(
    words: Mapping[str, str], part: Part, program: PgProgram, file: IO[bytes]
) -> None:
    wanted = part.versions.get(TIMESCALE)
    if wanted:
        with _connected(words) as database:
            database.execute(
                SQL("CREATE EXTENSION timescaledb VERSION {}").format(Literal(wanted))
            )
        with _connected(words) as database:  # it counts from the next session on
            database.execute("SELECT timescaledb_pre_restore()")
    arguments = ["--no-owner", "--no-privileges", "--exit-on-error"]
    program.write(words, [*arguments, f"--dbname={words['dbname']}"], file)
    if wanted:
        with _connected(words) as database:
            database.execute("SELECT timescaledb_post_restore()")
    with _connected(words) as database:
        database.execute("ANALYZE")


def replace(words: Mapping[str, str], part: Part, name: str) -> None:
    """Give a restored database the name of the one of ``words``, which is dropped."""
    target, former = words["dbname"], f"{name}_former"
    renaming = SQL("ALTER DATABASE {} RENAME TO {}")
    with _connected(words, dbname=_other_database(words)) as database:
        try:
            with database.transaction():
                database.execute(
                    renaming.format(Identifier(target), Identifier(former))
                )
                database.execute(renaming.format(Identifier(name), Identifier(target)))
        except ObjectInUse as error:
            raise BackupError(
                f"{part}: the database {target} is in use; stop the server and its"
                f" workers first ({_first_line(error)})"
            ) from error
        database.execute(SQL("DROP DATABASE {}").format(Identifier(former)))


def _other_database(words: Mapping[str, str]) -> str:
    return "postgres" if words["dbname"] != "postgres" else "template1"


def listed(part: Part, file: IO[bytes], folder: str = "") -> int:
    """The number of entries that pg_restore reads in a dump. Raises BackupError."""
    program = PgProgram.found("pg_restore", int(part.versions["pg_dump"]), folder)
    found: list[bytes] = []

    class _Lines:
        def write(self, data: bytes) -> None:
            found.append(data)

    program.run({}, ["--list"], _Lines(), file)
    return sum(
        1 for line in b"".join(found).splitlines() if line[:1] not in (b";", b"")
    )
