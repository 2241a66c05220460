"""``/api/dashboards/``: dashboards that the caller may open.

Owners change and delete their own; with the permissions ``change_dashboard`` and
``delete_dashboard`` users do so with all that they may open. Others do not exist for
them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.functional import cached_property
from drf_spectacular.utils import OpenApiParameter, extend_schema_view
from rest_framework import ISO_8601, serializers
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ModelViewSet

from ..auth.dashboards import (
    dashboards_seen_by,
    may_change_dashboard,
    may_delete_dashboard,
)
from ..auth.privileges import groups_seen_by
from ..conf import limit
from ..kinds.display import quoted
from ..models import Dashboard
from ..models.dashboard_content import check_content, check_range
from ..ops.dispatch import UnknownProject, context_for
from . import openapi
from .authentication import get_caller
from .exceptions import ResourceConflict
from .openapi import extend_schema
from .pagination import PrimaryKeyPagination
from .permissions import DashboardPermission, TokenScope
from .rest import RestView
from .serializers import (
    GroupNamesField,
    KnownFieldsMixin,
    StrictBooleanField,
    check_valid,
)

__all__ = ["DashboardSerializer", "DashboardViewSet"]

_SLUG = OpenApiParameter("slug", str, OpenApiParameter.PATH)
_CHANGED = (403, 404, 409, 413, 415)


class DashboardSerializer(KnownFieldsMixin, serializers.ModelSerializer[Dashboard]):
    """``content`` has sections of tiles; docs/dashboards.md describes them."""

    project = serializers.CharField(source="storage", required=False, max_length=100)
    owner = serializers.SerializerMethodField(help_text="the name of a user, or null")
    groups = GroupNamesField(required=False, help_text="whose members may open it")
    everyone = StrictBooleanField(
        required=False, help_text="all users that may see entities may open it"
    )
    content = serializers.DictField(required=False)
    version = serializers.IntegerField(
        required=False,
        min_value=1,
        help_text="counts changes; in a body, that of the dashboard which was read",
    )
    mayChange = serializers.SerializerMethodField(
        help_text="whether the caller may change it"
    )

    class Meta:
        model = Dashboard
        fields = (
            *("slug", "title", "project", "owner", "groups", "everyone"),
            *("range", "content", "version", "changed", "mayChange"),
        )
        read_only_fields = ("changed",)
        extra_kwargs = {"changed": {"format": ISO_8601}}

    def to_representation(self, instance: Dashboard) -> dict[str, Any]:
        """With the groups that the caller may know of."""
        data = super().to_representation(instance)
        return {**data, "groups": sorted(set(data["groups"]) & self._known_groups)}

    @cached_property
    def _known_groups(self) -> set[str]:
        known = groups_seen_by(self.context["request"].user, Group.objects.all())
        return set(known.values_list("name", flat=True))

    def get_owner(self, dashboard: Dashboard) -> str | None:
        owner: Any = dashboard.owner
        return owner.get_username() if owner else None

    def get_mayChange(self, dashboard: Dashboard) -> bool:
        return may_change_dashboard(self.context["request"].user, dashboard)

    def validate_groups(self, value: list[Group]) -> list[Group]:
        """Those that the caller cannot know of are kept."""
        if self.instance is None:
            return value
        hidden = self.instance.groups.exclude(name__in=self._known_groups)
        return [*value, *hidden]

    def validate_content(self, value: Any) -> Any:
        return _checked(check_content, value)

    def validate_range(self, value: str) -> str:
        return _checked(check_range, value)  # type: ignore[no-any-return]

    def validate_project(self, value: str) -> str:
        try:
            context_for(value, get_caller(self.context["request"]))
        except UnknownProject as err:
            raise serializers.ValidationError(str(err)) from None
        return value


def _checked(check: Callable[[Any], None], value: Any) -> Any:
    try:
        check(value)
    except ValidationError as err:
        raise serializers.ValidationError(err.messages) from None
    return value


@extend_schema_view(
    list=extend_schema(
        operation_id="dashboards_list",
        responses={200: DashboardSerializer(many=True), **openapi.error_responses()},
    ),
    create=extend_schema(
        operation_id="dashboards_create",
        parameters=[openapi.location("dashboard")],
        request={"application/json": DashboardSerializer},
        responses={
            201: DashboardSerializer,
            **openapi.error_responses(403, 409, 413, 415),
        },
    ),
    retrieve=extend_schema(
        operation_id="dashboards_retrieve",
        parameters=[_SLUG],
        responses={200: DashboardSerializer, **openapi.error_responses(404)},
    ),
    partial_update=extend_schema(
        operation_id="dashboards_update",
        parameters=[_SLUG],
        request={"application/json": DashboardSerializer},
        responses={200: DashboardSerializer, **openapi.error_responses(*_CHANGED)},
    ),
    destroy=extend_schema(
        operation_id="dashboards_delete",
        parameters=[_SLUG],
        responses={204: None, **openapi.error_responses(403, 404)},
    ),
)
class DashboardViewSet(RestView, ModelViewSet[Dashboard]):
    """Dashboards that the caller may open, in order of creation."""

    queryset = Dashboard.objects.order_by("pk")
    serializer_class = DashboardSerializer
    pagination_class = PrimaryKeyPagination
    permission_classes = [IsAuthenticated, TokenScope, DashboardPermission]
    lookup_field = "slug"
    lookup_value_regex = "[^/]+"
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    def get_queryset(self) -> QuerySet[Dashboard]:
        """Changes lock the row, so that the second of two sees the first."""
        seen = dashboards_seen_by(self.request.user).order_by("pk")
        if self.action in ("partial_update", "destroy"):
            return seen.select_for_update()
        return seen.select_related("owner").prefetch_related("groups")

    def get_object(self) -> Dashboard:
        slug = self.kwargs["slug"].replace("\0", "")
        dashboard = self.get_queryset().filter(slug=slug).first()
        if dashboard is None:
            raise NotFound(f"unknown dashboard {quoted(slug)}")
        return dashboard

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A dashboard of the caller, which others cannot open unless it is shared."""
        serializer = self.get_serializer(data=request.data)
        check_valid(serializer)
        most = limit("DASHBOARDS")
        if Dashboard.objects.filter(owner=request.user.pk).count() >= most:
            raise ResourceConflict(f"a user may have {most:,} dashboards at most")
        serializer.validated_data.pop("version", None)
        dashboard = self._saved(serializer, owner=request.user)
        answer = Response(self.get_serializer(dashboard).data, status=201)
        answer["Location"] = f"{quote(request.path.rstrip('/'))}/{dashboard.slug}/"
        return answer

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Set the fields of the body; ``groups`` and ``everyone`` share it."""
        with transaction.atomic():
            dashboard = self.get_object()
            if not may_change_dashboard(request.user, dashboard):
                raise PermissionDenied("only its owner may change this dashboard")
            serializer = self.get_serializer(dashboard, data=request.data, partial=True)
            check_valid(serializer)
            known = serializer.validated_data.pop("version", dashboard.version)
            if known != dashboard.version:
                raise ResourceConflict(
                    f"version is {dashboard.version}, not {known}: it was changed since"
                    " it was read"
                )
            changed = self._saved(serializer, version=dashboard.version + 1)
            data = self.get_serializer(changed).data
        return Response(data)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Delete a dashboard."""
        with transaction.atomic():
            dashboard = self.get_object()
            if not may_delete_dashboard(request.user, dashboard):
                raise PermissionDenied("only its owner may delete this dashboard")
            dashboard.delete()
        return Response(status=204)

    def _saved(self, serializer: Any, **values: Any) -> Dashboard:
        try:
            with transaction.atomic():
                saved: Dashboard = serializer.save(**values)
        except IntegrityError:  # created by a concurrent request
            slug = serializer.validated_data.get("slug", "")
            raise ResourceConflict(f"dashboard {quoted(slug)} already exists") from None
        return saved
