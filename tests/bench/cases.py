"""What a case is: ours through HTTP, beside what bounds it from below.

Before a case is timed its sides must agree on what they answer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Case", "ids_of", "same", "utc_text"]


@dataclass(frozen=True, slots=True)
class Case:
    """``theirs`` is what ``beside`` names; ``target`` bounds ours / theirs.

    ``bare`` answers as many constant bytes from the same stack, without a login.
    ``sql`` is the statement alone, which may be ``theirs``. Cases without HTTP, or
    without a statement, lack them. ``size`` is the number of bytes of the answer.

    ``once``: every call does something new, so that calls are not repeated.
    """

    name: str
    ours: Callable[[], Any]
    theirs: Callable[[], Any]
    beside: str
    target: float
    once: bool = False
    bare: Callable[[], Any] | None = None
    sql: Callable[[], Any] | None = None
    size: int = 0


def utc_text(at: dt.datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}Z UTC"


def ids_of(rows: list[Any]) -> list[str]:
    return sorted(row["id"]["val"] for row in rows)


def same(ours: Any, theirs: Any, what: str) -> None:
    if ours != theirs:
        raise AssertionError(f"{what}: {str(ours)[:200]} is not {str(theirs)[:200]}")
