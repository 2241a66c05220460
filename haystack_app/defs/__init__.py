"""Definitions: what tags mean, what inherits from what, what is wrong with a record.

Pure: it knows values, formats and filters, and neither Django nor stores.
"""

from .namespace import Namespace
from .problem import Problem, Severity
from .reading import read_libraries, shipped
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
