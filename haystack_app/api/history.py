"""``/api/history/``: histories as columns, in JSON, CSV, Apache Arrow and Parquet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from django.http import HttpResponse, HttpResponseBase, QueryDict
from drf_spectacular.utils import OpenApiExample
from rest_framework.exceptions import NotAcceptable
from rest_framework.request import Request

from ..kinds.display import quoted
from ..kinds.scalars import Ref
from ..ops import OpError
from ..ops.arguments import check_id_count
from ..ops.frames import history_frame
from ..transfer.frames.arrow import arrow_chunks, is_installed, parquet_chunks
from ..transfer.frames.csv_text import csv_chunks
from ..transfer.frames.frame import Frame
from ..transfer.frames.json_text import TooManyValues, json_text
from . import openapi
from .downloads import FILE_STEM, is_for_person
from .exceptions import BadRequest
from .negotiation import choose_media_type
from .openapi import extend_schema, query
from .parsers import query_grid
from .renderers import HaysonRenderer, as_download, response_of
from .rest import JsonNegotiation, ReadingView, replicated

__all__ = ["HistoryView"]

_FOLDING = ("range", "tz", "rollup", "interval", "maxPoints")
_PARAMETERS = ("ids", "filter", *_FOLDING, "shape", "format", "download")
_SHAPES = ("wide", "long")
_NO_ARROW = (
    "Arrow and Parquet need the package 'pyarrow' on the server: install"
    " haystack-server[arrow]; without it there are JSON and CSV"
)


class FrameFormat(NamedTuple):
    """``is_long``: whether it is, without the parameter ``shape``."""

    media_type: str
    ending: str
    is_long: bool
    needs_arrow: bool


JSON = FrameFormat("application/json", "json", False, False)
CSV = FrameFormat("text/csv", "csv", False, False)
ARROW = FrameFormat("application/vnd.apache.arrow.stream", "arrow", True, True)
PARQUET = FrameFormat("application/vnd.apache.parquet", "parquet", True, True)
_FORMATS = {"json": JSON, "csv": CSV, "arrow": ARROW, "parquet": PARQUET}
_BY_TYPE = {one.media_type: one for one in _FORMATS.values()}


class FrameRenderer(HaysonRenderer):
    """Stands for a format of frames, which are not rendered by REST framework."""

    def __init__(self, frame_format: FrameFormat) -> None:
        super().__init__()
        self.frame_format = frame_format


class HistoryNegotiation(JsonNegotiation):
    """By the name of a download, or ``format``, or else Accept; JSON by default."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[Any],
        format_suffix: str | None = None,
    ) -> tuple[Any, str]:
        chosen = _chosen(request)
        if chosen.needs_arrow and not is_installed():
            raise NotAcceptable(_NO_ARROW)
        return FrameRenderer(chosen), chosen.media_type


def _chosen(request: Request) -> FrameFormat:
    params = request.query_params
    if name := params.get("download", ""):
        stem, _, ending = name.rpartition(".")
        if ending.lower() not in _FORMATS or not FILE_STEM.fullmatch(stem):
            endings = ", ".join(f".{one}" for one in _FORMATS)
            raise BadRequest(
                f"download must be the name of a file that ends in {endings}, not"
                f" {quoted(name)}"
            )
        return _FORMATS[ending.lower()]
    if word := params.get("format", ""):
        if word not in _FORMATS:
            words = ", ".join(_FORMATS)
            raise BadRequest(f"format must be one of {words}, not {quoted(word)}")
        return _FORMATS[word]
    accept = request.headers.get("Accept", "")
    offered = [
        one.media_type
        for one in _FORMATS.values()
        if is_installed() or not one.needs_arrow
    ]
    try:
        return _BY_TYPE[choose_media_type(accept, offered)]
    except NotAcceptable:
        if not is_installed() and any(
            one.needs_arrow and one.media_type in accept for one in _FORMATS.values()
        ):
            raise NotAcceptable(_NO_ARROW) from None
        raise


class HistoryView(ReadingView):
    """Samples, or roll-ups, of several points in columns."""

    content_negotiation_class = HistoryNegotiation

    @extend_schema(
        operation_id="history_read",
        parameters=[
            query(
                "ids",
                "ids of points, separated by commas; or else `filter`",
                {"type": "string"},
            ),
            query(
                "filter",
                "a Haystack filter that matches points with history only; at most the"
                " cap `IDS`",
            ),
            query(
                "range",
                "as for `hisRead`: `today`, `2024-03-01`, `2024-03-01,2024-03-31`,"
                " a dateTime or two",
            ),
            query(
                "tz",
                "the time zone of days and times, a city such as `New_York`; needed if"
                " the points have several",
            ),
            query(
                "rollup",
                "a fold, or several with commas: `min,avg,max`",
            ),
            query("interval", "of the roll-up: `15min`, `1hr`, `1day`, `1mo`"),
            query(
                "maxPoints",
                "with `rollup` instead of `interval`; without `rollup`, fewer samples"
                " that look the same",
                {"type": "integer", "minimum": 1},
            ),
            query(
                "shape",
                "`wide`: a column for each point; `long`: a row for each sample."
                " JSON and CSV are wide by default, Arrow and Parquet long",
                {"type": "string", "enum": list(_SHAPES)},
            ),
            query(
                "format",
                "instead of Accept",
                {"type": "string", "enum": list(_FORMATS)},
            ),
            query("download", "the name of a file, whose ending decides the format"),
        ],
        responses={
            (200, JSON.media_type): openapi.FRAME,
            (200, CSV.media_type): {"type": "string"},
            (200, ARROW.media_type): {"type": "string", "format": "binary"},
            (200, PARQUET.media_type): {"type": "string", "format": "binary"},
            **openapi.error_responses(403, 406),
        },
        examples=[
            OpenApiExample(
                "Daily means of two points",
                value=openapi.FRAME_EXAMPLE,
                media_type=JSON.media_type,
                response_only=True,
                status_codes=["200"],
            ),
        ],
    )
    @replicated
    def get(self, request: Request, **_: Any) -> HttpResponseBase:
        """Samples of points in columns, or folds of them."""
        renderer: FrameRenderer = request.accepted_renderer  # type: ignore[assignment]
        format, params = renderer.frame_format, request.query_params
        is_long = _is_long(params, format)
        with self.op_context() as context:
            arguments, ids = _arguments(params), _ids(params)
            frame = history_frame(context, arguments, ids, side_by_side=not is_long)
            filename = params.get("download", "")
            is_safe = bool(filename) or _is_browser(request)
            return _answer(frame, format, filename, long=is_long, is_safe=is_safe)


def _is_browser(request: Request) -> bool:
    """Whether a person opens the CSV that ``format`` asks for."""
    accept = request.headers.get("Accept", "")
    return "text/html" in accept and is_for_person(accept)


def _is_long(params: QueryDict, format: FrameFormat) -> bool:
    shape = params.get("shape", "")
    if shape not in ("", *_SHAPES):
        raise BadRequest(f"shape must be wide or long, not {quoted(shape)}")
    return format.is_long if not shape else shape == "long"


def _ids(params: QueryDict) -> list[str] | None:
    """Of ``ids``; None for a filter. Raises OpError."""
    texts = [text for given in params.getlist("ids") for text in given.split(",")]
    found = [text.strip().removeprefix("@") for text in texts if text.strip()]
    has_filter = bool(params.get("filter"))
    if bool(found) == has_filter:
        raise OpError("give ids or filter" + (", not both of them" if found else ""))
    check_id_count(len(found))
    try:
        return None if has_filter else [Ref(id).id for id in found]
    except ValueError as err:
        raise OpError(f"ids: {err}") from None


def _arguments(params: QueryDict) -> Mapping[str, Any]:
    """Values as in a GET request of hisRead. Raises OpError and ParseError."""
    for name in params:
        if name not in _PARAMETERS:
            known = ", ".join(_PARAMETERS)
            raise OpError(f"unknown parameter {quoted(name)}: use {known}")
    asked = params.copy()
    for name in ("ids", "filter", "shape", "format", "download"):
        asked.pop(name, None)
    filter = params.get("filter")
    return {**query_grid(asked).first, **({"filter": filter} if filter else {})}


def _answer(
    frame: Frame, format: FrameFormat, filename: str, *, long: bool, is_safe: bool
) -> HttpResponseBase:
    """Errors before the first bytes are raised here; later ones break the answer."""
    if format is JSON:
        try:
            body = json_text(frame, long=long)
        except TooManyValues as err:
            raise BadRequest(str(err)) from None
        answer = HttpResponse(body, content_type="application/json; charset=utf-8")
        return as_download(answer, filename)
    chunks = _WRITERS[format](frame, long, is_safe)
    charset = "; charset=utf-8" if format is CSV else ""
    content_type = f"{format.media_type}{charset}"
    name = filename or f"history.{format.ending}"
    return as_download(response_of(chunks, content_type), name)


_Write = Callable[[Frame, bool, bool], Iterator[bytes]]


def _csv(frame: Frame, long: bool, for_person: bool) -> Iterator[bytes]:
    texts = csv_chunks(frame, long=long, for_person=for_person)
    return (text.encode() for text in texts)


_WRITERS: dict[FrameFormat, _Write] = {
    CSV: _csv,
    ARROW: lambda frame, long, _: arrow_chunks(frame, long=long),
    PARQUET: lambda frame, long, _: parquet_chunks(frame, long=long),
}
