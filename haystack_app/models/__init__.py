"""Models: entities, history, change log, watches, tokens, audit log, tasks, jobs."""

from .audit import AuditEntry
from .change import Change, PrunedChanges
from .definition import DefLibrary
from .entity import Entity, EntityRef, TagSet
from .fold import FoldMark, FoldPart, FoldPoint
from .handshake import Handshake
from .history import HisSample
from .job import Job, JobBody, JobSchedule
from .lookups import Matching
from .policy import HistoryPolicy
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
    "FoldMark",
    "FoldPart",
    "FoldPoint",
    "GroupScope",
    "Handshake",
    "HisSample",
    "HistoryPolicy",
    "Job",
    "JobBody",
    "JobSchedule",
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
