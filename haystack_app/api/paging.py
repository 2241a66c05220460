"""What pages of REST resources have in common: ``limit``, and ``next`` in answers."""

from __future__ import annotations

from django.http import QueryDict

from .exceptions import UnreadableRequest

__all__ = ["LARGEST_PAGE", "PAGE", "page_size"]

PAGE = 100
LARGEST_PAGE = 1_000


def page_size(asked: QueryDict) -> int:
    text = asked.get("limit", str(PAGE))
    digits = text.lstrip("0")
    if not text.isascii() or not digits.isdigit():
        raise UnreadableRequest(f"limit must be 1 or more, not {text!r}")
    return min(int(digits[:9]), LARGEST_PAGE)
