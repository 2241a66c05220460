"""Errors before an op runs: exceptions with a status and a JSON body."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpResponseBase, JsonResponse
from rest_framework.exceptions import (
    APIException,
    AuthenticationFailed,
    MethodNotAllowed,
    NotAuthenticated,
    NotFound,
    PermissionDenied,
    Throttled,
)
from rest_framework.views import exception_handler as rest_exception_handler

from ..auth.throttle import TooManyRequests
from ..folds.errors import FoldError
from ..kinds.grid import Grid
from ..kinds.timezones import UnknownTimeZone
from ..ops import OpError
from ..ops.changes import CursorExpired
from ..ops.dispatch import HasSideEffects, UnknownOp, UnknownProject, truncate
from ..ops.entities import (
    Conflict,
    EntityInUse,
    StaleRecord,
    StorageError,
    UnknownEntity,
)
from ..ops.reverts import ChangedSince, UnknownLogEntry
from ..ops.sample_changes import UnknownChange
from ..outages import RETRY_SECONDS, Outage, outage_of
from ..wire.errors import EncodeError, ParseError
from . import throttling
from .renderers import GridRenderer

__all__ = [
    "BadRequest",
    "BodyTooLarge",
    "Busy",
    "Gone",
    "InvalidBody",
    "MethodNotImplemented",
    "PreconditionFailed",
    "PreconditionRequired",
    "ResourceConflict",
    "UnsupportedEncoding",
    "error_members",
    "handle",
    "http_exceptions",
    "rest_exceptions",
]

logger = logging.getLogger(__name__)


class BadRequest(APIException):
    status_code = 400
    default_detail = "Invalid request."


class InvalidBody(BadRequest):
    default_detail = "The body is not a grid."


class BodyTooLarge(APIException):
    status_code = 413
    default_detail = "The body is too large."


class UnsupportedEncoding(APIException):
    status_code = 415
    default_detail = "Unsupported Content-Encoding."


class MethodNotImplemented(APIException):
    status_code = 501
    default_detail = "Only GET and POST are implemented."


class Busy(APIException):
    status_code = 503
    default_detail = "Too much is running."


class PreconditionRequired(APIException):
    status_code = 428
    default_detail = (
        "Specify the state to change: If-Match with the ETag of the entity,"
        " mod in the body, or If-Match: * for any state."
    )


class ResourceConflict(APIException):
    status_code = 409
    default_detail = "The request conflicts with stored data."


class PreconditionFailed(APIException):
    status_code = 412
    default_detail = "The entity was changed in the meantime."


class Gone(APIException):
    status_code = 410

    def __init__(self, error: CursorExpired) -> None:
        super().__init__(str(error))
        self.members = {"oldest": str(error.oldest)}


@contextmanager
def rest_exceptions() -> Iterator[None]:
    """Translate errors of ops into DRF's: 404, 409, 410, 412, and 400 for others."""
    try:
        yield
    except (UnknownEntity, UnknownChange, UnknownLogEntry) as err:
        raise NotFound(str(err)) from None
    except EntityInUse as err:
        raise ResourceConflict(f"{err}; use force=true to remove it anyway") from None
    except ChangedSince as err:
        raise ResourceConflict(
            f"{err}\nNothing was stored; use partly=true to undo the rest"
        ) from None
    except Conflict as err:
        raise ResourceConflict(str(err)) from None
    except StaleRecord as err:
        raise PreconditionFailed(str(err)) from None
    except CursorExpired as err:
        raise Gone(err) from None
    except (
        StorageError,
        ParseError,
        EncodeError,
        OpError,
        FoldError,
        UnknownTimeZone,
    ) as err:
        raise BadRequest(str(err)) from None


@contextmanager
def http_exceptions() -> Iterator[None]:
    """Translate errors of the dispatcher into DRF's: 403, 404, 405 and 429."""
    try:
        yield
    except DjangoPermissionDenied as err:
        raise PermissionDenied(str(err)) from None
    except (UnknownOp, UnknownProject) as err:
        raise NotFound(str(err)) from None
    except HasSideEffects as err:
        raise MethodNotAllowed("GET", str(err)) from None
    except TooManyRequests as err:
        raise Throttled(err.seconds) from None


def handle(error: Exception, context: dict[str, Any]) -> HttpResponseBase:
    """``EXCEPTION_HANDLER``: DRF's statuses with a body ``{"status": .., "dis": ..}``.

    Internal errors are logged and answered without details.
    """
    if outage := outage_of(error):
        return _unavailable(error, outage, context["request"])
    if isinstance(error, AuthenticationFailed | NotAuthenticated):
        error = throttling.count_unauthenticated(context["request"]) or error
    if isinstance(error, RequestDataTooBig):
        error = BodyTooLarge()
    elif isinstance(error, SuspiciousOperation):  # such as too many parameters
        error = BadRequest(str(error))
    answer = rest_exception_handler(error, context)
    if answer is None:
        logger.error("request failed", exc_info=error)
        return _response({"status": 500, "dis": "internal error"})
    detail = getattr(error, "detail", None) or str(error) or answer.status_text
    body = _response(error_members(error, answer.status_code, str(detail)))
    for name in ("WWW-Authenticate", "Retry-After"):
        if name in answer:
            body[name] = answer[name]
    if isinstance(error, UnsupportedEncoding):  # RFC 9110 section 15.5.16
        body["Accept-Encoding"] = "gzip, identity"
    return body


def _unavailable(error: Exception, outage: Outage, request: Any) -> HttpResponseBase:
    """Status 503 or 507, with an error grid if the client accepts grids."""
    logger.warning("a service is not available: %s", type(error).__name__)
    renderer = getattr(request, "accepted_renderer", None)
    if not isinstance(renderer, GridRenderer):
        return outage.response
    answer = renderer.response(Grid.error(outage.text))
    answer.status_code = outage.status
    answer["Retry-After"] = str(RETRY_SECONDS)
    return answer


def error_members(error: Exception, status: int, detail: str) -> dict[str, Any]:
    """The JSON body of an error; the exception may add ``members``."""
    more: dict[str, Any] = getattr(error, "members", {})
    return {"status": status, "dis": truncate(detail), **more}


def _response(members: dict[str, Any]) -> JsonResponse:
    return JsonResponse(
        members,
        status=members["status"],
        content_type="application/json; charset=utf-8",
    )
