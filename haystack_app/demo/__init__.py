"""Two made-up campuses: their entities, samples and commands for any time.

Everything is a function of ids and times alone: loading twice gives the same
records, and history can be continued at any later time without a seam.
"""

from .arrays import WHO, levels
from .campuses import entities
from .history import Sample, samples

__all__ = ["WHO", "Sample", "entities", "levels", "samples"]
