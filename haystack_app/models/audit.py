"""The audit log."""

from __future__ import annotations

from django.db import models

from ..sql import tables

__all__ = ["AuditEntry"]


class AuditEntry(models.Model):
    """Changes of users, groups and tokens, failed logins, and dropped samples.

    Django's ``LogEntry`` is not used because it only covers the admin, requires a user
    (failed logins have none) and is deleted with the user.
    """

    LOGIN_FAILED, THROTTLED = "log-in failed", "log-in throttled"
    USER_CREATED, USER_CHANGED, USER_DELETED = (
        "user created",
        "user changed",
        "user deleted",
    )
    USER_DISABLED, USER_ENABLED = "user disabled", "user enabled"
    GROUPS_CHANGED, PERMISSIONS_CHANGED = "groups changed", "permissions changed"
    GROUP_CREATED, GROUP_CHANGED, GROUP_DELETED = (
        "group created",
        "group changed",
        "group deleted",
    )
    TOKEN_CREATED, TOKEN_REVOKED = "token created", "token revoked"
    SAMPLES_DROPPED = "samples dropped"

    FAILURES = (LOGIN_FAILED, THROTTLED)
    EVENTS = (
        *FAILURES,
        USER_CREATED,
        USER_CHANGED,
        USER_DISABLED,
        USER_ENABLED,
        USER_DELETED,
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
    at = models.DateTimeField()
    event = models.CharField(max_length=20, choices=[(it, it) for it in EVENTS])
    who = models.TextField(blank=True, help_text="empty for management commands")
    address = models.TextField(blank=True)
    detail = models.TextField(blank=True)
    times = models.PositiveIntegerField(default=1)

    class Meta:
        db_table = tables.AUDIT
        verbose_name = "audit entry"
        verbose_name_plural = "audit log"
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["event", "at"], name="haystack_audit_event_at"),
            models.Index(fields=["event", "-id"], name="haystack_audit_event_id"),
        ]

    def __str__(self) -> str:
        return f"{self.event}: {self.detail}"
