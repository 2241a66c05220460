"""``/api/entities/``: entities as REST resources, in Hayson.

The rules are those of the ops ``read`` and ``commit``. Errors have a status and a JSON
body with the reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial
from typing import Any
from urllib.parse import quote

from django.http.response import HttpResponse, HttpResponseBase
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from ..kinds.grid import Grid
from ..kinds.scalars import is_ref_id
from ..ops import entities, reverts
from ..wire.record import Record
from . import openapi, preconditions
from .openapi import extend_schema, query
from .pagination import LARGEST_PAGE, PAGE, RecordPagination, flag, page_size
from .renderers import GridRenderer, HaysonRenderer
from .rest import FileNegotiation, RestView, as_file, replicated
from .serializers import EntitySerializer, requested_tags
from .validators import Validator
from .writes import WriteSerializer

__all__ = ["EntityViewSet", "ProjectEntityViewSet"]


class EntityViewSet(RestView, GenericViewSet[Any]):
    """The entities of a project's storage."""

    content_negotiation_class = FileNegotiation
    file_stem = "entities"
    serializer_class = EntitySerializer
    pagination_class = RecordPagination
    lookup_field = "id"
    lookup_value_regex = "[^/]+"

    @property
    def is_list(self) -> bool:
        return bool(self.action == "list")

    @extend_schema(
        operation_id="entities_list",
        parameters=[
            *openapi.DOWNLOAD,
            query(
                "fields",
                "tags to include, separated by commas; `id` is always included",
            ),
            openapi.PAGE_ETAG,
        ],
        responses={
            (200, HaysonRenderer.media_type): openapi.ENTITY,
            **openapi.FILES,
            304: None,
            **openapi.error_responses(406),
        },
    )
    @replicated
    def list(self, request: Request, **_: Any) -> HttpResponseBase:
        """A page of entities in order of their ids."""
        params, pagination = request.query_params, RecordPagination()
        fields = requested_tags(params.get("fields"))
        media_type = request.accepted_renderer.media_type
        validator = Validator(request, self.caller, str(media_type))
        with self.op_context() as context:
            if validator.may_match:
                held = pagination.revisions(context, params)
                if held is not None and (known := validator.not_modified(held)):
                    return known
            found = pagination.find(context, params)

        def full() -> HttpResponseBase:
            page = pagination.cut(found, params)
            renderer: Any = request.accepted_renderer
            if isinstance(renderer, GridRenderer):
                return renderer.response(_as_grid(page, fields))
            serializer = self.get_serializer(page, many=True, fields=fields)
            answer = pagination.get_paginated_response(serializer.data)
            return as_file(request, answer)

        return validator.respond(found, full)

    @extend_schema(
        operation_id="entities_create",
        parameters=[openapi.ETAG, openapi.location("entity")],
        request=openapi.bodies(openapi.ONE_OR_MORE),
        responses={
            201: openapi.ONE_OR_MORE,
            **openapi.error_responses(403, 409, 413, 415),
        },
    )
    def create(self, request: Request, **_: Any) -> Response:
        """Add an entity, or a list of entities, all or none of them.

        An entity without an id is assigned one.
        """
        many = isinstance(request.data, list)
        serializer = self.get_serializer(data=request.data, many=many)
        serializer.is_valid(raise_exception=True)
        tags = serializer.validated_data
        with self.op_context() as context:
            added = entities.add(context, tags if many else [tags])
        if many:
            return Response(self.get_serializer(added, many=True).data, status=201)
        [record] = added
        answer = self._entity(record, 201)
        path = quote(request.path.rstrip("/"))
        answer["Location"] = f"{path}/{quote(record['id'].id)}/"
        return answer

    @extend_schema(
        operation_id="entities_retrieve",
        parameters=[openapi.id_in_path(), openapi.ETAG],
        responses={200: openapi.ENTITY, **openapi.error_responses()},
    )
    @replicated
    def retrieve(self, request: Request, id: str, **_: Any) -> Response:
        """An entity with its ``mod`` as ETag, even if it is in the trash."""
        with self.op_context() as context:
            return self._entity(entities.retrieve(context, _checked(id)))

    @extend_schema(
        operation_id="entities_update",
        parameters=[openapi.id_in_path(), openapi.IF_MATCH, openapi.ETAG],
        request=openapi.bodies(openapi.ENTITY),
        responses={
            200: openapi.ENTITY,
            **openapi.error_responses(403, 409, 412, 413, 415, 428),
        },
    )
    def partial_update(self, request: Request, id: str, **_: Any) -> Response:
        """Set the tags of the body; null removes a tag."""
        serializer = self.get_serializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        tags = serializer.validated_data
        mod = preconditions.expected_mod(request, tags.get("mod"))
        with self.op_context() as context:
            stored = partial(entities.retrieve, context, _checked(id))
            preconditions.refuse_matching(request, stored)
            return self._entity(entities.update(context, id, tags, mod))

    @extend_schema(
        operation_id="entities_delete",
        parameters=[
            openapi.id_in_path(),
            openapi.IF_MATCH,
            query("force", "remove the entity even if others refer to it", bool),
            query("trash", "move it to the trash, whether others refer to it", bool),
        ],
        responses={204: None, **openapi.error_responses(403, 409, 412)},
    )
    def destroy(self, request: Request, id: str, **_: Any) -> Response:
        """Remove an entity with its history, unless other entities refer to it.

        With `trash=true` it goes to the trash instead, and keeps its history.
        """
        mod = None
        if "If-Match" in request.headers:
            mod = preconditions.expected_mod(request)
        force, trash = (flag(request.query_params, it) for it in ("force", "trash"))
        with self.op_context() as context:
            stored = partial(entities.retrieve, context, _checked(id))
            preconditions.refuse_matching(request, stored)
            if trash:
                entities.move_to_trash(context, id, mod)
            else:
                entities.remove(context, id, mod, force=force)
        return Response(status=204)

    @extend_schema(
        operation_id="entities_writes",
        parameters=[
            openapi.id_in_path(),
            query("limit", f"writes at most: {PAGE}, up to {LARGEST_PAGE}", int),
        ],
        responses={200: WriteSerializer(many=True), **openapi.error_responses()},
    )
    @action(detail=True, methods=["get"], pagination_class=None)
    def writes(self, request: Request, id: str, **_: Any) -> Response:
        """Who set or released which level of the point, or what expired, newest first.

        `val` is Hayson; `who` is what the request said, `user` the login.
        """
        size = page_size(request.query_params)
        with self.op_context() as context:
            found = entities.writes(context, _checked(id), size)
        return Response(WriteSerializer(found, many=True).data)

    @extend_schema(
        operation_id="entities_changes",
        parameters=[
            openapi.id_in_path(),
            query("limit", f"changes at most: {PAGE}, up to {LARGEST_PAGE}", int),
        ],
        responses={200: openapi.ENTITY_CHANGES, **openapi.error_responses()},
    )
    @action(detail=True, methods=["get"], pagination_class=None)
    def changes(self, request: Request, id: str, **_: Any) -> HttpResponse:
        """Changes of the entity's persistent tags, newest first, as in the change log.

        `cursor` is for the undo of the commit: `/api/changes/{cursor}/`.
        """
        size = page_size(request.query_params)
        with self.op_context() as context:
            found = reverts.changes_of(context, _checked(id), size)
        text = f'{{"changes":{reverts.changes_text(found)}}}'
        return HttpResponse(text, content_type="application/json; charset=utf-8")

    @extend_schema(
        operation_id="entities_removal",
        parameters=[openapi.id_in_path()],
        responses={200: openapi.REMOVAL, **openapi.error_responses()},
    )
    @action(detail=True, methods=["get"], pagination_class=None)
    def removal(self, request: Request, id: str, **_: Any) -> Response:
        """What refers to the entity, and how many samples would go with it.

        `referrers` are the first 100 of the entities outside of the trash, `more` says
        whether there are others.
        """
        with self.op_context() as context:
            found = entities.removal(context, _checked(id))
        return Response(
            {
                "referrers": self.get_serializer(found.referrers, many=True).data,
                "more": found.more,
                "samples": found.samples,
            }
        )

    def _entity(self, record: Record, status: int = 200) -> Response:
        answer = Response(self.get_serializer(record).data, status=status)
        answer["ETag"] = preconditions.etag_of(record)
        return answer


class ProjectEntityViewSet(EntityViewSet):
    """The same under a project's name; excluded from the OpenAPI schema."""

    schema = None


def _as_grid(page: Iterable[Record], fields: Collection[str] | None) -> Grid:
    """The rows of a file, with all tags or these."""
    if fields is None:
        return Grid.of(list(page))
    return Grid.of(
        {name: value for name, value in record.items() if name in fields}
        for record in page
    )


def _checked(id: str) -> str:
    """The id. Raises NotFound if it is invalid."""
    if not is_ref_id(id):
        raise NotFound(f"unknown entity @{id}")
    return id
