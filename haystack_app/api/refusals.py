"""What a store refuses, as the statuses of the REST API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rest_framework.exceptions import APIException, NotFound

from ..ops import OpError
from ..ops.changes import CursorExpired
from ..ops.editing import (
    Conflict,
    EntityInUse,
    StaleRecord,
    StorageError,
    UnknownEntity,
)
from ..wire.errors import EncodeError, ParseError
from .exceptions import UnreadableRequest

__all__ = ["Conflicting", "Gone", "Stale", "as_rest"]


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
