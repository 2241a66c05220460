"""The number of files, and so of connections, that a process may open."""

from __future__ import annotations

import logging

__all__ = ["raise_limit"]

logger = logging.getLogger(__name__)

ENOUGH = 4_096


def raise_limit() -> None:
    """Raise the soft limit of open files to the hard one; warn if that is low.

    Shells and services begin with 1,024, which as many connections exhaust; then no
    other is accepted, and no file is opened.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
        except (OSError, ValueError):  # macOS has a lower one of its own
            pass
    if soft != resource.RLIM_INFINITY and soft < ENOUGH:
        logger.warning(
            "this process may open %d files, and so as many connections: raise the "
            "limit to %d or more (ulimit -n, LimitNOFILE)",
            soft,
            ENOUGH,
        )
