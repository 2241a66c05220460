"""Models: entities, history, change log, watches, tokens, audit log, tasks, jobs,
webhooks, dashboards, alarms."""

from .alarm import Alarm, AlarmMail, AlarmNews, AlarmPair, AlarmPause, AlarmTransition
from .alarm_rule import AlarmRule
from .audit import AuditEntry
from .change import Change, PrunedChanges
from .connector import Connector, ConnectorEntity
from .dashboard import Dashboard
from .definition import DefLibrary
from .entity import Entity, EntityRef, NameChange, TagSet
from .fold import FoldMark, FoldPart, FoldPoint
from .handshake import Handshake
from .history import HisSample
from .history_task import HistoryTask
from .imports import FileImport, ImportMapping
from .job import Job, JobBody, JobSchedule
from .lookups import Matching
from .mqtt import MqttTopic, MqttUnknownTopic, MqttWrite
from .policy import HistoryPolicy
from .priority import PointWrite, PriorityLevel
from .sample_log import PostponedSample, SampleEdit
from .scope import GroupScope
from .task import Task
from .token import Token
from .watch import Watch, WatchItem
from .webhook import Webhook, WebhookCrossing, WebhookDelivery

__all__ = [
    "Alarm",
    "AlarmMail",
    "AlarmNews",
    "AlarmPair",
    "AlarmPause",
    "AlarmRule",
    "AlarmTransition",
    "AuditEntry",
    "Change",
    "Connector",
    "ConnectorEntity",
    "Dashboard",
    "DefLibrary",
    "Entity",
    "EntityRef",
    "FileImport",
    "FoldMark",
    "FoldPart",
    "FoldPoint",
    "GroupScope",
    "Handshake",
    "HisSample",
    "HistoryPolicy",
    "HistoryTask",
    "ImportMapping",
    "Job",
    "JobBody",
    "JobSchedule",
    "Matching",
    "MqttTopic",
    "MqttUnknownTopic",
    "MqttWrite",
    "NameChange",
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
    "Webhook",
    "WebhookCrossing",
    "WebhookDelivery",
]
