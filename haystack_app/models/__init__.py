"""The tables: entities with what belongs to them, history, changes, defs."""

from .change import Change
from .definition import DefLibrary
from .entity import Entity, EntityRef, TagSet
from .history import HisSample
from .priority import PriorityLevel

__all__ = [
    "Change",
    "DefLibrary",
    "Entity",
    "EntityRef",
    "HisSample",
    "PriorityLevel",
    "TagSet",
]
