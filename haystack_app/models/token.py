"""Bearer tokens."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from ..sql import tables

__all__ = ["Token"]


class Token(models.Model):
    """A token that authenticates requests; only its hash is stored.

    The token of a login has no name and no scope, and use extends it. An API token has
    both, and is valid until ``expires`` or until it is revoked.
    """

    LOGIN, READ, WRITE, ADMIN = "", "read", "write", "admin"
    SCOPES = [
        (READ, _("read: no changes")),
        (WRITE, _("write: also samples, points and actions")),
        (ADMIN, _("admin: all permissions of the user")),
    ]

    digest = models.CharField(_("digest"), max_length=64, unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.CASCADE,
        related_name="haystack_tokens",
    )
    name = models.CharField(
        _("name"), max_length=100, help_text=_("purpose of the token")
    )
    scope = models.CharField(_("scope"), max_length=5, choices=SCOPES)
    proof = models.TextField(editable=False)
    created = models.DateTimeField(_("created"), editable=False)
    used = models.DateTimeField(_("used"), null=True, blank=True, editable=False)
    expires = models.DateTimeField(
        _("expires"),
        null=True,
        blank=True,
        db_index=True,
        help_text=_("empty if it does not expire"),
    )

    class Meta:
        db_table = tables.TOKENS
        verbose_name = _("token")
        verbose_name_plural = _("tokens")
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
