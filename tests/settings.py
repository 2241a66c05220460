"""The settings of the tests: every database that can be reached, one alias each.

Variables: POSTGRES_DSN, TIMESCALE_DSN, REDIS_TEST_URL (where the servers are), CI
(a missing one is an error), REDIS_STACK_URL (a Redis with query engine and time
series, never needed), TEST_RUN (a word that keeps the databases of two runs apart).
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import psycopg
import redis
from django.core.exceptions import ImproperlyConfigured

# A fresh folder for each process: what another run left (a WAL beside a database
# file, above all) must not reach this one.
TEST_DIR = Path(tempfile.mkdtemp(prefix="haystack-tests-"))
atexit.register(shutil.rmtree, TEST_DIR, ignore_errors=True)


_SERVICES = {
    "postgres": os.environ.get("POSTGRES_DSN")
    or "postgresql://postgres@127.0.0.1:5432/postgres",
    "timescale": os.environ.get("TIMESCALE_DSN")
    or "postgresql://haystack@127.0.0.1:5433/haystack",
}

# The deployment that the shell happens to describe is not the one tested.
_DEPLOYMENT = (
    "ALLOWED_HOSTS",
    "CORS_ALLOWED_ORIGINS",
    "DATABASE_URL",
    "DATABASE_URL_FILE",
    "DEBUG",
    "HAYSTACK_STORAGE",
    "HISTORY_DATABASE_URL",
    "HISTORY_DATABASE_URL_FILE",
    "HTTPS",
    "POSTGRES_PASSWORD",
    "POSTGRES_PASSWORD_FILE",
    "REDIS_URL",
    "REDIS_URL_FILE",
    "REPLICA_URLS",
    "REPLICA_URLS_FILE",
    "SECRET_KEY_FILE",
    "SIMULATE",
    "TIMESCALE_DSN",
    "TIMESCALE_DSN_FILE",
    "WEB_CONCURRENCY",
)
_environ = os.environ.copy()
for _name in [*_DEPLOYMENT, *_environ]:
    if _name in _DEPLOYMENT or _name.startswith("HAYSTACK_MAX_"):
        os.environ.pop(_name, None)
os.environ.update(SECRET_KEY="only for tests", VAR_DIR=str(TEST_DIR))
try:
    from project.settings import *  # noqa: F403
finally:
    os.environ.clear()
    os.environ.update(_environ)

from haystack_app import databases  # noqa: E402

ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
WHITENOISE_AUTOREFRESH = True  # no scan of all static files for each client

_SUFFIX = "_" + os.environ["TEST_RUN"] if os.environ.get("TEST_RUN") else ""


def _problem(alias: str, dsn: str) -> str:
    """Why the service cannot be used; empty if it can."""
    try:
        with psycopg.connect(dsn, connect_timeout=2) as connection:
            found = connection.execute(
                "SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'"
            ).fetchone()
    except psycopg.Error as error:
        return f"no {alias} server: {str(error).splitlines()[0]}"
    if alias == "timescale" and not found:
        return "the timescale server lacks the timescaledb extension"
    return ""


def _server(dsn: str) -> dict[str, Any]:
    config = databases.postgres(dsn)  # without a pool: threads end with each test
    name = f"test_{config['NAME']}{_SUFFIX}"
    config["TEST"] = {"NAME": name, "DEPENDENCIES": []}
    return config


# A file: in-memory databases are one connection shared by all threads.
DATABASES = {"default": databases.sqlite(TEST_DIR / "haystack.sqlite3")}
DATABASES["default"]["TEST"] = {"NAME": str(TEST_DIR / "test.sqlite3")}

HAYSTACK: dict[str, Any] = {
    "TICK_SECONDS": 0,
    "WORKER": "external",
    "NOTIFY": False,  # listeners would keep test databases from being dropped
    "THROTTLE": None,
    "ACTIONS": ["haystack_app.demo.actions"],
    "STORAGES": {
        "default": {"BACKEND": "haystack_app.storage.orm.OrmAdapter", "OPTIONS": {}},
        "memory": {
            "BACKEND": "haystack_app.storage.memory.InMemoryAdapter",
            "OPTIONS": {},
        },
    },
}

MISSING_SERVICES: dict[str, str] = {}

for _alias, _dsn in _SERVICES.items():
    if _reason := _problem(_alias, _dsn):
        MISSING_SERVICES[_alias] = _reason
        continue
    DATABASES[_alias] = _server(_dsn)
    HAYSTACK["STORAGES"][_alias] = {
        "BACKEND": "haystack_app.storage.orm.OrmAdapter",
        "OPTIONS": {"using": _alias},
    }

# Each process has a database of its own; each test has keys of its own in there.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
REDIS_URLS = {
    "redis": os.environ.get("REDIS_TEST_URL")
    or f"redis://127.0.0.1:6379/{1 + _WORKER % 15}"
}


def _redis_problem(url: str) -> str:
    try:
        redis.Redis.from_url(url, socket_timeout=2, retry=None).ping()
    except redis.RedisError as error:
        return f"no redis server: {error}"
    return ""


if _reason := _redis_problem(REDIS_URLS["redis"]):
    MISSING_SERVICES["redis"] = _reason

if MISSING_SERVICES and os.environ.get("CI", "").lower() in ("1", "true", "yes"):
    raise ImproperlyConfigured(
        "With CI set every service is needed: " + "; ".join(MISSING_SERVICES.values())
    )

if _stack := os.environ.get("REDIS_STACK_URL"):
    REDIS_URLS["redis-stack"] = _stack
