"""The state of the server as one page: versions, stores, jobs, pools, disks."""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
from django.core.checks import CheckMessage, run_checks
from django.db import connections

from .. import __version__
from ..backups.ages import last_backup
from ..conf import app_settings
from ..database_features import features
from ..jobs.load import job_counts, oldest_ready_seconds
from ..kinds.datetimes import iso_text
from ..models import Alarm, AlarmMail, AlarmRule, Connector, Job, JobSchedule
from ..replicas.report import replication
from ..replicas.settings import is_replica
from ..storage.base import StorageAdapter
from ..storage.handler import storages
from ..unapplied import unapplied_migrations
from .plans import slow_statements
from .pools import pools
from .stores import recent_facts

__all__ = ["status_of_server"]

_NOT_AVAILABLE = "not available"
_RULES = 20
"""With problems, that are listed."""
_RETRIES = 20


def status_of_server() -> dict[str, Any]:
    """JSON. What does not answer says so, and hides nothing else."""
    return {
        "versions": dict(_versions()),
        "problems": list(_problems()),
        "stores": [_store(storages[alias]) for alias in storages],
        "jobs": _asked(_jobs),
        "alarms": _asked(_alarms),
        "backup": _asked(_backup),
        "replication": _asked(_replication),
        "connectors": _asked(_connectors),
        "pools": {alias: _asked(pool.get_stats) for alias, pool in pools()},
        "slow": [
            {
                "at": iso_text(one.at),
                "seconds": round(one.seconds, 1),
                "op": one.op,
                "query": one.query,
                "request": one.request_id,
            }
            for one in slow_statements()[:20]
        ],
        "disks": list(_disks()),
    }


def _asked(ask: Any) -> Any:
    try:
        return ask()
    except Exception as error:  # of any driver
        return {"error": f"{_NOT_AVAILABLE}: {type(error).__name__}"}


def _versions() -> Iterator[tuple[str, str]]:
    yield "haystack-server", __version__
    yield "Django", django.get_version()
    yield "Python", platform.python_version()
    for alias in connections:
        found = _asked(lambda alias=alias: _version(alias))
        yield f"database {alias}", found if isinstance(found, str) else _NOT_AVAILABLE
    for alias in storages:
        found = _asked(storages[alias].server_text)
        if found:
            text = found if isinstance(found, str) else _NOT_AVAILABLE
            yield f"storage {alias}", text


def _version(alias: str) -> str:
    connection: Any = connections[alias]
    if connection.vendor == "postgresql":
        return str(features(connection))
    with connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version()")
        return f"SQLite {cursor.fetchone()[0]}"


def _problems() -> Iterator[str]:
    """Messages of system checks, and migrations that are missing."""
    for alias in connections:
        if is_replica(alias):
            continue
        missing = _asked(lambda alias=alias: unapplied_migrations(alias))
        if isinstance(missing, int) and missing:
            yield f"database {alias}: {missing} migrations are not applied"
        elif not isinstance(missing, int):
            yield f"database {alias}: {_NOT_AVAILABLE}"
    for message in _messages():
        yield f"{message.id}: {message.msg}"


def _messages() -> list[CheckMessage]:
    """Those of databases too, if all of them answer."""
    try:
        return run_checks(databases=list(connections))
    except Exception:  # of any driver; ``_problems`` names the database
        return run_checks()


def _store(store: StorageAdapter) -> dict[str, Any]:
    facts = recent_facts(store)
    found = {"error": _NOT_AVAILABLE} if facts is None else facts._asdict()
    return {"storage": store.alias, "adapter": type(store).__name__, **found}


def _connectors() -> list[dict[str, Any]]:
    return [
        {
            "name": one.name,
            "enabled": one.enabled,
            "status": one.get_status_display(),
            "success": iso_text(one.last_success_at) if one.last_success_at else None,
            "error": one.last_error,
        }
        for one in Connector.objects.order_by("name")
    ]


def _jobs() -> dict[str, Any]:
    counts = job_counts()
    return {
        "counts": {f"{queue} {status}": n for (queue, status), n in counts.items()},
        "waitSeconds": round(oldest_ready_seconds()),
        "retries": list(_retries()),
        "schedules": [_schedule(one) for one in JobSchedule.objects.order_by("name")],
    }


def _retries() -> Iterator[dict[str, Any]]:
    """Jobs that have failed and are tried again, such as mails without a server."""
    failed = Job.objects.unfinished().exclude(errors=[])
    for job in failed.order_by("-attempts", "pk")[:_RETRIES]:
        error = job.errors[-1]["message"]
        yield {"job": job.title, "attempts": job.attempts, "error": error}


def _alarms() -> dict[str, Any]:
    rules = AlarmRule.objects.all()
    failing = AlarmMail.objects.filter(attempts__gt=0).order_by("-attempts", "pk")
    first = failing.first()
    return {
        "rules": rules.enabled().count(),
        "problems": [
            {"rule": one.name, "problem": one.problem}
            for one in rules.enabled().exclude(problem="")[:_RULES]
        ],
        "open": Alarm.objects.open().count(),
        "mailsWaiting": AlarmMail.objects.count(),
        "mailsFailing": failing.count(),
        "mailError": "" if first is None else first.error,
    }


def _backup() -> dict[str, Any]:
    last = last_backup()
    if last is None:
        return {"target": "", "last": None}
    return {"target": last.target, "last": iso_text(last.at) if last.at else None}


def _replication() -> dict[str, Any]:
    found = replication()
    unconfirmed = app_settings.REPLICATION["UNCONFIRMED"]
    return {
        "timeline": found.timeline,
        "commits": f"stalled: {unconfirmed}" if found.is_stalled else "",
        "replicas": [
            {"name": one.alias, "state": one.state, "lagSeconds": one.lag}
            for one in found.replicas
        ],
    }


def _schedule(schedule: JobSchedule) -> dict[str, Any]:
    last = Job.objects.filter(schedule=schedule).order_by("-id").first()
    error = last.errors[-1]["message"] if last and last.errors else ""
    return {
        "name": schedule.name,
        "enabled": schedule.enabled,
        "cron": schedule.cron,
        "next": iso_text(schedule.next_at) if schedule.next_at else None,
        "last": iso_text(last.enqueued_at) if last else None,
        "status": last.status if last else None,
        "error": error if last and last.status == Job.Status.FAILED else "",
    }


def _disks() -> Iterator[dict[str, Any]]:
    """The file systems of databases in files, and of temporary files."""
    folders = {Path(tempfile.gettempdir())}
    for alias in connections:
        path = Path(str(connections[alias].settings_dict["NAME"]))
        if connections[alias].vendor == "sqlite" and path.is_file():
            folders.add(path.resolve().parent)
    for folder in sorted(folders):
        usage = shutil.disk_usage(folder)
        yield {"folder": str(folder), "free": usage.free, "total": usage.total}
