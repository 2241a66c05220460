"""The admin's log-in form, which counts attempts as the API does."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError

from ..auth import throttle
from ..auth.throttle import TooMany

__all__ = ["ThrottledLogInForm"]


class ThrottledLogInForm(AdminAuthenticationForm):
    def clean(self) -> dict[str, Any]:
        """The password is not even looked at where there are too many attempts."""
        name = str(self.cleaned_data.get("username") or "")
        if self.request is None:
            return super().clean()
        try:
            throttle.attempt(self.request, name)
        except TooMany as error:
            raise ValidationError(str(error), code="throttled") from None
        cleaned = super().clean()
        throttle.succeed(self.request, name)
        return cleaned


admin.site.login_form = ThrottledLogInForm
