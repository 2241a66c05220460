"""What connectors to MQTT brokers map: topics to points, and points to topics."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..sql import tables
from .connector import Connector
from .filter_field import FilterField

__all__ = ["MqttTopic", "MqttUnknownTopic", "MqttWrite"]


class MqttTopic(models.Model):
    """One value of the messages of a topic, and the point that gets it."""

    FIND = [
        ("id", _("id")),
        ("path", _("path of names")),
        ("tag", _("tag")),
        ("list", _("no point: only list the topics")),
    ]
    RETAINED = [
        ("current", _("current value only")),
        ("store", _("also a sample, if it has a time of its own")),
        ("ignore", _("ignored")),
    ]

    connector = models.ForeignKey(
        Connector,
        verbose_name=_("connector"),
        on_delete=models.CASCADE,
        related_name="mqtt_topics",
    )
    topic = models.CharField(
        _("topic"),
        max_length=500,
        help_text=_(
            "such as bms/{equip}/{point}, bms/+/temp, or bms/{path#} for all "
            "levels below bms"
        ),
    )
    find = models.CharField(_("find"), max_length=10, choices=FIND, default="id")
    target = models.CharField(
        _("target"),
        max_length=500,
        blank=True,
        help_text=_(
            "such as {equip}-{point} for an id, {site}/{equip}/{point} for a "
            "path, mqttTopic for a tag that is the topic; {$.device} is a text in the "
            "payload"
        ),
    )
    value = models.CharField(
        _("value"),
        max_length=200,
        blank=True,
        help_text=_(
            "path of the value in JSON, such as $.value, or $.{point} for all "
            "keys; empty if the payload is the value"
        ),
    )
    time = models.CharField(
        _("time"),
        max_length=200,
        blank=True,
        help_text=_("path of the time, such as $.ts; empty: the time of arrival"),
    )
    status = models.CharField(
        _("status"),
        max_length=200,
        blank=True,
        help_text=_("path of the status, such as $.status"),
    )
    unit = models.CharField(
        _("unit"),
        max_length=200,
        blank=True,
        help_text=_(
            "unit of the numbers, or its path; they are converted to that of the point"
        ),
    )
    retained = models.CharField(
        _("retained"),
        max_length=10,
        choices=RETAINED,
        default="current",
        help_text=_("what a message is that the broker kept from before"),
    )
    enabled = models.BooleanField(_("enabled"), default=True)

    class Meta:
        db_table = tables.MQTT_TOPICS
        verbose_name = _("mqtt topic")
        verbose_name_plural = _("mqtt topics")
        ordering = ["connector", "id"]
        default_permissions = ()

    def __str__(self) -> str:
        return self.topic


class MqttWrite(models.Model):
    """Points whose effective values are published."""

    FORMATS = [("plain", _("plain")), ("json", _("JSON"))]

    connector = models.ForeignKey(
        Connector,
        verbose_name=_("connector"),
        on_delete=models.CASCADE,
        related_name="mqtt_writes",
    )
    filter = FilterField(
        _("filter"),
        default="point and writable",
        help_text=_("such as writable and mqttTopic"),
    )
    topic = models.CharField(
        _("topic"),
        max_length=500,
        help_text=_(
            "such as bms/{equip}/{point}/set; names are id, point, equip, site, "
            "and tags of the point"
        ),
    )
    format = models.CharField(
        _("format"),
        max_length=10,
        choices=FORMATS,
        default="plain",
        help_text=_("a released point has an empty payload, or the value null"),
    )
    retain = models.BooleanField(
        _("retain"),
        default=True,
        help_text=_("the broker keeps the last value for later subscribers"),
    )
    enabled = models.BooleanField(_("enabled"), default=True)

    class Meta:
        db_table = tables.MQTT_WRITES
        verbose_name = _("mqtt write")
        verbose_name_plural = _("mqtt writes")
        ordering = ["connector", "id"]
        default_permissions = ()

    def __str__(self) -> str:
        return self.topic


class MqttUnknownTopic(models.Model):
    """Messages that no point takes, by topic.

    ``wanted`` is what a point was looked for by, such as ``id ahu-1-temp``.
    """

    connector = models.ForeignKey(
        Connector,
        verbose_name=_("connector"),
        on_delete=models.CASCADE,
        related_name="mqtt_unknown_topics",
    )
    topic = models.TextField(_("topic"))
    wanted = models.TextField(_("wanted"), blank=True)
    reason = models.TextField(_("reason"))
    messages = models.BigIntegerField(_("messages"), default=0)
    last_payload = models.CharField(_("last payload"), max_length=200)
    last_value = models.CharField(_("last value"), max_length=200)
    first_at = models.DateTimeField(_("first at"))
    last_at = models.DateTimeField(_("last at"))

    class Meta:
        db_table = tables.MQTT_UNKNOWN_TOPICS
        verbose_name_plural = _("unknown MQTT topics")
        verbose_name = _("unknown MQTT topic")
        default_permissions = ()
        ordering = ["connector", "topic"]
        constraints = [
            models.UniqueConstraint(
                fields=["connector", "topic", "wanted"],
                name="haystack_mqtt_unknown_topics_topic",
            )
        ]

    def __str__(self) -> str:
        return self.topic
