"""In Django's admin: entities, to look at and not to change, and tokens."""

from .entity import EntityAdmin
from .group import ScopedGroupAdmin
from .token import TokenAdmin

__all__ = ["EntityAdmin", "ScopedGroupAdmin", "TokenAdmin"]
