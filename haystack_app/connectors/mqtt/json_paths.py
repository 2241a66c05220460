"""Paths into JSON: ``$.readings[0].value``, and ``$.{point}`` for every key.

Source: RFC 9535, of which these are the segments with one name or index; a name in
braces, which takes each key or index, is an extension.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...kinds.display import quoted

__all__ = ["JsonPath"]

_STEP = re.compile(
    r"\.(?P<name>[^\W\d][\w\-]*)"
    r"|\.\{(?P<key>[A-Za-z_]\w*)\}"
    r"|\[(?P<index>-?\d{1,6})\]"
    r"|\[\{(?P<at>[A-Za-z_]\w*)\}\]"
    r"|\['(?P<one>[^']*)'\]"
    r'|\["(?P<two>[^"]*)"\]'
)
_STEPS = 20
Names = dict[str, str]


@dataclass(frozen=True, slots=True)
class _Each:
    """A step that takes every key or index."""

    name: str


@dataclass(frozen=True, slots=True)
class JsonPath:
    text: str
    steps: tuple[str | int | _Each, ...]

    @classmethod
    def of(cls, text: str) -> JsonPath:
        """Raises ValueError."""
        steps: list[str | int | _Each] = []
        at = 1
        while text.startswith("$") and at < len(text):
            match = _STEP.match(text, at)
            if match is None:
                break
            steps.append(_step(match))
            at = match.end()
        if not text.startswith("$") or at < len(text) or len(steps) > _STEPS:
            raise ValueError(
                f"invalid path {quoted(text)}: expected a form such as $.value,"
                " $.readings[0]['set point'] or $.{point}.value"
            )
        return cls(text, tuple(steps))

    @property
    def names(self) -> list[str]:
        return [step.name for step in self.steps if isinstance(step, _Each)]

    def find(self, value: Any, names: Names) -> Iterator[tuple[Names, Any]]:
        """The values at the path, each with the names and what they take.

        A name that is in ``names`` already takes that key only.
        """
        yield from _found(self.steps, 0, value, names)

    def first(self, value: Any, names: Names) -> Any:
        """The first value at the path, or None."""
        whole = value
        for step in self.steps:
            if isinstance(step, str):
                value = value.get(step) if isinstance(value, Mapping) else None
            elif isinstance(step, int):
                value = _at(value, step)
            else:
                return next((one for _, one in self.find(whole, names)), None)
        return value


def _step(match: re.Match[str]) -> str | int | _Each:
    if each := match["key"] or match["at"]:
        return _Each(each)
    if match["index"] is not None:
        return int(match["index"])
    return next(
        match[name] for name in ("name", "one", "two") if match[name] is not None
    )


def _found(
    steps: Sequence[str | int | _Each], at: int, value: Any, names: Names
) -> Iterator[tuple[Names, Any]]:
    if at == len(steps):
        yield names, value
        return
    for key, inner, more in _inner(steps[at], value, names):
        taken = {**names, more: key} if more else names
        yield from _found(steps, at + 1, inner, taken)


def _inner(
    step: str | int | _Each, value: Any, names: Names
) -> Iterator[tuple[str, Any, str]]:
    """Key, value, and the name that takes the key."""
    if isinstance(step, _Each):
        pairs = (
            value.items()
            if isinstance(value, Mapping)
            else enumerate(value)
            if isinstance(value, list)
            else ()
        )
        for key, inner in pairs:
            if names.get(step.name, str(key)) == str(key):
                yield str(key), inner, step.name
    elif isinstance(step, str):
        if isinstance(value, Mapping) and step in value:
            yield step, value[step], ""
    elif isinstance(value, list) and -len(value) <= step < len(value):
        yield str(step), value[step], ""


def _at(value: Any, index: int) -> Any:
    if isinstance(value, list) and -len(value) <= index < len(value):
        return value[index]
    return None
