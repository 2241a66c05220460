"""Filters in models."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from haystack_app.models import GroupScope, HistoryPolicy, MqttWrite

FIELDS = [GroupScope, MqttWrite, HistoryPolicy]


@pytest.mark.parametrize("model", FIELDS)
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("point and", "not a Haystack filter: "),
        ("point and curVal and", "not a Haystack filter: "),
        ("mod > now-1day", "times such as now and today are not allowed in this"),
    ],
)
def test_invalid_filters(model: type, text: str, reason: str) -> None:
    field = model._meta.get_field("filter")  # type: ignore[attr-defined]
    with pytest.raises(ValidationError) as caught:
        field.clean(text, None)
    assert caught.value.messages[0].startswith(reason)


@pytest.mark.parametrize("model", FIELDS)
def test_a_filter_is_text_in_migrations(model: type) -> None:
    field = model._meta.get_field("filter")  # type: ignore[attr-defined]
    assert field.clean("point and his", None) == "point and his"
    assert field.deconstruct()[1] == "django.db.models.TextField"
