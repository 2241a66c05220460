"""Models: entities, history, change log, watches, tokens, audit log, tasks, jobs."""

from .audit import AuditEntry
from .change import Change, PrunedChanges
from .definition import DefLibrary
from .entity import Entity, EntityRef, TagSet
from .handshake import Handshake
from .history import HisSample
from .job import Job, JobBody, JobSchedule
from .lookups import Matching
from .priority import PointWrite, PriorityLevel
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
    "Job",
    "JobBody",
    "JobSchedule",
    "Matching",
    "PointWrite",
    "PriorityLevel",
    "PrunedChanges",
    "TagSet",
    "Task",
    "Token",
    "Watch",
    "WatchItem",
]
