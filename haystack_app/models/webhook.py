"""Webhooks: where events are sent, what is sent, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.crypto import get_random_string
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..kinds.scalars import Number
from ..sql import tables
from ..wire import zinc_reader
from ..wire.errors import ParseError
from .filter_field import check_filter

__all__ = ["Webhook", "WebhookCrossing", "WebhookDelivery"]

_SALT = 32
_PRINTABLE = frozenset(map(chr, range(0x21, 0x7F)))


def check_url(text: str) -> None:
    """Raises ValidationError for what is not an http URL of a named host."""
    try:
        url = urlsplit(text)
        is_valid = url.port != 0
    except ValueError:
        url, is_valid = urlsplit(""), False
    if not is_valid or url.scheme not in ("http", "https") or not url.hostname:
        raise ValidationError(gettext("must be a URL such as https://example.com/hook"))
    if not _PRINTABLE.issuperset(text):
        raise ValidationError(
            gettext("must be ASCII without spaces: encode other characters")
        )
    if "@" in url.netloc:
        raise ValidationError(gettext("must not have a user or a password in it"))
    if url.fragment:
        raise ValidationError(gettext("must not have a fragment (#..)"))


def number_of(text: str) -> Number:
    """A limit such as ``80°C``. Raises ValidationError."""
    try:
        value = zinc_reader.read_value(text)
    except ParseError as err:
        raise ValidationError(f"not a Haystack number: {err}") from None
    if not isinstance(value, Number) or not value.is_finite:
        raise ValidationError(gettext("must be a finite number, such as 80°C or 12.5"))
    return value


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def enabled(self) -> WebhookQuerySet:
        return self.filter(enabled=True)


class Webhook(models.Model):
    """Where events go, and which.

    What is sent is what the owner may see at that time. The secret is not stored: it is
    derived from the setting SECRET_KEY and ``salt``. ``position`` says up to where the
    logs of the storage were read.
    """

    ABOVE, BELOW = ">", "<"

    name = models.CharField(_("name"), max_length=100)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        on_delete=models.CASCADE,
        related_name="haystack_webhooks",
        help_text=_("what this user may see is sent"),
    )
    url = models.CharField(
        "URL",
        max_length=2_000,
        help_text=_("where events are sent by POST, such as https://example.com/hook"),
    )
    storage = models.CharField(_("storage"), max_length=100, default="default")
    filter = models.TextField(
        _("filter"),
        help_text=_(
            "entities whose events are sent, such as point and siteRef == @north"
        ),
    )
    on_created = models.BooleanField(_("created entities"), default=False)
    on_updated = models.BooleanField(_("updated entities"), default=False)
    on_removed = models.BooleanField(_("removed entities"), default=False)
    on_override = models.BooleanField(
        _("overrides"),
        default=False,
        help_text=_("levels of priority arrays that are set, released or expire"),
    )
    on_connector = models.BooleanField(
        _("connectors"),
        default=False,
        help_text=_(
            "connectors that fail or work again; the owner must be allowed to "
            "manage them"
        ),
    )
    on_alarm = models.BooleanField(
        _("alarms"),
        default=False,
        db_default=False,
        help_text=_("alarms of points that are raised, acknowledged or cleared"),
    )
    limit_tag = models.CharField(
        _("value"),
        max_length=10,
        choices=[("curVal", _("current value")), ("hisEndVal", _("newest sample"))],
        default="curVal",
    )
    limit_op = models.CharField(
        _("crosses"),
        max_length=1,
        blank=True,
        choices=[(ABOVE, _("above")), (BELOW, _("below"))],
        help_text=_(
            "send when the value of a point gets above or below the limit, and "
            "when it is back"
        ),
    )
    limit = models.CharField(
        _("limit"),
        max_length=100,
        blank=True,
        help_text=_("in the unit of the points, such as 80°C"),
    )
    hysteresis = models.FloatField(
        _("hysteresis"),
        default=0,
        validators=[MinValueValidator(0)],
        help_text=_("how far a value must get back from the limit to cross it again"),
    )
    with_tags = models.BooleanField(
        _("whole entities"), default=True, help_text=_("otherwise ids are sent")
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    note = models.TextField(_("note"), blank=True, editable=False)
    salt = models.CharField(
        max_length=_SALT, editable=False, default=partial(get_random_string, _SALT)
    )
    position = models.JSONField(_("position"), default=dict, editable=False)
    failing_since = models.DateTimeField(_("failing since"), null=True, editable=False)
    created = models.DateTimeField(_("created"), auto_now_add=True)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        db_table = tables.WEBHOOKS
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "name"], name="haystack_webhooks_owner_name"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Raises ValidationError.

        Checked here and not by the fields, for migrations import no code of the app.
        """
        checks: list[tuple[str, Callable[[str], object], str]] = [
            ("url", check_url, self.url),
            ("filter", check_filter, self.filter),
        ]
        if self.limit:
            checks.append(("limit", number_of, self.limit))
        errors: dict[str, list[str]] = {}
        for name, check, text in checks:
            try:
                check(text)
            except ValidationError as err:
                errors[name] = err.messages
        if bool(self.limit_op) != bool(self.limit):
            text = "a limit and its direction belong together: set both or none"
            errors.setdefault("limit", []).append(text)
        if errors:
            raise ValidationError(errors)
        if not (self.limit_op or any(getattr(self, name) for name in _KINDS)):
            raise ValidationError(gettext("choose at least one kind of event"))

    @property
    def limit_number(self) -> Number:
        return number_of(self.limit)


_KINDS = (
    "on_created",
    "on_updated",
    "on_removed",
    "on_override",
    "on_connector",
    "on_alarm",
)


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def waiting(self) -> WebhookDeliveryQuerySet:
        return self.filter(status=WebhookDelivery.Status.WAITING)


class WebhookDelivery(models.Model):
    """Events that are sent together, with an id that receivers can recognise.

    ``events`` say what happened to which entity; tags of entities that exist are added
    when they are sent. ``refused`` means that the receiver answered 4xx: later
    deliveries do not wait for this one.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DELIVERED = "delivered", _("delivered")
        FAILED = "failed", _("given up")
        WITHDRAWN = "withdrawn", _("not to be seen by the owner any more")

    webhook = models.ForeignKey(
        Webhook,
        verbose_name=_("webhook"),
        on_delete=models.CASCADE,
        related_name="deliveries",
        db_index=False,
    )
    uuid = models.UUIDField(_("uuid"), unique=True, default=uuid4, editable=False)
    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.WAITING
    )
    events = models.JSONField(_("events"))
    count = models.PositiveIntegerField(_("count"), help_text=_("events"))
    created = models.DateTimeField(_("created"))
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    next_at = models.DateTimeField(
        _("next at"), help_text=_("time of the next attempt")
    )
    last_at = models.DateTimeField(
        _("last at"), null=True, help_text=_("time of the last attempt")
    )
    refused = models.BooleanField(_("refused"), default=False)
    answer_status = models.PositiveIntegerField(_("answer status"), null=True)
    answer = models.TextField(
        _("answer"), blank=True, help_text=_("beginning of the answer")
    )
    error = models.TextField(_("error"), blank=True)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        db_table = tables.WEBHOOK_DELIVERIES
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["webhook", "id"],
                name="haystack_webhook_waiting",
                condition=Q(status="waiting"),
            ),
            models.Index(
                fields=["webhook", "-id"], name="haystack_webhook_deliveries_id"
            ),
            models.Index(fields=["created"], name="haystack_webhook_created"),
        ]

    def __str__(self) -> str:
        return str(self.uuid)


class WebhookCrossing(models.Model):
    """A point whose value is beyond the limit of a webhook."""

    pk = models.CompositePrimaryKey("webhook_id", "entity_id")
    webhook = models.ForeignKey(
        Webhook, on_delete=models.CASCADE, related_name="crossings", db_index=False
    )
    entity_id = models.TextField()

    class Meta:
        db_table = tables.WEBHOOK_CROSSINGS
        default_permissions = ()

    def __str__(self) -> str:
        return f"@{self.entity_id}"
