"""What is known of the request that a thread answers, for logs and metrics."""

from __future__ import annotations

import logging
import re
import secrets
from contextvars import ContextVar
from typing import Any

__all__ = ["RequestFacts", "RequestIdFilter", "current_facts", "request_id_of"]

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_LONGEST = 200
"""Characters of a filter or of ids in a line of the log."""


class RequestFacts:
    """Facts of one request: its id, the op with its arguments, and its statements.

    Arguments are kept as they are, and become a text only for a line that is logged.
    """

    __slots__ = (
        "arguments",
        "id",
        "op",
        "rows",
        "slow",
        "statement_seconds",
        "statements",
    )

    def __init__(self, id: str) -> None:
        self.id = id
        self.op = ""
        self.arguments: Any = None
        self.rows = 0
        """Rows of the answer, but for samples that are streamed."""
        self.statements = 0
        self.statement_seconds = 0.0
        self.slow: list[tuple[str, str, Any, float]] = []
        """Database, SQL, parameters and seconds of slow statements."""

    @property
    def query(self) -> str:
        """The filter or the ids of the op, at most 200 characters."""
        grid = self.arguments
        if grid is None:
            return ""
        filter = grid.meta.get("filter") or grid.first.get("filter")
        if filter is not None:
            return _cut(str(filter))
        rows = grid.rows if isinstance(grid.rows, list | tuple) else ()
        return _cut(" ".join(str(row["id"]) for row in rows[:20] if row.get("id")))


current_facts: ContextVar[RequestFacts | None] = ContextVar(
    "current_facts", default=None
)


def request_id_of(header: str) -> str:
    """The id that a client or a proxy gave, if it is one, else a new one."""
    return header if _ID.match(header) else secrets.token_hex(8)


class RequestIdFilter(logging.Filter):
    """Adds ``request_id`` to the records of a handler; empty outside of requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        facts = current_facts.get()
        record.request_id = facts.id if facts else ""
        return True


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 2]}.."
