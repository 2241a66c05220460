"""``/api/entities/``: entities as REST resources, in Hayson.

The same rules as the ops read and commit. Errors have a status each, and a JSON
body that says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson
from django.http import HttpResponse, HttpResponseBase, QueryDict
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from ..conf import limit
from ..kinds.scalars import is_ref_id, is_tag_name
from ..ops import editing
from ..wire import hayson_reader
from ..wire.errors import ParseError
from ..wire.record import Record
from . import exceptions, openapi, preconditions
from .openapi import extend_schema, query
from .pagination import LARGEST_PAGE, PAGE, flag, page_size
from .refusals import as_rest
from .rest import RestView

__all__ = ["EntitiesView", "EntityView"]

_GONE = {"_kind": "remove"}
_FROM_ONE = {"type": "integer", "minimum": 1}


class EntitiesView(RestView):
    """All entities: a page of them, or new ones."""

    @extend_schema(
        operation_id="entities_list",
        parameters=[
            query("filter", "a Haystack filter, such as `site and area > 100m²`"),
            query("fields", "tags to show, separated by commas; `id` always is"),
            query(
                "limit",
                f"entities a page: {PAGE} by default, {LARGEST_PAGE} at most",
                _FROM_ONE,
            ),
            query("cursor", "where the page begins, as `next` of the last one says"),
            query("trash", "show what is in the trash, too", bool),
        ],
        responses={200: openapi.PAGE_OF, **openapi.refusals()},
    )
    def get(self, request: Request, **_: Any) -> HttpResponseBase:
        """Entities in order of their ids, a page at a time."""
        asked = request.query_params
        size, after, trash = page_size(asked), _cursor(asked), flag(asked, "trash")
        fields = _fields(asked)
        with self.context(request) as context:
            found = editing.page(
                context, asked.get("filter"), after=after, size=size + 1, trash=trash
            )
        rows = [_shown(record, fields) for record in found[:size]]
        more = found[size - 1]["id"].id if len(found) > size else None
        text = f'{{"results":[{",".join(rows)}],"next":{orjson.dumps(more).decode()}}}'
        return _answer(text)

    @extend_schema(
        operation_id="entities_create",
        parameters=[openapi.ETAG, openapi.location("entity")],
        request=openapi.bodies(openapi.ONE_OR_MORE),
        responses={201: openapi.ONE_OR_MORE, **openapi.refusals(403, 409, 413, 415)},
    )
    def post(self, request: Request, **_: Any) -> HttpResponseBase:
        """Add an entity, or all of a list or none; an id is made where none is."""
        body = self.body(request)
        with as_rest():
            rows = _rows(body)
        with self.context(request) as context:
            added = editing.add(context, rows)
        if isinstance(body, list):
            return _answer(f"[{','.join(record.raw for record in added)}]", 201)
        answer = _entity(added[0], 201)
        id = quote(added[0]["id"].id)
        answer["Location"] = f"{quote(request.path.rstrip('/'))}/{id}/"
        return answer


@extend_schema(parameters=[openapi.id_in_path()])
class EntityView(RestView):
    """One entity."""

    @extend_schema(
        operation_id="entities_retrieve",
        parameters=[openapi.ETAG],
        responses={200: openapi.ENTITY, **openapi.refusals()},
    )
    def get(self, request: Request, id: str, **_: Any) -> HttpResponseBase:
        """An entity, also one in the trash, with its ``mod`` as ETag."""
        with self.context(request) as context:
            return _entity(editing.retrieve(context, _known(id)))

    @extend_schema(
        operation_id="entities_update",
        parameters=[openapi.IF_MATCH, openapi.ETAG],
        request=openapi.bodies(openapi.ENTITY),
        responses={
            200: openapi.ENTITY,
            **openapi.refusals(403, 409, 412, 413, 415, 428),
        },
    )
    def patch(self, request: Request, id: str, **_: Any) -> HttpResponseBase:
        """Set the tags of the body; null removes a tag."""
        body = self.body(request)
        with as_rest():
            tags = _patch(body)
        mod = preconditions.wanted_mod(request, tags.get("mod"))
        with self.context(request) as context:
            return _entity(editing.update(context, _known(id), tags, mod))

    @extend_schema(
        operation_id="entities_delete",
        parameters=[
            openapi.IF_MATCH,
            query("force", "remove it whoever refers to it", bool),
        ],
        responses={204: None, **openapi.refusals(403, 409, 412)},
    )
    def delete(self, request: Request, id: str, **_: Any) -> HttpResponseBase:
        """Remove an entity with its history, unless others refer to it."""
        mod = None
        if "If-Match" in request.headers:
            mod = preconditions.wanted_mod(request)
        force = flag(request.query_params, "force")
        with self.context(request) as context:
            editing.remove(context, _known(id), mod, force=force)
        answer = HttpResponse(status=204)
        del answer["Content-Type"]
        return answer


# -- what is asked for --------------------------------------------------------


def _tags(body: Any) -> dict[str, Any]:
    """The tags of a JSON object; its nulls are none. Raises ParseError."""
    tags = hayson_reader.decode(body)
    if not isinstance(tags, dict):
        raise ParseError("expected a dict of tags")
    return tags


def _patch(body: Any) -> dict[str, Any]:
    """Tags to set and, with Remove, those to take away. Raises ParseError."""
    if not isinstance(body, dict):
        raise ParseError("expected a dict of tags")
    return _tags({name: _GONE if val is None else val for name, val in body.items()})


def _rows(body: Any) -> list[dict[str, Any]]:
    """The tags of one JSON object or of a list of them. Raises ParseError."""
    if not isinstance(body, list):
        return [_tags(body)]
    if len(body) > limit("IDS"):
        raise ParseError(f"more than {limit('IDS')} entities (cap IDS)")
    rows = []
    for number, row in enumerate(body, 1):
        try:
            rows.append(_tags(row))
        except ParseError as err:
            raise ParseError(f"row {number}: {err}") from None
    return rows


def _known(id: str) -> str:
    if not is_ref_id(id):
        raise NotFound(f"unknown entity @{id}")
    return id


def _cursor(asked: QueryDict) -> str:
    text = asked.get("cursor", "")
    if text and not is_ref_id(text):
        raise exceptions.UnreadableRequest(f"cursor: {text!r} is no id")
    return text


def _fields(asked: QueryDict) -> set[str] | None:
    """Names of tags to show; None for all."""
    if not (text := asked.get("fields")):
        return None
    names = {name.strip() for name in text.split(",")}
    for name in names:
        if not is_tag_name(name):
            raise exceptions.UnreadableRequest(f"fields: {name!r} is no tag name")
    return {"id", *names}


# -- what is answered ---------------------------------------------------------


def _shown(record: Record, fields: set[str] | None) -> str:
    if fields is None:
        return record.raw
    tags: Mapping[str, Any] = orjson.loads(record.raw)
    return orjson.dumps({name: tags[name] for name in tags if name in fields}).decode()


def _entity(record: Record, status: int = 200) -> HttpResponse:
    answer = _answer(record.raw, status)
    answer["ETag"] = preconditions.etag_of(record)
    return answer


def _answer(text: str, status: int = 200) -> HttpResponse:
    return HttpResponse(
        text, status=status, content_type="application/json; charset=utf-8"
    )
