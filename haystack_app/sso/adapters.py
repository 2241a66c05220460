"""What django-allauth asks this app: ``ACCOUNT_ADAPTER`` and the others."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import salted_hmac

from ..auth import throttle
from ..auth.addresses import address_of
from ..auth.throttle import TooManyRequests
from ..conf import app_settings
from ..password_mail import can_send_mail

__all__ = ["AccountAdapter", "CompanyAdapter", "FactorAdapter"]


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by staff, or by a login of the company."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return reverse("haystack:front")

    def get_client_ip(self, request: HttpRequest) -> str:
        return address_of(request)

    def reauthenticate(self, user: Any, password: str) -> bool:
        """Wrong passwords count as failed logins."""
        request, name = context.request, user.get_username()
        try:
            throttle.begin_login(request, name)
        except TooManyRequests:
            return False
        is_right: bool = super().reauthenticate(user, password)
        if is_right:
            throttle.login_succeeded(request, name)
        return is_right

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        if can_send_mail():
            super().send_notification_mail(*args, **kwargs)


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets of apps and recovery codes are encrypted by ``SECRET_KEY``.

    A copy of the database alone is of no use then.
    """

    def encrypt(self, text: str) -> str:
        return _fernet().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _fernet().decrypt(encrypted_text.encode()).decode()


def _fernet() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = (
        salted_hmac(__name__, "", secret=key, algorithm="sha256").digest()
        for key in keys
    )
    return MultiFernet([Fernet(base64.urlsafe_b64encode(one)) for one in digests])


class CompanyAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Users of the company get the groups that its provider says.

    Of the groups in ``HAYSTACK["OIDC"]["GROUPS"]``, a user is in those of its claims
    and in no others after each login. Other groups are changed by staff alone.
    """

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return bool(app_settings.OIDC["CREATE_USERS"])

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        if sociallogin.is_existing:
            _set_groups(sociallogin.user, sociallogin.account.extra_data)

    def save_user(
        self, request: HttpRequest, sociallogin: Any, form: Any = None
    ) -> Any:
        user = super().save_user(request, sociallogin, form)
        _set_groups(user, sociallogin.account.extra_data)
        return user


def _set_groups(user: Any, data: dict[str, Any]) -> None:
    names: dict[str, str] = app_settings.OIDC["GROUPS"]
    if not names:
        return
    given = {names[claimed] for claimed in _claimed(data) if claimed in names}
    managed = Group.objects.filter(name__in=set(names.values()))
    wanted = {group for group in managed if group.name in given}
    held = set(user.groups.filter(pk__in=managed))
    user.groups.remove(*held - wanted)
    user.groups.add(*wanted - held)


def _claimed(data: dict[str, Any]) -> Iterator[str]:
    """The provider's names of groups: of the userinfo, else of the id token."""
    claim = app_settings.OIDC["CLAIM"]
    for part in (data.get("userinfo"), data.get("id_token"), data):
        found = part.get(claim) if isinstance(part, dict) else None
        if found is not None:
            names = found if isinstance(found, list) else [found]
            yield from (name for name in names if isinstance(name, str))
            return
