"""In Django's admin: entities and the audit log, to look at; users and tokens."""

from .audit import AuditAdmin
from .entity import EntityAdmin
from .group import ScopedGroupAdmin
from .log_in import StaffLogInForm
from .token import TokenAdmin
from .user import UserAdmin

__all__ = [
    "AuditAdmin",
    "EntityAdmin",
    "ScopedGroupAdmin",
    "StaffLogInForm",
    "TokenAdmin",
    "UserAdmin",
]
