"""The base class of the API's views, independent of the host's ``REST_FRAMEWORK``."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.views import APIView

from ..auth.caller import Caller
from . import exceptions
from .authentication import AUTHENTICATION, get_caller
from .throttling import RequestThrottle

__all__ = ["ApiView"]


class ApiView(APIView):
    """Authentication, throttle, headers and errors."""

    authentication_classes = AUTHENTICATION
    throttle_classes = [RequestThrottle]
    renderer_classes = [JSONRenderer]
    parser_classes = [JSONParser]
    versioning_class = None
    schema: Any = AutoSchema()

    @property
    def caller(self) -> Caller:
        return get_caller(self.request)

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Headers of all responses, including errors."""
        headers: dict[str, str] = super().default_response_headers
        return {**headers, "Cache-Control": "no-cache, no-store"}

    def get_exception_handler(self) -> Any:
        return exceptions.handle
