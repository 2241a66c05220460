"""A user as JSON, in and out. Passwords only go in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model, password_validation
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import MaxLengthValidator
from rest_framework import ISO_8601, serializers

__all__ = ["NewUserFields", "UserFields", "UserPage"]

_USERS = get_user_model()
_FIELDS = {field.name for field in _USERS._meta.get_fields()}
_NAME: Any = _USERS._meta.get_field(_USERS.USERNAME_FIELD)
_SOURCE: dict[str, Any] = {} if _NAME.name == "username" else {"source": _NAME.name}
_OPTIONAL = {"email", "first_name", "last_name", "date_joined"}
_MOST_GROUPS = 100
_LONGEST_PASSWORD = 1_000


class _GroupNames(serializers.ListField):
    """Names of groups, looked up all at once."""

    child = serializers.CharField(max_length=150)

    def to_internal_value(self, data: Any) -> list[Any]:
        if isinstance(data, list) and len(data) > _MOST_GROUPS:
            raise serializers.ValidationError(f"at most {_MOST_GROUPS} groups")
        names = set(super().to_internal_value(data))
        found = list(Group.objects.filter(name__in=names))
        if unknown := names - {group.name for group in found}:
            text = ", ".join(sorted(map(repr, unknown)))
            raise serializers.ValidationError(f"no group {text}")
        return found

    def to_representation(self, data: Any) -> list[str]:
        return sorted(group.name for group in data.all())


class _OnlyBool(serializers.BooleanField):
    """JSON's own: ``"no"`` is a mistake that should be told."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("true or false is expected")
        return data


def _text(**options: Any) -> serializers.CharField:
    return serializers.CharField(allow_blank=True, required=False, **options)


class UserFields(serializers.Serializer[Any]):
    """What of a user can be seen, and changed."""

    id = serializers.IntegerField(read_only=True)
    username = serializers.CharField(read_only=True, **_SOURCE)
    password = serializers.CharField(
        write_only=True,
        required=False,
        trim_whitespace=False,
        max_length=_LONGEST_PASSWORD,
    )
    email = serializers.EmailField(allow_blank=True, required=False, max_length=254)
    first_name = _text(max_length=150)
    last_name = _text(max_length=150)
    groups = _GroupNames(required=False, max_length=_MOST_GROUPS)
    active = _OnlyBool(
        source="is_active", required=False, help_text="false: disabled, may not log in"
    )
    staff = _OnlyBool(
        source="is_staff", required=False, help_text="may use the admin's pages"
    )
    superuser = _OnlyBool(
        source="is_superuser", required=False, help_text="may do everything"
    )
    last_login = serializers.DateTimeField(
        read_only=True, allow_null=True, format=ISO_8601
    )
    date_joined = serializers.DateTimeField(read_only=True, format=ISO_8601)

    def get_fields(self) -> Any:
        """Without those that the project's model lacks, or has as the name."""
        return {
            name: field
            for name, field in super().get_fields().items()
            if name not in _OPTIONAL or (name in _FIELDS and name != _NAME.name)
        }

    def to_internal_value(self, data: Any) -> Any:
        """A misspelt field must not be a password that never changed.

        Fields that are only read may come back, as in a changed copy of an answer.
        """
        if isinstance(data, dict):
            name = self.instance and self.instance.get_username()
            for unknown in sorted(data.keys() - self.fields.keys()):
                raise serializers.ValidationError({unknown: ["there is no such field"]})
            if self.instance and data.get("username", name) != name:
                raise serializers.ValidationError({"username": ["cannot be changed"]})
        return super().to_internal_value(data)

    def validate(self, attrs: Any) -> Any:
        """Django's validators, which compare a password with names and e-mail."""
        if "password" not in attrs:
            return attrs
        plain = {_NAME.name, "email", "first_name", "last_name"} & _FIELDS
        named = {it: attrs.get(it, getattr(self.instance, it, "")) for it in plain}
        try:
            password_validation.validate_password(attrs["password"], _USERS(**named))
        except DjangoValidationError as error:
            raise serializers.ValidationError({"password": error.messages}) from None
        return attrs


class NewUserFields(UserFields):
    """The fields of a user, of whom name and password are needed."""

    username = serializers.CharField(
        trim_whitespace=False,
        max_length=_NAME.max_length,
        validators=[
            it for it in _NAME.validators if not isinstance(it, MaxLengthValidator)
        ],
        **_SOURCE,
    )
    password = serializers.CharField(
        write_only=True, trim_whitespace=False, max_length=_LONGEST_PASSWORD
    )

    def validate_username(self, value: str) -> str:
        normal: str = _USERS.normalize_username(value)
        return normal


class UserPage(serializers.Serializer[Any]):
    results = UserFields(many=True)
    next = serializers.CharField(
        allow_null=True, help_text="`cursor` of the next page; null on the last one."
    )
