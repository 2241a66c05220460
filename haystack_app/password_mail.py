"""Mails with a link that sets a password: for those who forgot it, and invitations.

A job sends them, so that the page answers alike for any address, and a mail server
that is down is tried again. The job holds no link: it is made when the mail is sent.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.tokens import default_token_generator
from django.core.cache import cache
from django.core.mail import send_mail
from django.db import router
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import get_language, gettext, override

from .auth.audit import log_event
from .jobs import SHORT, JobContext, JobFailed, task
from .models import AuditEntry

__all__ = ["NO_SERVER", "CannotInvite", "can_send_mail", "invite", "send_new_password"]

_FORGOTTEN, _INVITATION = "forgotten", "invitation"
"""Names of templates."""

NO_SERVER = "the settings have no mail server: set EMAIL_BACKEND"
_DUMMY = "django.core.mail.backends.dummy.EmailBackend"
_KEY = "KEY"
_PAUSE_SECONDS = 300
"""Between two mails to a user that anyone may ask for."""


def can_send_mail() -> bool:
    return settings.EMAIL_BACKEND != _DUMMY


class CannotInvite(ValueError):
    """A mail to the user cannot be sent, or would be of no use."""


def send_new_password(request: HttpRequest, user: Any) -> None:
    """Send a user that forgot its password a link, soon; once in five minutes."""
    if cache.add(f"haystack.password_mail.{user.pk}", True, _PAUSE_SECONDS):
        _enqueue(request, user, _FORGOTTEN)


def invite(request: HttpRequest, user: Any) -> None:
    """Send a user a link by which it sets a password, soon. Raises CannotInvite."""
    name = user.get_username()
    if not can_send_mail():
        raise CannotInvite(NO_SERVER)
    if not user.is_active:
        raise CannotInvite(gettext("%(name)s is disabled") % {"name": repr(name)})
    if not _address(user):
        text = gettext("%(name)s has no email address")
        raise CannotInvite(text % {"name": repr(name)})
    _enqueue(request, user, _INVITATION)
    using = router.db_for_write(AuditEntry)
    log_event(AuditEntry.USER_INVITED, f"user {name!r}", using)


def _address(user: Any) -> str:
    address: str = getattr(user, user.get_email_field_name(), "")
    return address


def _enqueue(request: HttpRequest, user: Any, kind: str) -> None:
    pages = {
        "root": reverse("haystack:front"),
        "page": reverse("haystack:set-password", args=[_KEY, _KEY]),
    }
    urls = {name: request.build_absolute_uri(path) for name, path in pages.items()}
    _send.enqueue(user=str(user.pk), kind=kind, language=get_language(), **urls)


@task(title="send a link to set a password", queue_name=SHORT, max_attempts=12)
def _send(
    context: JobContext,
    user: str,
    kind: str,
    root: str,
    page: str,
    language: str | None = None,
) -> str:
    """``language`` is that of the page where the mail was asked for."""
    found = get_user_model()._default_manager.filter(pk=user, is_active=True).first()
    if found is None:
        raise JobFailed("the user was deleted or disabled")
    address = _address(found)
    if not address:
        raise JobFailed("the user has no email address")
    texts = {
        "user": found,
        "root": root,
        "link": page.replace(f"{_KEY}/{_KEY}", _secret(found)),
        "days": settings.PASSWORD_RESET_TIMEOUT // 86_400,
    }
    with override(language or settings.LANGUAGE_CODE):
        subject, _, body = _text(kind, texts).partition("\n")
    send_mail(subject.strip(), body.strip() + "\n", None, [address])
    return "sent"


def _secret(user: Any) -> str:
    key = urlsafe_base64_encode(force_bytes(user.pk))
    return f"{key}/{default_token_generator.make_token(user)}"


def _text(kind: str, texts: dict[str, Any]) -> str:
    """Its first line is the subject."""
    return render_to_string(f"haystack_app/mail/{kind}.txt", texts)
