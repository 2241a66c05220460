"""Jobs, to look at and to cancel, and schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from ..jobs import claims
from ..jobs.rights import may_cancel, seen_by
from ..jobs.schedules import check_cron
from ..jobs.tasks import find_task
from ..models import Job, JobSchedule
from .mixins import ReadOnlyAdmin, SuperusersOnly
from .pagination import BoundedPaginator

if TYPE_CHECKING:
    ScheduleModelAdmin = admin.ModelAdmin[JobSchedule]
    ScheduleModelForm = forms.ModelForm[JobSchedule]
else:
    ScheduleModelAdmin = admin.ModelAdmin
    ScheduleModelForm = forms.ModelForm

__all__ = ["JobAdmin", "ScheduleAdmin"]


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Staff see their own jobs, and those of all with the permission to."""

    list_display = ("title", "owner_name", "status", "progress", "enqueued_at", "ended")
    list_filter = ("status", "queue")
    search_fields = ("title", "owner_name")
    ordering = ("-id",)
    paginator = BoundedPaginator
    actions = ["cancel_jobs"]
    fields = (
        *("title", "task", "owner_name", "status", "progress", "note"),
        *("enqueued_at", "started_at", "finished_at", "attempts", "result"),
        "failures",
    )
    readonly_fields = ("progress", "failures")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        return seen_by(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("progress"))
    def progress(self, job: Job) -> str:
        if job.total:
            text = gettext("%(done)s of %(total)s") % {
                "done": f"{job.done:,}",
                "total": f"{job.total:,}",
            }
            return format_html(
                '<progress value="{}" max="{}" aria-label="{}"></progress> {}',
                job.done,
                job.total,
                text,
                text,
            )
        return f"{job.done:,}" if job.done else ""

    @admin.display(description=_("finished"), ordering="finished_at")
    def ended(self, job: Job) -> Any:
        return job.finished_at

    @admin.display(description=_("errors"))
    def failures(self, job: Job) -> str:
        """Tracebacks have names of hosts in them: for those who see all jobs."""
        rows = ((error["at"], error["message"]) for error in job.errors)
        return format_html_join("", "<p>{}<br>{}</p>", rows)

    @admin.action(description=_("Cancel selected jobs"))
    def cancel_jobs(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        jobs = [job for job in queryset if may_cancel(request.user, job)]
        count = sum(claims.cancel(job) for job in jobs)
        text = ngettext(
            "%(count)s job is being cancelled.",
            "%(count)s jobs are being cancelled.",
            count,
        )
        self.message_user(request, text % {"count": count})
        if others := len(queryset) - len(jobs):
            text = ngettext(
                "%(count)s job is not yours: permission 'change_job' required.",
                "%(count)s jobs are not yours: permission 'change_job' required.",
                others,
            )
            self.message_user(request, text % {"count": others}, messages.WARNING)


class ScheduleForm(ScheduleModelForm):
    class Meta:
        model = JobSchedule
        fields = ("name", "task", "kwargs", "cron", "enabled")

    def clean_cron(self) -> str:
        cron: str = self.cleaned_data["cron"]
        check_cron(cron)
        return cron

    def clean_task(self) -> str:
        path: str = self.cleaned_data["task"]
        try:
            find_task(path)
        except ImportError as err:
            text = gettext("not a task: %(error)s") % {"error": err}
            raise forms.ValidationError(text) from None
        return path


@admin.register(JobSchedule)
class ScheduleAdmin(SuperusersOnly, ScheduleModelAdmin):
    """Schedules run with all rights, so only superusers change them."""

    form = ScheduleForm
    list_display = ("name", "task", "cron", "enabled", "next_at")
    ordering = ("name",)

    def save_model(
        self, request: HttpRequest, obj: JobSchedule, form: Any, change: bool
    ) -> None:
        """A changed schedule gets a new next time."""
        obj.next_at = None
        super().save_model(request, obj, form, change)
