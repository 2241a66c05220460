"""The tables: entities with what belongs to them, history, changes, log-ins."""

from .audit import AuditEntry
from .change import Change
from .definition import DefLibrary
from .entity import Entity, EntityRef, TagSet
from .handshake import Handshake
from .history import HisSample
from .priority import PriorityLevel
from .scope import GroupScope
from .token import Token

__all__ = [
    "AuditEntry",
    "Change",
    "DefLibrary",
    "Entity",
    "EntityRef",
    "GroupScope",
    "Handshake",
    "HisSample",
    "PriorityLevel",
    "TagSet",
    "Token",
]
