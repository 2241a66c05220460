"""What a key of the setting ``HAYSTACK`` accepts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from .filters import parser
from .wire.errors import ParseError

__all__ = [
    "Setting",
    "days_kept",
    "is_networks",
    "is_number",
    "is_policies",
    "is_text_by_text",
    "is_texts",
    "limit_of",
    "number",
    "rate",
    "whole",
]

ANY = 2**31 - 1
_MOST_DAYS = 36_500
_POLICY = {"name", "filter", "keep_days", "compress_days", "late"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One key: ``expected`` completes "must be ..." in errors and docs.

    ``keys`` are those of a setting that is a dict itself.
    """

    default: Any
    accepts: Callable[[Any], bool]
    expected: str
    help: str
    check_id: str = "haystack.E006"
    keys: Mapping[str, Setting] | None = None


def is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


def is_texts(value: Any) -> bool:
    is_list = isinstance(value, list | tuple)
    return is_list and all(isinstance(one, str) and one for one in value)


def is_text_by_text(value: Any) -> bool:
    return isinstance(value, Mapping) and is_texts([*value, *value.values()])


def whole(
    default: int, lowest: int, highest: int, help: str, check_id: str = "haystack.E006"
) -> Setting:
    def accepts(value: Any) -> bool:
        return type(value) is int and lowest <= value <= highest

    bounds = f"{lowest:,} to {highest:,}" if highest < ANY else f"{lowest:,} or greater"
    return Setting(default, accepts, f"a whole number, {bounds}", help, check_id)


def number(
    default: float,
    accepts: Callable[[float], bool],
    expected: str,
    help: str,
    check_id: str,
) -> Setting:
    return Setting(
        default,
        lambda value: is_number(value) and accepts(value),
        f"a number{expected}",
        help,
        check_id,
    )


def limit_of(
    default: int, help: str, *, lowest: int = 1, highest: int = ANY
) -> Setting:
    return whole(default, lowest, highest, help, "haystack.E008")


def rate(default: int, help: str) -> Setting:
    return whole(default, 1, ANY, help, "haystack.E011")


def days_kept(default: float, what: str, help: str) -> Setting:
    """Days, of which 0 and None are for ever."""

    def accepts(value: Any) -> bool:
        return value is None or (is_number(value) and 0 <= value <= _MOST_DAYS)

    expected = f"a number of days, 0 or None to keep {what} for ever"
    return Setting(default, accepts, expected, help, "haystack.E015")


def is_networks(value: Any) -> bool:
    if not isinstance(value, list | tuple):
        return False
    try:
        return all(isinstance(text, str) and bool(ip_network(text)) for text in value)
    except ValueError:
        return False


def is_policies(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(map(_is_policy, value))


def _is_policy(value: Any) -> bool:
    """Whether an entry of ``POLICIES`` has a name, a filter, and valid numbers."""
    if not isinstance(value, Mapping) or not value.keys() <= _POLICY:
        return False
    try:
        parser.parse(value.get("filter", ""))
    except (ParseError, TypeError):
        return False
    days = [value.get(key) for key in ("keep_days", "compress_days")]
    is_named = isinstance(value.get("name"), str) and bool(value["name"])
    return (
        is_named
        and all(
            day is None or (type(day) is int and 1 <= day <= _MOST_DAYS) for day in days
        )
        and value.get("late", "refuse") in ("refuse", "keep")
    )
