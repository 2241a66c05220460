"""System checks of a deployment. Each message has an id and a hint."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.admin.sites import all_sites
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpRequest

from .conf import app_settings, problems
from .database_features import features
from .history_router import history_databases
from .ops import find_op
from .replicas.settings import has_shared_cache, replica_aliases
from .sql.sessions import is_pooled
from .sql.tables import ENTITIES
from .storage.handler import storages
from .storage.orm import OrmAdapter

__all__ = [
    "RESERVED",
    "check_channel_layer",
    "check_databases",
    "check_log_in",
    "check_project",
    "check_replicas",
    "check_servers",
    "check_settings",
    "check_storages",
    "check_user_admin",
]

_HASHER = "haystack_app.auth.hashers.ScramHasher"
_MIDDLEWARE = "haystack_app.auth.middleware.handshake"
_NOTE_WRITES = "haystack_app.replicas.middleware.note_writes"
_CURRENT_REQUEST = "haystack_app.auth.current_request.remember_request"
_NEEDED = ("rest_framework", "drf_spectacular", "drf_spectacular_sidecar")
_IN_MEMORY = "channels.layers.InMemoryChannelLayer"
RESERVED = frozenset(
    {
        "alarm-rules",
        "alarms",
        "changes",
        "dashboards",
        "docs",
        "entities",
        "his",
        "history",
        "import-mappings",
        "imports",
        "jobs",
        "load",
        "quality",
        "samples",
        "schema",
        "status",
        "sys",
        "tags",
        "users",
        "writes",
    }
)
"""Names of REST resources, and the synonym of the default storage."""


@register()
def check_settings(**_: Any) -> Iterator[CheckMessage]:
    """The setting HAYSTACK: unknown keys and invalid values."""
    for problem in problems():
        yield Error(
            f"{problem.name} is invalid: {problem.value!r}",
            hint=f"It must be {problem.expected}; see docs/configuration.md.",
            id=problem.check_id,
        )


@register()
def check_log_in(**_: Any) -> Iterator[CheckMessage]:
    """Settings that Haystack clients need to log in."""
    if settings.PASSWORD_HASHERS[0] != _HASHER:
        yield Warning(
            "new passwords are not stored for SCRAM, the login of Haystack clients",
            hint=f"Put {_HASHER} first in PASSWORD_HASHERS.",
            id="haystack.W005",
        )
    if _MIDDLEWARE not in settings.MIDDLEWARE:
        yield Warning(
            "the middleware for the login handshake of Haystack clients is missing",
            hint=f"Put {_MIDDLEWARE} after SecurityMiddleware in MIDDLEWARE.",
            id="haystack.W006",
        )
    if _CURRENT_REQUEST not in settings.MIDDLEWARE:
        yield Warning(
            "the audit log cannot record which user changes users: middleware missing",
            hint=f"Put {_CURRENT_REQUEST} near the top of MIDDLEWARE.",
            id="haystack.W007",
        )


@register()
def check_project(**_: Any) -> Iterator[CheckMessage]:
    """What the project around the app must have."""
    for name in _NEEDED:
        if not apps.is_installed(name):
            yield Warning(
                f"{name!r} is not in INSTALLED_APPS",
                hint="The page of the API's documentation needs it.",
                id="haystack.W009",
            )
    if not settings.USE_TZ:
        yield Error(
            "USE_TZ is False",
            hint="Set USE_TZ = True: samples and changes have times with zones.",
            id="haystack.E016",
        )


@register(Tags.security)
def check_user_admin(**_: Any) -> Iterator[CheckMessage]:
    """Users who may change users must not be able to make themselves superusers.

    Members of the group ``admin`` may, and Django's own page of users lets them.
    """
    for site in all_sites if apps.is_installed("django.contrib.admin") else ():
        page = site._registry.get(get_user_model())
        if page is not None and _offers_superuser(page):
            yield Warning(
                f"{type(page).__name__} of the admin site {site.name!r} lets every"
                " user who may change users make superusers",
                hint="Give it haystack_app.admin.UserAdminMixin; see"
                " docs/embedding.md.",
                id="haystack.W010",
            )


def _offers_superuser(page: Any) -> bool:
    request = HttpRequest()
    request.user = get_user_model()(is_staff=True)
    try:
        fields = flatten_fieldsets(page.get_fieldsets(request, request.user))
        return "is_superuser" in fields and "is_superuser" not in (
            page.get_readonly_fields(request, request.user)
        )
    except Exception:  # a page of the project's own, which asks more of a request
        return False


@register()
def check_channel_layer(**_: Any) -> Iterator[CheckMessage]:
    """Several processes must share a channel layer.

    The number of processes is only known from ``WEB_CONCURRENCY``, which uvicorn uses.
    """
    backend = getattr(settings, "CHANNEL_LAYERS", {}).get("default", {}).get("BACKEND")
    workers = os.environ.get("WEB_CONCURRENCY", "")
    if backend in (None, _IN_MEMORY) and workers.isdecimal() and int(workers) > 1:
        yield Warning(
            f"{workers} worker processes have separate channel layers: messages of one"
            " process do not reach the clients of the others",
            hint="Set REDIS_URL (CHANNEL_LAYERS), or WEB_CONCURRENCY to 1.",
            id="haystack.W008",
        )


@register()
def check_storages(**_: Any) -> Iterator[CheckMessage]:
    """Creates every storage of the settings and runs its own checks."""
    databases: Counter[str] = Counter()
    places: Counter[str] = Counter()
    for alias in storages:
        if find_op(alias) or alias in RESERVED:
            yield Error(
                f"storage {alias!r} has the name of an op or a REST resource",
                hint="Paths are api/{op} and api/{alias}/{op}: rename it.",
                id="haystack.E004",
            )
        try:
            adapter = storages.create(alias)
        except (TypeError, ImportError, ImproperlyConfigured, KeyError) as err:
            yield Error(
                f"storage {alias!r} cannot be created: {err}",
                hint="See BACKEND and OPTIONS in docs/configuration.md.",
                id="haystack.E001",
            )
            continue
        yield from adapter.check()
        if isinstance(adapter, OrmAdapter):
            databases.update(adapter.databases)
        elif place := getattr(adapter, "place", ""):  # of a RedisAdapter
            places[place] += 1
    for using in sorted(using for using, count in databases.items() if count > 1):
        yield Error(
            f"two storages use the database {using!r}",
            hint="Give each ORM storage databases of its own by OPTIONS['using'] and"
            " ['history'].",
            id="haystack.E003",
        )
    for place in sorted(place for place, count in places.items() if count > 1):
        yield Error(
            f"two storages use the same keys of {place}",
            hint="Give each Redis storage a prefix of its own by OPTIONS['prefix'].",
            id="haystack.E021",
        )


@register()
def check_replicas(**_: Any) -> Iterator[CheckMessage]:
    """Replicas are databases of PostgreSQL, and need a cache that processes share."""
    aliases = replica_aliases()
    for alias in aliases:
        known = connections.settings.get(alias)
        if known is None or not known["ENGINE"].endswith("postgresql"):
            yield Error(
                f"the replica {alias!r} is not a PostgreSQL database of DATABASES",
                hint="Set REPLICA_URLS, or HAYSTACK['REPLICATION']['REPLICAS'].",
                id="haystack.E025",
            )
    if aliases and not has_shared_cache():
        yield Error(
            "the replicas are not used: the cache is of this process only, so that"
            " others do not know what a user has written",
            hint="Set REDIS_URL (CACHES).",
            id="haystack.E026",
        )
    if aliases and _NOTE_WRITES not in settings.MIDDLEWARE:
        yield Error(
            "users do not see in replicas what they wrote by REST: middleware missing",
            hint=f"Put {_NOTE_WRITES} after AuthenticationMiddleware in MIDDLEWARE.",
            id="haystack.E026",
        )


@register(Tags.database)
def check_databases(
    databases: Sequence[str] | None = None, **_: Any
) -> Iterator[CheckMessage]:
    """Settings and extensions of the databases of ORM storages."""
    for alias in databases or ():
        connection = connections[alias]
        if connection.vendor == "sqlite":
            yield from _sqlite(alias, connection)
        elif connection.vendor == "postgresql":
            yield from _postgresql(alias, connection)


@register(Tags.database)
def check_servers(
    databases: Sequence[str] | None = None, **_: Any
) -> Iterator[CheckMessage]:
    """Settings of the Redis servers of storages, if databases are checked too."""
    for alias in storages if databases else ():
        try:
            adapter = storages.create(alias)
        except (TypeError, ImportError, ImproperlyConfigured, KeyError):
            continue  # ``check_storages`` reports it
        yield from adapter.check_server()


def _sqlite(alias: str, connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    mode = connection.settings_dict["OPTIONS"].get("transaction_mode")
    if mode != "IMMEDIATE":
        yield Warning(
            f"database {alias!r}: SQLite transactions are not IMMEDIATE",
            hint="Set OPTIONS['transaction_mode'] = 'IMMEDIATE'; otherwise concurrent"
            " writers fail with 'database is locked'.",
            id="haystack.W003",
        )


def _postgresql(alias: str, connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    if connection.settings_dict["CONN_MAX_AGE"] != 0:
        yield Warning(
            f"database {alias!r}: CONN_MAX_AGE keeps connections of ended threads",
            hint="Set CONN_MAX_AGE = 0 and OPTIONS['pool'].",
            id="haystack.W001",
        )
    yield from _replication(alias, connection)
    if _scalar(connection, "SELECT current_setting('jit')") == "on":
        yield Warning(
            f"database {alias!r}: JIT compilation is on",
            hint="Take jit=on out of OPTIONS['options']: a filter takes 158 ms with"
            " JIT and 0.2 ms without.",
            id="haystack.W002",
        )
    apart = history_databases()
    if is_pooled(connection) and _listens_to(alias) and alias not in apart.values():
        yield Warning(
            f"database {alias!r}: a pooler does not pass on the notifications of other"
            " processes, so that their changes are noticed within 2 s instead of at"
            " once",
            hint="Set DATABASE_DIRECT_URL (HAYSTACK['DIRECT_DATABASE_URL']) to the"
            " server itself, set REDIS_URL, or HAYSTACK['NOTIFY'] to False.",
            id="haystack.W011",
        )
    found = features(connection)
    if found.may_timescale and not found.timescale and alias not in apart:
        yield Warning(
            f"database {alias!r}: TimescaleDB is available but not used",
            hint="Run CREATE EXTENSION timescaledb as a superuser, then migrate"
            " haystack_app back to 0002 and forwards again.",
            id="haystack.W004",
        )
    has_entities = found.is_migrated and alias not in apart.values()
    if has_entities and found.may_trigrams and not found.has_trigrams:
        yield Warning(
            f"database {alias!r}: searches by words read all entities, for they have"
            " no index",
            hint="Run CREATE EXTENSION IF NOT EXISTS pg_trgm as a role that may, then"
            f" CREATE INDEX CONCURRENTLY entities_search ON {ENTITIES} USING gin"
            " (search gin_trgm_ops).",
            id="haystack.W015",
        )


def _replication(alias: str, connection: Any) -> Iterator[CheckMessage]:
    """Whether a failover can lose what was acknowledged."""
    if "," not in str(connection.settings_dict["HOST"]):
        return
    if not _scalar(connection, "SELECT current_setting('synchronous_standby_names')"):
        yield Warning(
            f"database {alias!r}: commits do not wait for a standby, so that a failover"
            " may lose some that were acknowledged",
            hint="Set synchronous_standby_names on the primary; see docs/replicas.md.",
            id="haystack.W012",
        )
    elif app_settings.REPLICATION["UNCONFIRMED"] == "accept":
        yield Warning(
            f"database {alias!r}: commits that no standby confirms are accepted, and a"
            " failover may lose them",
            hint="Set HAYSTACK_UNCONFIRMED=refuse, unless writes must go on.",
            id="haystack.W013",
        )


def _listens_to(alias: str) -> bool:
    """Whether processes would listen for notifications by this connection."""
    backend = getattr(settings, "CHANNEL_LAYERS", {}).get("default", {}).get("BACKEND")
    direct = alias == DEFAULT_DB_ALIAS and app_settings.DIRECT_DATABASE_URL
    return app_settings.NOTIFY and backend in (None, _IN_MEMORY) and not direct


def _scalar(connection: BaseDatabaseWrapper, sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        row = cursor.fetchone()
    return row[0] if row else None
