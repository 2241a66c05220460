"""An op, done for whoever asked: what it refuses is an error grid."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from ..conf import limit
from ..kinds.grid import Grid
from ..outages import is_outage
from .registry import Context, NotAllowed, Op, OpError

__all__ = ["brief", "carry_out"]

logger = logging.getLogger(__name__)
_T = TypeVar("_T")
_LONGEST = 500


def carry_out(op: Op, context: Context, grid: Grid, write: Callable[[Grid], _T]) -> _T:
    """What ``write`` makes of the answer, or of an error grid.

    Answers are made while they are written, so that writing them belongs to the
    op. Raises NotAllowed, and what is an outage.
    """
    try:
        # A long answer's first bytes must come in time, not its last ones.
        with context.storage.time_limit(limit("STATEMENT_SECONDS")):
            return write(op.run(context, grid))
    except NotAllowed:
        raise
    except (OpError, ValueError) as err:
        return write(Grid.error(brief(_reason(err))))
    except Exception as err:
        if is_outage(err):
            raise
        logger.exception("op %s failed", op.name)
        return write(Grid.error(f"{op.name}: internal error"))


def _reason(error: ValueError) -> str:
    """What the caller is told; a fault of the server's own is not spelt out."""
    if type(error).__module__.startswith("haystack_app."):
        return str(error)
    logger.exception("op failed")
    return "internal error"


def brief(text: str) -> str:
    """At most 500 characters, so that an error never sends a request's text back."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
