"""``/api/writes/``, and entries of the log of writes as JSON."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ..ops import writes
from ..wire import hayson_writer
from . import openapi
from .openapi import extend_schema, query
from .pagination import LARGEST_PAGE, PAGE, page_size
from .rest import ReadingView

__all__ = ["WriteSerializer", "WritesView"]


class HaysonField(serializers.JSONField):
    """A value as Hayson, or null."""

    def to_representation(self, value: Any) -> Any:
        return hayson_writer.encode(value)


class WriteSerializer(serializers.Serializer[Any]):
    """One write; times are ISO 8601 in UTC."""

    at = serializers.DateTimeField()
    level = serializers.IntegerField(source="number")
    # choices would make a component "Kind...Enum", of which check --deploy warns
    kind = serializers.CharField(help_text="`set`, `release` or `expire`")
    val = HaysonField(allow_null=True)
    who = serializers.CharField(help_text="what the request said")
    user = serializers.CharField(help_text="the login")
    expires = serializers.DateTimeField(allow_null=True)


class PointWriteSerializer(WriteSerializer):
    """One write, and its point; ``dis`` is empty for one that does not exist."""

    id = serializers.CharField(source="write.id")
    dis = serializers.CharField()

    def to_representation(self, instance: writes.NamedWrite) -> Any:
        shown = {"id": instance.write.id, "dis": instance.dis}
        return shown | WriteSerializer(instance.write).data


class PageSerializer(serializers.Serializer[Any]):
    results = PointWriteSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class WritesView(ReadingView):
    """The log of writes to priority arrays."""

    @extend_schema(
        operation_id="writes_list",
        parameters=[
            query("limit", f"writes at most: {PAGE}, up to {LARGEST_PAGE}", int),
            query("cursor", "`next` of the previous page"),
        ],
        responses={200: PageSerializer, **openapi.error_responses(403)},
    )
    def get(self, request: Request, **_: Any) -> Response:
        """Who set or released which level of which point, or what expired.

        The newest first. A page may have fewer writes than `limit`.
        """
        params = request.query_params
        size = page_size(params)
        with self.op_context() as context:
            found, after = writes.page(context, params.get("cursor") or None, size)
        rows = PointWriteSerializer(found, many=True).data
        return Response({"results": rows, "next": after})
