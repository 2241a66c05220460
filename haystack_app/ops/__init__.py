"""The Haystack ops: functions from a request grid to an answer grid."""

from . import (  # noqa: F401  register ops
    actions,
    bulk,
    commit,
    currents,
    def_tags,
    defs,
    eval,
    history,
    load,
    points,
    read,
    system,
    trash,
    trees,
    watch,
)
from .registry import Context, Op, OpError, all_ops, find_op

__all__ = ["Context", "Op", "OpError", "all_ops", "find_op"]
