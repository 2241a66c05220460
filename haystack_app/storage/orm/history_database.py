"""Transactions of samples, where these may be in another database than the entities.

Two databases have no common transaction. That of the samples is committed first, then
that of the entities, inside whose lock both are: an entity says nothing of samples that
do not exist. What a crash between the two leaves is in ``history_tasks``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from ...outages import Interrupted, is_outage

__all__ = ["committed_first", "is_inside", "writing"]

_BLOCKS = "_haystack_sample_blocks"
_STORED = "samples may be stored already; repeat it to store the rest"


@dataclass(slots=True, eq=False)
class _Block:
    """A block of ``committed_first``, and its transaction if that has begun."""

    stack: ExitStack = field(default_factory=ExitStack)
    has_begun: bool = False

    def begin(self, using: str) -> None:
        if not self.has_begun:
            self.stack.enter_context(transaction.atomic(using=using))
            self.has_begun = True


@contextmanager
def committed_first(
    samples: BaseDatabaseWrapper, entities: BaseDatabaseWrapper
) -> Iterator[None]:
    """A transaction of entities, before whose commit samples are committed.

    Theirs begins with the first use of ``writing``: most blocks write no samples, and
    need no connection. Inner blocks are savepoints.
    """
    blocks = _blocks(samples)
    block, is_stored = _Block(), False
    try:
        with transaction.atomic(using=entities.alias):
            with block.stack:
                blocks.append(block)
                try:
                    yield
                finally:
                    blocks.remove(block)
            is_stored = block.has_begun and not blocks
    except Exception as error:
        if is_stored and is_outage(error):
            raise Interrupted(_STORED) from error
        raise


def is_inside(samples: BaseDatabaseWrapper) -> bool:
    """Whether this thread is in a block of ``committed_first``."""
    return bool(_blocks(samples))


@contextmanager
def writing(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """A transaction for writing samples: that of the blocks around, or else one."""
    if blocks := _blocks(connection):
        for block in blocks:
            block.begin(connection.alias)
        yield
        return
    with transaction.atomic(using=connection.alias, savepoint=False):
        yield


def _blocks(connection: BaseDatabaseWrapper) -> list[_Block]:
    """Those of this thread, whose connection it is, the outermost first."""
    found: list[_Block] = connection.__dict__.setdefault(_BLOCKS, [])
    return found
