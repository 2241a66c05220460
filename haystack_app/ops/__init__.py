"""The Haystack ops: functions from a request grid to an answer grid."""

from . import (  # noqa: F401  register ops
    actions,
    commit,
    currents,
    defs,
    history,
    load,
    points,
    read,
    system,
    watch,
)
from .registry import Context, Op, OpError, all_ops, find_op

__all__ = ["Context", "Op", "OpError", "all_ops", "find_op"]
