"""What pages of REST resources have in common: ``limit``, and words in queries."""

from __future__ import annotations

from django.http import QueryDict

from .exceptions import UnreadableRequest

__all__ = ["LARGEST_PAGE", "PAGE", "flag", "page_size"]

PAGE = 100
LARGEST_PAGE = 1_000


def page_size(asked: QueryDict, default: int = PAGE) -> int:
    text = asked.get("limit", str(default))
    digits = text.lstrip("0")
    if not text.isascii() or not digits.isdigit():
        raise UnreadableRequest(f"limit must be 1 or more, not {text!r}")
    return min(int(digits[:9]), LARGEST_PAGE)


def flag(asked: QueryDict, name: str) -> bool:
    text = asked.get(name, "false")
    if text not in ("true", "false"):
        raise UnreadableRequest(f"{name} is true or false, not {text!r}")
    return text == "true"
