"""Serializers of entities and users, and the errors of serializers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from django.contrib.auth import get_user_model, password_validation
from django.contrib.auth.models import Group
from django.core.exceptions import FieldDoesNotExist
from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import ISO_8601, serializers
from rest_framework.settings import api_settings

from ..auth.privileges import groups_seen_by
from ..conf import limit
from ..kinds.display import Reasons, quoted
from ..kinds.scalars import is_tag_name
from ..wire import hayson_reader
from ..wire.errors import ParseError
from ..wire.record import Record
from .exceptions import BadRequest

__all__ = [
    "EntitySerializer",
    "GroupNamesField",
    "KnownFieldsMixin",
    "NewUserSerializer",
    "StrictBooleanField",
    "UserSerializer",
    "check_valid",
    "requested_tags",
]

_REMOVE = {"_kind": "remove"}


# -- entities -----------------------------------------------------------------


class EntityListSerializer(serializers.ListSerializer[Any]):
    """A list of entities; the error names all invalid rows, counted from 1."""

    def to_internal_value(self, data: Any) -> list[Any]:
        if len(data) > limit("IDS"):
            raise BadRequest(f"more than {limit('IDS')} entities (cap IDS)")
        rows, reasons = [], Reasons()
        for number, row in enumerate(data, 1):
            try:
                rows.append(_decoded(row))
            except ParseError as err:
                reasons.add(f"row {number}: {err}")
        if reasons:
            raise BadRequest(str(reasons))
        return rows


class EntitySerializer(serializers.BaseSerializer[Any]):
    """The tags of a record; in a partial update null removes a tag.

    ``fields`` are the tags to include, None for all.
    """

    def __init__(
        self, *args: Any, fields: set[str] | None = None, **kwargs: Any
    ) -> None:
        self.included = fields
        super().__init__(*args, **kwargs)

    class Meta:
        list_serializer_class = EntityListSerializer

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        try:
            if self.partial and isinstance(data, dict):
                removed = {name: _REMOVE for name, val in data.items() if val is None}
                data = {**data, **removed}
            return _decoded(data)
        except ParseError as err:
            raise BadRequest(str(err)) from None

    def to_representation(self, instance: Record) -> Any:
        """Stored JSON is written to the response verbatim."""
        if self.included is None:
            return orjson.Fragment(instance.raw)
        tags: Mapping[str, Any] = orjson.loads(instance.raw)
        return {name: tags[name] for name in tags if name in self.included}


def _decoded(data: Any) -> dict[str, Any]:
    """The tags of a JSON object, without nulls. Raises ParseError."""
    tags = hayson_reader.decode(data)
    if not isinstance(tags, dict):
        raise ParseError("expected a dict of tags")
    return tags


def requested_tags(text: str | None) -> set[str] | None:
    """The set of comma-separated tag names; None for all. Raises BadRequest."""
    if not text:
        return None
    names = {name.strip() for name in text.split(",")}
    for name in sorted(names):
        if not is_tag_name(name):
            raise BadRequest(f"fields: invalid tag name {quoted(name)}")
    return {"id", *names}


# -- errors -------------------------------------------------------------------


def check_valid(serializer: serializers.BaseSerializer[Any]) -> None:
    """Raises BadRequest that names all invalid fields."""
    if not serializer.is_valid():
        raise BadRequest("; ".join(_messages("", serializer.errors)))


def _messages(path: str, errors: Any) -> list[str]:
    """Messages such as ``password: too short``, from DRF's nested errors."""
    if isinstance(errors, dict):  # of lists, keys are positions
        non_field = api_settings.NON_FIELD_ERRORS_KEY
        return [
            it
            for name, below in errors.items()
            for it in _messages(path or name.replace(non_field, ""), below)
        ]
    if isinstance(errors, list):
        return [it for below in errors for it in _messages(path, below)]
    return [f"{path}: {errors}" if path else str(errors)]


class KnownFieldsMixin:
    """Refuses unknown fields, which DRF ignores, such as misspelt ones.

    Read-only fields are accepted, so that clients can send a modified response.
    """

    fields: Any

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            for unknown in sorted(data.keys() - self.fields.keys()):
                raise serializers.ValidationError({unknown: ["unknown field"]})
        return super().to_internal_value(data)  # type: ignore[misc]


# -- users --------------------------------------------------------------------


User = get_user_model()
_MAX_GROUPS = 100
_LONGEST_PASSWORD = 1_000


class GroupNamesField(serializers.ListField):
    """Groups by name, fetched in one query; those that the caller may know of."""

    child = serializers.CharField(max_length=150)

    def to_internal_value(self, data: Any) -> list[Any]:
        if isinstance(data, list) and len(data) > _MAX_GROUPS:
            raise serializers.ValidationError(f"at most {_MAX_GROUPS} groups")
        names = set(super().to_internal_value(data))
        editor = self.context["request"].user
        found = list(groups_seen_by(editor, Group.objects.filter(name__in=names)))
        if unknown := names - {group.name for group in found}:
            text = ", ".join(sorted(map(repr, unknown)))
            raise serializers.ValidationError(f"unknown group {text}")
        return found

    def to_representation(self, data: Any) -> list[str]:
        return sorted(group.name for group in data.all())


class StrictBooleanField(serializers.BooleanField):
    """A JSON boolean; DRF's field also accepts strings such as ``"no"``."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("must be true or false")
        return data


def _has_field(name: str) -> bool:
    try:
        User._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return name != User.USERNAME_FIELD


def _present(*names: str) -> tuple[str, ...]:
    """The given fields that the project's user model has."""
    return tuple(name for name in names if _has_field(name))


# DRF raises an error if the source equals the name
_FROM: dict[str, Any] = (
    {} if User.USERNAME_FIELD == "username" else {"source": User.USERNAME_FIELD}
)
_NAMES = _present("email", "first_name", "last_name")
_DATES = _present("last_login", "date_joined")


class UserSerializer(KnownFieldsMixin, serializers.ModelSerializer[Any]):
    """The fields of a user. The password is write-only."""

    username = serializers.CharField(**_FROM, read_only=True)
    password = serializers.CharField(
        write_only=True,
        required=False,
        trim_whitespace=False,
        max_length=_LONGEST_PASSWORD,
    )
    groups = GroupNamesField(required=False, max_length=_MAX_GROUPS)
    active = StrictBooleanField(
        source="is_active", required=False, help_text="false: the user cannot log in"
    )
    staff = StrictBooleanField(
        source="is_staff", required=False, help_text="may use the admin site"
    )
    superuser = StrictBooleanField(
        source="is_superuser", required=False, help_text="has all permissions"
    )

    class Meta:
        model = User
        fields = (
            "id",
            "username",
            "password",
            *_NAMES,
            "groups",
            "active",
            "staff",
            "superuser",
            *_DATES,
        )
        read_only_fields = _DATES
        extra_kwargs = {name: {"format": ISO_8601} for name in _DATES}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and self.instance:
            name = self.instance.get_username()
            if data.get("username", name) != name:
                raise serializers.ValidationError({"username": ["cannot be changed"]})
        return super().to_internal_value(data)

    def validate(self, attrs: Any) -> Any:
        """Django's validators compare the password with the other fields."""
        if "password" not in attrs:
            return attrs
        plain = (User.USERNAME_FIELD, *_NAMES)
        named = {it: attrs.get(it, getattr(self.instance, it, "")) for it in plain}
        try:
            password_validation.validate_password(attrs["password"], User(**named))
        except DjangoValidationError as error:
            raise serializers.ValidationError({"password": error.messages}) from None
        return attrs

    def create(self, validated_data: dict[str, Any]) -> Any:
        groups = validated_data.pop("groups", [])
        password = validated_data.pop("password", None)
        user = User(**validated_data)
        user.set_password(password)
        user.save(force_insert=True)
        user.groups.set(groups)
        return user

    def update(self, instance: Any, validated_data: dict[str, Any]) -> Any:
        groups = validated_data.pop("groups", None)
        password = validated_data.pop("password", None)
        for name, value in validated_data.items():
            setattr(instance, name, value)
        if password is not None:
            instance.set_password(password)
        instance.save()
        if groups is not None:
            instance.groups.set(groups)
        return instance


class NewUserSerializer(UserSerializer):
    """The fields of a new user: the name is required.

    Without a password the user cannot log in before it has followed an invitation.
    """

    username = serializers.CharField(
        **_FROM,
        trim_whitespace=False,
        max_length=150,
    )

    def validate_username(self, value: str) -> str:
        """The model field's own validators, without its query for uniqueness."""
        try:
            field: Any = User._meta.get_field(User.USERNAME_FIELD)
            field.run_validators(value)
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.messages) from None
        normal: str = User.normalize_username(value)
        return normal
