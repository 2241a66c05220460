"""The log-in of pages, for every user; the admin has one for staff alone."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpResponse
from django.utils.html import format_html

from ..auth import second_factor
from ..auth.forms import ThrottledAuthenticationForm
from ..languages import offered
from ..password_mail import can_send_mail

__all__ = ["log_in", "log_out"]

_NEXT = '<input type="hidden" name="next" value="{}">'


class _LogIn(LoginView):
    form_class = ThrottledAuthenticationForm
    template_name = "haystack_app/log_in.html"
    next_page = "haystack:front"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        if second_factor.is_installed():
            from ..sso.logins import company_links

            goal = self.get_redirect_url()
            kwargs |= {
                "company_links": company_links(self.request, goal),
                "has_passkeys": True,
                "redirect_field": format_html(_NEXT, goal),
            }
        return super().get_context_data(
            can_send_mail=can_send_mail(), languages=offered(), **kwargs
        )

    def form_valid(self, form: Any) -> HttpResponse:
        if not second_factor.is_installed():
            return super().form_valid(form)
        from ..sso.logins import finish_password_login

        return finish_password_login(
            self.request, form.get_user(), self.get_success_url()
        )


log_in = _LogIn.as_view()
log_out = LogoutView.as_view(next_page="haystack:front")
