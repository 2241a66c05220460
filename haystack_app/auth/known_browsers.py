"""Browsers in which a user has logged in: failures of others do not lock it out there.

A signed cookie names the users, as hashes, and the browser, whose own failures are
counted instead of those of the user name and the address. Source: OWASP, "Slow Down
Online Guessing Attacks with Device Cookies".
"""

from __future__ import annotations

import secrets

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

__all__ = ["COOKIE", "browser_of", "note_login", "remember_browser"]

COOKIE = "haystack_browser"
_SECONDS = 90 * 24 * 3_600
_MOST = 5
"""Users of one browser."""
_NOTED = "_haystack_logged_in_as"


def browser_of(request: HttpRequest, username: str) -> str | None:
    """A name of the browser; None if the user has not logged in with it."""
    browser, users = _read(request)
    return browser if _digest(username) in users else None


def note_login(request: HttpRequest, username: str) -> None:
    """Remember the browser for the user, with the answer to this request."""
    vars(request)[_NOTED] = username


def remember_browser(request: HttpRequest, response: HttpResponse) -> None:
    """Set the cookie if a login was noted."""
    username = vars(request).get(_NOTED)
    if username is None:
        return
    browser, users = _read(request)
    digest = _digest(username)
    known = [digest, *(one for one in users if one != digest)][:_MOST]
    response.set_cookie(
        COOKIE,
        signing.dumps([browser or secrets.token_hex(16), known], salt=COOKIE),
        max_age=_SECONDS,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _read(request: HttpRequest) -> tuple[str, list[str]]:
    cookie = request.COOKIES.get(COOKIE)
    if not cookie:
        return "", []
    try:
        browser, users = signing.loads(cookie, salt=COOKIE, max_age=_SECONDS)
    except signing.BadSignature:
        return "", []
    return browser, users


def _digest(username: str) -> str:
    return salted_hmac(COOKIE, username, algorithm="sha256").hexdigest()[:32]
