"""The body of ``POST /api/samples/changes/``."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from ..kinds.datetimes import DateTime
from ..kinds.scalars import is_ref_id
from ..ops.sample_edits import ACTIONS, LONGEST_REASON
from ..wire import hayson_reader
from ..wire.errors import ParseError
from .serializers import KnownFieldsMixin

__all__ = ["SampleEditSerializer"]


class DecodedField(serializers.JSONField):
    """A value in Hayson."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            return hayson_reader.decode(data)
        except ParseError as err:
            raise serializers.ValidationError(str(err)) from None


class DateTimeField(DecodedField):
    """A dateTime in Hayson."""

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        if not isinstance(value, DateTime):
            raise serializers.ValidationError(
                'must be a dateTime: {"_kind": "dateTime", "val": .., "tz": ..}'
            )
        return value


class SampleEditSerializer(KnownFieldsMixin, serializers.Serializer[Any]):
    """``set`` needs ``ts`` and ``value``, ``na`` and ``remove`` need ``range``."""

    id = serializers.CharField(help_text="of the point")
    action = serializers.ChoiceField(ACTIONS)
    reason = serializers.CharField(max_length=LONGEST_REASON, help_text="why")
    ts = DateTimeField(required=False, help_text="a dateTime in Hayson, of a sample")
    value = DecodedField(required=False, help_text="the value in Hayson")
    range = serializers.CharField(
        required=False, help_text="as of hisRead: the start is included, the end not"
    )

    def validate_id(self, value: str) -> str:
        if not is_ref_id(value):
            raise serializers.ValidationError(f"invalid id {value[:40]!r}")
        return value
