"""The three steps of a SCRAM handshake, kept in a table between them.

Any process may answer any step. A step counts for the first that takes it, by
the row count of a conditional UPDATE or DELETE; a handshake that fails at its end
is gone. Known and unknown users cost the same queries.
"""

from __future__ import annotations

import datetime as dt
import hmac
import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from ..models import Handshake
from . import scram
from .credentials import credentials_of

__all__ = ["SECONDS", "Malformed", "Refused", "answer", "begin", "find", "finish"]

SECONDS = 30
"""How long a handshake may take, as in Haxall."""

_LONGEST_NAME = 1_000


class Malformed(ValueError):
    """What came is no step of a handshake."""


class Refused(Exception):
    """No log-in; ``username`` is whom it was for, where that is known."""

    def __init__(self, why: str, username: str = "") -> None:
        super().__init__(why)
        self.username = username


def begin(username: str) -> str:
    """HELLO: the token of a new handshake."""
    if not username or "\0" in username or len(username) > _LONGEST_NAME:
        raise Malformed("no user has such a name")
    token = secrets.token_hex(16)
    now = timezone.now()
    with transaction.atomic():
        Handshake.objects.filter(expires__lte=now).delete()
        Handshake.objects.create(
            token=token,
            username=username,
            expires=now + dt.timedelta(seconds=SECONDS),
        )
    return token


def find(token: str) -> Handshake:
    """One that has begun and has not expired."""
    alive = Handshake.objects.filter(token=token, expires__gt=timezone.now()).first()
    if alive is None:
        raise Refused("the handshake is unknown, was used or has expired")
    return alive


def answer(handshake: Handshake, message: bytes) -> str:
    """The client-first-message: our server-first-message."""
    try:
        first = scram.ClientFirst.parse(message)
    except scram.ScramError as error:
        raise Malformed(str(error)) from None
    if not first.is_of(handshake.username):
        raise Malformed("another user than that of the HELLO")
    # Hexadecimal: nothing in it becomes a + or a / in base64
    nonce = first.nonce.decode("ascii") + secrets.token_hex(16)
    keys = credentials_of(handshake.username).keys
    text = scram.server_first(nonce, keys)
    taken = Handshake.objects.filter(token=handshake.token, server_first="").update(
        client_first=message, server_first=text
    )
    if not taken:
        raise Refused("the handshake has been used", handshake.username)
    return text


def finish(handshake: Handshake, message: bytes) -> tuple[Any, str]:
    """The client-final-message: who has logged in, and our server-final-message."""
    if not Handshake.objects.filter(token=handshake.token).delete()[0]:
        raise Refused("the handshake has been used", handshake.username)
    try:
        final = scram.ClientFinal.parse(message)
    except scram.ScramError as error:
        raise Malformed(str(error)) from None
    first = scram.ClientFirst.parse(bytes(handshake.client_first))
    credentials = credentials_of(handshake.username)
    signed = scram.auth_message(first, handshake.server_first, final)
    proven = scram.proves(credentials.keys, signed, final.proof)
    if not (_belongs(final, first, handshake.server_first) & proven):
        raise Refused("wrong password", handshake.username)
    users = get_user_model()._default_manager
    user = credentials.user_pk and users.filter(pk=credentials.user_pk).first()
    if not user:
        raise Refused("no such user", handshake.username)
    return user, scram.server_final(credentials.keys, signed)


def _belongs(final: scram.ClientFinal, first: scram.ClientFirst, answer: str) -> bool:
    """RFC 5802 section 5.1: ``c=`` and ``r=`` repeat what was said before."""
    nonce = answer[2:].partition(",")[0].encode()
    bindings = {first.binding or b"n,,", first.binding}
    return hmac.compare_digest(final.nonce, nonce) & (final.binding in bindings)
