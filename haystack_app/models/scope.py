"""Filters of the entities that members of a group may see."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models

from .. import filters
from ..wire.errors import ParseError

__all__ = ["GroupScope"]


def check_filter(text: str) -> None:
    try:
        filters.parse(text)
    except ParseError as err:
        raise ValidationError(f"not a Haystack filter: {err}") from None


class GroupScope(models.Model):
    """A Haystack filter: members of the group see and change only matching entities."""

    group = models.OneToOneField(
        Group, on_delete=models.CASCADE, related_name="haystack_scope"
    )
    filter = models.TextField(
        validators=[check_filter],
        help_text="such as siteRef == @north or id == @north",
    )

    class Meta:
        db_table = "group_scopes"

    def __str__(self) -> str:
        return self.filter
