"""Forms of the account page."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import PasswordChangeForm
from django.core.exceptions import ValidationError
from django.db import IntegrityError, router, transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..auth import tokens
from ..auth.forms import ThrottledOldPassword
from ..models import Token

if TYPE_CHECKING:
    TokenModelForm = forms.ModelForm[Token]
else:
    TokenModelForm = forms.ModelForm

__all__ = ["OwnPasswordForm", "TokenForm"]

_DAYS = [
    (30, _("30 days")),
    (90, _("90 days")),
    (365, _("1 year")),
    (0, _("no end")),
]
_USUAL = 90
_MOST = 100
_EXISTS = _("you have a token of this name: revoke it first")


class OwnPasswordForm(ThrottledOldPassword, PasswordChangeForm):
    """A wrong old password counts as a failed login of the user."""

    def __init__(self, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, label_suffix="", **kwargs)
        # it is not the first form of the page
        del self.fields["old_password"].widget.attrs["autofocus"]


class TokenForm(TokenModelForm):
    """A token of the user's own. Without a choice it can only read, for 90 days."""

    days = forms.TypedChoiceField(
        label=_("Valid for"), choices=_DAYS, coerce=int, initial=_USUAL
    )

    class Meta:
        model = Token
        fields = ("name", "scope")
        labels = {"name": _("Purpose")}
        help_texts = {"name": ""}

    field_order = ("name", "scope", "days")

    def __init__(self, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        self.instance.user = user
        scope: Any = self.fields["scope"]
        scope.choices = Token.SCOPES
        scope.initial = Token.READ

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        own = Token.objects.filter(user=self.instance.user)
        if own.filter(name=name).exists():
            raise ValidationError(_EXISTS)
        if own.exclude(name="").count() >= _MOST:
            text = gettext("you have %(count)s tokens: revoke one first")
            raise ValidationError(text % {"count": _MOST})
        return name

    def create(self) -> str:
        """Store the token and return its secret, which is not stored.

        Empty, with an error of the form, if the same form was sent twice at once.
        """
        token = self.save(commit=False)
        secret = tokens.create_secret(token)
        if days := self.cleaned_data["days"]:
            token.expires = timezone.now() + dt.timedelta(days=days)
        try:
            with transaction.atomic(using=router.db_for_write(Token)):
                token.save(force_insert=True)
        except IntegrityError:
            self.add_error("name", _EXISTS)
            return ""
        return secret
