"""The op ``emptyTrash``: remove for good what is in the trash.

An extension. ``commit`` and the REST API move entities to the trash and out of it.
"""

from __future__ import annotations

from typing import Any

from ..auth.roles import EMPTY_TRASH
from ..conf import limit
from ..kinds.grid import Grid
from ..kinds.scalars import Number, Ref
from ..storage.trash import Emptied
from .arguments import row_ids
from .registry import Context, OpError, op

__all__: list[str] = []

_LISTED = 100
_MORE = "incomplete"


@op("emptyTrash", permission=EMPTY_TRASH, side_effects=True, as_job=True)
def empty_trash(context: Context, request: Grid) -> Grid:
    """Remove the entities of the rows, or with meta ``all`` all, from the trash.

    Their histories go, too. What other entities refer to stays, unless meta ``force``
    is set: the rows of the answer are the first 100 that stay, each with ``usedBy``, an
    entity that refers to it. Meta ``count`` and ``kept`` are the numbers of those that
    were removed and that stay; ``incomplete`` means that the call must be repeated,
    because it ends after as many as the cap IDS.
    """
    done = context.storage.empty_trash(
        _ids(request),
        force=_is_set(request, "force"),
        limit=limit("IDS"),
        who=context.username,
    )
    return _answer(done)


def _ids(request: Grid) -> list[str] | None:
    """Those of the rows; None for all. Raises OpError."""
    ids = [ref.id for ref in row_ids(request)]
    if bool(ids) == _is_set(request, "all"):
        raise OpError("give either rows with the ids to remove, or meta all")
    return ids or None


def _is_set(request: Grid, name: str) -> bool:
    return request.meta.get(name) not in (None, False)


def _answer(done: Emptied) -> Grid:
    rows = [
        {"id": Ref(id), **({"usedBy": Ref(other)} if other else {})}
        for id, other in sorted(done.kept.items())[:_LISTED]
    ]
    meta: dict[str, Any] = {
        "count": Number(len(done.removed)),
        "kept": Number(len(done.kept)),
    }
    if done.more:
        meta[_MORE] = True
    return Grid.of(rows, ["id", "usedBy"], meta)
