"""The setting ``HAYSTACK``: its keys, their defaults and what each accepts.

``app_settings.TOKEN_HOURS`` is the value of the setting, or the default if the
setting is missing or invalid; system checks report invalid values. Values are
cached and read again on ``setting_changed``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed

from .filters import parser
from .setting_types import (
    ANY,
    Setting,
    days_kept,
    is_networks,
    is_number,
    is_policies,
    is_text_by_text,
    is_texts,
    limit_of,
    number,
    rate,
    whole,
)
from .wire import limits

__all__ = [
    "DEFAULTS",
    "LIMITS",
    "REPLICATION",
    "THROTTLE",
    "Problem",
    "Setting",
    "app_settings",
    "apply",
    "limit",
    "problems",
]

_ORM = "haystack_app.storage.orm.OrmAdapter"


@dataclass(frozen=True, slots=True)
class Problem:
    """An invalid part of the setting; ``name`` is a Python expression."""

    name: str
    value: Any
    expected: str
    check_id: str


LIMITS: Mapping[str, Setting] = {
    "BODY": limit_of(
        32 * 1024 * 1024, "Bytes of a request body, sent and decompressed."
    ),
    "CELLS": limit_of(
        limits.MAX_CELLS, "Values in a request grid; each row counts as one more."
    ),
    "DASHBOARDS": limit_of(200, "Dashboards of one user."),
    # readers and writers are recursive: Python's stack is exhausted at about 300
    "DEPTH": limit_of(
        limits.MAX_DEPTH,
        "Lists, dicts and grids nested in each other, in requests and in stored "
        "records. Records stored deeper than a lowered limit cannot be read.",
        lowest=4,
        highest=128,
    ),
    "FILTER_LENGTH": limit_of(
        parser.MAX_LENGTH, "Characters of a filter.", highest=1_000_000
    ),
    # SQLite's parser has a stack of 100
    "FILTER_DEPTH": limit_of(
        parser.MAX_DEPTH, "Parentheses nested in a filter.", highest=100
    ),
    "IDS": limit_of(10_000, "Ids in one request.", highest=1_000_000),
    "ROWS": limit_of(
        250_000,
        "Rows of one answer of ``read``, which is held in memory while it is sent. "
        "A longer answer is cut off and marked ``incomplete``.",
    ),
    "IMPORT": limit_of(
        1024**3,
        "Bytes of the files together that a user has uploaded to "
        "[import](import.md) them.",
    ),
    "JOBS": limit_of(20, "Unfinished jobs of one user; each keeps its request body."),
    "LOCK_SECONDS": limit_of(
        10,
        "Seconds that a statement of an op may wait for a lock; then the "
        "answer is 503; also for that of SQLite, for which at most half of the "
        "threads, and of the requests that a user may run, wait that long.",
        highest=86_400,
    ),
    "RUNNING": limit_of(
        4,
        "Requests of one user, over HTTP and websockets together, that run in a "
        "process at one time; others wait, and are answered 503 after 10 s. Events and "
        "long polls do not count. A quarter of the threads stays for users that run "
        "nothing yet.",
    ),
    "SPOOL": limit_of(
        1024 * 1024 * 1024,
        "Bytes of request bodies and answers that a process keeps at one time, most "
        "of them in the temporary folder. Beyond it, larger bodies are answered 503.",
        lowest=1024 * 1024,
    ),
    "STATEMENT_SECONDS": limit_of(
        60,
        "Seconds that one SQL statement of an op may take; on Redis, a query of "
        "entities, or all samples that are read for an answer; in memory, all that is "
        "read. Management commands have no such limit.",
        highest=86_400,
    ),
    "WEBHOOKS": limit_of(20, "Webhooks of one user."),
    "WATCHED": limit_of(20_000, "Entities of one watch.", highest=1_000_000),
    "WATCHES": limit_of(1_000, "Open watches of one user."),
}
"""Entries of ``HAYSTACK["LIMITS"]``; the upper bounds are tested values."""

THROTTLE: Mapping[str, Setting] = {
    "USER": rate(30_000, "Requests of one user."),
    "ADDRESS": rate(
        3_000, "Requests from one address that are answered 401, handshakes included."
    ),
    "LOG_IN_ADDRESS": rate(
        300, "Failed or unfinished logins from one address: Basic, SCRAM, forms."
    ),
    "LOG_IN_ADDRESS_USER": rate(30, "The same for one user name from one address."),
    "LOG_IN_USER": rate(100, "The same for one user name, from any address."),
    "LOG_IN_BROWSER": rate(
        30,
        "The same for a browser in which the user has logged in within 90 days, "
        "instead of the three above: failures elsewhere do not lock it out.",
    ),
}
"""Entries of ``HAYSTACK["THROTTLE"]``, each a count per minute of the clock."""


METRICS: Mapping[str, Setting] = {
    "TOKEN": Setting(
        "",
        lambda value: isinstance(value, str),
        "a string",
        "A token that programs send as ``Authorization: Bearer``.",
        "haystack.E019",
    ),
    "NETWORKS": Setting(
        [],
        is_networks,
        "a list of networks, such as 10.0.0.0/8",
        "Networks whose programs need no token.",
        "haystack.E019",
    ),
}
"""Entries of ``HAYSTACK["METRICS"]``."""


def _text(help: str) -> Setting:
    return Setting(
        "", lambda value: isinstance(value, str), "a string", help, "haystack.E019"
    )


BACKUP: Mapping[str, Setting] = {
    "TARGET": _text("Where back-ups are kept: a folder, or ``s3://bucket/prefix``."),
    "KEY": _text("32 bytes in base64, by which back-ups are encrypted; empty: not."),
    "PROGRAMS": _text(
        "A folder with ``pg_dump`` and ``pg_restore``, besides the usual ones. Of "
        "several versions, the oldest that is not older than the server is used."
    ),
    "STORAGES": Setting(
        [],
        lambda value: isinstance(value, list | tuple),
        "a list of aliases",
        "The storages to back up; empty: all.",
        "haystack.E019",
    ),
}
"""Entries of ``HAYSTACK["BACKUP"]``."""


def _names(help: str) -> Setting:
    return Setting(
        [], lambda value: is_texts(value), "a list of names", help, "haystack.E024"
    )


def _switch(default: bool, help: str) -> Setting:
    return Setting(
        default,
        lambda value: isinstance(value, bool),
        "True or False",
        help,
        "haystack.E024",
    )


SECOND_FACTOR: Mapping[str, Setting] = {
    "GROUPS": _names(
        "Groups whose members must set up a second factor; ``*``: all users."
    ),
    "PASSWORDS": _switch(
        False,
        "Whether programs may log in by the password alone, by Basic or SCRAM, of "
        "users that have, or must have, a second factor.",
    ),
}
"""Entries of ``HAYSTACK["SECOND_FACTOR"]``."""

OIDC: Mapping[str, Setting] = {
    "CREATE_USERS": _switch(True, "Whether a first login makes a user."),
    "CLAIM": Setting(
        "groups",
        lambda value: isinstance(value, str) and bool(value),
        "a name",
        "The claim that has the provider's groups of a user.",
        "haystack.E024",
    ),
    "GROUPS": Setting(
        {},
        is_text_by_text,
        "a dict of names of groups by names of the provider",
        "The group for each group of the provider. After each login the user is in "
        "those of its claim, and in no others of these.",
        "haystack.E024",
    ),
}
"""Entries of ``HAYSTACK["OIDC"]``."""


REPLICATION: Mapping[str, Setting] = {
    "REPLICAS": Setting(
        [],
        is_texts,
        "a list of aliases of DATABASES",
        "Read replicas of the database ``default``.",
        "haystack.E025",
    ),
    "LAG_SECONDS": Setting(
        3.0,
        lambda value: is_number(value) and 1 <= value <= 5,
        "a number of seconds, 1 to 5",
        "How much a replica may lag that answers reads.",
        "haystack.E025",
    ),
    "WAIT_MS": Setting(
        20,
        lambda value: is_number(value) and 0 <= value <= 1_000,
        "a number of milliseconds, 0 to 1,000",
        "How long a read waits for a replica to replay what its user has written, "
        "before the primary is asked.",
        "haystack.E025",
    ),
    "COMMIT_SECONDS": Setting(
        5.0,
        lambda value: is_number(value) and 0 <= value <= 3_600,
        "a number of seconds, 0 to 3,600",
        "How long a commit waits for the standbys that the primary waits for; with 0, "
        "for ever.",
        "haystack.E025",
    ),
    "UNCONFIRMED": Setting(
        "refuse",
        lambda value: value in ("refuse", "accept"),
        "'refuse' or 'accept'",
        "What is done with writes that no standby has confirmed by then: 503, or they "
        "are stored in the primary alone.",
        "haystack.E025",
    ),
}
"""Entries of ``HAYSTACK["REPLICATION"]``."""


DEFAULTS: Mapping[str, Setting] = {
    "STORAGES": Setting(
        {"default": {"BACKEND": _ORM, "OPTIONS": {}}},
        lambda value: isinstance(value, Mapping) and "default" in value,
        "a dict of storages with the key 'default'",
        "The storages, by the alias that is a URL's project segment.",
        "haystack.E007",
    ),
    "LIMITS": Setting(
        {},
        lambda value: isinstance(value, Mapping),
        "a dict",
        "What one request may ask for; see [limits](#limits).",
        "haystack.E008",
        LIMITS,
    ),
    "THROTTLE": Setting(
        {},
        lambda value: value is None or isinstance(value, Mapping),
        "a dict of counts per minute, or None for no limits",
        "Requests and logins a minute; see [throttle](#throttle).",
        "haystack.E011",
        THROTTLE,
    ),
    "SERVER_NAME": Setting(
        "Haystack server",
        lambda value: isinstance(value, str),
        "a string",
        "``serverName`` in the answer of ``about``.",
    ),
    "DOCUMENTATION": Setting(
        "",
        lambda value: isinstance(value, str),
        "the path of a folder, or empty",
        "The folder of the built documentation, which ``docs/`` shows; if empty, that "
        "of the package, where ``make docs`` builds it.",
    ),
    "ACTIONS": Setting(
        [],
        lambda value: isinstance(value, list | tuple),
        "a list of modules",
        "Modules that are imported at start: with [actions](api.md#writing-an-action) "
        "for ``invokeAction``, and with ops of your own.",
    ),
    "HISTORY_CHUNK_DAYS": whole(
        30,
        1,
        ANY,
        "Days of one chunk of a TimescaleDB hypertable, when it is created. "
        "[haystack_chunks](commands.md#haystack_chunks) changes it later.",
    ),
    "SCRAM_ITERATIONS": whole(
        100_000,
        4_096,
        99_999_999,
        "Iterations of a password's hash (RFC 7677 section 4). Clients do the same "
        "work at each login: some in JavaScript take 0.7 s for 100,000. A new number "
        "applies to each user from their next login with a password.",
        "haystack.E009",
    ),
    "TOKEN_HOURS": number(
        24.0 * 30,
        lambda value: 0 < value <= 24 * 3_650,
        ", more than 0 and at most ten years",
        "Hours until an unused login ends.",
        "haystack.E010",
    ),
    "PROXIES": whole(
        0,
        0,
        10,
        "Reverse proxies in front of the server. That many last entries of "
        "``X-Forwarded-For`` are trusted; each proxy must append to it.",
        "haystack.E012",
    ),
    "SUPERUSER": Setting(
        {},
        lambda value: isinstance(value, Mapping),
        "a dict",
        "The [first superuser](#first-superuser).",
    ),
    "THREADS": whole(
        20,
        1,
        1_000,
        "Threads that serve HTTP in one process. Each answer takes one while it is "
        "made.",
    ),
    "PATIENCE_SECONDS": number(
        120.0,
        lambda value: value > 0,
        ", more than 0",
        "Seconds that a client may read nothing of its answer before the connection "
        "is closed. Up to 256 MB of an answer wait in the temporary folder.",
        "haystack.E006",
    ),
    "COALESCE_MS": number(
        100.0,
        lambda value: 0 < value <= 60_000,
        ", more than 0 and at most 60,000",
        "Milliseconds that changes are collected before "
        "[watches are pushed](live.md#websocket).",
        "haystack.E013",
    ),
    "CHECK_SECONDS": number(
        10.0,
        lambda value: 0 < value <= 60_000,
        ", more than 0 and at most 60,000",
        "Seconds until a push covers a change that was not announced: lost between "
        "processes, or made by plain SQL; at most 2 without Redis and PostgreSQL.",
        "haystack.E013",
    ),
    "NOTIFY": Setting(
        True,
        lambda value: isinstance(value, bool),
        "True or False",
        "Whether processes announce changes by PostgreSQL's NOTIFY where there is no "
        "shared channel layer.",
    ),
    "METRICS": Setting(
        {},
        lambda value: isinstance(value, Mapping),
        "a dict with TOKEN, NETWORKS",
        "Who may read ``/metrics``; see [monitoring](monitoring.md#metrics).",
        "haystack.E019",
        METRICS,
    ),
    "BACKUP": Setting(
        {},
        lambda value: isinstance(value, Mapping),
        "a dict with TARGET, KEY, PROGRAMS, STORAGES",
        "The nightly [back-up](backup.md).",
        "haystack.E019",
        BACKUP,
    ),
    "SECOND_FACTOR": Setting(
        {},
        lambda value: isinstance(value, Mapping),
        "a dict with GROUPS, PASSWORDS",
        "Who needs a [second factor](rights.md#second-factors).",
        "haystack.E024",
        SECOND_FACTOR,
    ),
    "OIDC": Setting(
        {},
        lambda value: isinstance(value, Mapping),
        "a dict with CREATE_USERS, CLAIM, GROUPS",
        "Users of the [company's log-in](rights.md#the-companys-log-in).",
        "haystack.E024",
        OIDC,
    ),
    "REPLICATION": Setting(
        {},
        lambda value: isinstance(value, Mapping),
        "a dict with REPLICAS, LAG_SECONDS, WAIT_MS, COMMIT_SECONDS, UNCONFIRMED",
        "[Read replicas](replicas.md) of the database, and commits that standbys "
        "confirm.",
        "haystack.E025",
        REPLICATION,
    ),
    "REQUEST_LOG_RATE": whole(
        0,
        0,
        1_000_000,
        "Lines a second, at most, of the [log of requests](monitoring.md#logs). Those "
        "that are slow, or answered with a status of 500 or more, are always logged.",
        "haystack.E019",
    ),
    "SLOW_SECONDS": number(
        5.0,
        lambda value: value >= 0,
        ", 0 for never",
        "Seconds after which a request, or a statement of it with its plan, is "
        "[logged as slow](monitoring.md#logs).",
        "haystack.E019",
    ),
    "READY_NEEDS_WRITES": Setting(
        False,
        lambda value: isinstance(value, bool),
        "True or False",
        "Whether ``/readyz`` is 503 while a store cannot be written.",
    ),
    "ALLOW_DATA_LOSS": Setting(
        False,
        lambda value: isinstance(value, bool),
        "True or False",
        "Whether ``migrate`` may go back to a migration without tables or columns that "
        "have data. Set it for this one command.",
    ),
    "DIRECT_DATABASE_URL": Setting(
        "",
        lambda value: isinstance(value, str),
        "a URL, or empty",
        "Where LISTEN connects to, if ``DATABASE_URL`` is that of a pooler.",
    ),
    "TICK_SECONDS": number(
        1.0,
        lambda value: True,
        " of seconds, 0 for never",
        "How often each process ends expired writes and watches. With 0, cron runs "
        "[haystack_tick](commands.md#haystack_tick).",
        "haystack.E014",
    ),
    "WORKER": Setting(
        "embedded",
        lambda value: value in ("embedded", "external"),
        "'embedded' or 'external'",
        "Who runs [jobs](jobs.md): a worker process that the server starts while there "
        "is work, or [haystack_worker](commands.md#haystack_worker), which you run.",
        "haystack.E014",
    ),
    "JOB_LEASE_SECONDS": number(
        60.0,
        lambda value: 1 <= value <= 3_600,
        ", 1 to 3,600",
        "Seconds after which other workers take the jobs of one that shows no life.",
        "haystack.E014",
    ),
    "IMPORTS_DIR": Setting(
        "",
        lambda value: isinstance(value, str),
        "the path of a folder, or empty",
        "The folder of files that users upload to [import](import.md) them, which "
        "servers and workers share; empty: one in the temporary folder.",
    ),
    "IMPORTS_HOURS": number(
        24.0,
        lambda value: 1 <= value <= 8_760,
        " of hours, 1 to 8,760",
        "Hours that a file is kept which a user has uploaded to [import](import.md) "
        "it, after it was last used.",
        "haystack.E015",
    ),
    "CONNECTOR_SECRETS": Setting(
        "/run/secrets/connectors",
        lambda value: isinstance(value, str) and bool(value),
        "the path of a folder",
        "The folder of the files that [connectors](connectors.md) name as "
        "``file:NAME``: passwords, tokens, keys.",
    ),
    "JOBS_DAYS": days_kept(
        30.0,
        "finished jobs",
        "Days that finished [jobs](jobs.md) are kept.",
    ),
    "POLICIES": Setting(
        [],
        is_policies,
        "a list of dicts with name, filter, and of keep_days, compress_days, late",
        "[Policies](storage.md#policies): how long samples are kept. Policies in the "
        "admin are asked after these.",
        "haystack.E018",
    ),
    "SIMULATE_SECONDS": number(
        0.0,
        lambda value: True,
        " of seconds, 0 for never",
        "How often the points of the [demo](commands.md#haystack_simulate) move.",
        "haystack.E014",
    ),
    "ALARM_DAYS": days_kept(
        365.0,
        "alarms",
        "Days that cleared [alarms](alarms.md) are kept, with their log.",
    ),
    "ALARM_DIGEST_SECONDS": number(
        60.0,
        lambda value: 0 <= value <= 86_400,
        " of seconds, 0 to 86,400",
        "Seconds that [alarms](alarms.md) are collected before they are mailed.",
        "haystack.E015",
    ),
    "CHANGES_DAYS": days_kept(
        365.0,
        "the change log",
        "Days that the [change log](live.md#the-change-log-as-it-grows) is kept.",
    ),
    "SAMPLE_UNDO_DAYS": days_kept(
        30.0,
        "samples",
        "Days that samples are kept which an import or a hisWrite replaced or removed, "
        "so that it can be [undone](collection.md#undoing-changes-of-samples). With 0, "
        "none are.",
    ),
    "TRASH_DAYS": days_kept(
        30.0,
        "the trash",
        "Days after its last change that an entity stays in the [trash](api.md#trash), "
        "with its history.",
    ),
    "WEBHOOK_DAYS": days_kept(
        30.0,
        "deliveries of webhooks",
        "Days that deliveries of [webhooks](webhooks.md) are kept.",
    ),
    "WEBHOOK_FAILING_DAYS": number(
        5.0,
        lambda value: 0 < value <= 365,
        " of days, more than 0 and at most 365",
        "Days of failures after which a [webhook](webhooks.md) is disabled.",
        "haystack.E015",
    ),
    "WEBHOOKS_ALLOW_PRIVATE": Setting(
        [],
        is_networks,
        "a list of networks, such as ['10.1.0.0/16', 'fd00::/8']",
        "Networks of private addresses to which [webhooks](webhooks.md#addresses) may "
        "be sent.",
    ),
    "WRITES_DAYS": days_kept(
        90.0,
        "the log of writes",
        "Days that the [log of writes](live.md#the-log-of-writes) to priority arrays is"
        " kept.",
    ),
}


class AppSettings:
    """Values of ``HAYSTACK`` as attributes; dicts have all of their known keys."""

    def __getattr__(self, name: str) -> Any:
        if name not in DEFAULTS:
            raise AttributeError(f"unknown setting HAYSTACK[{name!r}]")
        value = _resolved(DEFAULTS[name], _given().get(name, DEFAULTS[name].default))
        setattr(self, name, value)
        return value

    def reload(self) -> None:
        vars(self).clear()


app_settings = AppSettings()


def limit(name: str) -> int:
    """An entry of ``HAYSTACK["LIMITS"]``."""
    value: int = app_settings.LIMITS[name]
    return value


def problems() -> Iterator[Problem]:
    """Every invalid part of the setting, and every unknown key."""
    given = _given()
    for name in sorted(given.keys() - DEFAULTS.keys(), key=str):
        known = f"one of {', '.join(sorted(DEFAULTS))}"
        yield Problem(f"HAYSTACK[{name!r}]", given[name], known, "haystack.E005")
    for name, setting in DEFAULTS.items():
        value = given.get(name, setting.default)
        path = f"HAYSTACK[{name!r}]"
        if not setting.accepts(value):
            yield Problem(path, value, setting.expected, setting.check_id)
        elif setting.keys and value is not None:
            yield from _problems_in(path, setting, value)


def _problems_in(path: str, parent: Setting, value: Any) -> Iterator[Problem]:
    known = parent.keys or {}
    for name, entry in sorted(value.items(), key=lambda item: str(item[0])):
        if name not in known:
            expected = f"one of {', '.join(known)}"
            yield Problem(f"{path}[{name!r}]", entry, expected, parent.check_id)
        elif not known[name].accepts(entry):
            expected = known[name].expected
            yield Problem(f"{path}[{name!r}]", entry, expected, parent.check_id)


def _resolved(setting: Setting, value: Any) -> Any:
    if not setting.accepts(value):
        value = setting.default
    if setting.keys is None or value is None:
        return value
    return {
        name: _resolved(key, value.get(name, key.default))
        for name, key in setting.keys.items()
    }


def _given() -> Mapping[str, Any]:
    given = getattr(settings, "HAYSTACK", {})
    return given if isinstance(given, Mapping) else {}


def apply() -> None:
    """Set the limits of ``wire`` and ``filters``, which do not import Django."""
    limits.MAX_DEPTH = limit("DEPTH")
    limits.MAX_CELLS = limit("CELLS")
    parser.MAX_DEPTH = limit("FILTER_DEPTH")
    parser.MAX_LENGTH = limit("FILTER_LENGTH")
    parser.parse.cache_clear()  # may contain filters that exceed the new limits


def _on_setting_changed(*, setting: str, **_: Any) -> None:
    if setting == "HAYSTACK":
        app_settings.reload()
        apply()


setting_changed.connect(_on_setting_changed)
