"""Entries of the log of writes as JSON."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from ..wire import hayson_writer

__all__ = ["WriteSerializer"]


class HaysonField(serializers.JSONField):
    """A value as Hayson, or null."""

    def to_representation(self, value: Any) -> Any:
        return hayson_writer.encode(value)


class WriteSerializer(serializers.Serializer[Any]):
    """One write; times are ISO 8601 in UTC."""

    at = serializers.DateTimeField()
    level = serializers.IntegerField(source="number")
    kind = serializers.ChoiceField(("set", "release", "expire"))
    val = HaysonField(allow_null=True)
    who = serializers.CharField(help_text="what the request said")
    user = serializers.CharField(help_text="the login")
    expires = serializers.DateTimeField(allow_null=True)
