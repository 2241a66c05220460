"""Filters of the entities that members of a group may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models

from .. import filters
from ..sql import tables
from ..wire.errors import ParseError

if TYPE_CHECKING:
    StrTextField = models.TextField[str, str]
else:
    StrTextField = models.TextField

__all__ = ["GroupScope"]


def check_filter(text: str) -> None:
    try:
        tree = filters.parse(text)
    except ParseError as err:
        raise ValidationError(f"not a Haystack filter: {err}") from None
    if filters.is_relative(tree):
        raise ValidationError(
            "times such as now and today are not allowed in the filter of a group:"
            " what its members may see must not change by itself"
        )


class FilterField(StrTextField):
    """The text of a Haystack filter; a TextField in migrations."""

    default_validators = [check_filter]

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs


class GroupScope(models.Model):
    """A Haystack filter: members of the group see and change only matching entities."""

    group = models.OneToOneField(
        Group, on_delete=models.CASCADE, related_name="haystack_scope"
    )
    filter = FilterField(help_text="such as siteRef == @north or id == @north")

    class Meta:
        db_table = tables.GROUP_SCOPES
        default_permissions = ("view",)  # the filter on the page of its group

    def __str__(self) -> str:
        return self.filter
