"""Django's admin: pages of the app's own models, and classes for those of users.

The pages of users and groups, and the log-in, are the project's: it registers
``UserAdmin`` and ``GroupAdmin``, or classes of its own with the mixins.
"""

from .alarm import AlarmRuleAdmin
from .audit import AuditAdmin
from .connector import ConnectorAdmin
from .dashboard import DashboardAdmin
from .entity import EntityAdmin
from .group import GroupAdmin, GroupAdminMixin, GroupScopeAdmin, GroupScopeInline
from .job import JobAdmin, ScheduleAdmin
from .log_in import StaffLogInForm, throttle_password_change
from .mqtt import UnknownTopicAdmin
from .policy import PolicyAdmin
from .token import TokenAdmin
from .user import UserAdmin, UserAdminMixin
from .watch import WatchAdmin
from .webhook import WebhookAdmin, WebhookDeliveryAdmin

__all__ = [
    "AlarmRuleAdmin",
    "AuditAdmin",
    "ConnectorAdmin",
    "DashboardAdmin",
    "EntityAdmin",
    "GroupAdmin",
    "GroupAdminMixin",
    "GroupScopeAdmin",
    "GroupScopeInline",
    "JobAdmin",
    "PolicyAdmin",
    "ScheduleAdmin",
    "StaffLogInForm",
    "TokenAdmin",
    "UnknownTopicAdmin",
    "UserAdmin",
    "UserAdminMixin",
    "WatchAdmin",
    "WebhookAdmin",
    "WebhookDeliveryAdmin",
    "throttle_password_change",
]
