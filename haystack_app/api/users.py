"""``/api/users/``: users of Django, for who has Django's permissions over them.

Whoever is no superuser deals with those only who may do no more than they do
themselves, before the change and after it (``auth.reach``).
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.settings import api_settings

from ..auth.privileges import Privileges, privileges_of
from ..models import Token
from . import openapi
from .exceptions import UnreadableRequest
from .openapi import extend_schema, query
from .pagination import LARGEST_PAGE, PAGE, page_size
from .permissions import TokenScope
from .refusals import Conflicting
from .rest import RestView
from .serializers import NewUserFields, UserFields, UserPage

__all__ = ["UserView", "UsersView"]

_USERS = get_user_model()
_RIGHTS = {
    "GET": "view",
    "HEAD": "view",
    "POST": "add",
    "PATCH": "change",
    "DELETE": "delete",
}
_LARGEST_ID = 2**63 - 1


class UserRights(BasePermission):
    """Django's own permissions, as in the admin."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if (right := _RIGHTS.get(request.method or "")) is None:
            return True  # the method is refused, or is OPTIONS
        meta = _USERS._meta
        permission = f"{meta.app_label}.{right}_{meta.model_name}"
        self.message = f"this needs the right {permission}"
        return bool(request.user.has_perm(permission))


class _Users(RestView):
    permission_classes = [IsAuthenticated, TokenScope, UserRights]

    def needed_scope(self, request: Request) -> str:
        return Token.READ if request.method in SAFE_METHODS else Token.ADMIN


class UsersView(_Users):
    """All users: a page of them, or a new one."""

    @extend_schema(
        operation_id="users_list",
        parameters=[
            query("username", "only the user of this name"),
            query(
                "limit",
                f"users a page: {PAGE} by default, {LARGEST_PAGE} at most",
                {"type": "integer", "minimum": 1},
            ),
            query("cursor", "where the page begins, as `next` of the last one says"),
        ],
        responses={200: UserPage, **openapi.refusals(403)},
    )
    def get(self, request: Request, **_: Any) -> HttpResponseBase:
        """Users in the order in which they were made."""
        asked = request.query_params
        size, after = page_size(asked), _number(asked.get("cursor") or "0")
        if after is None:
            raise UnreadableRequest("cursor: use the `next` of the page before")
        found = _USERS._default_manager.filter(pk__gt=after).order_by("pk")
        if (name := asked.get("username")) is not None:
            named = {_USERS.USERNAME_FIELD: name.replace("\0", "")}
            found = found.filter(**named)
        rows = list(found.prefetch_related("groups")[: size + 1])
        more = str(rows[size - 1].pk) if len(rows) > size else None
        return JsonResponse(UserPage({"results": rows[:size], "next": more}).data)

    @extend_schema(
        operation_id="users_create",
        parameters=[openapi.location("user")],
        request={"application/json": NewUserFields},
        responses={201: UserFields, **openapi.refusals(403, 409, 413, 415)},
    )
    def post(self, request: Request, **_: Any) -> HttpResponseBase:
        """Add a user."""
        fields = NewUserFields(data=self.body(request))
        _check(fields)
        given = dict(fields.validated_data)
        groups, password = given.pop("groups", []), given.pop("password")
        user = _USERS(**given)
        user.set_password(password)
        name = user.get_username()
        named = {_USERS.USERNAME_FIELD: name}
        try:
            with transaction.atomic():
                _allow_flags(request, given, before=_USERS())
                if _USERS._default_manager.filter(**named).exists():
                    raise Conflicting(f"there is a user {name!r} already")
                user.save(force_insert=True)
                user.groups.set(groups)
                _allow(privileges_of(request.user), user)
        except IntegrityError:  # another request was faster
            raise Conflicting(f"there is a user {name!r} already") from None
        answer = JsonResponse(UserFields(user).data, status=201)
        answer["Location"] = f"{request.path.rstrip('/')}/{user.pk}/"
        return answer


@extend_schema(
    parameters=[
        OpenApiParameter("id", {"type": "integer", "minimum": 1}, OpenApiParameter.PATH)
    ]
)
class UserView(_Users):
    """One user."""

    @extend_schema(
        operation_id="users_retrieve",
        responses={200: UserFields, **openapi.refusals(403)},
    )
    def get(self, request: Request, id: str, **_: Any) -> HttpResponseBase:
        return JsonResponse(UserFields(_found(id)).data)

    @extend_schema(
        operation_id="users_update",
        request={"application/json": UserFields},
        responses={200: UserFields, **openapi.refusals(403, 409, 413, 415)},
    )
    def patch(self, request: Request, id: str, **_: Any) -> HttpResponseBase:
        """Set the fields of the body; `"active": false` disables the user."""
        body = self.body(request)
        with transaction.atomic():
            supers = _active_superusers()
            user = _found(id, lock=True)
            reach = privileges_of(request.user)  # that of before, if it is oneself
            _allow(reach, user)
            fields = UserFields(user, data=body, partial=True)
            _check(fields)
            given = dict(fields.validated_data)
            _allow_flags(request, given, before=user)
            if not given.get("is_active", True):
                _keep_oneself(request, user, "disable")
            if not (given.get("is_active", True) and given.get("is_superuser", True)):
                _keep_one(supers, user)
            _apply(user, given)
            _allow(reach, user)
        return JsonResponse(UserFields(_found(id)).data)

    @extend_schema(
        operation_id="users_delete",
        responses={204: None, **openapi.refusals(403, 409)},
    )
    def delete(self, request: Request, id: str, **_: Any) -> HttpResponseBase:
        """Remove a user, with all tokens; never oneself nor the last superuser."""
        with transaction.atomic():
            supers = _active_superusers()
            user = _found(id, lock=True)
            _allow(privileges_of(request.user), user)
            _keep_oneself(request, user, "delete")
            _keep_one(supers, user)
            user.delete()
        answer = HttpResponse(status=204)
        del answer["Content-Type"]
        return answer


# -- who it is about ----------------------------------------------------------


def _number(text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        return None
    number = int(text)
    return number if number <= _LARGEST_ID else None


def _found(id: str, *, lock: bool = False) -> Any:
    users = _USERS._default_manager
    number = _number(id)
    rows = users.select_for_update() if lock else users.prefetch_related("groups")
    user = None if number is None else rows.filter(pk=number).first()
    if user is None:
        raise NotFound(f"unknown user {id!r}")
    return user


def _active_superusers() -> set[Any]:
    """Locked, so that two requests never take the last two; in the order of ids."""
    users = _USERS._default_manager.select_for_update().order_by("pk")
    found = users.filter(is_superuser=True, is_active=True)
    return set(found.values_list("pk", flat=True))


# -- what is refused ----------------------------------------------------------


def _check(fields: UserFields) -> None:
    if not fields.is_valid():
        raise UnreadableRequest("; ".join(_reasons("", fields.errors)))


def _reasons(path: str, errors: Any) -> list[str]:
    """``password: too short``, a string for each thing that is wrong."""
    if isinstance(errors, dict):  # in lists, keys are places
        whole = api_settings.NON_FIELD_ERRORS_KEY
        return [
            it
            for name, below in errors.items()
            for it in _reasons(path or name.replace(whole, ""), below)
        ]
    if isinstance(errors, list):
        return [it for below in errors for it in _reasons(path, below)]
    return [f"{path}: {errors}" if path else str(errors)]


def _allow(reach: Privileges, user: Any) -> None:
    if not reach.covers(privileges_of(user)):
        name = user.get_username()
        raise PermissionDenied(f"{name!r} may do more, or see more, than you")


def _allow_flags(request: Request, given: dict[str, Any], before: Any) -> None:
    for flag, word in (("is_superuser", "superuser"), ("is_staff", "staff")):
        changes = flag in given and given[flag] != getattr(before, flag)
        if changes and not request.user.is_superuser:
            raise PermissionDenied(f"only superusers change {word!r}")


def _keep_oneself(request: Request, user: Any, word: str) -> None:
    if user.pk == request.user.pk:
        raise Conflicting(f"nobody can {word} themselves")


def _keep_one(supers: set[Any], user: Any) -> None:
    if supers == {user.pk}:
        raise Conflicting("this is the last active superuser")


def _apply(user: Any, given: dict[str, Any]) -> None:
    groups, password = given.pop("groups", None), given.pop("password", None)
    for name, value in given.items():
        setattr(user, name, value)
    if password is not None:
        user.set_password(password)
    user.save()
    if groups is not None:
        user.groups.set(groups)
