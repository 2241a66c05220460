"""Alarms in words, for mails."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext

from ..kinds.datetimes import iso_text
from ..models import AlarmTransition
from ..wire import hayson_reader
from ..wire.zinc_writer import display_text

__all__ = ["line_of", "value_text"]


def value_text(value: Any) -> str:
    """A stored value as people read it."""
    return "" if value is None else display_text(hayson_reader.decode(value))


def line_of(transition: AlarmTransition, *, escalated: bool = False) -> str:
    """One line: when, what, where, which value, and what the rule says."""
    alarm = transition.alarm
    rule = alarm.rule
    what = transition.get_kind_display()
    if escalated:
        what = gettext("not acknowledged since it was raised")
    elif transition.late:
        what = gettext("%(kind)s, late") % {"kind": what}
    parts = [
        iso_text(transition.at),
        rule.get_severity_display(),
        what,
        f"{rule.name}: {alarm.dis} (@{alarm.point_id})",
        value_text(transition.value),
        rule.text,
    ]
    return " ".join(" · ".join(filter(None, parts)).split())
