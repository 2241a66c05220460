"""Rules of alarms for the demo: five that make sense, of which one raises an alarm."""

from __future__ import annotations

from typing import Any

from ..models import AlarmRule

__all__ = ["make_rules"]

_HOUR = 3_600
_RULES: tuple[dict[str, Any], ...] = (
    {
        "name": "High base load",
        "filter": "elec and power and sensor and equipRef == @south.b2.elec-main",
        "measure": AlarmRule.Measure.MIN,
        "window_seconds": 24 * _HOUR,
        "value": "25kW",
        "hysteresis": 2,
        "text": "never below this in a whole day: look at what runs at night",
    },
    {
        "name": "Bad air",
        "filter": "return and air and co2 and sensor",
        "measure": AlarmRule.Measure.AVG,
        "window_seconds": _HOUR // 2,
        "value": "1000ppm",
        "hysteresis": 100,
        "text": "more outside air is needed",
    },
    {
        "name": "Cold zone",
        "filter": 'zone and air and temp and sensor and unit == "°C"',
        "measure": AlarmRule.Measure.AVG,
        "window_seconds": _HOUR,
        "op": AlarmRule.Op.BELOW,
        "value": "17°C",
        "hysteresis": 1,
        "delay_seconds": _HOUR,
        "severity": AlarmRule.Severity.SEVERE,
        "text": "look at the reheat valve",
    },
    {
        "name": "Fan that never stops",
        "filter": "discharge and air and fan and run and sensor",
        "measure": AlarmRule.Measure.SHARE,
        "window_seconds": 24 * _HOUR,
        "value": "95%",
        "severity": AlarmRule.Severity.INFO,
        "text": "is the schedule overridden?",
    },
    {
        "name": "Silent meter",
        "filter": "elec and energy and sensor",
        "measure": AlarmRule.Measure.AGE,
        "value": "2h",
        "severity": AlarmRule.Severity.SEVERE,
        "text": "no samples arrive: look at the gateway",
    },
)


def make_rules(alias: str) -> int:
    """Make the rules that do not exist yet, switched on. Returns how many."""
    count = 0
    for fields in _RULES:
        _, is_new = AlarmRule.objects.get_or_create(
            name=fields["name"], defaults={**fields, "storage": alias, "enabled": True}
        )
        count += is_new
    return count
