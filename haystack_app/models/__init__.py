"""The tables: entities with their references, and history."""

from .entity import Entity, EntityRef, TagSet
from .history import HisSample

__all__ = ["Entity", "EntityRef", "HisSample", "TagSet"]
