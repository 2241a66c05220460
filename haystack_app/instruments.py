"""What the server measures of itself, for Prometheus.

Counting must cost nothing that an op would notice: a few microseconds. Processes that
share ``PROMETHEUS_MULTIPROC_DIR`` are summed by ``monitoring.exposition``.
Source: the OpenMetrics specification, and Prometheus' rules for names.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

if _folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    os.makedirs(_folder, exist_ok=True)  # the package expects it

from prometheus_client import Counter, Gauge, Histogram

__all__ = [
    "FEED_SECONDS",
    "LOGINS_REFUSED",
    "OPS",
    "OP_ROWS",
    "OP_SECONDS",
    "PUSHES",
    "PUSH_SECONDS",
    "REPLICA_READS",
    "REQUESTS",
    "REQUESTS_WAITING",
    "REQUEST_SECONDS",
    "SAMPLES_READ",
    "SAMPLES_WRITTEN",
    "SOCKETS",
    "STATEMENTS",
    "STATEMENT_SECONDS",
    "THREADS_BUSY",
    "TICKS",
    "UNCONFIRMED_COMMITS",
    "WATCHES_PUSHED",
    "Outcome",
    "measured_op",
]

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

REQUESTS = Counter(
    "haystack_requests",
    "Requests by what they asked for, the storage, and the status of the answer.",
    ["target", "storage", "status"],
)
REQUEST_SECONDS = Histogram(
    "haystack_request_seconds",
    "Seconds until the answer began.",
    ["target"],
    buckets=_FAST,
)
OPS = Counter(
    "haystack_ops",
    "Calls of ops, over HTTP and websockets. The outcome is ok, error (an error grid)"
    " or refused (no permission, or an outage).",
    ["op", "storage", "outcome"],
)
OP_SECONDS = Histogram(
    "haystack_op_seconds", "Seconds of calls of ops.", ["op"], buckets=_FAST
)
OP_ROWS = Counter(
    "haystack_op_rows", "Rows of answers, but for samples that are streamed.", ["op"]
)
SAMPLES_READ = Counter(
    "haystack_samples_read", "Samples that were read to be answered.", ["storage"]
)
SAMPLES_WRITTEN = Counter(
    "haystack_samples_written", "Samples that were written or removed.", ["storage"]
)
STATEMENTS = Counter(
    "haystack_statements", "SQL statements, by database.", ["database"]
)
STATEMENT_SECONDS = Counter(
    "haystack_statement_seconds",
    "Seconds of SQL statements, by database.",
    ["database"],
)
REPLICA_READS = Counter(
    "haystack_replica_reads",
    "Reads that a replica could answer, by the database that did. The reason for the"
    " primary is lag (no replica is fresh), writes (none has what the user wrote),"
    " cache (it is not known what the user wrote) or failed (the replica did).",
    ["database", "reason"],
)
UNCONFIRMED_COMMITS = Counter(
    "haystack_unconfirmed_commits",
    "Commits that no standby confirmed in time, by what became of their requests:"
    " refused or accepted.",
    ["requests"],
)
LOGINS_REFUSED = Counter(
    "haystack_logins_refused", "Logins that failed, or were throttled.", ["reason"]
)
THREADS_BUSY = Gauge(
    "haystack_threads_busy",
    "Threads that make answers.",
    multiprocess_mode="livesum",
)
REQUESTS_WAITING = Gauge(
    "haystack_requests_waiting",
    "Requests that wait because their user has others that run.",
    multiprocess_mode="livesum",
)
SOCKETS = Gauge("haystack_sockets", "Open websockets.", multiprocess_mode="livesum")
WATCHES_PUSHED = Gauge(
    "haystack_watches_pushed",
    "Watches whose updates are pushed.",
    multiprocess_mode="livesum",
)
PUSHES = Counter("haystack_pushes", "Updates of watches that were pushed.")
PUSH_SECONDS = Histogram(
    "haystack_push_seconds",
    "Seconds from the notice of a change until its updates were sent.",
    buckets=_FAST,
)
FEED_SECONDS = Histogram(
    "haystack_feed_seconds",
    "Seconds from a change until followers of the change log were sent it.",
    buckets=_FAST,
)
TICKS = Counter(
    "haystack_ticks", "Rounds of maintenance, by outcome: ok or error.", ["outcome"]
)


@contextmanager
def measured_op(op: str, storage: str) -> Iterator[Outcome]:
    """Count a call of an op; what it raises is counted as refused."""
    outcome, began, name = Outcome(), time.perf_counter(), "ok"
    try:
        yield outcome
        name = "error" if outcome.is_error else "ok"
        _rows(op).inc(outcome.rows)
    except BaseException:
        name = "refused"
        raise
    finally:
        _counter(op, storage, name).inc()
        _seconds(op).observe(time.perf_counter() - began)


# ``labels`` itself takes longer than counting
@cache
def _counter(op: str, storage: str, outcome: str) -> Counter:
    return OPS.labels(op, storage, outcome)


@cache
def _seconds(op: str) -> Histogram:
    return OP_SECONDS.labels(op)


@cache
def _rows(op: str) -> Counter:
    return OP_ROWS.labels(op)


class Outcome:
    """Whether an op was answered by an error grid, and by how many rows.

    Samples that are streamed are not counted as rows: they are read later.
    """

    __slots__ = ("is_error", "rows")

    def __init__(self) -> None:
        self.is_error = False
        self.rows = 0
