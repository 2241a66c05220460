"""Tokens: made here for programs, and revoked by deleting them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import ForeignKey, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..auth import tokens
from ..models import Token
from .mixins import is_superuser

if TYPE_CHECKING:
    TokenModelAdmin = admin.ModelAdmin[Token]
else:
    TokenModelAdmin = admin.ModelAdmin

__all__ = ["TokenAdmin"]


@admin.register(Token)
class TokenAdmin(TokenModelAdmin):
    """Users who are not superusers see and create only tokens of their own.

    Otherwise a token would let them act as a user with more permissions.
    """

    list_display = ("kind", "user", "scope", "alive", "created", "used", "expires")
    list_filter = ("scope",)
    list_select_related = ("user",)
    search_fields = ("name",)
    ordering = ("-created",)
    fields = ("user", "name", "scope", "expires")
    show_full_result_count = False

    @admin.display(description=_("token"), ordering="name")
    def kind(self, token: Token) -> str:
        return str(token)

    @admin.display(boolean=True, description=_("alive"))
    def alive(self, token: Token) -> bool:
        return tokens.is_valid(token, timezone.now())

    def has_change_permission(
        self, request: HttpRequest, obj: Token | None = None
    ) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Token]:
        found = super().get_queryset(request)
        return found if is_superuser(request) else found.filter(user=request.user.pk)

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.name == "user" and not is_superuser(request):
            users = db_field.remote_field.model._default_manager
            kwargs["queryset"] = users.filter(pk=request.user.pk)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(
        self, request: HttpRequest, obj: Token, form: Any, change: bool
    ) -> None:
        """The secret is shown by the answer to this request, and never again."""
        secret = tokens.create_secret(obj)
        obj.save(force_insert=True)
        text = gettext("Copy the token now, it is not shown again: {}")
        shown = format_html("<code>{}</code>", secret)
        messages.warning(request, format_html(text, shown))
