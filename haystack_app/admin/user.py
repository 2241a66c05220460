"""Pages of users, with the same bounds as ``/api/users/``.

Django's own let every user with the permission to change users become a superuser,
or set the password of one.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import ReadOnlyPasswordHashWidget
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import ManyToManyField, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..auth.privileges import groups_seen_by, privileges_of, users_seen_by
from ..auth.second_factor import is_installed, remove_factors
from ..auth.user_logins import end_logins
from ..password_mail import CannotInvite, invite
from .mixins import is_superuser

if TYPE_CHECKING:
    AnyModelAdmin = admin.ModelAdmin[Any]
else:
    AnyModelAdmin = object

__all__ = ["UserAdmin", "UserAdminMixin"]

_OF_SUPERUSERS = ("is_superuser", "is_staff", "user_permissions")


class KeylessPasswordWidget(ReadOnlyPasswordHashWidget):
    """The algorithm of a password: masked values of hashers show six characters."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        shown = (it for it in context["summary"] if "*" not in str(it.get("value")))
        return {**context, "summary": list(shown)}


class SeenGroups(admin.RelatedFieldListFilter):
    """The list filter by groups, with those that the user may know of."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        groups = groups_seen_by(request.user, Group.objects.order_by("name"))
        return [(group.pk, str(group)) for group in groups]


class UserAdminMixin(AnyModelAdmin):
    """Before a ``UserAdmin``: what users who aren't superusers must not change.

    That is the flags and permissions of any user, and everything of users who may do
    more, or see more, than they. Users with a scope see neither users nor groups of
    other scopes, in lists, filters and fields. Nothing of a password's hash is shown.
    """

    actions = ["send_invitations", "end_all_logins", "remove_factors"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return users_seen_by(request.user, super().get_queryset(request))

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)
        field: Any = deepcopy(form.base_fields.get("password"))
        if isinstance(getattr(field, "widget", None), ReadOnlyPasswordHashWidget):
            field.widget = KeylessPasswordWidget()
            form.base_fields["password"] = field
        return form

    def get_list_filter(self, request: HttpRequest) -> Any:
        names = super().get_list_filter(request)
        return [("groups", SeenGroups) if it == "groups" else it for it in names]

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.name == "groups":
            groups = Group.objects.order_by("name")
            kwargs["queryset"] = groups_seen_by(request.user, groups)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        names = super().get_readonly_fields(request, obj)
        return names if is_superuser(request) else (*names, *_OF_SUPERUSERS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _covers(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _covers(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        if not all(_covers(request, user) for user in queryset):
            raise PermissionDenied
        super().delete_queryset(request, queryset)

    @admin.action(
        description=_("Send an invitation by mail, with a link to set a password"),
        permissions=["change"],
    )
    def send_invitations(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        sent = 0
        for user in self._covered(request, queryset):
            try:
                invite(request, user)
                sent += 1
            except CannotInvite as error:
                self.message_user(request, str(error), messages.ERROR)
        if sent:
            text = gettext("Invitations that are sent: %(count)s.") % {"count": sent}
            self.message_user(request, text)

    @admin.action(
        description=_("End all logins, of browsers and of Haystack clients"),
        permissions=["change"],
    )
    def end_all_logins(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        count = sum(end_logins(user) for user in self._covered(request, queryset))
        text = gettext("Logins that have ended: %(count)s.") % {"count": count}
        self.message_user(request, text)

    @admin.action(
        description=_("Remove the second factor, such as a lost phone"),
        permissions=["change"],
    )
    def remove_factors(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for user in self._covered(request, queryset):
            if remove_factors(user):
                end_logins(user)
                text = gettext("The second factor of %(name)s is removed.") % {
                    "name": user.get_username()
                }
                self.message_user(request, text)

    def get_actions(self, request: HttpRequest) -> Any:
        found = super().get_actions(request)
        if not is_installed():
            found.pop("remove_factors", None)
        return found

    def _covered(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Users of a choice; says of which the user may not act on."""
        users = list(queryset)
        covered = [user for user in users if _covers(request, user)]
        for user in users:
            if user not in covered:
                text = gettext("%(name)s has permissions that you do not have") % {
                    "name": repr(user.get_username())
                }
                self.message_user(request, text, messages.ERROR)
        return covered

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        """In the transaction of the page, which a refusal rolls back."""
        before = privileges_of(request.user)  # users may change themselves
        super().save_related(request, form, formsets, change)
        if not before.covers(privileges_of(form.instance)):
            raise PermissionDenied


class UserAdmin(UserAdminMixin, DjangoUserAdmin):  # type: ignore[type-arg]
    """Django's page of ``auth.User`` and of models that extend it."""


def _covers(request: HttpRequest, user: Any) -> bool:
    return user is None or privileges_of(request.user).covers(privileges_of(user))
