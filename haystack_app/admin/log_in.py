"""The admin's log-in form: for staff, and throttled as all other log-ins."""

from __future__ import annotations

from django.contrib.admin.forms import AdminAuthenticationForm

from ..auth.forms import ThrottledAuthenticationForm

__all__ = ["StaffLogInForm"]


class StaffLogInForm(ThrottledAuthenticationForm, AdminAuthenticationForm):
    """For ``login_form`` of an admin site."""
