"""Entries of ``DATABASES``, each with the options its engine needs.

For settings, and for commands that are told of a database by its URL.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from .extras import imported_for

__all__ = ["from_url", "postgres", "sqlite"]

# One filter took 158 ms with JIT and 0.2 ms without; the zone saves Django a
# statement on every new connection; ids of paths are hashed in work_mem.
SERVER_OPTIONS = "-c jit=off -c timezone=UTC -c work_mem=32MB"

# A host that vanishes says nothing: without these its connections would hold
# threads for a quarter of an hour. Words of libpq, in seconds and milliseconds.
GONE_HOSTS = {
    "connect_timeout": 5,
    "keepalives_idle": 20,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 40_000,
}


def sqlite(name: str | Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(name),
        "OPTIONS": {
            # Deferred transactions fail with "database is locked" at once when
            # they turn to writing; immediate ones wait for the timeout.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            # FULL: what was answered as written survives a loss of power.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        },
    }


def postgres(
    dsn: str, pool: dict[str, Any] | None = None, password: str = ""
) -> dict[str, Any]:
    """From anything libpq reads: a URL or ``key=value`` words.

    ``password`` counts where the DSN has none.
    """
    with imported_for("PostgreSQL", "postgres"):
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict
    try:
        words: dict[str, Any] = conninfo_to_dict(dsn)
    except ProgrammingError:
        # libpq's own message repeats the DSN with its password.
        raise ImproperlyConfigured(
            "Unreadable PostgreSQL DSN: use postgresql://user:password@host:port/name "
            "or key=value words"
        ) from None
    config = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": words.pop("dbname", None) or words.get("user") or "postgres",
        "USER": words.pop("user", ""),
        "PASSWORD": words.pop("password", "") or password,
        "HOST": words.pop("host", ""),
        "PORT": str(words.pop("port", "")),
        "CONN_MAX_AGE": 0,
        "OPTIONS": {**GONE_HOSTS, **words},
    }
    words = config["OPTIONS"]
    words["options"] = f"{SERVER_OPTIONS} {words.get('options', '')}".strip()
    if pool:
        words["pool"] = pool
        # A pooled connection may have died since; ask before handing it out.
        config["CONN_HEALTH_CHECKS"] = True
    return config


def from_url(
    url: str, pool: dict[str, Any] | None = None, password: str = ""
) -> dict[str, Any]:
    scheme = url.partition(":")[0]
    if scheme in ("postgres", "postgresql"):
        return postgres(url, pool, password)
    if scheme == "sqlite":
        return sqlite(unquote(urlsplit(url).path.removeprefix("/")) or ":memory:")
    shown = scheme if re.fullmatch(r"[\w+.-]+", scheme) else "something else"
    raise ImproperlyConfigured(
        f"the URL of a database begins with {shown!r}: use sqlite:///path or "
        "postgresql://user:password@host:port/name"
    )
