"""Django's WSGI application, for any headers."""

from __future__ import annotations

from importlib import import_module

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler

from .. import breaker
from ..client_headers import TolerantRequest
from ..monitoring import tracing

__all__ = ["get_wsgi_application"]


class Handler(WSGIHandler):
    request_class = TolerantRequest


def get_wsgi_application() -> WSGIHandler:
    """For hosts that insist on WSGI: no websockets, no events, and chunked uploads
    arrive empty. Prefer ``get_asgi_application``."""
    django.setup(set_prefix=False)
    breaker.watch()
    if tracing.is_wanted():
        tracing.start()
    import_module(settings.ROOT_URLCONF)  # the first request would wait for it
    return Handler()
