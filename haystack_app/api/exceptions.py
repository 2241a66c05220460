"""Failures before an op runs: a status, and JSON that says why."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpResponseBase, JsonResponse
from rest_framework.exceptions import APIException
from rest_framework.views import exception_handler as rest_exception_handler

__all__ = [
    "BodyTooLarge",
    "NotImplementedMethod",
    "UnreadableBody",
    "brief",
    "handle",
]


_LONGEST = 500


class UnreadableBody(APIException):
    status_code = 400
    default_detail = "The body is not a grid."


class BodyTooLarge(APIException):
    status_code = 413
    default_detail = "The body is too large."


class NotImplementedMethod(APIException):
    status_code = 501
    default_detail = "Only GET and POST are implemented."


def brief(text: str) -> str:
    """A message that quotes what it complains of must not send all of it back."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def handle(error: Exception, context: dict[str, Any]) -> HttpResponseBase | None:
    """``EXCEPTION_HANDLER``: the same statuses as DRF, the body for people."""
    if isinstance(error, RequestDataTooBig):
        error = BodyTooLarge()
    answer = rest_exception_handler(error, context)
    if answer is None:
        return None
    detail = getattr(error, "detail", None) or str(error) or answer.status_text
    body = JsonResponse({"status": answer.status_code, "dis": brief(str(detail))})
    body.status_code = answer.status_code
    body["Cache-Control"] = "no-cache, no-store"
    for name in ("WWW-Authenticate", "Allow", "Retry-After"):
        if name in answer:
            body[name] = answer[name]
    return body
