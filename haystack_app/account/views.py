"""The account page, for every user that is logged in by a session."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from ..auth import second_factor, tokens
from ..auth.user_logins import end_logins, logins_of
from ..languages import offered
from ..models import Token
from .forms import OwnPasswordForm, TokenForm

__all__ = [
    "account",
    "change_password",
    "end_login",
    "end_other_logins",
    "revoke_token",
]


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """The page. POST creates a token, whose secret only this answer has."""
    form = TokenForm(request.user, request.POST or None)
    secret = ""
    if request.method == "POST" and form.is_valid() and (secret := form.create()):
        form = TokenForm(request.user)
    return _page(request, form=form, secret=secret)


@never_cache
@login_required
@require_POST
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    """Revoke a token of the user."""
    own = Token.objects.filter(user=request.user.pk).exclude(name="")
    token = get_object_or_404(own, pk=pk)
    tokens.revoke(token)
    text = gettext("The token %(name)s is revoked.") % {"name": token.name}
    messages.success(request, text, fail_silently=True)
    return redirect("haystack:account")


@never_cache
@login_required
@require_POST
def end_login(request: HttpRequest, key: str) -> HttpResponse:
    """End a login of the user."""
    count = end_logins(request.user, request.session.session_key, key)
    text = (
        gettext("The login has ended.")
        if count
        else gettext("This login had ended already.")
    )
    messages.success(request, text, fail_silently=True)
    return redirect("haystack:account")


@never_cache
@login_required
@require_POST
def end_other_logins(request: HttpRequest) -> HttpResponse:
    """End all logins of the user but this one."""
    count = end_logins(request.user, request.session.session_key)
    text = ngettext(
        "%(count)s other login has ended.", "%(count)s other logins have ended.", count
    )
    messages.success(request, text % {"count": count}, fail_silently=True)
    return redirect("haystack:account")


class _PasswordChange(PasswordChangeView):
    """A changed password ends all other logins, and the tokens."""

    form_class = OwnPasswordForm
    template_name = "haystack_app/account.html"
    success_url = reverse_lazy("haystack:account")

    def get_form(self, form_class: Any = None) -> Any:
        form: Any = super().get_form(form_class)
        form.request = self.request
        return form

    def form_valid(self, form: Any) -> HttpResponse:
        answer = super().form_valid(form)
        messages.success(
            self.request, gettext("The password is changed."), fail_silently=True
        )
        return answer

    def render_to_response(self, context: Any, **options: Any) -> Any:
        """The page with what is wrong; GET is the page itself."""
        if self.request.method != "POST":
            return redirect("haystack:account")
        token_form = TokenForm(self.request.user)
        return _page(self.request, form=token_form, password_form=context["form"])


change_password = never_cache(_PasswordChange.as_view())


def _page(
    request: HttpRequest,
    *,
    form: TokenForm,
    password_form: Any = None,
    secret: str = "",
) -> HttpResponse:
    user: Any = request.user
    now = timezone.now()
    own = Token.objects.filter(user=user).exclude(name="").order_by("name")
    named = [
        (token, tokens.is_valid(token, now)) for token in own.select_related("user")
    ]
    context = {
        "form": form,
        "password_form": password_form or OwnPasswordForm(user),
        "has_password": user.has_usable_password(),
        "secret": secret,
        "tokens": named,
        "logins": list(logins_of(user, request.session.session_key)),
        "languages": offered(),
        "has_factors": second_factor.is_installed(),
        "has_factor": second_factor.is_installed() and second_factor.has_factor(user),
    }
    return render(request, "haystack_app/account.html", context)
