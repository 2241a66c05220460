"""Content negotiation of wire formats.

DRF's negotiation ignores q-values. Media ranges are ranked by q, then by specificity,
then by position in the header; ``*/*`` and no header mean Zinc. Source: RFC 9110
section 12.5.1, and what clients send.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

from ..client_headers import InvalidHeader, parsed_media_type
from ..ops import find_op
from ..wire.registry import DEFAULT, FORMATS, ZINC, Format, MediaType
from .downloads import Download, download_of, renderer_of, workbook_of
from .media_ranges import MediaRange, media_ranges
from .renderers import GridRenderer

__all__ = [
    "GridNegotiation",
    "choose_format",
    "choose_media_type",
    "request_format",
]


class GridNegotiation(BaseContentNegotiation):
    def select_parser(self, request: Request, parsers: Iterable[Any]) -> Any:
        return None  # the view parses grids

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[Any],
        format_suffix: str | None = None,
    ) -> tuple[Any, str]:
        if download := _download(request):
            renderer = renderer_of(download)
            return renderer, renderer.media_type
        format, media_type = choose_format(request.headers.get("Accept", ""))
        return GridRenderer(format, media_type), media_type


def _download(request: Request) -> Download | None:
    """The file that a request of an op asks for."""
    kwargs = (request.parser_context or {}).get("kwargs", {})
    op = find_op(kwargs.get("name", ""))
    if op is None or not op.download:
        return None
    params = request.query_params
    parts = [params.get(name, "") for name in ("id", "range")]
    stem = " ".join(parts).replace("@", "").strip() if parts[0] else op.download
    return download_of(request, stem) or workbook_of(request, stem)


@lru_cache(maxsize=256)  # clients send the same header with each request
def choose_format(accept: str) -> tuple[Format, str]:
    """The format and media type of the answer. Raises NotAcceptable."""
    ranges = sorted(
        media_ranges(accept or "*/*"),
        key=lambda one: (-one.q, -one.specificity, one.position),
    )
    refused = [one for one in ranges if one.q == 0]
    for wanted in ranges:
        for format, media_type in _candidates(wanted):
            if wanted.q > 0 and not _is_refused(format, media_type, wanted, refused):
                return format, media_type
    raise NotAcceptable(f"unsupported media type in Accept: {accept[:200]!r}")


def choose_media_type(accept: str, offered: Sequence[str]) -> str:
    """The best of the offered media types, the first of equals.

    Raises NotAcceptable.
    """
    ranges = sorted(media_ranges(accept or "*/*"), key=lambda one: -one.specificity)

    def rank(name: str) -> tuple[float, int]:
        covering = (one for one in ranges if name.startswith(one.prefix))
        return next(((one.q, one.specificity) for one in covering), (0.0, 0))

    best = max(offered, key=rank)
    if rank(best)[0] <= 0:
        raise NotAcceptable(f"unsupported media type in Accept: {accept[:200]!r}")
    return best


def request_format(content_type: str, *, has_token: bool = False) -> Format | None:
    """The format of a request body; None if it is not supported.

    Older JavaScript clients send Zinc as ``text/plain``. A browser sends that from any
    page without asking, but never a token, so a token is required.
    """
    try:
        name, parameters = parsed_media_type(content_type)
    except InvalidHeader:
        return None
    if name == "text/plain":
        return ZINC if has_token else None
    found = _find(name, parameters.get("version"))
    return found if found and found.read else None


def _candidates(wanted: MediaRange) -> Iterator[tuple[Format, str]]:
    """Formats that a media range allows, the preferred one first."""
    if wanted.specificity >= 2:
        found = _find(wanted.name, wanted.version)
        if found and found.write:
            known = MediaType(wanted.name, wanted.version) in found.media_types
            is_echoed = wanted.version and (known or wanted.version in found.versions)
            version = f"; version={wanted.version}" if is_echoed else ""
            yield found, wanted.name + version
        return
    for format in sorted(FORMATS, key=lambda one: one is not DEFAULT):
        for media_type in format.media_types:
            # a version is only used if it was requested
            if (
                format.write
                and media_type.version is None
                and media_type.name.startswith(wanted.prefix)
            ):
                yield format, media_type.name


def _find(name: str, version: str | None) -> Format | None:
    """The format; its version is ignored if formats of this name have no versions."""
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
    """Whether a range that is more specific than the wanted one has q=0.

    A range with a version only refuses the format of that version.
    """
    name = media_type.partition(";")[0]
    return any(
        one.specificity > wanted.specificity
        and name.startswith(one.prefix)
        and (one.version is None or _find(one.name, one.version) is format)
        for one in refused
    )
