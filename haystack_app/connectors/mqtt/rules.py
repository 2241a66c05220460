"""Rules: which messages are values of which points."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ...kinds.display import quoted
from ...transfer.his_units import unit_of
from .json_paths import JsonPath
from .topics import TopicTemplate, placeholders

__all__ = ["CURRENT", "ID", "IGNORE", "LIST", "PATH", "STORE", "TAG", "Rule"]

ID: Final = "id"
PATH: Final = "path"
TAG: Final = "tag"
LIST: Final = "list"
"""How a point is found; with the last one topics are listed only."""

CURRENT: Final = "current"
STORE: Final = "store"
IGNORE: Final = "ignore"
"""What a retained message is good for."""

_TOPIC: Final = "topic"
_TAG: Final = re.compile(r"[a-z]\w*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rule:
    """One value of a message.

    ``target`` is a template of the point's id, of its path of names, or, after a tag
    and ``=``, of that tag's value. Braces in it have names of topic and path, or a path
    into the payload. Without ``value`` the payload is the value, without
    ``time`` it is as old as its arrival.
    """

    topic: TopicTemplate
    find: str
    target: str
    value: JsonPath | None = None
    time: JsonPath | None = None
    status: JsonPath | None = None
    unit: JsonPath | str | None = None
    retained: str = CURRENT
    keys: tuple[JsonPath, ...] = ()
    """Paths in ``target``, to texts that it is filled with."""

    @property
    def is_fixed(self) -> bool:
        """Whether topics alone say what the point is found by."""
        return not self.keys and (self.value is None or not self.value.names)

    @classmethod
    def of(
        cls,
        topic: str,
        find: str = ID,
        target: str = "",
        *,
        value: str = "",
        time: str = "",
        status: str = "",
        unit: str = "",
        retained: str = CURRENT,
    ) -> Rule:
        """Raises ValueError."""
        rule = cls(
            TopicTemplate.of(topic),
            find,
            _target(find, target),
            JsonPath.of(value) if value else None,
            JsonPath.of(time) if time else None,
            JsonPath.of(status) if status else None,
            JsonPath.of(unit)
            if unit.startswith("$")
            else unit_of(unit)
            if unit
            else None,
            retained,
            tuple(map(JsonPath.of, _paths(target))),
        )
        rule._check_names()
        return rule

    def _check_names(self) -> None:
        known = {_TOPIC, *self.topic.names, *(self.value.names if self.value else ())}
        named = set(placeholders(self.target)).difference(_paths(self.target))
        _require(known, named, "target")
        for part in (self.time, self.status, self.unit, *self.keys):
            if isinstance(part, JsonPath):
                _require(known, part.names, part.text)


def _target(find: str, target: str) -> str:
    if find == LIST:
        return ""
    if not target:
        raise ValueError("target must not be empty: give the template of an id")
    if find != TAG:
        return target
    tag, sign, _ = target.partition("=")
    if not _TAG.fullmatch(tag):
        raise ValueError(
            f"target {quoted(target)}: expected a tag such as mqttTopic, or a tag and"
            " its value, such as mqttTopic={topic}"
        )
    return target if sign else f"{tag}={{{_TOPIC}}}"


def _paths(target: str) -> list[str]:
    return [name for name in placeholders(target) if name.startswith("$")]


def _require(known: set[str], names: Iterable[str], where: str) -> None:
    for name in names:
        if name not in known:
            listed = ", ".join(sorted(known))
            raise ValueError(f"{where}: unknown name {{{name}}}: use one of {listed}")
