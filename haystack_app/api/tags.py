"""``/api/tags/``: tags and values that occur, such as for completion in forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from ..ops.occurrences import tag_counts, value_counts
from . import openapi
from .openapi import extend_schema, query
from .pagination import LARGEST_PAGE, PAGE, page_size
from .rest import ReadingView, replicated

__all__ = ["TagValuesView", "TagsView"]

_FILTER = query(
    "filter", "a Haystack filter: only entities that match count, such as `point`"
)
_LIMIT = query(
    "limit",
    f"results at most: {PAGE} by default, up to {LARGEST_PAGE}",
    {"type": "integer", "minimum": 1},
)


class TagsView(ReadingView):
    """The tags that entities have."""

    @extend_schema(
        operation_id="tags_list",
        parameters=[
            query("prefix", "letters that the tags begin with, in any case"),
            _FILTER,
            _LIMIT,
        ],
        responses={200: openapi.TAGS, **openapi.error_responses(403)},
    )
    @replicated
    def get(self, request: Request, **_: Any) -> Response:
        """Tags with the number of entities that have them, the most frequent first.

        Tags that the server sets follow, without a number.
        """
        params = request.query_params
        size = page_size(params)
        with self.op_context() as context:
            prefix = params.get("prefix", "")
            found = tag_counts(context, params.get("filter"), prefix, size + 1)
        return _answer(found, size)


class TagValuesView(ReadingView):
    """The values of a tag."""

    @extend_schema(
        operation_id="tag_values_list",
        parameters=[
            openapi.tag_in_path(),
            query(
                "prefix",
                "what a word of the value begins with, in any case; of a Ref, of its"
                " name or id",
            ),
            _FILTER,
            _LIMIT,
        ],
        responses={200: openapi.TAG_VALUES, **openapi.error_responses(403)},
    )
    @replicated
    def get(self, request: Request, tag: str, **_: Any) -> Response:
        """Values of a tag with the number of entities, the most frequent first.

        Of the kinds that a filter compares with. Of more than 10,000 values, a
        database looks at the most frequent ones.
        """
        params = request.query_params
        size = page_size(params)
        with self.op_context() as context:
            prefix = params.get("prefix", "")
            found = value_counts(context, tag, params.get("filter"), prefix, size + 1)
        return _answer(found, size)


def _answer(found: Sequence[Any], size: int) -> Response:
    results = [vars(one) for one in found[:size]]
    return Response({"results": results, "more": len(found) > size})
