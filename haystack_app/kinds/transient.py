"""Transient tags: the server and its connectors change them frequently.

They are stored separately from a record's persistent tags, so that a new sample
neither rewrites the entity nor updates the index. The list is fixed: a name in it
is never a persistent tag.
"""

from __future__ import annotations

__all__ = [
    "CUR_TS",
    "DROPPED",
    "HIS_FACTS",
    "HIS_PERIOD",
    "HIS_WRITE_TS",
    "SAMPLE_TS",
    "SERVER_SET",
    "TRANSIENT",
]

HIS_FACTS = frozenset({"hisEnd", "hisEndVal", "hisSize", "hisStart"})
"""Computed by the server from a point's samples; never set by a client."""

SAMPLE_TS = "curSampleTs"
"""The time of the sample that is the current value.

A point whose current value was written otherwise does not have it.
"""

DROPPED = "hisDropped"
"""The time before which the samples of a point were dropped by a policy."""

CUR_TS = "curTs"
"""When the current value was written, of points whose value can get stale.

A point whose current value is that of a sample does not have it.
"""

HIS_PERIOD = "hisPeriod"
"""The usual interval of a periodic history."""

HIS_WRITE_TS = "hisWriteTs"
"""The newest sample that hisWrite or an import wrote to a point that collects."""

SERVER_SET = HIS_FACTS | {CUR_TS, DROPPED, HIS_PERIOD, HIS_WRITE_TS}
"""Set by the server alone: saving a record neither sets nor removes them."""

TRANSIENT = HIS_FACTS | frozenset(
    {
        DROPPED,
        SAMPLE_TS,
        CUR_TS,
        HIS_PERIOD,
        HIS_WRITE_TS,
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
