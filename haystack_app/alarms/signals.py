"""The signal of alarms that change."""

from __future__ import annotations

from django.dispatch import Signal

__all__ = ["alarms_changed"]

alarms_changed = Signal()
"""Alarms were raised, acknowledged, cleared or withdrawn.

``transitions``: stored ``AlarmTransition`` rows with their alarms and rules, ``using``:
the alias of their database. Sent inside the transaction: an error of a receiver undoes
it."""
