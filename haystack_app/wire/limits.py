"""How much a reader takes before it gives up with a clear error.

The values are the defaults of ``HAYSTACK["LIMITS"]``, whose keys the messages
name. Settings change them while the process runs: look them up as attributes of
this module, never import them by name.
"""

MAX_DEPTH = 64
"""Levels of lists, dicts and grids inside each other: ``DEPTH``."""

MAX_CELLS = 8_000_000
"""Cells of one document that hold a value; a row is one more: ``CELLS``."""
