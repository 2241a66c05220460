"""The samples beside a range, of many points by one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import orjson
from django.db.backends.base.base import BaseDatabaseWrapper

from ...folds.buckets import LATEST
from ...folds.parts import Sample
from ...sql.arrays import text_array
from ...sql.nearest_samples import POSTGRES, SQLITE
from .fold_statements import sample_of, time_text
from .sqlite_history import sqlite_text

__all__ = ["Which", "nearest_samples"]

Which = Literal["before", "number", "after"]


def nearest_samples(
    connection: BaseDatabaseWrapper, which: Which, ids: Sequence[str], at: int
) -> dict[int, Sample]:
    """By the place of a point, its sample that a statement of this name finds."""
    if not ids:
        return {}
    at = min(at, LATEST)
    if connection.vendor == "postgresql":
        sql, params = getattr(POSTGRES, which), (text_array(ids), time_text(at))
    else:
        sql = getattr(SQLITE, which)
        params = orjson.dumps(ids).decode(), sqlite_text(at)
    found: dict[int, Sample] = {}
    with connection.cursor() as cursor:
        cursor.execute(sql, dict(zip(("ids", "at"), params, strict=True)))
        for n, *columns in cursor.fetchall():
            if (sample := sample_of(*columns)) is not None:
                found[n - 1] = sample
    return found
