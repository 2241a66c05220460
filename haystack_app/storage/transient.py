"""Tags that the server and its connectors change far more often than the model.

They are kept apart from a record's persistent tags, so that a new sample
neither rewrites the entity nor touches the index. The list is fixed: a name on
it is never among the persistent tags.
"""

from __future__ import annotations

__all__ = ["TRANSIENT"]

TRANSIENT = frozenset(
    {
        "curErr",
        "curStatus",
        "curVal",
        "hisEnd",
        "hisEndVal",
        "hisErr",
        "hisSize",
        "hisStart",
        "hisStatus",
        "writeErr",
        "writeLevel",
        "writeStatus",
        "writeVal",
    }
)
