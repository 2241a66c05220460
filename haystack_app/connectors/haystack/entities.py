"""What is taken over of another server's entities, and what is not.

Tags by which a server acts are left: two servers would do the same. Tags that both
have changed are those of this server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...kinds.grid import Grid
from ...kinds.scalars import NA, REMOVE, Ref
from ...kinds.transient import TRANSIENT

__all__ = ["ORIGIN", "Rewriting", "merged", "taken_over"]

ORIGIN = "connectorOrigin"
"""The server that an entity is of, and its id there. It stays when a third server
follows the second, by which an entity is known when it comes back."""
_DRIVERS = (
    "bacnet|bacnetSc|coap|cx|dummy|easyIo|ecobee|emonCms|haystack|his|honeywell|knx|"
    "lonWorks|lora|modbus|mqtt|niagara|obix|onewire|opc|opcUa|rdb|sedona|snmp|sql|"
    "tridium|weather"
)
_ACTING = re.compile(
    # hisCollectCov and the like, a connection, an address of a driver's point
    r"hisCollect\w*|conn|\w*Conn(?:[A-Z]\w*)?"
    rf"|(?:{_DRIVERS})(?:Cur|His|Write|WriteLevel|Poll\w*|Sync\w*|Point)"
    # levels, and what makes a server copy values
    r"|write(?:Level\w*|Def\w*|Schedule\w*|Conflict\w*|On\w*)|curTracksWrite"
)
_NOT_TAGS = frozenset({"id", "mod", "trash", ORIGIN}) | TRANSIENT
_DEPTH = 20


def taken_over(
    far: Mapping[str, Any], *, current: bool, history: bool, write: bool
) -> dict[str, Any]:
    """The tags of a far record that are for this server, with far refs."""
    left = {
        name
        for name, is_wanted in (("cur", current), ("his", history), ("writable", write))
        if not is_wanted
    }
    return {
        name: value
        for name, value in far.items()
        if name not in _NOT_TAGS and name not in left and not _ACTING.fullmatch(name)
    }


class Rewriting:
    """Far refs as refs here. Those that lead to no entity of the connector go."""

    def __init__(self, ids: Mapping[str, str]) -> None:
        self.ids = ids
        self.dropped = 0

    def tags(self, tags: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
        """Raises ValueError for what is nested too deep."""
        if depth > _DEPTH:
            raise ValueError(f"nested more than {_DEPTH} levels deep")
        found = {name: self._value(value, depth) for name, value in tags.items()}
        return {name: value for name, value in found.items() if value is not None}

    def _value(self, value: Any, depth: int) -> Any:
        """None for what goes."""
        if isinstance(value, Ref):
            return self._ref(value)
        if value is REMOVE or (value is NA and not depth):
            return None
        if isinstance(value, list):
            items = [self._value(item, depth + 1) for item in value]
            return [item for item in items if item is not None]
        if isinstance(value, Grid):
            return None  # nested grids are not tags of sites, equips and points
        if isinstance(value, Mapping):
            return self.tags(value, depth + 1)
        return value

    def _ref(self, ref: Ref) -> Ref | None:
        here = self.ids.get(ref.id)
        if here is None:
            self.dropped += 1
            return None
        return Ref(here)


def merged(
    held: Mapping[str, Any], before: Mapping[str, Any], now: Mapping[str, Any]
) -> dict[str, Any]:
    """The tags of an entity after its far record changed.

    ``held`` are those here, ``before`` what was taken over last. A tag that differs
    here from ``before`` was changed or removed here, and stays so.
    """
    tags = {name: value for name, value in held.items() if name not in TRANSIENT}
    for name in before.keys() | now.keys():
        if held.get(name) != before.get(name):
            continue
        if name in now:
            tags[name] = now[name]
        else:
            tags.pop(name, None)
    return tags
