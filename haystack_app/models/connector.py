"""Connectors: other systems whose points are followed, and the entities of each."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from ..sql import tables

__all__ = ["Connector", "ConnectorEntity"]


class ConnectorQuerySet(models.QuerySet["Connector"]):
    def free(self, holder: str) -> ConnectorQuerySet:
        """Those that no other process runs."""
        ended = Q(lease_until=None) | Q(lease_until__lt=Now())
        return self.filter(ended | Q(holder=holder))

    def held_by(self, holder: str) -> ConnectorQuerySet:
        return self.filter(holder=holder, lease_until__gte=Now())


class Connector(models.Model):
    """Another system, how to reach it, and what became of it.

    ``settings`` are those of the kind. They name passwords and keys, and do not have
    them. A worker runs an enabled connector while it holds it, until ``lease_until``.
    """

    class Status(models.TextChoices):
        NEW = "new", _("not tried yet")
        OK = "ok", _("ok")
        SETTINGS = "settings", _("invalid settings")
        AUTHENTICATION = "authentication", _("authentication failed")
        ADDRESS = "address", _("address refused")
        UNREACHABLE = "unreachable", _("unreachable")
        TLS = "tls", _("TLS failed")
        TIMEOUT = "timeout", _("timed out")
        UNSUPPORTED = "unsupported", _("protocol not supported")
        CLOCK = "clock", _("clocks differ")
        INVALID = "invalid", _("invalid answer")
        REFUSED = "refused", _("request refused")
        CONFIRM = "confirm", _("needs confirmation")
        FAILED = "failed", _("internal error")

    name = models.CharField(
        _("name"),
        max_length=100,
        unique=True,
        validators=[RegexValidator(r"^[\w.-]+\Z", _("use letters, digits, _ . and -"))],
    )
    kind = models.CharField(_("kind"), max_length=50)
    storage = models.CharField(
        _("storage"),
        max_length=100,
        default="default",
        help_text=_("the storage that its entities are in"),
    )
    group = models.ForeignKey(
        Group,
        verbose_name=_("group"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="haystack_connectors",
        help_text=_(
            "a group with a filter: all entities of the connector must match it"
        ),
    )
    settings = models.JSONField(_("settings"), default=dict, blank=True)
    enabled = models.BooleanField(_("enabled"), default=False)
    changed_at = models.DateTimeField(_("changed at"), auto_now=True)
    status = models.CharField(
        _("status"),
        max_length=20,
        choices=Status.choices,
        default=Status.NEW,
        editable=False,
    )
    status_since = models.DateTimeField(_("status since"), null=True, editable=False)
    last_error = models.TextField(_("last error"), blank=True, editable=False)
    last_error_at = models.DateTimeField(_("last error at"), null=True, editable=False)
    last_success_at = models.DateTimeField(
        _("last success at"), null=True, editable=False
    )
    lag = models.FloatField(
        _("lag"),
        null=True,
        editable=False,
        help_text=_("seconds that what is stored is older than what the system has"),
    )
    state = models.JSONField(
        _("state"), default=dict, editable=False, help_text=_("what the kind remembers")
    )
    holder = models.TextField(_("holder"), blank=True, editable=False)
    lease_until = models.DateTimeField(_("lease until"), null=True, editable=False)

    objects = ConnectorQuerySet.as_manager()

    class Meta:
        db_table = tables.CONNECTORS
        verbose_name = _("connector")
        verbose_name_plural = _("connectors")
        ordering = ["name"]
        default_permissions = ()
        permissions = [("manage_connectors", "Can manage connectors")]

    def __str__(self) -> str:
        return self.name


class ConnectorEntity(models.Model):
    """An entity of a connector, and what the system calls it.

    ``taken`` has the tags that the connector gave it, as Hayson: what differs from
    them was changed here, and stays. ``error`` says why the entity is not in step.
    """

    connector = models.ForeignKey(
        Connector, on_delete=models.CASCADE, related_name="entities"
    )
    entity_id = models.TextField()
    far_id = models.TextField(
        help_text=_("its id, topic or address in the other system")
    )
    taken = models.JSONField(default=dict)
    state = models.JSONField(default=dict, help_text=_("what the kind remembers"))
    error = models.TextField(blank=True)

    class Meta:
        db_table = tables.CONNECTOR_ENTITIES
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["connector", "far_id"], name="haystack_connector_entities_far"
            ),
            models.UniqueConstraint(
                fields=["connector", "entity_id"],
                name="haystack_connector_entities_entity",
            ),
        ]

    def __str__(self) -> str:
        return f"@{self.entity_id}"
