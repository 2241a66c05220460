"""What a payload says: values, each with its time, status and unit."""

from __future__ import annotations

from itertools import islice
from typing import Any, NamedTuple

import orjson

from ...kinds.display import quoted
from ...transfer.tables.statuses import is_good
from .json_paths import JsonPath
from .rules import Rule

__all__ = ["Payload", "Reading", "is_good_status"]

_MOST = 1_000
"""Values of one message and rule."""
_MISSING: Any = object()


class Reading(NamedTuple):
    """One value; ``names`` are those of topic and path with what they took."""

    names: dict[str, str]
    value: Any
    time: Any = None
    status: Any = None
    unit: str | None = None


class Payload:
    """The payload of a message, which several rules may read."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._json: Any = _MISSING

    @property
    def text(self) -> str:
        """Raises ValueError."""
        try:
            return self.data.decode().strip()
        except UnicodeDecodeError:
            raise ValueError(f"payload is not UTF-8: {_shown(self.data)}") from None

    @property
    def json(self) -> Any:
        """Raises ValueError."""
        if self._json is _MISSING:
            try:
                self._json = orjson.loads(self.data)
            except orjson.JSONDecodeError:
                raise ValueError(f"payload is not JSON: {_shown(self.data)}") from None
        return self._json

    def read(self, rule: Rule, names: dict[str, str]) -> list[Reading]:
        """The values that a rule finds. Raises ValueError."""
        if rule.value is None:
            found = [(names, self.text)]
        else:
            found = list(islice(rule.value.find(self.json, names), _MOST + 1))
            if len(found) > _MOST:
                raise ValueError(f"more than {_MOST:,} values at {rule.value.text}")
            if not found:
                raise ValueError(f"no value at {rule.value.text}: {_shown(self.data)}")
        if rule.keys:
            found = [(self._with_keys(rule, at), value) for at, value in found]
        if rule.time is rule.status is rule.unit is None:
            return [Reading(*one) for one in found]
        return [
            Reading(
                at,
                value,
                self._required(rule.time, at),
                self._required(rule.status, at),
                self._unit(rule, at),
            )
            for at, value in found
        ]

    def _with_keys(self, rule: Rule, names: dict[str, str]) -> dict[str, str]:
        keys = {key.text: str(self._required(key, names)) for key in rule.keys}
        return {**names, **keys}

    def _required(self, path: JsonPath | None, names: dict[str, str]) -> Any:
        if path is None:
            return None
        value = path.first(self.json, names)
        if value is None:
            raise ValueError(f"no value at {path.text}: {_shown(self.data)}")
        return value

    def _unit(self, rule: Rule, names: dict[str, str]) -> str | None:
        if not isinstance(rule.unit, JsonPath):
            return rule.unit
        unit = rule.unit.first(self.json, names)
        if unit is not None and not isinstance(unit, str):
            raise ValueError(f"unit at {rule.unit.text} must be a text")
        return unit or None


def is_good_status(status: Any) -> bool:
    """Raises ValueError for a word that is not known."""
    if isinstance(status, bool):
        return status
    if not isinstance(status, str):
        raise ValueError("status must be a word such as ok or fault, or true or false")
    try:
        return is_good(status)
    except ValueError:
        raise ValueError(
            f"unknown status {quoted(status)}: expected a word such as ok or fault"
        ) from None


def _shown(data: bytes) -> str:
    return quoted(data[:200].decode("utf-8", "backslashreplace"))
