"""Statuses of samples, in braces after the value or in a column of their own."""

from __future__ import annotations

import re

from ...kinds.display import quoted

__all__ = ["is_good", "without_status"]

_STATUS = re.compile(r"(.*?)\s*\{([^{}]*)\}(?:\s*@\s*\w+)?", re.DOTALL)
_LEVEL = re.compile(r"\s*@\s*\w+\Z")
_GOOD = frozenset(
    (
        *("", "ok", "good", "normal", "valid", "reliable", "no error", "online"),
        *("alarm", "unackedalarm", "unacked_alarm", "unacked alarm", "overridden"),
        *("trusted", "measured", "actual", "estimated", "no fault detected"),
        *("real", "estimado", "estimada", "réel", "estimé", "estimée", "gemessen"),
        *("wahr", "wahrer wert", "ersatzwert", "a", "r", "w"),
    )
)
_BAD = frozenset(
    (
        *("fault", "down", "stale", "disabled", "null", "bad", "invalid", "error"),
        *("unreliable", "offline", "uncertain", "unknown", "comm failure", "comm fail"),
        *("communication failure", "unreliable other", "over range", "under range"),
        *("communications failure", "comm loss", "data loss", "no data", "missing"),
        *("device offline", "not reliable", "not available", "out of service"),
        *("open loop", "shorted loop", "no sensor", "configuration error"),
    )
)


def is_good(status: str) -> bool:
    """Whether the sample of a status such as ``ok`` or ``fault,stale`` counts.

    Alarms and overrides are good: the value is measured or commanded. Raises
    ValueError for a status that is not known.
    """
    text = status.strip().strip("{}")
    words = [_LEVEL.sub("", word).strip().lower() for word in text.split(",")]
    words = [_of_opc(word.replace("-", " ")) for word in words]
    for word in words:
        if word not in _GOOD and word not in _BAD:
            raise ValueError(
                f"unknown status {quoted(status)}: leave its column out with --ignore,"
                " or remove it"
            )
    return not any(word in _BAD for word in words)


def _of_opc(word: str) -> str:
    """What the quality byte of OPC means; 0 and 1 are of other systems, too."""
    if not (word.isascii() and word.isdecimal() and len(word) <= 3):
        return word
    code = int(word)
    if 192 <= code <= 255:
        return "good"
    return "bad" if 4 <= code < 192 else word


def without_status(text: str) -> tuple[str, str | None]:
    """``70.2 {ok}`` is the value and its status; a priority level may follow."""
    match = _STATUS.fullmatch(text) if "{" in text else None
    return (text, None) if match is None else (match[1], match[2])
