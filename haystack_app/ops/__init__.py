"""The Haystack ops: functions from a request grid to an answer grid."""

from . import history, load, read, system  # noqa: F401  each registers its ops
from .registry import Context, Op, OpError, all_ops, find_op

__all__ = ["Context", "Op", "OpError", "all_ops", "find_op"]
