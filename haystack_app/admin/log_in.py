"""The admin's forms that verify a password, throttled as all other logins are."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm, AdminPasswordChangeForm
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse

from ..auth.forms import ThrottledAuthenticationForm, ThrottledOldPassword

__all__ = ["StaffLogInForm", "throttle_password_change"]


class StaffLogInForm(ThrottledAuthenticationForm, AdminAuthenticationForm):
    """For ``login_form`` of an admin site."""


class ThrottledPasswordChangeForm(ThrottledOldPassword, AdminPasswordChangeForm):
    """For the page where users of the admin change their own password."""


class _PasswordChange(PasswordChangeView):
    form_class = ThrottledPasswordChangeForm

    def get_form(self, form_class: Any = None) -> Any:
        form: Any = super().get_form(form_class)
        form.request = self.request
        return form


def throttle_password_change(site: AdminSite) -> None:
    """Count wrong old passwords at the page where users of the admin change theirs.

    Django's page verifies any number, for everyone that finds an open session.
    """

    def password_change(
        request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        view = _PasswordChange.as_view(
            success_url=reverse("admin:password_change_done", current_app=site.name),
            extra_context={**site.each_context(request), **(extra_context or {})},
            template_name=site.password_change_template
            or PasswordChangeView.template_name,
        )
        request.current_app = site.name
        return view(request)

    site.password_change = password_change  # type: ignore[method-assign,assignment]
