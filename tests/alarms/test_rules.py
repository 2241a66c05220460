"""Rules that make no sense, or do not fit their points, are refused with a reason."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from haystack_app.alarms.validation import check_fit
from haystack_app.kinds import Number, Ref
from haystack_app.models import AlarmRule
from haystack_app.storage.base import StorageAdapter
from tests.storage.building import point

pytestmark = pytest.mark.django_db


def made(**fields: Any) -> AlarmRule:
    return AlarmRule(**({"name": "r", "filter": "temp", "value": "25°C"} | fields))


@pytest.mark.parametrize(
    "fields, field, text",
    [
        ({"filter": "temp =="}, "filter", "not a Haystack filter"),
        ({"filter": "ts < now()"}, "filter", "unexpected '()' at column 9"),
        ({"value": ""}, "value", "say which value"),
        ({"value": "25 degrees"}, "value", "not a Haystack value"),
        ({"value": "NaN"}, "value", "must be a number"),
        ({"value": "true"}, "value", "a state can only be compared by"),
        ({"measure": "avg"}, "window_seconds", "needs a window"),
        ({"window_seconds": 60}, "window_seconds", "has no window"),
        ({"measure": "avg", "window_seconds": 60, "op": "==", "value": "true"},
         "value", "must be a number"),
        ({"measure": "share", "window_seconds": 60, "value": "5"},
         "value", "must be a percentage"),
        ({"measure": "share", "window_seconds": 60, "value": "101%"},
         "value", "0% to 100%"),
        ({"measure": "age", "value": "25°C"}, "value", "must be a time above 0"),
        ({"measure": "age", "value": "2h", "op": "<"}, "op", "only be above"),
        ({"measure": "age", "value": "2h", "hysteresis": 1}, "hysteresis", "neither"),
        ({"op": "==", "tolerance": 1}, "op", "differs by more than"),
        ({"operand": "point", "value": ""}, "path", "say which point"),
        ({"operand": "point", "value": "", "path": "a->->b"}, "path", "tags of refs"),
        ({"path": "spRef"}, "path", "only for a rule that compares with another"),
        ({"operand": "maxVal"}, "value", "only for a rule that compares with a value"),
        ({"mail_to": "ann"}, "mail_to", "not an address of mail: ann"),
        ({"escalate_minutes": 5}, "escalate_to", "belong together"),
        ({"tolerance": -1}, "tolerance", "greater than or equal to 0"),
        ({"delay_seconds": 10**9}, "delay_seconds", "less than or equal to"),
    ],
)  # fmt: skip
def test_refused(fields: dict[str, Any], field: str, text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        made(**fields).full_clean()
    assert text in " ".join(caught.value.message_dict[field])


def test_maintenance_needs_a_reason() -> None:
    from django.utils import timezone

    with pytest.raises(ValidationError, match="say why"):
        made(maintenance_until=timezone.now()).full_clean()


@pytest.mark.parametrize(
    "fields, text",
    [
        ({"value": "77°F"}, "77°F has the unit °F, and @t has the unit °C"),
        ({"value": "25"}, "25 has no unit, and @t has the unit °C"),
        ({"op": "==", "value": "true"}, "@t has the kind Number: this rule is for"),
        ({"operand": "maxVal", "value": ""}, "@t has no maxVal"),
        ({"operand": "point", "path": "spRef", "value": ""},
         "@t has no point with history at spRef"),
    ],
)  # fmt: skip
def test_it_fits_no_point(
    storage: StorageAdapter, fields: dict[str, Any], text: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        check_fit(made(filter="temp and equipRef", **fields))
    assert text in str(caught.value)


def test_warnings(storage: StorageAdapter) -> None:
    (warning,) = check_fit(made(filter="temp and noSuchTag"))
    assert "matches no points with history" in warning
    storage.load_entities([point("f", temp="x", equipRef=Ref("ahu"), unit="°F")])
    (warning,) = check_fit(made(filter="temp and equipRef"))
    assert warning.startswith("The rule does not fit 1 of 4 points: 25°C has the unit")
    storage.update_entities([{"id": Ref("t"), "maxVal": Number(30, "°C")}], force=True)
    assert not check_fit(made(filter="temp and maxVal", operand="maxVal", value=""))
