"""``/api/import-mappings/``: corrections of imports that a user saves by name."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from ..models import ImportMapping
from . import openapi
from .exceptions import BadRequest
from .import_permissions import ImportPermission
from .import_serializers import CorrectionsSerializer, ImportMappingSerializer
from .openapi import extend_schema
from .pagination import PrimaryKeyPagination
from .rest import RestView
from .serializers import check_valid

__all__ = ["ImportMappingViewSet"]

_MOST = 200
"""Mappings of one user."""
_LONGEST = 100
_NAME = OpenApiParameter("name", str, OpenApiParameter.PATH)


class ImportMappingViewSet(RestView, GenericViewSet[ImportMapping]):
    """Mappings of the caller."""

    queryset = ImportMapping.objects.none()
    serializer_class = ImportMappingSerializer
    pagination_class = PrimaryKeyPagination
    permission_classes = [IsAuthenticated, ImportPermission]
    takes_body = False
    lookup_field = lookup_url_kwarg = "name"
    lookup_value_regex = "[^/]+"
    http_method_names = ["get", "put", "delete", "head", "options"]

    @extend_schema(
        operation_id="import_mappings_list",
        responses={
            200: ImportMappingSerializer(many=True),
            **openapi.error_responses(403),
        },
    )
    def list(self, request: Request, **_: Any) -> Response:
        """Your saved mappings."""
        page = self.paginate_queryset(self._own())
        return self.get_paginated_response(
            ImportMappingSerializer(page, many=True).data
        )

    @extend_schema(
        operation_id="import_mappings_retrieve",
        parameters=[_NAME],
        responses={200: ImportMappingSerializer, **openapi.error_responses(403)},
    )
    def retrieve(self, request: Request, name: str, **_: Any) -> Response:
        """A saved mapping."""
        return Response(ImportMappingSerializer(self._named(name)).data)

    @extend_schema(
        operation_id="import_mappings_update",
        parameters=[_NAME],
        request=CorrectionsSerializer,
        responses={200: ImportMappingSerializer, **openapi.error_responses(403, 413)},
    )
    def update(self, request: Request, name: str, **_: Any) -> Response:
        """Save corrections under a name; a mapping of that name is replaced."""
        if len(name) > _LONGEST or not name.isprintable():
            raise BadRequest(f"name must have at most {_LONGEST} printable characters")
        given = CorrectionsSerializer(data=request.data)
        check_valid(given)
        own = self._own()
        if not own.filter(name=name).exists() and own.count() >= _MOST:
            raise BadRequest(f"you have {_MOST} mappings: delete some of them")
        saved, _created = ImportMapping.objects.update_or_create(
            owner=self.caller.user, name=name, defaults={"corrections": given.stored()}
        )
        return Response(ImportMappingSerializer(saved).data)

    @extend_schema(
        operation_id="import_mappings_delete",
        parameters=[_NAME],
        responses={204: None, **openapi.error_responses(403)},
    )
    def destroy(self, request: Request, name: str, **_: Any) -> Response:
        """Delete a saved mapping."""
        self._named(name).delete()
        return Response(status=204)

    def _own(self) -> QuerySet[ImportMapping]:
        return ImportMapping.objects.filter(owner=self.caller.user)

    def _named(self, name: str) -> ImportMapping:
        found = self._own().filter(name=name).first()
        if found is None:
            raise NotFound(f"unknown mapping {name[:100]!r}")
        return found
