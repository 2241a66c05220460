"""How much a reader takes before it gives up with a clear error."""

MAX_DEPTH = 64
"""Levels of lists, dicts and grids inside each other."""

MAX_CELLS = 8_000_000
"""Cells of one document that hold a value; a row counts as one more."""
