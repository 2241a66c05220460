"""Limits of the readers.

The values are the defaults of ``HAYSTACK["LIMITS"]``; error messages name its keys.
The settings may change while the process runs, so read them as attributes of this
module and never import them by name.
"""

MAX_DEPTH = 64
"""Levels of nested lists, dicts and grids: ``DEPTH``."""

MAX_CELLS = 8_000_000
"""Cells with a value in one document, plus one for each row: ``CELLS``."""
