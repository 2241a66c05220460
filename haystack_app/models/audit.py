"""The audit log."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from ..sql import tables

__all__ = ["AuditEntry"]


class AuditEntry(models.Model):
    """Changes of users, groups and tokens, failed logins, and dropped samples.

    Django's ``LogEntry`` is not used because it only covers the admin, requires a user
    (failed logins have none) and is deleted with the user.
    """

    LOGIN_FAILED, THROTTLED = (
        gettext_noop("log-in failed"),
        gettext_noop("log-in throttled"),
    )
    USER_CREATED, USER_CHANGED, USER_DELETED = (
        gettext_noop("user created"),
        gettext_noop("user changed"),
        gettext_noop("user deleted"),
    )
    USER_DISABLED, USER_ENABLED = (
        gettext_noop("user disabled"),
        gettext_noop("user enabled"),
    )
    USER_INVITED, LOGINS_ENDED = (
        gettext_noop("user invited"),
        gettext_noop("logins ended"),
    )
    FACTOR_ADDED, FACTOR_REMOVED = (
        gettext_noop("factor added"),
        gettext_noop("factor removed"),
    )
    GROUPS_CHANGED, PERMISSIONS_CHANGED = (
        gettext_noop("groups changed"),
        gettext_noop("permissions changed"),
    )
    GROUP_CREATED, GROUP_CHANGED, GROUP_DELETED = (
        gettext_noop("group created"),
        gettext_noop("group changed"),
        gettext_noop("group deleted"),
    )
    TOKEN_CREATED, TOKEN_REVOKED = (
        gettext_noop("token created"),
        gettext_noop("token revoked"),
    )
    SAMPLES_DROPPED = gettext_noop("samples dropped")

    FAILURES = (LOGIN_FAILED, THROTTLED)
    EVENTS = (
        *FAILURES,
        USER_CREATED,
        USER_CHANGED,
        USER_DISABLED,
        USER_ENABLED,
        USER_DELETED,
        USER_INVITED,
        LOGINS_ENDED,
        FACTOR_ADDED,
        FACTOR_REMOVED,
        GROUPS_CHANGED,
        PERMISSIONS_CHANGED,
        GROUP_CREATED,
        GROUP_CHANGED,
        GROUP_DELETED,
        TOKEN_CREATED,
        TOKEN_REVOKED,
        SAMPLES_DROPPED,
    )

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(_("at"))
    event = models.CharField(
        _("event"), max_length=20, choices=[(it, _(it)) for it in EVENTS]
    )
    who = models.TextField(
        _("who"), blank=True, help_text=_("empty for management commands")
    )
    address = models.TextField(_("address"), blank=True)
    detail = models.TextField(_("detail"), blank=True)
    times = models.PositiveIntegerField(_("times"), default=1)

    class Meta:
        db_table = tables.AUDIT
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["event", "at"], name="haystack_audit_event_at"),
            models.Index(fields=["event", "-id"], name="haystack_audit_event_id"),
        ]

    def __str__(self) -> str:
        return f"{self.event}: {self.detail}"
