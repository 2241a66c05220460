"""Log-ins that fail, for whoever watches the log."""

from __future__ import annotations

import logging

from django.http import HttpRequest

__all__ = ["log_failure"]

logger = logging.getLogger("haystack_app.auth")
_LONGEST = 100


def log_failure(request: HttpRequest, username: str, why: str) -> None:
    """Nothing of the header but the name, which cannot break the line."""
    address = request.META.get("REMOTE_ADDR", "")
    logger.warning("log-in of %r from %s: %s", username[:_LONGEST], address, why)
