"""Which wire format a request asks for.

DRF's own negotiation ignores q-values. Ranked by q, then by how specific the
media range is, then by its place in the header; nothing better than ``*/*`` is
answered in Zinc. Source: RFC 9110 section 12.5.1, and what clients send.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from django.utils.http import parse_header_parameters
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

from ..wire.registry import DEFAULT, FORMATS, Format
from .renderers import GridRenderer

__all__ = ["GridNegotiation", "choose", "choose_type", "format_of"]

_MAX_RANGES = 100


class MediaRange(NamedTuple):
    name: str
    version: str | None
    q: float
    place: int

    @property
    def prefix(self) -> str:
        """What the names of all its media types begin with."""
        return "" if self.name == "*/*" else self.name.removesuffix("*")

    @property
    def specificity(self) -> int:
        if self.name == "*/*":
            return 0
        return 1 if self.name.endswith("/*") else 2 + (self.version is not None)


class GridNegotiation(BaseContentNegotiation):
    def select_parser(self, request: Request, parsers: Iterable[Any]) -> Any:
        return None  # the view reads grids itself

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[Any],
        format_suffix: str | None = None,
    ) -> tuple[Any, str]:
        format, media_type = choose(request.headers.get("Accept", ""))
        return GridRenderer(format, media_type), media_type


def choose(accept: str) -> tuple[Format, str]:
    """The format and the media type to answer in. Raises NotAcceptable."""
    ranges = sorted(
        _ranges(accept or "*/*"), key=lambda one: (-one.q, -one.specificity, one.place)
    )
    refused = [one for one in ranges if one.q == 0]
    for wanted in ranges:
        for format, media_type in _answers(wanted):
            if wanted.q > 0 and not _is_refused(format, media_type, wanted, refused):
                return format, media_type
    raise NotAcceptable(f"cannot answer with {accept[:200]!r}")


def choose_type(accept: str, offered: Sequence[str]) -> str:
    """One of some media types, of equal ones the first. Raises NotAcceptable."""
    ranges = sorted(_ranges(accept or "*/*"), key=lambda one: -one.specificity)

    def rank(name: str) -> tuple[float, int]:
        covering = (one for one in ranges if name.startswith(one.prefix))
        return next(((one.q, one.specificity) for one in covering), (0.0, 0))

    best = max(offered, key=rank)
    if rank(best)[0] <= 0:
        raise NotAcceptable(f"cannot answer with {accept[:200]!r}")
    return best


def format_of(content_type: str) -> Format | None:
    """The format of a request body, if it can be read."""
    try:
        name, parameters = parse_header_parameters(content_type)
    except (ValueError, LookupError):  # of its own parameters' encodings
        return None
    found = _find(name.lower(), parameters.get("version"))
    return found if found and found.read else None


def _ranges(accept: str) -> Iterator[MediaRange]:
    for place, item in enumerate(accept.split(",", _MAX_RANGES)[:_MAX_RANGES]):
        if not item.strip():
            continue
        try:
            name, parameters = parse_header_parameters(item)
            q = float(parameters.get("q", "1"))
        except (ValueError, LookupError):
            raise NotAcceptable(f"unreadable Accept: {item.strip()[:100]!r}") from None
        name = "*/*" if name == "*" else name.lower()
        if name.count("/") == 1:
            yield MediaRange(name, parameters.get("version"), q, place)


def _answers(wanted: MediaRange) -> Iterator[tuple[Format, str]]:
    """Formats that a media range allows, the preferred one first."""
    if wanted.specificity >= 2:
        found = _find(wanted.name, wanted.version)
        if found and found.write:
            version = f"; version={wanted.version}" if wanted.version else ""
            yield found, wanted.name + version
        return
    for format in sorted(FORMATS, key=lambda one: one is not DEFAULT):
        for media_type in format.media_types:
            # a version is answered only to those who ask for it
            if (
                format.write
                and media_type.version is None
                and media_type.name.startswith(wanted.prefix)
            ):
                yield format, media_type.name


def _find(name: str, version: str | None) -> Format | None:
    """Where no format of that name tells versions apart, any version will do."""
    named = [
        (media_type.version, format)
        for format in FORMATS
        for media_type in format.media_types
        if media_type.name == name
    ]
    if all(known is None for known, _ in named):
        version = None
    return next((format for known, format in named if known == version), None)


def _is_refused(
    format: Format, media_type: str, wanted: MediaRange, refused: list[MediaRange]
) -> bool:
    """Whether a range more specific than the wanted one has q=0.

    One with a version refuses only the format that the version selects.
    """
    name = media_type.partition(";")[0]
    return any(
        one.specificity > wanted.specificity
        and name.startswith(one.prefix)
        and (one.version is None or _find(one.name, one.version) is format)
        for one in refused
    )
