"""Forms that verify a password, and count attempts like the API."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest

from . import throttle
from .known_browsers import note_login
from .throttle import TooManyRequests

__all__ = ["ThrottledAuthenticationForm", "ThrottledOldPassword"]


class ThrottledAuthenticationForm(AuthenticationForm):
    def clean(self) -> dict[str, Any]:
        """Does not check the password if there were too many attempts."""
        name = str(self.cleaned_data.get("username") or "")
        if self.request is None:
            return super().clean()
        try:
            throttle.begin_login(self.request, name)
        except TooManyRequests as error:
            raise error.for_forms() from None
        cleaned = super().clean()
        throttle.login_succeeded(self.request, name)
        note_login(self.request, name)
        return cleaned


class ThrottledOldPassword:
    """For forms that change a password: a wrong old one is a failed login.

    The view sets ``request``.
    """

    request: HttpRequest
    user: Any

    def clean_old_password(self) -> str:
        name = self.user.get_username()
        try:
            throttle.begin_login(self.request, name)
        except TooManyRequests as error:
            raise error.for_forms() from None
        password: str = super().clean_old_password()  # type: ignore[misc]
        throttle.login_succeeded(self.request, name)
        return password
