"""Server-sent events: what views that start them share.

A view does not wait. It returns the start of the response, and the application sends
the events without occupying a thread (``live/events_app.py``).
"""

from __future__ import annotations

from rest_framework.exceptions import APIException
from rest_framework.request import Request

__all__ = ["CAN_WAIT", "EVENTS", "StreamingNotSupported", "can_wait"]

CAN_WAIT = "haystack.can_wait"
"""Key in the ASGI scope of requests whose response may be sent later."""
EVENTS = "text/event-stream"


class StreamingNotSupported(APIException):
    status_code = 501
    default_detail = "This server does not support events: poll with JSON."


def can_wait(request: Request) -> bool:
    return bool(getattr(request._request, "scope", {}).get(CAN_WAIT))
