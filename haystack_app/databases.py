"""Entries of ``DATABASES``, with the options that each engine needs.

For settings, and for commands that open a database by its URL. What PostgreSQL's
sessions need is set after connecting (``sql/sessions.py``): poolers refuse ``options``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from .extras import imported_for

__all__ = ["HISTORY", "from_url", "history", "postgres", "replicas", "sqlite"]

HISTORY = "history"
"""The alias of a database that has the samples only."""

# A host that disappears does not close its connections: without these parameters of
# libpq they would block threads for 15 minutes. In seconds; tcp_user_timeout in ms.
CONNECTION_TIMEOUTS = {
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
        # Opening the file and its WAL takes longer than most statements.
        "CONN_MAX_AGE": 60,
        "OPTIONS": {
            # Deferred transactions fail at once with "database is locked" on their
            # first write; immediate ones wait for the timeout.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            # FULL: acknowledged writes survive a loss of power.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        },
    }


def postgres(
    dsn: str, pool: dict[str, Any] | None = None, password: str = ""
) -> dict[str, Any]:
    """From any DSN that libpq accepts: a URL or ``key=value`` words.

    ``password`` applies if the DSN does not have one. Raises ImproperlyConfigured.
    """
    with imported_for("PostgreSQL", "postgres"):
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict
    try:
        words: dict[str, Any] = conninfo_to_dict(dsn)
    except ProgrammingError:
        # The message of libpq contains the DSN with its password.
        raise ImproperlyConfigured(
            "Invalid PostgreSQL DSN: use postgresql://user:password@host:port/name "
            "or key=value words"
        ) from None
    config = {
        "ENGINE": "haystack_app.postgresql",
        "NAME": words.pop("dbname", None) or words.get("user") or "postgres",
        "USER": words.pop("user", ""),
        "PASSWORD": words.pop("password", "") or password,
        "HOST": words.pop("host", ""),
        "PORT": str(words.pop("port", "")),
        "CONN_MAX_AGE": 0,
        "OPTIONS": {**CONNECTION_TIMEOUTS, **words},
    }
    if pool:
        from .pooled_connections import PooledConnection

        config["OPTIONS"]["pool"] = {"connection_class": PooledConnection, **pool}
        # Pooled connections may be broken; check them before use.
        config["CONN_HEALTH_CHECKS"] = True
    return config


def replicas(
    urls: Sequence[str], pool: dict[str, Any] | None = None, password: str = ""
) -> dict[str, dict[str, Any]]:
    """Entries for replicas of the database ``default``, by their aliases.

    Tests of Django's use the database itself. Raises ImproperlyConfigured.
    """
    found = {}
    for number, url in enumerate(urls, 1):
        if not url.startswith(("postgres://", "postgresql://")):
            raise ImproperlyConfigured(
                "REPLICA_URLS must be URLs of PostgreSQL, separated by spaces"
            )
        entry = postgres(url, pool, password)
        found[f"replica_{number}"] = {**entry, "TEST": {"MIRROR": "default"}}
    return found


def history(
    url: str, pool: dict[str, Any] | None = None, password: str = ""
) -> dict[str, dict[str, Any]]:
    """An entry for the samples of the default storage, by its alias.

    Raises ImproperlyConfigured.
    """
    if not url.startswith(("postgres://", "postgresql://")):
        raise ImproperlyConfigured("HISTORY_DATABASE_URL must be a URL of PostgreSQL")
    return {HISTORY: postgres(url, pool, password)}


def from_url(
    url: str, pool: dict[str, Any] | None = None, password: str = ""
) -> dict[str, Any]:
    scheme = url.partition(":")[0]
    if scheme in ("postgres", "postgresql"):
        return postgres(url, pool, password)
    if scheme == "sqlite":
        return sqlite(unquote(urlsplit(url).path.removeprefix("/")) or ":memory:")
    # anything else might be a password
    shown = f" {scheme!r}" if re.fullmatch(r"[\w+.-]+", scheme) else ""
    raise ImproperlyConfigured(
        f"Unsupported database URL{shown}: use sqlite:///path or "
        "postgresql://user:password@host:port/name"
    )
