"""Pages of REST resources: ``{"results": [...], "next": cursor or null}``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import QueryDict
from rest_framework.pagination import BasePagination, Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from ..kinds.scalars import is_ref_id
from ..ops import Context, entities
from ..wire.record import Record
from .exceptions import BadRequest

__all__ = [
    "LARGEST_KEY",
    "LARGEST_PAGE",
    "PAGE",
    "PrimaryKeyPagination",
    "RecordPagination",
    "flag",
    "key_of",
    "page_size",
    "row_of",
    "rows_at_most",
]

PAGE = 100
LARGEST_PAGE = 1_000
LARGEST_KEY = 2**63 - 1
_T = TypeVar("_T")
_Row = TypeVar("_Row", bound=Model)


def page_size(params: QueryDict, default: int = PAGE) -> int:
    """Parameter ``limit``, capped. Raises BadRequest."""
    return min(rows_at_most(params) or default, LARGEST_PAGE)


def rows_at_most(params: QueryDict) -> int | None:
    """Parameter ``limit``; None without it. Raises BadRequest."""
    text = params.get("limit")
    if text is None:
        return None
    digits = text.lstrip("0")
    if not text.isascii() or not digits.isdigit():
        raise BadRequest(f"limit must be 1 or greater, not {text!r}")
    return int(digits[:9])


def key_of(text: str) -> int | None:
    """The primary key that a text is, in digits; None if it cannot be one."""
    is_short = text.isascii() and text.isdigit() and len(text) <= 19
    return int(text) if is_short and int(text) <= LARGEST_KEY else None


def row_of(rows: QuerySet[_Row], text: str) -> _Row | None:
    """The row with the primary key that a text is."""
    key = key_of(text)
    return None if key is None else rows.filter(pk=key).first()


def flag(params: QueryDict, name: str) -> bool:
    """A boolean parameter. Raises BadRequest."""
    text = params.get(name, "false")
    if text not in ("true", "false"):
        raise BadRequest(f"{name} must be true or false, not {text!r}")
    return text == "true"


def _page_schema(schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "results": schema,
            "next": {
                "type": "string",
                "nullable": True,
                "description": "`cursor` of the next page; null on the last one.",
            },
        },
        "required": ["results", "next"],
    }


def _page_parameters(rows: str) -> list[dict[str, Any]]:
    return [
        {
            "name": "limit",
            "in": "query",
            "schema": {"type": "integer", "minimum": 1},
            "description": (
                f"{rows} per page: {PAGE} by default, {LARGEST_PAGE} at most"
            ),
        },
        {
            "name": "cursor",
            "in": "query",
            "schema": {"type": "string"},
            "description": "`next` of the previous page",
        },
    ]


class PrimaryKeyPagination(CursorPagination):
    """Paginates rows by integer primary key; a cursor is the last key of a page.

    ``first`` is the cursor of the first page.
    """

    ordering = "pk"
    first = "0"

    def get_page_size(self, request: Request) -> int:
        return page_size(request.query_params)

    def decode_cursor(self, request: Request) -> Cursor | None:
        text = request.query_params.get("cursor") or self.first
        if (key := key_of(text)) is None:
            raise BadRequest(f"invalid cursor {text[:40]!r}")
        return Cursor(offset=0, reverse=False, position=key)

    def encode_cursor(self, cursor: Cursor) -> str:
        """The key; DRF's method returns a link."""
        return str(cursor.position)

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self.get_next_link()})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return _page_schema(schema)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return _page_parameters("rows")


class RecordPagination(BasePagination):
    """Paginates records of a storage by id; a cursor is the last id of a page."""

    next: str | None = None

    def find(self, context: Context, params: QueryDict) -> Sequence[Record]:
        """The requested page, and the first record of the next one.

        Raises BadRequest or ParseError.
        """
        return self._call(entities.page, context, params)

    def revisions(self, context: Context, params: QueryDict) -> Sequence[str] | None:
        """``Records.revisions`` of the same, if they cost less."""
        return self._call(entities.page_revisions, context, params)

    def _call(self, find: Callable[..., _T], context: Context, params: QueryDict) -> _T:
        after = params.get("cursor", "")
        if after and not is_ref_id(after):
            raise BadRequest(f"invalid cursor {after[:40]!r}")
        return find(
            context,
            params.get("filter"),
            after=after,
            size=page_size(params) + 1,
            trash=flag(params, "trash"),
            search=params.get("search") or None,
        )

    def cut(self, found: Sequence[Record], params: QueryDict) -> Sequence[Record]:
        """The page without the record of the next one, whose cursor is ``next``."""
        size = page_size(params)
        self.next = found[size - 1]["id"].id if len(found) > size else None
        return found[:size]

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self.next})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return _page_schema(schema)

    def get_schema_operation_parameters(self, view: Any) -> list[Any]:
        return [
            *_page_parameters("entities"),
            _in_query("filter", "a Haystack filter, such as `site and area > 100m²`"),
            _in_query(
                "search",
                "words that entities have in dis, navName or id, or in the names of"
                " their site and equip, such as `north ahu-1 discharge`",
            ),
            _in_query("trash", "include entities in the trash", "boolean"),
        ]


def _in_query(name: str, description: str, type: str = "string") -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "schema": {"type": type},
        "description": description,
    }
