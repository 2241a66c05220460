"""Stores the entities of a file, part by part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from ..jobs import JobContext, JobFailed
from ..models import FileImport
from ..ops import Context
from ..wire.files import UnreadableFile
from . import spool
from .corrections import Corrections
from .entities import EntityFile
from .errors import reason_of

__all__ = ["import_entities"]

_COUNTS = ("created", "updated", "unchanged")


def import_entities(
    context: JobContext,
    within: Callable[[], Context],
    found: FileImport,
    given: Corrections,
) -> dict[str, Any]:
    """Check the file again, and commit its entities.

    ``within`` is the store with the rights of now. Raises ValueError.
    """
    begun = context.checkpoint or {"parts": 0, "counts": {}}
    context.progress(0, None, "checking")
    try:
        file = EntityFile(within().storage, spool.file_of(found), given)
        checked = file.check(lambda _: context.check())
    except UnreadableFile as err:
        raise JobFailed(reason_of(err)) from None
    parts, total = checked.parts(), len(checked.stored)
    counts: Counter[str] = Counter(begun["counts"])
    done = 0
    for number, part in enumerate(parts, 1):
        done += len(part)
        if number <= begun["parts"]:
            continue
        context.progress(done - len(part), total, "storing")
        now = within()
        after = Counter(counts)
        step: dict[str, Any] = {"parts": number, "counts": after}
        with context.step(step, done):
            changes = now.storage.commit(part, who=now.username)
            after.update({name: len(getattr(changes, name)) for name in _COUNTS})
        now.storage.let_others_write()
        counts = after
    return {
        "kind": "entities",
        "rows": total,
        **{name: counts[name] for name in _COUNTS},
    }
