"""Transient tags: the server and its connectors change them frequently.

They are stored separately from a record's persistent tags, so that a new sample
neither rewrites the entity nor updates the index. The list is fixed: a name in it
is never a persistent tag.
"""

from __future__ import annotations

__all__ = ["DROPPED", "HIS_FACTS", "SAMPLE_TS", "TRANSIENT"]

HIS_FACTS = frozenset({"hisEnd", "hisEndVal", "hisSize", "hisStart"})
"""Computed by the server from a point's samples; never set by a client."""

SAMPLE_TS = "curSampleTs"
"""The time of the sample that is the current value.

A point whose current value was written otherwise does not have it.
"""

DROPPED = "hisDropped"
"""The time before which the samples of a point were dropped by a policy."""

TRANSIENT = HIS_FACTS | frozenset(
    {
        DROPPED,
        SAMPLE_TS,
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
