"""Two fictional campuses: their entities, samples and commands for any time,
and dashboards that show them.

All data depends on ids and times only: loading twice gives the same records, and
history can be continued seamlessly at any later time.
"""

from .campuses import entities
from .dashboards import DASHBOARDS
from .history import Sample, has_year, samples
from .priority_arrays import WHO, levels

__all__ = ["DASHBOARDS", "WHO", "Sample", "entities", "has_year", "levels", "samples"]
