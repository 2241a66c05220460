"""Defs: the meaning of tags, inheritance, and validation of records.

Pure: depends on kinds, wire formats and filters, but not on Django or storage.
"""

from .loader import read_libraries, shipped
from .namespace import Namespace
from .problem import Problem, Severity
from .records import Def, InvalidDef
from .validation import problems, refs_in

__all__ = [
    "Def",
    "InvalidDef",
    "Namespace",
    "Problem",
    "Severity",
    "problems",
    "read_libraries",
    "refs_in",
    "shipped",
]
