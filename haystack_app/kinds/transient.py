"""Tags that the server and its connectors change far more often than the model.

They are kept apart from a record's persistent tags, so that a new sample
neither rewrites the entity nor touches the index. The list is fixed: a name on
it is never among the persistent tags.
"""

from __future__ import annotations

__all__ = ["HIS_FACTS", "TRANSIENT"]

HIS_FACTS = frozenset({"hisEnd", "hisEndVal", "hisSize", "hisStart"})
"""What the server alone knows of a point's samples; no record brings them along."""

TRANSIENT = HIS_FACTS | frozenset(
    {
        "curErr",
        "curStatus",
        "curVal",
        "hisErr",
        "hisStatus",
        "writeErr",
        "writeLevel",
        "writeStatus",
        "writeVal",
    }
)
