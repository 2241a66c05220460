"""The settings of a connector to a Haystack server."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ...kinds.scalars import is_ref_id
from ...models.filter_field import check_filter
from ...wire import zinc_reader
from ...wire.errors import ParseError
from ..http import checked_url
from ..secrets import SecretField

__all__ = ["BASIC", "HEADER", "NONE", "PLAINTEXT", "SCRAM", "HaystackForm"]

SCRAM, PLAINTEXT, BASIC, HEADER, NONE = (
    "scram",
    "plaintext",
    "basic",
    "header",
    "none",
)
_AUTH = [
    (SCRAM, "SCRAM (Haystack 4)"),
    (PLAINTEXT, "PLAINTEXT (Haystack)"),
    (BASIC, "HTTP Basic"),
    (HEADER, _("a header with a token")),
    (NONE, _("none")),
]
_HEADER = r"^[A-Za-z][A-Za-z0-9-]{0,60}\Z"
_FILTER = "site or space or equip or device or weatherStation or point"
_PREFIX_LENGTH = 60


class HaystackForm(forms.Form):
    url = forms.CharField(
        label="URL",
        max_length=500,
        widget=forms.TextInput(attrs={"size": 60}),
        help_text=_("of the API and project, such as https://host/api/demo"),
    )
    auth = forms.ChoiceField(choices=_AUTH, initial=SCRAM, label=_("Log-in"))
    username = forms.CharField(max_length=200, required=False, label=_("Username"))
    password = SecretField(required=False, label=_("Password"))
    header = forms.RegexField(
        _HEADER, required=False, initial="Authorization", label=_("Header")
    )
    header_prefix = forms.CharField(
        max_length=60,
        required=False,
        initial="Bearer",
        help_text=_("before the token"),
        label=_("Header prefix"),
    )
    token = SecretField(required=False, label=_("Token"))
    certificates = SecretField(
        required=False,
        help_text=_("PEM of a CA, as file:NAME, for a private one"),
        label=_("Certificates"),
    )
    timeout = forms.IntegerField(
        min_value=1,
        max_value=240,
        initial=60,
        help_text=_("seconds of one request"),
        label=_("Timeout"),
    )
    filter = forms.CharField(
        max_length=2_000,
        initial=_FILTER,
        widget=forms.Textarea(attrs={"rows": 3}),
        label=_("Filter"),
    )
    id_prefix = forms.CharField(
        max_length=_PREFIX_LENGTH,
        help_text=_("of the ids here, such as plant."),
        label=_("Id prefix"),
    )
    tags = forms.CharField(
        max_length=2_000,
        required=False,
        help_text=_(
            'tags that all entities get here, such as tenant:"north" siteRef:@hq'
        ),
        label=_("Tags"),
    )
    learn_minutes = forms.IntegerField(
        min_value=0,
        max_value=10_080,
        initial=60,
        help_text=_("0 for by hand only"),
        label=_("Learn minutes"),
    )
    current_seconds = forms.IntegerField(
        min_value=0,
        max_value=3_600,
        initial=5,
        help_text=_("0 for no current values"),
        label=_("Current seconds"),
    )
    history_seconds = forms.IntegerField(
        min_value=0,
        max_value=86_400,
        initial=60,
        help_text=_("0 for no histories"),
        label=_("History seconds"),
    )
    history_days = forms.IntegerField(
        min_value=1,
        max_value=36_500,
        initial=30,
        help_text=_("how far back it begins"),
        label=_("History days"),
    )
    write = forms.BooleanField(
        required=False,
        help_text=_("write effective values of points here to those there"),
        label=_("Write"),
    )
    write_level = forms.IntegerField(
        min_value=1, max_value=17, initial=16, label=_("Write level")
    )

    def clean_url(self) -> str:
        try:
            return checked_url(self.cleaned_data["url"])
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def clean_filter(self) -> str:
        text: str = self.cleaned_data["filter"]
        check_filter(text)
        return text

    def clean_id_prefix(self) -> str:
        text: str = self.cleaned_data["id_prefix"]
        if not is_ref_id(text):
            raise ValidationError(gettext("use letters, digits and _ : - . ~ only"))
        return text

    def clean_tags(self) -> str:
        text: str = self.cleaned_data["tags"]
        try:
            own_tags(text)
        except (ParseError, ValueError) as error:
            raise ValidationError(f"not tags as in Zinc: {error}") from None
        return text

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        auth = given.get("auth")
        if auth in (SCRAM, PLAINTEXT, BASIC):
            for name in ("username", "password"):
                if not given.get(name) and name not in self.errors:
                    self.add_error(name, f"required for log-in by {auth}")
        if auth == HEADER:
            for name in ("header", "token"):
                if not given.get(name) and name not in self.errors:
                    self.add_error(name, gettext("required for a header with a token"))
        return given


def own_tags(text: str) -> dict[str, Any]:
    """The tags of the setting. Raises ParseError or ValueError."""
    if not text.strip():
        return {}
    grid = zinc_reader.read_grid(f'ver:"3.0"\ntags\n{{{text}}}\n')
    tags = grid.first.get("tags")
    if not isinstance(tags, dict):
        raise ValueError("write name:value, or only the name of a marker")
    if "id" in tags:
        raise ValueError("id cannot be given to all entities")
    return tags
