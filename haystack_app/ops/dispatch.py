"""Dispatches calls of ops, for HTTP and websockets.

Both translate a request into the name of an op, a caller, a project and a grid, and
the exceptions raised here into their own statuses.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence, Sized
from dataclasses import replace
from functools import cache
from typing import TypeVar

from django.core.exceptions import PermissionDenied

from ..auth import throttle
from ..auth.caller import ADMIN, READ, WRITE, Caller
from ..auth.roles import OPERATOR_PERMISSIONS, VIEW
from ..conf import limit
from ..defs.marker_words import MarkerWords
from ..instruments import Outcome, measured_op
from ..kinds.display import Reasons
from ..kinds.grid import Grid
from ..replicas.positions import note
from ..replicas.routing import answered_by, is_lost
from ..request_facts import current_facts
from ..storage.base import StorageAdapter
from ..storage.handler import DEFAULT_ALIAS, UnknownStorage, storages
from .registry import Context, Op, OpError, find_op

__all__ = [
    "HasSideEffects",
    "UnknownOp",
    "UnknownProject",
    "authorize",
    "context_for",
    "marker_words",
    "run",
    "truncate",
]

logger = logging.getLogger(__name__)
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_LONGEST = 500
_UNWRITTEN = "but the answer cannot be written in the requested format"
_LINES = Reasons.LISTED + 2
_T = TypeVar("_T")


class UnknownOp(LookupError):
    """There is no op with this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"unknown op {name!r}")


class HasSideEffects(Exception):
    """The op must not be run by a safe HTTP method."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has side effects: use POST")


class UnknownProject(LookupError):
    """The settings have no storage with this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"unknown project {name!r}")


def authorize(name: str, caller: Caller, method: str = "POST") -> Op:
    """The op of this name, if the caller may call it by this HTTP method.

    Also counts the request for the throttle. Call it before reading the body. Raises
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
    known: Callable[[Sequence[str]], _T | None] | None = None,
) -> _T:
    """Run an op and return the result of ``write`` for its answer or an error grid.

    Rows of the answer may be read while they are written, so ``write`` is part of
    the op: the time limit applies to it, and its exceptions become error grids.
    ``subscriber`` is the connection that receives the updates of a watch. ``known``
    may return the result for the revisions that the answer would have
    (``Op.revisions``), of a client that has it: then the op is not run.

    Raises UnknownProject, PermissionDenied and outages (``outages.is_outage``).
    """
    context = context_for(project, caller, subscriber)
    if (facts := current_facts.get()) is not None:
        facts.op, facts.arguments = op.name, grid

    def answer(store: StorageAdapter) -> _T:
        return _run(op, replace(context, storage=store), grid, write, known, outcome)

    with measured_op(op.name, context.storage.alias) as outcome:
        if op.replicated:
            result = answered_by(context.storage, caller.user, answer)
        else:
            try:
                result = answer(context.storage)
            finally:
                if op.side_effects:
                    note(caller.user.pk)
        if facts is not None:
            facts.rows = outcome.rows
        return result


def _run(
    op: Op,
    context: Context,
    grid: Grid,
    write: Callable[[Grid], _T],
    known: Callable[[Sequence[str]], _T | None] | None,
    outcome: Outcome,
) -> _T:
    try:
        # the limit applies until the first bytes of a long answer, not the last
        with context.storage.time_limit(limit("STATEMENT_SECONDS")):
            if known and op.revisions:
                found = op.revisions(context, grid)
                result = None if found is None else known(found)
                if result is not None:
                    return result
            answer = op.run(context, grid)
            outcome.is_error = answer.is_error
            outcome.rows = len(answer.rows) if isinstance(answer.rows, Sized) else 0
            return _written(op, answer, write)
    except PermissionDenied:
        raise
    except (OpError, ValueError) as err:
        outcome.is_error = True
        return write(Grid.error(truncate(_reason(err))))
    except Exception as err:
        if is_lost(context.storage, err):
            raise
        outcome.is_error = True
        logger.exception("op %s failed", op.name)
        return write(Grid.error(f"{op.name}: internal error"))


def _written(op: Op, answer: Grid, write: Callable[[Grid], _T]) -> _T:
    """The answer as written.

    If the answer of a stored change cannot be written, it is an empty grid that says
    so: an error would make clients repeat the change.
    """
    try:
        return write(answer)
    except Exception as err:
        if not op.side_effects or answer.is_error:
            raise
        logger.warning("answer of %s could not be written", op.name, exc_info=err)
        return write(Grid(meta={"dis": f"{op.name}: done, {_UNWRITTEN}"}))


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
        store if scope is None else store.visible_to(scope, caller.guard),
        caller.username,
        caller.log_out,
        caller.has_permission,
        subscriber,
    )


def marker_words(project: str | None) -> Callable[[str], bool]:
    """Whether ``name:M`` is a Marker in Trio, by the defs of a project.

    The function raises UnknownProject.
    """

    @cache
    def words() -> MarkerWords:
        try:
            return MarkerWords(storages[project or DEFAULT_ALIAS].namespace())
        except UnknownStorage:
            raise UnknownProject(project or DEFAULT_ALIAS) from None

    return lambda name: words()(name)


def token_scope(op: Op, method: str) -> str:
    """The token scope required to call an op by an HTTP method."""
    if method in _SAFE_METHODS or op.read_scope:
        return READ
    if op.permission in OPERATOR_PERMISSIONS:
        return WRITE
    if op.permission in ("", VIEW):
        return WRITE if op.side_effects else READ
    return ADMIN


def truncate(text: str) -> str:
    """At most 500 characters a line, so that errors do not echo a whole request.

    A list of invalid rows has a line for each of the first 100.
    """
    lines = text.split("\n")[:_LINES]
    return "\n".join(
        line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…" for line in lines
    )


def _reason(error: ValueError) -> str:
    """The message of an error meant for callers; other errors are only logged."""
    is_ours = type(error).__module__.startswith("haystack_app.")
    if is_ours or isinstance(error, OpError):
        return str(error)
    logger.error("op failed", exc_info=error)
    return "internal error"
