"""The admin's log-in form: for staff, and as strict as the other one."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm

from ..auth.forms import ThrottledAuthenticationForm

__all__ = ["StaffLogInForm"]


class StaffLogInForm(ThrottledAuthenticationForm, AdminAuthenticationForm):
    pass


admin.site.login_form = StaffLogInForm
