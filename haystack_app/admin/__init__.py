"""In Django's admin: entities, to look at and not to change, and tokens."""

from .entity import EntityAdmin
from .token import TokenAdmin

__all__ = ["EntityAdmin", "TokenAdmin"]
