"""An action for the demo, and an example of how to write one."""

from __future__ import annotations

from ..kinds.grid import Grid, Row
from ..kinds.scalars import Number
from ..ops.actions import action
from ..ops.registry import Context
from ..wire.record import Record

__all__ = ["release"]


@action("release", applies_to="point and writable")
def release(context: Context, entity: Record, arguments: Row) -> Grid:
    """Release all levels of a point. Returns their number."""
    id = entity["id"].id
    levels = context.storage.point_array(id, context.now)
    with context.storage.locked([id]):
        for number in levels:
            context.storage.point_write(
                id, number, None, context.username, user=context.username
            )
    return Grid.of([{"released": Number(len(levels))}])
