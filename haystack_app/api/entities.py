"""``/api/entities/``: entities as REST resources, in Hayson.

The same rules as the ops read and commit. Errors have a status each, and a JSON
body that says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson
from django.http import HttpResponse, HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound, UnsupportedMediaType
from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from ..conf import limit
from ..kinds.scalars import REMOVE, is_ref_id, is_tag_name
from ..ops import Context, editing
from ..ops.context import UnknownProject, context_for
from ..wire import hayson_reader
from ..wire.errors import ParseError
from ..wire.record import Record
from ..wire.registry import HAYSON
from . import exceptions, preconditions
from .authentication import CachedBasicAuthentication, SessionAuthentication
from .bodies import request_body
from .negotiation import format_of
from .refusals import as_rest

__all__ = ["EntitiesView", "EntityView"]

_PAGE = 100
_LARGEST_PAGE = 1_000
_ENTITY = {"type": "object", "additionalProperties": True}
_PAGE_OF = {
    "type": "object",
    "properties": {
        "results": {"type": "array", "items": _ENTITY},
        "next": {"type": "string", "nullable": True},
    },
    "required": ["results", "next"],
}
_IF_MATCH = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER)
_FORCE = OpenApiParameter("force", bool, description="remove it all the same")


def _query(name: str, description: str, kind: type = str) -> OpenApiParameter:
    return OpenApiParameter(name, kind, description=description)


class StaffWrites(BasePermission):
    """Everybody who is logged in reads; staff change."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.method in SAFE_METHODS or bool(request.user.is_staff)


class RestView(APIView):
    authentication_classes = [CachedBasicAuthentication, SessionAuthentication]
    permission_classes = [IsAuthenticated, StaffWrites]

    @property
    def default_response_headers(self) -> dict[str, str]:
        headers: dict[str, str] = super().default_response_headers
        return {**headers, "Cache-Control": "no-cache, no-store"}

    def get_exception_handler(self) -> Any:
        return exceptions.handle

    def context(self, request: Request) -> Context:
        project = self.kwargs.get("project")
        try:
            return context_for(project, request.user.get_username(), lambda: None)
        except UnknownProject:
            raise NotFound(f"unknown project {project!r}") from None

    def body(self, request: Request) -> Any:
        """The JSON of a body, still to be decoded."""
        content_type = request.headers.get("Content-Type", "")
        if format_of(content_type) is not HAYSON:
            raise UnsupportedMediaType(content_type)
        with as_rest():
            return hayson_reader.parse_json(request_body(request._request))


class EntitiesView(RestView):
    """All entities: a page of them, or new ones."""

    @extend_schema(
        operation_id="entities_list",
        parameters=[
            _query("filter", "a Haystack filter, such as `site and area > 100m²`"),
            _query("fields", "tags to show, separated by commas; `id` always is"),
            _query("limit", f"entities a page, {_PAGE} by default", int),
            _query("cursor", "where the page begins, as `next` of the last one says"),
            _query("trash", "`true` to show what is in the trash, too"),
        ],
        responses={200: _PAGE_OF},
    )
    def get(self, request: Request, **_: Any) -> HttpResponseBase:
        """Entities in order of their ids, a page at a time."""
        query = request.query_params
        size = _size(query.get("limit"))
        with as_rest():
            found = editing.page(
                self.context(request),
                query.get("filter"),
                after=query.get("cursor", ""),
                size=size + 1,
                trash=query.get("trash") == "true",
            )
        rows = [record.raw for record in found[:size]]
        if names := query.get("fields"):
            rows = [_narrowed(raw, _fields(names)) for raw in rows]
        more = found[size - 1]["id"].id if len(found) > size else None
        text = f'{{"results":[{",".join(rows)}],"next":{orjson.dumps(more).decode()}}}'
        return _answer(text)

    @extend_schema(
        operation_id="entities_create",
        request={"application/json": _ENTITY},
        responses={201: _ENTITY, 400: OpenApiResponse(description="no entity")},
    )
    def post(self, request: Request, **_: Any) -> HttpResponseBase:
        """Add an entity, or all of a list or none; an id is made where none is."""
        body = self.body(request)
        rows = body if isinstance(body, list) else [body]
        if len(rows) > limit("IDS"):
            raise exceptions.UnreadableBody(f"more than {limit('IDS')} entities")
        with as_rest():
            added = editing.add(self.context(request), map(_tags, rows))
        if isinstance(body, list):
            return _answer(f"[{','.join(record.raw for record in added)}]", 201)
        answer = _entity(added[0], 201)
        id = quote(added[0]["id"].id)
        answer["Location"] = f"{request.path.rstrip('/')}/{id}/"
        return answer


@extend_schema(
    parameters=[OpenApiParameter("id", str, OpenApiParameter.PATH)],
)
class EntityView(RestView):
    """One entity."""

    @extend_schema(operation_id="entities_retrieve", responses={200: _ENTITY})
    def get(self, request: Request, id: str, **_: Any) -> HttpResponseBase:
        """An entity, with its ``mod`` as ETag."""
        with as_rest():
            return _entity(editing.retrieve(self.context(request), _known(id)))

    @extend_schema(
        operation_id="entities_update",
        parameters=[_IF_MATCH],
        request={"application/json": _ENTITY},
        responses={200: _ENTITY, 412: OpenApiResponse(description="changed meanwhile")},
    )
    def patch(self, request: Request, id: str, **_: Any) -> HttpResponseBase:
        """Set the tags of the body; null removes a tag."""
        body = self.body(request)
        with as_rest():
            tags = _tags(body)
        gone = [name for name, value in body.items() if value is None]
        mod = preconditions.wanted_mod(request, tags.get("mod"))
        tags |= dict.fromkeys(gone, REMOVE)
        with as_rest():
            record = editing.update(self.context(request), _known(id), tags, mod)
        return _entity(record)

    @extend_schema(
        operation_id="entities_delete",
        parameters=[_IF_MATCH, _FORCE],
        responses={
            204: None,
            409: OpenApiResponse(description="others refer to it"),
        },
    )
    def delete(self, request: Request, id: str, **_: Any) -> HttpResponseBase:
        """Remove an entity with its history, unless others refer to it."""
        mod = None
        if "If-Match" in request.headers:
            mod = preconditions.wanted_mod(request)
        force = request.query_params.get("force") == "true"
        with as_rest():
            editing.remove(self.context(request), _known(id), mod, force=force)
        return HttpResponse(status=204)


def _tags(body: Any) -> dict[str, Any]:
    """The tags of a JSON object; its nulls are none. Raises ParseError."""
    tags = hayson_reader.decode(body)
    if not isinstance(tags, dict):
        raise ParseError("expected a dict of tags")
    return tags


def _known(id: str) -> str:
    if not is_ref_id(id):
        raise NotFound(f"unknown entity @{id}")
    return id


def _size(text: str | None) -> int:
    if text is None:
        return _PAGE
    if not text.isascii() or not text.isdigit() or int(text[:9]) < 1:
        raise exceptions.UnreadableRequest(f"limit must be 1 or more, not {text!r}")
    return min(int(text[:9]), _LARGEST_PAGE)


def _fields(text: str) -> set[str]:
    names = {name.strip() for name in text.split(",")}
    for name in names:
        if not is_tag_name(name):
            raise exceptions.UnreadableRequest(f"fields: {name!r} is no tag name")
    return {"id", *names}


def _narrowed(raw: str, names: set[str]) -> str:
    tags: Mapping[str, Any] = orjson.loads(raw)
    return orjson.dumps({name: tags[name] for name in tags if name in names}).decode()


def _entity(record: Record, status: int = 200) -> HttpResponse:
    answer = _answer(record.raw, status)
    answer["ETag"] = preconditions.etag_of(record)
    return answer


def _answer(text: str, status: int = 200) -> HttpResponse:
    return HttpResponse(
        text, status=status, content_type="application/json; charset=utf-8"
    )
