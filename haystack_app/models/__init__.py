"""Models: entities, history, change log, watches, tokens, audit log, tasks."""

from .audit import AuditEntry
from .change import Change, PrunedChanges
from .definition import DefLibrary
from .entity import Entity, EntityRef, TagSet
from .handshake import Handshake
from .history import HisSample
from .lookups import Matching
from .priority import PointWrite, PriorityLevel
from .sample_log import PostponedSample, SampleEdit
from .scope import GroupScope
from .task import Task
from .token import Token
from .watch import Watch, WatchItem

__all__ = [
    "AuditEntry",
    "Change",
    "DefLibrary",
    "Entity",
    "EntityRef",
    "GroupScope",
    "Handshake",
    "HisSample",
    "Matching",
    "PointWrite",
    "PostponedSample",
    "PriorityLevel",
    "PrunedChanges",
    "SampleEdit",
    "TagSet",
    "Task",
    "Token",
    "Watch",
    "WatchItem",
]
