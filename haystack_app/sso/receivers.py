"""Receivers of django-allauth's signals: what sessions have had, and the audit log."""

from __future__ import annotations

from typing import Any

from allauth.account.signals import user_logged_in
from allauth.mfa.signals import (
    authentication_failed,
    authenticator_added,
    authenticator_removed,
    authenticator_reset,
    authenticator_used,
)
from allauth.socialaccount.signals import social_account_added, social_account_removed
from django.db import router
from django.dispatch import receiver
from django.http import HttpRequest

from ..auth.audit import log_event, log_failed_login
from ..auth.second_factor import note_factor
from ..models import AuditEntry

__all__: list[str] = []


@receiver([authenticator_used, authenticator_added])
def note(sender: Any, request: HttpRequest, user: Any, **_: Any) -> None:
    """One that is added was shown: the page asks for a code, or for the key."""
    note_factor(request.session, user)


@receiver(user_logged_in)
def note_company(sender: Any, request: HttpRequest, user: Any, **more: Any) -> None:
    """The company's provider decides what a login needs."""
    if more.get("sociallogin") is not None:
        note_factor(request.session, user)


@receiver(authentication_failed)
def log_failure(sender: Any, request: HttpRequest, user: Any, **_: Any) -> None:
    log_failed_login(request, user.get_username(), "wrong second factor")


@receiver([authenticator_added, authenticator_reset])
def log_added(sender: Any, user: Any, authenticator: Any, **_: Any) -> None:
    _log(AuditEntry.FACTOR_ADDED, user, authenticator.get_type_display())


@receiver(authenticator_removed)
def log_removed(sender: Any, user: Any, authenticator: Any, **_: Any) -> None:
    _log(AuditEntry.FACTOR_REMOVED, user, authenticator.get_type_display())


@receiver(social_account_added)
def log_account(sender: Any, sociallogin: Any, **_: Any) -> None:
    account = sociallogin.account
    _log(AuditEntry.FACTOR_ADDED, sociallogin.user, f"log-in by {account.provider}")


@receiver(social_account_removed)
def log_account_removed(sender: Any, socialaccount: Any, **_: Any) -> None:
    what = f"log-in by {socialaccount.provider}"
    _log(AuditEntry.FACTOR_REMOVED, socialaccount.user, what)


def _log(event: str, user: Any, what: str) -> None:
    detail = f"user {user.get_username()!r}: {what}"
    log_event(event, detail, router.db_for_write(AuditEntry))
