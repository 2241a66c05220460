"""Failures before an op runs: a status, and JSON that says why."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpResponseBase, JsonResponse
from rest_framework.exceptions import (
    APIException,
    AuthenticationFailed,
    NotAuthenticated,
)
from rest_framework.views import exception_handler as rest_exception_handler

from ..kinds.grid import Grid
from ..ops.dispatch import brief
from ..outages import RETRY_SECONDS, TEXT, is_outage, unavailable
from . import throttling
from .renderers import GridRenderer

__all__ = [
    "BodyTooLarge",
    "NotImplementedMethod",
    "UnknownCoding",
    "UnreadableBody",
    "UnreadableRequest",
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
