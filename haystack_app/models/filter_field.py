"""Texts of Haystack filters in models and forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext

from .. import filters
from ..wire.errors import ParseError

if TYPE_CHECKING:
    StrTextField = models.TextField[str, str]
else:
    StrTextField = models.TextField

__all__ = ["FilterField", "check_filter"]


def check_filter(text: str) -> None:
    """Raises ValidationError."""
    _parsed(text)


def _check_lasting_filter(text: str) -> None:
    if filters.is_relative(_parsed(text)):
        raise ValidationError(
            gettext(
                "times such as now and today are not allowed in this filter:"
                " what matches it must not change by itself"
            )
        )


def _parsed(text: str) -> filters.Filter:
    try:
        return filters.parse(text)
    except ParseError as err:
        raise ValidationError(f"not a Haystack filter: {err}") from None


class FilterField(StrTextField):
    """A Haystack filter without relative times; a TextField in migrations."""

    default_validators = [_check_lasting_filter]

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs
