"""The media ranges of the header Accept. Source: RFC 9110 section 12.5.1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rest_framework.exceptions import NotAcceptable

from ..client_headers import parsed_media_type

__all__ = ["MediaRange", "media_ranges"]

_MAX_RANGES = 100


class MediaRange(NamedTuple):
    name: str
    version: str | None
    q: float
    position: int

    @property
    def prefix(self) -> str:
        """The common prefix of the names of its media types."""
        return "" if self.name == "*/*" else self.name.removesuffix("*")

    @property
    def specificity(self) -> int:
        if self.name == "*/*":
            return 0
        return 1 if self.name.endswith("/*") else 2 + (self.version is not None)


def media_ranges(accept: str) -> Iterator[MediaRange]:
    """Raises NotAcceptable."""
    for position, item in enumerate(accept.split(",", _MAX_RANGES)[:_MAX_RANGES]):
        if not item.strip():
            continue
        try:
            name, parameters = parsed_media_type(item)
            q = float(parameters.get("q", "1"))
        except ValueError:
            raise NotAcceptable(f"invalid Accept: {item.strip()[:100]!r}") from None
        name = "*/*" if name == "*" else name
        if name.count("/") == 1:
            yield MediaRange(name, parameters.get("version"), q, position)
