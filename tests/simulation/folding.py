"""Folding of what was written, apart from the requests.

Servers fold changed histories in turn, in one process at a time: when they cannot
follow, a history is folded later, with several changes at once. So it takes no more
than a core, and is not multiplied.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from haystack_app.models import FoldMark
from haystack_app.storage.handler import storages
from haystack_app.storage.orm.locks import locked_for_folding
from tests.bench.cpu import Cpu

__all__ = ["fold_seconds", "not_folding"]

_FOLDED = 300
"""Histories that are folded to be measured."""
_STEP = 100


@contextmanager
def not_folding() -> Iterator[None]:
    """Hold the lock by which servers fold; on SQLite it would stop all writers."""
    if connection.vendor == "sqlite":
        yield
        return
    with transaction.atomic():
        locked_for_folding(connection)
        yield


def fold_seconds() -> float:
    """CPU to fold one changed history, here and in the database; 0 if none is."""
    marked = FoldMark.objects.values("point_id").distinct()
    before, cpu = marked.count(), Cpu()
    begin = cpu()
    while marked.count() > before - _FOLDED and storages["default"].fold_dirty(_STEP):
        continue
    folded = before - marked.count()
    return (cpu() - begin) / folded if folded else 0.0
