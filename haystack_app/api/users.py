"""``/api/users/``: Django's users, for callers with Django's permissions on them.

Callers that are not superusers may only change users whose privileges are a subset
of their own, before and after the change (``auth.privileges``). Others than those that
they may know of do not exist for them.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema_view
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import ModelViewSet

from ..auth.privileges import Privileges, privileges_of, users_seen_by
from ..password_mail import CannotInvite, invite
from . import openapi
from .exceptions import ResourceConflict
from .openapi import extend_schema, query
from .pagination import PrimaryKeyPagination, row_of
from .permissions import TokenScope, UserPermission
from .rest import RestView
from .serializers import NewUserSerializer, UserSerializer, check_valid

__all__ = ["UserViewSet"]

User = get_user_model()
_ID = OpenApiParameter("id", {"type": "integer", "minimum": 1}, OpenApiParameter.PATH)


@extend_schema_view(
    list=extend_schema(
        operation_id="users_list",
        parameters=[query("username", "only the user with this name")],
        responses={200: UserSerializer(many=True), **openapi.error_responses(403)},
    ),
    create=extend_schema(
        operation_id="users_create",
        parameters=[openapi.location("user")],
        request={"application/json": NewUserSerializer},
        responses={201: UserSerializer, **openapi.error_responses(403, 409, 413, 415)},
    ),
    retrieve=extend_schema(
        operation_id="users_retrieve",
        parameters=[_ID],
        responses={200: UserSerializer, **openapi.error_responses(403)},
    ),
    partial_update=extend_schema(
        operation_id="users_update",
        parameters=[_ID],
        request={"application/json": UserSerializer},
        responses={200: UserSerializer, **openapi.error_responses(403, 409, 413, 415)},
    ),
    destroy=extend_schema(
        operation_id="users_delete",
        parameters=[_ID],
        responses={204: None, **openapi.error_responses(403, 409)},
    ),
)
class UserViewSet(RestView, ModelViewSet[Any]):
    """Users in order of creation."""

    queryset = User._default_manager.order_by("pk")
    serializer_class = UserSerializer
    pagination_class = PrimaryKeyPagination
    permission_classes = [IsAuthenticated, TokenScope, UserPermission]
    lookup_url_kwarg = "id"
    lookup_value_regex = "[^/]+"
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        return NewUserSerializer if self.action == "create" else UserSerializer

    def get_queryset(self) -> QuerySet[Any]:
        """Changes lock the rows, so that two cannot remove the last superuser."""
        users = users_seen_by(self.request.user, super().get_queryset())
        if self.action in ("partial_update", "destroy"):
            return users.select_for_update()
        name = self.request.query_params.get("username")
        if self.action == "list" and name is not None:
            users = users.filter(**{User.USERNAME_FIELD: name.replace("\0", "")})
        return users.prefetch_related("groups")

    def get_object(self) -> Any:
        text = self.kwargs["id"]
        user = row_of(self.get_queryset(), text)
        if user is None:
            raise NotFound(f"unknown user {text!r}")
        return user

    # -- changing -------------------------------------------------------------

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        check_valid(serializer)
        given = serializer.validated_data
        try:
            with transaction.atomic():
                _check_flags(request.user, given, before=User())
                _check_new(given[User.USERNAME_FIELD])
                user = serializer.save()
                _check_covers(privileges_of(request.user), user)
                data = UserSerializer(user).data
        except IntegrityError:  # created by a concurrent request
            raise _taken(given[User.USERNAME_FIELD]) from None
        answer = Response(data, status=201)
        answer["Location"] = f"{quote(request.path.rstrip('/'))}/{user.pk}/"
        return answer

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Set the fields of the body; ``"active": false`` disables the user."""
        with transaction.atomic():
            superusers = _active_superusers()
            user = self.get_object()
            # read before the change, because callers may change themselves
            privileges = privileges_of(request.user)
            _check_covers(privileges, user)
            serializer = self.get_serializer(user, data=request.data, partial=True)
            check_valid(serializer)
            given = serializer.validated_data
            _check_flags(request.user, given, before=user)
            is_active = given.get("is_active", True)
            if not is_active:
                _check_not_self(request.user, user, "disable")
            if not (is_active and given.get("is_superuser", True)):
                _check_not_last(superusers, user)
            serializer.save()
            _check_covers(privileges, user)
            changed = User._default_manager.get(pk=user.pk)
            data = UserSerializer(changed).data
        return Response(data)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Delete a user and their tokens; not oneself or the last superuser."""
        with transaction.atomic():
            superusers = _active_superusers()
            user = self.get_object()
            _check_covers(privileges_of(request.user), user)
            _check_not_self(request.user, user, "delete")
            _check_not_last(superusers, user)
            user.delete()
        return Response(status=204)

    @extend_schema(
        operation_id="users_invite",
        parameters=[_ID],
        request=None,
        responses={202: None, **openapi.error_responses(403, 409, 413, 415)},
    )
    @action(detail=True, methods=["post"], takes_body=False)
    def invite(self, request: Request, id: str) -> Response:
        """Send a mail with a link by which the user sets a password."""
        user = self.get_object()
        _check_covers(privileges_of(request.user), user)
        try:
            invite(request._request, user)
        except CannotInvite as error:
            raise ResourceConflict(str(error)) from None
        return Response(status=202)


def _active_superusers() -> set[Any]:
    """Primary keys; rows are locked in one order to prevent deadlocks."""
    users = User._default_manager.select_for_update().order_by("pk")
    found = users.filter(is_superuser=True, is_active=True)
    return set(found.values_list("pk", flat=True))


# -- errors -------------------------------------------------------------------


def _check_covers(privileges: Privileges, user: Any) -> None:
    if not privileges.covers(privileges_of(user)):
        name = user.get_username()
        raise PermissionDenied(
            f"{name!r} has permissions or scopes that you do not have"
        )


def _check_flags(editor: Any, given: dict[str, Any], before: Any) -> None:
    for flag, word in (("is_superuser", "superuser"), ("is_staff", "staff")):
        changes = flag in given and given[flag] != getattr(before, flag)
        if changes and not editor.is_superuser:
            raise PermissionDenied(f"only superusers may change {word!r}")


def _check_not_self(editor: Any, user: Any, word: str) -> None:
    if user.pk == editor.pk:
        raise ResourceConflict(f"you cannot {word} yourself")


def _check_not_last(supers: set[Any], user: Any) -> None:
    if supers == {user.pk}:
        raise ResourceConflict("cannot remove the last active superuser")


def _check_new(name: str) -> None:
    if User._default_manager.filter(**{User.USERNAME_FIELD: name}).exists():
        raise _taken(name)


def _taken(name: str) -> ResourceConflict:
    return ResourceConflict(f"user {name!r} already exists")
