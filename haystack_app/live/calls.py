"""Ops called over a connection: the rights, limits and answers that HTTP has."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import NotFound, PermissionDenied

from ..api.exceptions import UnreadableRequest
from ..api.permissions import scope_of
from ..api.throttling import as_throttled
from ..auth import throttle
from ..kinds.grid import Grid
from ..ops import NotAllowed, find_op
from ..ops.dispatch import carry_out
from ..wire import hayson_reader, hayson_writer
from ..wire.errors import ParseError
from .login import Caller, UnknownProject

__all__ = ["MOST", "Answer", "called", "grid_in"]

MOST = 32 * 1024 * 1024
"""Characters of an answer: it is held whole, as a message of a websocket is."""

Answer = tuple[Grid, str]
"""A grid, and its Hayson; rows that are read as they are written are spent."""


def called(
    caller: Caller, project: str | None, name: str, grid: Grid, subscriber: str = ""
) -> Answer:
    """What an op answers; ``subscriber`` is who is told the news of a watch by it.

    Raises an APIException with the status that HTTP would have.
    """
    op = find_op(name)
    if op is None:
        raise NotFound(f"unknown op {name!r}")
    with as_throttled():
        throttle.count_request(caller.user)
    caller.check(op.permission, scope_of(op, "POST"))
    try:
        context = caller.context(project, subscriber)
        return carry_out(op, context, grid, _written)
    except UnknownProject:
        raise NotFound(f"unknown project {project!r}") from None
    except NotAllowed as error:
        raise PermissionDenied(str(error)) from None


def _written(grid: Grid) -> Answer:
    pieces: list[str] = []
    size = 0
    for piece in hayson_writer.grid_chunks(grid):
        pieces.append(piece)
        size += len(piece)
        if size > MOST:
            error = Grid.error("the answer is too long for a message: ask by HTTP")
            return error, hayson_writer.grid_text(error)
    return grid, "".join(pieces)


def grid_in(message: dict[str, Any]) -> Grid:
    """The grid of a message; an empty one where there is none.

    Raises UnreadableRequest.
    """
    if message.get("grid") is None:
        return Grid()
    try:
        found = hayson_reader.decode(message["grid"])
    except ParseError as error:
        raise UnreadableRequest(f"grid: {error}") from None
    if not isinstance(found, Grid):
        raise UnreadableRequest("grid: it is none")
    return found
