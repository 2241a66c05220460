"""Topic templates: ``bms/{equip}/{point}``.

Source: MQTT 5.0, section 4.7. A level is text, ``+``, or text with ``{name}``, which
takes the text of the level; the last one may be ``#``, or ``{name#}``, which takes all
remaining levels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ...kinds.display import quoted

__all__ = ["TopicTemplate", "filled", "placeholders", "subscriptions"]

_LONGEST = 65_535
_NAME = re.compile(r"\{([A-Za-z_]\w*)\}", re.ASCII)
_FILLED = re.compile(r"\{([A-Za-z_]\w*|\$[^{}]*)\}", re.ASCII)
_REST = re.compile(r"\{([A-Za-z_]\w*)#\}", re.ASCII)
_LEVEL = "[^/]*"


@dataclass(frozen=True, slots=True)
class TopicTemplate:
    """A template, what to subscribe to for it, and how topics are taken apart."""

    text: str
    names: tuple[str, ...]
    subscription: str
    pattern: re.Pattern[str]

    @classmethod
    def of(cls, text: str) -> TopicTemplate:
        """Raises ValueError."""
        if not text or len(text.encode()) > _LONGEST or "\0" in text:
            raise ValueError("topic must have 1 to 65535 bytes, without U+0000")
        levels = text.split("/")
        if levels[0].startswith("$"):
            raise ValueError(f"topic {quoted(text)}: topics of the broker are not data")
        names: list[str] = []
        filters, patterns = [], []
        for at, level in enumerate(levels):
            is_last = at == len(levels) - 1
            filter, pattern = _level(text, level, names, is_last=is_last)
            filters.append(filter)
            patterns.append(pattern)
        if len(set(names)) < len(names):
            raise ValueError(f"topic {quoted(text)}: a name stands in it twice")
        return cls(text, tuple(names), "/".join(filters), _joined(patterns))

    def match(self, topic: str) -> dict[str, str] | None:
        """What the names take of a topic; None if it is another one."""
        found = self.pattern.fullmatch(topic)
        if found is None or topic.startswith("$"):
            return None
        return {name: found[name] or "" for name in self.names}


def subscriptions(templates: Iterable[TopicTemplate]) -> list[str]:
    """What to subscribe to, without filters that others cover.

    Some brokers send a message once for each subscription that it matches.
    """
    filters = sorted({one.subscription for one in templates})
    return [
        one
        for one in filters
        if not any(other != one and _covers(other, one) for other in filters)
    ]


def _covers(wide: str, narrow: str) -> bool:
    """Whether all topics of one filter are of another one."""
    levels, others = wide.split("/"), narrow.split("/")
    for at, level in enumerate(levels):
        if level == "#":
            return True
        if at >= len(others) or others[at] == "#" or level not in ("+", others[at]):
            return False
    return len(levels) == len(others)


def placeholders(text: str) -> list[str]:
    """The names and JSON paths in braces."""
    return _FILLED.findall(text)


def filled(template: str, values: dict[str, str]) -> str:
    """A template with the values of its names. Raises ValueError for a missing one."""

    def value(match: re.Match[str]) -> str:
        try:
            return values[match[1]]
        except KeyError:
            known = ", ".join(sorted(values))
            raise ValueError(
                f"{{{match[1]}}} is not in the topic or path: use one of {known}"
            ) from None

    return _FILLED.sub(value, template)


def _level(
    text: str, level: str, names: list[str], *, is_last: bool
) -> tuple[str, str]:
    """The level of the subscription, and its pattern."""
    rest = _REST.fullmatch(level)
    if level == "#" or rest:
        if not is_last:
            raise ValueError(f"topic {quoted(text)}: # must be the last level")
        if rest is None:
            return "#", "#"
        names.append(rest[1])
        return "#", f"#(?P<{rest[1]}>.*)"
    if level == "+":
        return "+", _LEVEL
    parts = _NAME.split(level)
    if any(sign in part for part in parts[::2] for sign in "+#{}"):
        raise ValueError(
            f"topic {quoted(text)}: a level must be +, # at the end, or text with names"
            " such as {equip}"
        )
    if len(parts) == 1:
        return level, re.escape(level)
    if "" in parts[2:-1:2]:
        raise ValueError(f"topic {quoted(text)}: put text between two names")
    names.extend(parts[1::2])
    # at least a letter for each name, for one that is empty names nothing
    pattern = "".join(
        f"(?P<{part}>[^/]+)" if at % 2 else re.escape(part)
        for at, part in enumerate(parts)
    )
    return "+", pattern


def _joined(patterns: list[str]) -> re.Pattern[str]:
    """``a/#`` matches ``a`` as well."""
    *first, last = patterns
    if not last.startswith("#"):
        return re.compile("/".join(patterns), re.DOTALL)
    rest = last[1:] or ".*"
    if not first:
        return re.compile(rest, re.DOTALL)
    return re.compile(f"{'/'.join(first)}(?:/{rest})?", re.DOTALL)
