"""Alarms, their log, and what the evaluator remembers."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ..sql import tables
from .alarm_rule import AlarmRule

__all__ = [
    "Alarm",
    "AlarmMail",
    "AlarmNews",
    "AlarmPair",
    "AlarmPause",
    "AlarmTransition",
]


class AlarmQuerySet(models.QuerySet["Alarm"]):
    def open(self) -> AlarmQuerySet:
        return self.filter(cleared_at=None)

    def of_state(self, state: str) -> AlarmQuerySet:
        """``raised`` are the open ones that are not acknowledged."""
        if state == Alarm.State.CLEARED:
            return self.exclude(cleared_at=None)
        is_raised = state == Alarm.State.RAISED
        return self.open().filter(acknowledged_at__isnull=is_raised)

    def between(self, start: object, end: object) -> AlarmQuerySet:
        """Those that were raised in some part of a span."""
        return self.filter(
            Q(cleared_at=None) | Q(cleared_at__gt=start), raised_at__lt=end
        ).exclude(withdrawn=True)


class Alarm(models.Model):
    """An alarm of a rule for a point, from ``raised_at`` to ``cleared_at``.

    Both are times of samples; ``recorded_at`` is when it was found. ``late`` marks one
    that late samples have raised, moved or cleared, ``withdrawn`` one that they have
    shown to be none. ``value`` is Hayson.
    """

    class State(models.TextChoices):
        RAISED = "raised", _("raised")
        ACKNOWLEDGED = "acknowledged", _("acknowledged")
        CLEARED = "cleared", _("cleared")

    rule = models.ForeignKey(AlarmRule, on_delete=models.CASCADE, related_name="alarms")
    point_id = models.TextField()
    dis = models.TextField()
    equip_id = models.TextField(blank=True)
    site_id = models.TextField(blank=True)
    raised_at = models.DateTimeField()
    cleared_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()
    escalated_at = models.DateTimeField(null=True)
    value = models.JSONField(null=True)
    late = models.BooleanField(default=False)
    withdrawn = models.BooleanField(default=False)

    objects = AlarmQuerySet.as_manager()

    class Meta:
        db_table = tables.ALARMS
        default_permissions = ()
        permissions = [("acknowledge_alarms", "Can acknowledge alarms")]
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "point_id"],
                condition=Q(cleared_at=None),
                name="haystack_alarms_one_open",
            )
        ]
        indexes = [
            models.Index(
                fields=["point_id", "-raised_at"], name="haystack_alarms_point"
            ),
            models.Index(
                fields=["rule", "point_id", "cleared_at"], name="haystack_alarms_pair"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule}: @{self.point_id}"

    @property
    def state(self) -> Alarm.State:
        if self.cleared_at is not None:
            return self.State.CLEARED
        is_known = self.acknowledged_at is not None
        return self.State.ACKNOWLEDGED if is_known else self.State.RAISED


class AlarmTransition(models.Model):
    """A change of an alarm: what, when by the samples, and when it was recorded."""

    class Kind(models.TextChoices):
        RAISED = "raised", _("raised")
        ACKNOWLEDGED = "acknowledged", _("acknowledged")
        CLEARED = "cleared", _("cleared")
        WITHDRAWN = "withdrawn", _("withdrawn")

    alarm = models.ForeignKey(
        Alarm, on_delete=models.CASCADE, related_name="transitions"
    )
    kind = models.CharField(max_length=12, choices=Kind.choices)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    late = models.BooleanField(default=False)
    value = models.JSONField(null=True)
    who = models.CharField(max_length=200, blank=True)
    note = models.CharField(max_length=1_000, blank=True)

    class Meta:
        db_table = tables.ALARM_TRANSITIONS
        default_permissions = ()
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.alarm_id} {self.kind}"


class AlarmPair(models.Model):
    """A rule and one of its points, and how far it was evaluated.

    ``since``: from when on; ``meaning``: a digest of what the rule means for the point.
    ``until``: up to when. ``due``: when to look again, without news. ``end`` and
    ``size`` are those of the history that was read.
    """

    pk = models.CompositePrimaryKey("rule_id", "point_id")
    rule = models.ForeignKey(
        AlarmRule, on_delete=models.CASCADE, related_name="pairs", db_index=False
    )
    point_id = models.TextField()
    meaning = models.CharField(max_length=32)
    since = models.DateTimeField()
    until = models.DateTimeField()
    due = models.DateTimeField(null=True)
    end = models.DateTimeField(null=True)
    size = models.BigIntegerField(default=0)

    class Meta:
        db_table = tables.ALARM_PAIRS
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["due"],
                name="haystack_alarm_pairs_due",
                condition=Q(due__isnull=False),
            ),
            models.Index(fields=["point_id"], name="haystack_alarm_pairs_point"),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} @{self.point_id}"


class AlarmPauseQuerySet(models.QuerySet["AlarmPause"]):
    def ending_after(self, at: object) -> AlarmPauseQuerySet:
        return self.filter(Q(end=None) | Q(end__gt=at))


class AlarmPause(models.Model):
    """A time in which alarms are not raised.

    Of a rule: in maintenance, or, with ``equip_id``, while its equipment is suppressed.
    Without a rule: nothing evaluated the storage, from which ages do not count.
    """

    rule = models.ForeignKey(
        AlarmRule, on_delete=models.CASCADE, null=True, related_name="pauses"
    )
    storage = models.CharField(max_length=100)
    equip_id = models.TextField(blank=True)
    start = models.DateTimeField()
    end = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True)

    objects = AlarmPauseQuerySet.as_manager()

    class Meta:
        db_table = tables.ALARM_PAUSES
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(end=None) | Q(end__gte=F("start")),
                name="haystack_alarm_pauses_order",
            )
        ]

    def __str__(self) -> str:
        return f"{self.start} to {self.end}"


class AlarmNews(models.Model):
    """Points with samples that are written since, for the evaluator.

    ``points`` has the first time in microseconds by id. A hint: what is lost is found
    by the next survey.
    """

    storage = models.CharField(max_length=100)
    points = models.JSONField()

    class Meta:
        db_table = tables.ALARM_NEWS
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.storage}: {len(self.points)}"


class AlarmMail(models.Model):
    """A transition that the next mail to an address is about.

    Sent ones are deleted. ``error`` is of the last attempt.
    """

    address = models.CharField(max_length=320)
    transition = models.ForeignKey(
        AlarmTransition, on_delete=models.CASCADE, related_name="mails"
    )
    escalated = models.BooleanField(default=False)
    created = models.DateTimeField()
    next_at = models.DateTimeField(db_index=True)
    attempts = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = tables.ALARM_MAILS
        default_permissions = ()

    def __str__(self) -> str:
        return self.address
