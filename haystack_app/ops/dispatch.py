"""Running an op for a caller, however the request arrived.

HTTP and websockets translate: into a name, a caller, a project and a grid, and
the exceptions raised here into their own statuses.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from django.core.exceptions import PermissionDenied

from ..auth import throttle
from ..auth.caller import ADMIN, READ, WRITE, Caller
from ..auth.roles import OPERATING, VIEW
from ..conf import limit
from ..kinds.grid import Grid
from ..outages import is_outage
from ..storage.handler import DEFAULT_ALIAS, UnknownStorage, storages
from .registry import Context, Op, OpError, find_op

__all__ = [
    "HasSideEffects",
    "UnknownOp",
    "UnknownProject",
    "authorize",
    "brief",
    "context_for",
    "run",
]

logger = logging.getLogger(__name__)
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_LONGEST = 500
_T = TypeVar("_T")


class UnknownOp(LookupError):
    """No op has the name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"unknown op {name!r}")


class HasSideEffects(Exception):
    """A safe method of HTTP must not run the op."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has side effects: use POST")


class UnknownProject(LookupError):
    """No storage of the settings has the name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"unknown project {name!r}")


def authorize(name: str, caller: Caller, method: str = "POST") -> Op:
    """Find an op, count the request, and check token and permission.

    To be called before a request's body is read; ``method`` is that of HTTP. Raises
    UnknownOp, HasSideEffects, TooManyRequests or PermissionDenied.
    """
    throttle.count_request(caller.user)
    op = find_op(name)
    if op is None:
        raise UnknownOp(name)
    if op.side_effects and method in _SAFE_METHODS:
        raise HasSideEffects(name)
    caller.check(op.permission, token_scope(op, method))
    return op


def run(
    op: Op,
    caller: Caller,
    project: str | None,
    grid: Grid,
    write: Callable[[Grid], _T],
    subscriber: str = "",
) -> _T:
    """Return ``write`` of the answer, or of an error grid.

    The answer's rows may be read as they are written, so ``write`` is part of the
    op: its time limit applies, and what fails in it becomes an error grid.
    ``subscriber`` is the connection that receives the updates of a watch.

    Raises UnknownProject, PermissionDenied, and what ``outages`` calls an outage.
    """
    context = context_for(project, caller, subscriber)
    try:
        # a long answer's first bytes must come in time, not its last ones
        with context.storage.time_limit(limit("STATEMENT_SECONDS")):
            return write(op.run(context, grid))
    except PermissionDenied:
        raise
    except (OpError, ValueError) as err:
        return write(Grid.error(brief(_reason(err))))
    except Exception as err:
        if is_outage(err):
            raise
        logger.exception("op %s failed", op.name)
        return write(Grid.error(f"{op.name}: internal error"))


def context_for(project: str | None, caller: Caller, subscriber: str = "") -> Context:
    """The context of an op; ``project`` is a storage alias, None the default one.

    Raises UnknownProject.
    """
    alias, scope = project or DEFAULT_ALIAS, caller.scope
    try:
        store = storages[alias]
    except UnknownStorage:
        raise UnknownProject(alias) from None
    return Context(
        store if scope is None else store.visible_to(scope),
        caller.username,
        caller.log_out,
        caller.may,
        subscriber,
    )


def token_scope(op: Op, method: str) -> str:
    """The least scope that a token needs to call an op by an HTTP method."""
    if method in _SAFE_METHODS or op.only_asks:
        return READ
    if op.permission in OPERATING:
        return WRITE
    if op.permission in ("", VIEW):
        return WRITE if op.side_effects else READ
    return ADMIN


def brief(text: str) -> str:
    """At most 500 characters, so that an error never sends a request's text back."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _reason(error: ValueError) -> str:
    """The text of an error that is meant for callers; others are only logged."""
    is_ours = type(error).__module__.startswith("haystack_app.")
    if is_ours or isinstance(error, OpError):
        return str(error)
    logger.error("op failed", exc_info=error)
    return "internal error"
