"""The login form, which counts attempts like the API."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from . import throttle
from .throttle import TooManyRequests

__all__ = ["ThrottledAuthenticationForm"]


class ThrottledAuthenticationForm(AuthenticationForm):
    def clean(self) -> dict[str, Any]:
        """Does not check the password if there were too many attempts."""
        name = str(self.cleaned_data.get("username") or "")
        if self.request is None:
            return super().clean()
        try:
            throttle.begin_login(self.request, name)
        except TooManyRequests as error:
            raise ValidationError(str(error), code="throttled") from None
        cleaned = super().clean()
        throttle.login_succeeded(self.request, name)
        return cleaned
