"""Jobs: calls of tasks that a worker makes, and what calls them again and again."""

from __future__ import annotations

from collections.abc import Collection

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from ..sql import tables

__all__ = ["Job", "JobBody", "JobSchedule"]


class JobSchedule(models.Model):
    """When a task is called by itself.

    ``next_at`` is the next time by ``cron``, in the time zone of the settings; a time
    that passed while no worker ran counts once.
    """

    name = models.CharField(
        _("name"),
        max_length=100,
        unique=True,
        validators=[RegexValidator(r"^[\w.-]+\Z", _("use letters, digits, _ . and -"))],
    )
    task = models.CharField(
        _("task"), max_length=200, help_text=_("dotted path of a task")
    )
    kwargs = models.JSONField(
        _("kwargs"),
        default=dict,
        blank=True,
        help_text=_("keyword arguments of the task, as JSON"),
    )
    cron = models.CharField(
        _("cron"),
        max_length=100,
        help_text=_("minute, hour, day of month, month, day of week: 30 3 * * *"),
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    next_at = models.DateTimeField(_("next at"), null=True, blank=True, editable=False)

    class Meta:
        db_table = tables.JOB_SCHEDULES
        verbose_name = _("job schedule")
        verbose_name_plural = _("job schedules")
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class JobQuerySet(models.QuerySet["Job"]):
    def unfinished(self) -> JobQuerySet:
        return self.filter(finished_at=None)

    def due(self, queues: Collection[str], process: str = "") -> JobQuerySet:
        """Jobs to begin now, the first one first.

        Also those that a worker began and no longer holds. ``process`` may run jobs
        that are bound to it, instead of those that any process may run.
        """
        is_due = Q(run_after=None) | Q(run_after__lte=Now())
        ready = Q(status=Job.Status.READY) & is_due
        abandoned = Q(status=Job.Status.RUNNING, lease_until__lt=Now())
        found = self.unfinished().filter(ready | abandoned, process=process)
        return found.filter(queue__in=queues).order_by("-priority", "id")

    def held_by(self, holder: str) -> JobQuerySet:
        return self.filter(holder=holder, status=Job.Status.RUNNING)


class Job(models.Model):
    """A call of a task, with its owner, its progress and what became of it.

    A worker holds it until ``lease_until``, which it extends while it runs. The owner
    is the user whose rights apply; a job with no ``owner_name`` is the server's own.
    """

    class Status(models.TextChoices):
        READY = "ready", _("waiting")
        RUNNING = "running", _("running")
        SUCCESSFUL = "successful", _("successful")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    task = models.CharField(
        _("task"), max_length=200, help_text=_("dotted path of the task")
    )
    title = models.CharField(_("title"), max_length=200)
    queue = models.CharField(_("queue"), max_length=20)
    priority = models.SmallIntegerField(_("priority"), default=0)
    args = models.JSONField(_("args"), default=list)
    kwargs = models.JSONField(_("kwargs"), default=dict)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="haystack_jobs",
    )
    owner_name = models.TextField(_("owner name"), blank=True)
    schedule = models.ForeignKey(
        JobSchedule,
        verbose_name=_("schedule"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="jobs",
    )
    process = models.TextField(
        _("process"),
        blank=True,
        help_text=_("the only process that may run it; empty for any"),
    )
    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.READY
    )
    enqueued_at = models.DateTimeField(_("enqueued at"))
    run_after = models.DateTimeField(_("run after"), null=True)
    started_at = models.DateTimeField(_("started at"), null=True)
    last_attempted_at = models.DateTimeField(_("last attempted at"), null=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    holder = models.TextField(_("holder"), blank=True)
    lease_until = models.DateTimeField(_("lease until"), null=True)
    cancel_requested = models.BooleanField(_("cancel requested"), default=False)
    done = models.BigIntegerField(
        _("done"), default=0, help_text=_("what is done of the total")
    )
    total = models.BigIntegerField(_("total"), null=True)
    note = models.TextField(_("note"), blank=True, help_text=_("what it is doing"))
    checkpoint = models.JSONField(_("checkpoint"), null=True)
    result = models.JSONField(_("result"), null=True)
    errors = models.JSONField(_("errors"), default=list)

    objects = JobQuerySet.as_manager()

    class Meta:
        db_table = tables.JOBS
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        default_permissions = ("change", "view")
        indexes = [
            models.Index(
                fields=["queue", "-priority", "id"],
                name="haystack_jobs_unfinished",
                condition=Q(finished_at=None),
            ),
            models.Index(fields=["finished_at"], name="haystack_jobs_finished"),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.pk})"

    @property
    def is_finished(self) -> bool:
        return self.finished_at is not None


class JobBody(models.Model):
    """The body of the request that a job answers; deleted when the job ends."""

    job = models.OneToOneField(
        Job, primary_key=True, on_delete=models.CASCADE, related_name="body"
    )
    content_type = models.TextField()
    data = models.BinaryField()

    class Meta:
        db_table = tables.JOB_BODIES
        default_permissions = ()

    def __str__(self) -> str:
        return self.content_type
