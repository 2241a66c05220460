"""Failures before an op runs: a status, and JSON that says why."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpResponseBase, JsonResponse
from rest_framework.exceptions import (
    APIException,
    AuthenticationFailed,
    MethodNotAllowed,
    NotAuthenticated,
    NotFound,
    Throttled,
)
from rest_framework.views import exception_handler as rest_exception_handler

from ..auth.throttle import TooManyRequests
from ..kinds.grid import Grid
from ..ops import OpError
from ..ops.changes import CursorExpired
from ..ops.dispatch import HasSideEffects, UnknownOp, UnknownProject, brief
from ..ops.editing import (
    Conflict,
    EntityInUse,
    StaleRecord,
    StorageError,
    UnknownEntity,
)
from ..outages import RETRY_SECONDS, TEXT, is_outage, unavailable
from ..wire.errors import EncodeError, ParseError
from . import throttling
from .renderers import GridRenderer

__all__ = [
    "BodyTooLarge",
    "Conflicting",
    "Gone",
    "NotImplementedMethod",
    "PreconditionRequired",
    "Stale",
    "UnknownCoding",
    "UnreadableBody",
    "UnreadableRequest",
    "as_http",
    "as_rest",
    "handle",
    "members_of",
]

logger = logging.getLogger(__name__)


class UnreadableRequest(APIException):
    status_code = 400
    default_detail = "The request cannot be read."


class UnreadableBody(UnreadableRequest):
    default_detail = "The body is not a grid."


class BodyTooLarge(APIException):
    status_code = 413
    default_detail = "The body is too large."


class UnknownCoding(APIException):
    status_code = 415
    default_detail = "The body's Content-Encoding is unknown."


class NotImplementedMethod(APIException):
    status_code = 501
    default_detail = "Only GET and POST are implemented."


class PreconditionRequired(APIException):
    status_code = 428
    default_detail = (
        "Say which state you change: If-Match with the ETag that you read,"
        " the mod in the body, or If-Match: * for any."
    )


class Conflicting(APIException):
    status_code = 409
    default_detail = "It does not go with what is there."


class Stale(APIException):
    status_code = 412
    default_detail = "It was changed meanwhile."


class Gone(APIException):
    status_code = 410

    def __init__(self, error: CursorExpired) -> None:
        super().__init__(str(error))
        self.members = {"oldest": str(error.oldest)}


@contextmanager
def as_rest() -> Iterator[None]:
    """Refusals inside become answers: 404, 409, 410, 412, and 400 for the others."""
    try:
        yield
    except UnknownEntity as err:
        raise NotFound(str(err)) from None
    except EntityInUse as err:
        raise Conflicting(f"{err}; force=true removes it all the same") from None
    except Conflict as err:
        raise Conflicting(str(err)) from None
    except StaleRecord as err:
        raise Stale(str(err)) from None
    except CursorExpired as err:
        raise Gone(err) from None
    except (StorageError, ParseError, EncodeError, OpError) as err:
        raise UnreadableRequest(str(err)) from None


@contextmanager
def as_http() -> Iterator[None]:
    """What the dispatcher raises, as exceptions of REST framework: 404, 405 and 429."""
    try:
        yield
    except (UnknownOp, UnknownProject) as err:
        raise NotFound(str(err)) from None
    except HasSideEffects as err:
        raise MethodNotAllowed("GET", str(err)) from None
    except TooManyRequests as err:
        raise Throttled(err.seconds) from None


def handle(error: Exception, context: dict[str, Any]) -> HttpResponseBase:
    """``EXCEPTION_HANDLER``: the same statuses as DRF, the body for people.

    A fault of the server's own is logged and answered without a word of it.
    """
    if is_outage(error):
        return _unavailable(error, context["request"])
    if isinstance(error, AuthenticationFailed | NotAuthenticated):
        error = throttling.refused(context["request"]) or error
    if isinstance(error, RequestDataTooBig):
        error = BodyTooLarge()
    elif isinstance(error, SuspiciousOperation):  # a thousand parameters, say
        error = UnreadableRequest(str(error))
    answer = rest_exception_handler(error, context)
    if answer is None:
        logger.error("request failed", exc_info=error)
        return _answer({"status": 500, "dis": "internal error"})
    detail = getattr(error, "detail", None) or str(error) or answer.status_text
    body = _answer(members_of(error, answer.status_code, str(detail)))
    for name in ("WWW-Authenticate", "Retry-After"):
        if name in answer:
            body[name] = answer[name]
    if isinstance(error, UnknownCoding):  # RFC 9110 section 15.5.16
        body["Accept-Encoding"] = "gzip, identity"
    return body


def _unavailable(error: Exception, request: Any) -> HttpResponseBase:
    """An error grid for those who speak in grids: they have been told a status too."""
    logger.warning("a service is down: %s", type(error).__name__)
    renderer = getattr(request, "accepted_renderer", None)
    if not isinstance(renderer, GridRenderer):
        return unavailable()
    answer = renderer.response(Grid.error(TEXT))
    answer.status_code = 503
    answer["Retry-After"] = str(RETRY_SECONDS)
    return answer


def members_of(error: Exception, status: int, detail: str) -> dict[str, Any]:
    """Of the body of a refusal; an error may have more of them as ``members``."""
    more: dict[str, Any] = getattr(error, "members", {})
    return {"status": status, "dis": brief(detail), **more}


def _answer(members: dict[str, Any]) -> JsonResponse:
    return JsonResponse(
        members,
        status=members["status"],
        content_type="application/json; charset=utf-8",
    )
