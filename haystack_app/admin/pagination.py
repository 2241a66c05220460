"""Pages of a table of any size.

Counting all rows of a big table takes longer than showing a page of it, so
counting stops a little after the last page that a user opens.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from django.core.paginator import Paginator
from django.db.models import QuerySet

from ..models import Entity

if TYPE_CHECKING:
    EntityPaginator = Paginator[Entity]
else:
    EntityPaginator = Paginator

__all__ = ["MOST", "BoundedPaginator"]

MOST = 10_000
"""Rows that can be paged through; a filter finds the others."""


class BoundedPaginator(EntityPaginator):
    """Counts to one more than ``MOST`` at most."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if not isinstance(rows, QuerySet):
            return len(rows)
        return rows.order_by()[: MOST + 1].count()
