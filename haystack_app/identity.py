"""A name of this deployment, by which servers recognise what came from themselves."""

from __future__ import annotations

from functools import cache

from django.db import connections
from django.utils.crypto import salted_hmac

__all__ = ["server_id"]


@cache
def server_id() -> str:
    """The same in all its processes, and another one for each default database."""
    at = connections["default"].settings_dict
    place = f"{at['HOST']}:{at['PORT']}/{at['NAME']}"
    return salted_hmac("haystack_app.identity", place).hexdigest()[:16]
