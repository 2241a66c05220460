"""Django's admin: entities, watches, the audit log, to look at; users and tokens."""

from .audit import AuditAdmin
from .entity import EntityAdmin
from .group import ScopedGroupAdmin
from .log_in import StaffLogInForm
from .token import TokenAdmin
from .user import UserAdmin
from .watch import WatchAdmin

__all__ = [
    "AuditAdmin",
    "EntityAdmin",
    "ScopedGroupAdmin",
    "StaffLogInForm",
    "TokenAdmin",
    "UserAdmin",
    "WatchAdmin",
]
