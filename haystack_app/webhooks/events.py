"""Events: what has happened, as JSON, and which connector fails.

Each has an ``id`` that is the same whenever it is sent, a ``kind`` and a ``time``.
Those of entities have an ``entityId``; their tags are added when the event is sent.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import orjson

from ..kinds.scalars import Number
from ..models import AlarmTransition
from ..storage.changes import ADD, REMOVE, UPDATE, Change
from ..storage.write_log import LevelWrite
from ..wire import hayson_writer

__all__ = [
    "ALARM",
    "BEFORE",
    "CONNECTOR",
    "CREATED",
    "LIMIT",
    "MISSED",
    "OVERRIDE",
    "REMOVED",
    "TEST",
    "UPDATED",
    "Event",
    "alarm",
    "changed",
    "connector",
    "crossed",
    "missed",
    "overridden",
    "trial",
]

Event = dict[str, Any]

CREATED, UPDATED, REMOVED = "created", "updated", "removed"
OVERRIDE, LIMIT, CONNECTOR = "override", "limit", "connector"
ALARM = "alarm"
TEST, MISSED = "test", "missed"

BEFORE = "before"
"""The tags of a removed entity, in a stored event."""

_KINDS = {ADD: CREATED, UPDATE: UPDATED, REMOVE: REMOVED}


def _event(id: str, kind: str, time: dt.datetime, **more: Any) -> Event:
    utc = time.astimezone(dt.UTC).isoformat(timespec="milliseconds")
    return {"id": id, "kind": kind, "time": utc.replace("+00:00", "Z"), **more}


def changed(cursor: int, change: Change) -> Event:
    """An entry of the change log; ``tags`` are the names of those that changed."""
    kind = _KINDS[change.kind]
    event = _event(
        f"change-{cursor}", kind, change.at, entityId=change.id, by=change.who
    )
    if kind == UPDATED:
        event["tags"] = sorted(change.before.json.keys() | change.after.json.keys())
    if kind == REMOVED:
        event[BEFORE] = change.before.json
    return event


def overridden(key: str, write: LevelWrite) -> Event:
    """An entry of the log of writes."""
    event = _event(f"write-{key}", OVERRIDE, write.at, entityId=write.id)
    event |= {"action": write.kind, "level": write.number}
    event |= {"val": _json(write.val), "who": write.who, "user": write.user}
    if write.expires is not None:
        event["until"] = write.expires.astimezone(dt.UTC).isoformat()
    return event


def crossed(
    id: str, val: Any, op: str, limit: Number, now: dt.datetime, *, is_beyond: bool
) -> Event:
    """A value that got beyond a limit, or back."""
    event = _event(f"limit-{uuid4()}", LIMIT, now, entityId=id)
    state = ("above" if op == ">" else "below") if is_beyond else "normal"
    return event | {"state": state, "val": _json(val), "limit": _json(limit)}


def connector(name: str, status: str, error: str, now: dt.datetime) -> Event:
    is_down = status != "ok"
    event = _event(f"connector-{uuid4()}", CONNECTOR, now, connector=name)
    return event | {"status": status, "isDown": is_down, "error": error}


def alarm(transition: AlarmTransition) -> Event:
    """A transition of an alarm; ``time`` is that of the samples."""
    of = transition.alarm
    event = _event(f"alarm-{transition.pk}", ALARM, transition.at, entityId=of.point_id)
    return event | {
        "alarm": of.pk,
        "state": transition.kind,
        "rule": of.rule.name,
        "severity": of.rule.get_severity_display(),
        "text": of.rule.text,
        "val": transition.value,
        "isLate": transition.late,
        "who": transition.who,
        "note": transition.note,
    }


def missed(text: str, now: dt.datetime) -> Event:
    """Changes were lost before they were read: receivers must read everything."""
    return _event(f"missed-{uuid4()}", MISSED, now, dis=text)


def trial(now: dt.datetime) -> Event:
    return _event(f"test-{uuid4()}", TEST, now, dis="This is a test.")


def _json(value: Any) -> Any:
    """Hayson as Python's JSON types, for a JSONField."""
    return orjson.loads(hayson_writer.dump(value))
