"""Bearer tokens."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from ..sql import tables

__all__ = ["Token"]


class Token(models.Model):
    """A token that authenticates requests; only its hash is stored.

    The token of a login has no name and no scope, and use extends it. An API token has
    both, and is valid until ``expires`` or until it is revoked.
    """

    LOGIN, READ, WRITE, ADMIN = "", "read", "write", "admin"
    SCOPES = [
        (READ, "read: no changes"),
        (WRITE, "write: also samples, points and actions"),
        (ADMIN, "admin: all permissions of the user"),
    ]

    digest = models.CharField(max_length=64, unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="haystack_tokens",
    )
    name = models.CharField(max_length=100, help_text="purpose of the token")
    scope = models.CharField(max_length=5, choices=SCOPES)
    proof = models.TextField(editable=False)
    created = models.DateTimeField(editable=False)
    used = models.DateTimeField(null=True, blank=True, editable=False)
    expires = models.DateTimeField(
        null=True, blank=True, db_index=True, help_text="empty if it does not expire"
    )

    class Meta:
        db_table = tables.TOKENS
        default_permissions = ("add", "delete", "view")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "name"],
                name="haystack_tokens_user_name",
                condition=~models.Q(name=""),
            )
        ]

    def __str__(self) -> str:
        return self.name or "login"
