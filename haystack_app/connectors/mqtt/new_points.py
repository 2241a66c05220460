"""Points for topics that no point takes: what a message shows of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson
from django.conf import settings
from django.db import transaction

from ...kinds.scalars import MARKER, Ref
from ...kinds.timezones import city_of
from ...models import MqttTopic, MqttUnknownTopic
from ...storage.base import StorageAdapter
from ...transfer.his_units import unit_of
from ...transfer.tables.numbers import number_parts
from .rules import ID, TAG
from .topics import TopicTemplate

__all__ = ["make_points"]

_VALUES = ("value", "val", "v")
_BOOLS = frozenset(("true", "false", "on", "off"))
_OTHER = re.compile(r"[^A-Za-z0-9_:.~-]+", re.ASCII)


class _Shown(NamedTuple):
    """Kind and unit of a value, and its path in the payload."""

    kind: str
    unit: str | None = None
    path: str = ""


def make_points(
    store: StorageAdapter, rows: Iterable[MqttUnknownTopic], who: str
) -> tuple[int, list[str]]:
    """Make a point for each row, and a rule where none has the topic.

    Returns how many were made, and why the others were not.
    """
    made, errors = 0, []
    for row in rows:
        try:
            _make(store, row, who)
        except ValueError as err:
            errors.append(f"{row.topic}: {err}")
        else:
            made += 1
    return made, errors


def _make(store: StorageAdapter, row: MqttUnknownTopic, who: str) -> None:
    record, path = _record(row)
    rule = None
    if not row.wanted:
        template = TopicTemplate.of(row.topic)
        if template.subscription != row.topic or template.names:
            raise ValueError("a rule for it must be made by hand")
        rule = MqttTopic(connector=row.connector, topic=row.topic, value=path)
        rule.target = record["id"].id
    with transaction.atomic():
        if rule is not None:
            rule.save()
        row.delete()
        store.add_entities([record], who=who)


def _record(row: MqttUnknownTopic) -> tuple[dict[str, Any], str]:
    """The tags of the point, and the path of its value."""
    find, _, text = row.wanted.partition(" ")
    own: dict[str, Any] = {}
    if find == TAG:
        tag, _, value = text.partition("=")
        own = {tag: value}
    elif find not in ("", ID):
        raise ValueError("make the point by hand, where its path says")
    if find == ID and row.reason.startswith("@"):
        raise ValueError(row.reason)
    shown = _shown(row.last_value) if row.wanted else _in_payload(row.last_payload)
    id = text.removeprefix("@") if find == ID else _OTHER.sub("-", row.topic).strip("-")
    tags = {
        "id": Ref(id),
        "dis": row.topic,
        **dict.fromkeys(("point", "his", "cur"), MARKER),
        "kind": shown.kind,
        "tz": city_of(settings.TIME_ZONE),
        **({"unit": shown.unit} if shown.unit else {}),
        **own,
    }
    return tags, shown.path


def _in_payload(text: str) -> _Shown:
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError:
        if text.startswith(("{", "[")):
            raise ValueError("its payload is longer than what is kept") from None
        return _shown(text)
    if not isinstance(data, dict):
        return _shown(text)
    for key in _VALUES:
        if isinstance(data.get(key), bool | int | float | str):
            return _shown(str(data[key]))._replace(path=f"$.{key}")
    keys = ", ".join(list(data)[:10])
    raise ValueError(f"no value or val among the keys {keys}: make a rule with a path")


def _shown(text: str) -> _Shown:
    if text.strip().lower() in _BOOLS:
        return _Shown("Bool")
    try:
        _, unit = number_parts(text.strip(), "point")
        return _Shown("Number", unit_of(unit) if unit else None)
    except ValueError:
        return _Shown("Str")
