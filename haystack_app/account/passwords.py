"""Pages that set a password by a link in a mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.forms import PasswordResetForm, SetPasswordForm
from django.contrib.auth.views import PasswordResetConfirmView, PasswordResetView
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ..auth import throttle
from ..auth.known_browsers import note_login
from ..auth.throttle import TooManyRequests
from ..password_mail import can_send_mail, send_new_password

if TYPE_CHECKING:
    AnySetPasswordForm = SetPasswordForm[Any]
else:
    AnySetPasswordForm = SetPasswordForm

__all__ = ["forgotten_password", "forgotten_password_sent", "set_password"]


class ForgottenPasswordForm(PasswordResetForm):
    """An attempt counts as one to log in, for any address."""

    request: HttpRequest

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})

    def clean_email(self) -> str:
        address: str = self.cleaned_data["email"]
        try:
            throttle.begin_login(self.request, address)
        except TooManyRequests as error:
            raise error.for_forms() from None
        return address

    def save(self, **_: Any) -> None:  # type: ignore[override]
        """Users that log in elsewhere, without a password here, get no mail."""
        for user in self.get_users(self.cleaned_data["email"]):
            send_new_password(self.request, user)


class _ForgottenPassword(PasswordResetView):
    form_class = ForgottenPasswordForm
    template_name = "haystack_app/forgotten_password.html"
    success_url = reverse_lazy("haystack:forgotten-password-sent")

    def dispatch(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not can_send_mail():
            raise Http404("the settings have no mail server")
        return super().dispatch(*args, **kwargs)

    def get_form(self, form_class: Any = None) -> Any:
        form: Any = super().get_form(form_class)
        form.request = self.request
        return form


forgotten_password = _ForgottenPassword.as_view()


@never_cache
@require_safe
def forgotten_password_sent(request: HttpRequest) -> HttpResponse:
    return render(request, "haystack_app/forgotten_password_sent.html")


class NewPasswordForm(AnySetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})


class _SetPassword(PasswordResetConfirmView):
    """All logins and tokens of the user end, as with any new password.

    The browser is known from then on: a lock-out of the user does not hold in it.
    """

    form_class = NewPasswordForm
    template_name = "haystack_app/set_password.html"
    success_url = reverse_lazy("haystack:log-in")

    def form_valid(self, form: Any) -> HttpResponse:
        super().form_valid(form)
        note_login(self.request, form.user.get_username())
        messages.success(self.request, gettext("The password is set: log in."))
        return redirect(str(self.success_url))


set_password = _SetPassword.as_view()
