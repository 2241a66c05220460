"""The form of a new dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.db import IntegrityError, router, transaction
from django.utils.text import slugify
from django.utils.translation import gettext

from ..conf import limit
from ..models import Dashboard
from ..storage.handler import DEFAULT_ALIAS, storages

if TYPE_CHECKING:
    DashboardModelForm = forms.ModelForm[Dashboard]
else:
    DashboardModelForm = forms.ModelForm

__all__ = ["NewDashboardForm"]

_MOST_NAMESAKES = 100


class NewDashboardForm(DashboardModelForm):
    """Title and project; the address is made of the title."""

    class Meta:
        model = Dashboard
        fields = ("title", "storage")

    def __init__(self, *args: Any, owner: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.owner = owner
        names = [(alias, alias) for alias in storages]
        self.fields["storage"] = forms.ChoiceField(
            label=gettext("Project"), choices=names, initial=DEFAULT_ALIAS
        )
        if len(names) == 1:
            self.fields["storage"].widget = forms.HiddenInput()

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        most = limit("DASHBOARDS")
        if Dashboard.objects.filter(owner=self.instance.owner).count() >= most:
            text = gettext("a user may have %(most)s dashboards at most")
            raise forms.ValidationError(text % {"most": f"{most:,}"})
        if cleaned and cleaned.get("title"):
            self.instance.slug = free_slug(cleaned["title"])
        return cleaned

    def create(self) -> Dashboard | None:
        """Save it, at another address if a request at the same time took this one.

        None, with an error of the form, if too many dashboards have that title.
        """
        while True:
            try:
                with transaction.atomic(using=router.db_for_write(Dashboard)):
                    return self.save()
            except IntegrityError:
                if not Dashboard.objects.filter(slug=self.instance.slug).exists():
                    raise
            try:
                self.instance.slug = free_slug(self.instance.title)
            except forms.ValidationError as err:
                self.add_error("title", err)
                return None


def free_slug(title: str) -> str:
    """Raises ValidationError if too many dashboards have that title."""
    base = slugify(title)[:70] or "dashboard"
    names = [base, *(f"{base}-{number}" for number in range(2, _MOST_NAMESAKES))]
    taken = set(Dashboard.objects.filter(slug__in=names).values_list("slug", flat=True))
    for name in names:
        if name not in taken:
            return name
    raise forms.ValidationError(gettext("too many dashboards have this title"))
