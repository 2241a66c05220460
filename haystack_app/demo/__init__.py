"""Two fictional campuses: their entities, samples and commands for any time.

All data depends on ids and times only: loading twice gives the same records, and
history can be continued seamlessly at any later time.
"""

from .campuses import entities
from .history import Sample, samples
from .priority_arrays import WHO, levels

__all__ = ["WHO", "Sample", "entities", "levels", "samples"]
