"""The three steps of a SCRAM handshake, stored in a table between them.

Any process may answer any step, except while SQLite is locked by another writer: then
the process keeps the handshake in memory, so that no login waits. Each step
succeeds once, by the row count of a conditional UPDATE or DELETE; a handshake that
fails at its last step is deleted. Known and unknown users take the same queries.
"""

from __future__ import annotations

import datetime as dt
import hmac
import secrets
from functools import partial
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from ..models import Handshake
from . import scram
from .brief_writes import unless_locked
from .credentials import get_credentials
from .handshakes_in_memory import IN_MEMORY

__all__ = [
    "SECONDS",
    "HandshakeFailed",
    "MalformedMessage",
    "answer",
    "begin",
    "finish",
    "get_valid",
]

SECONDS = 30
"""How long a handshake may take, as in Haxall."""

_LONGEST_NAME = 1_000


class MalformedMessage(ValueError):
    """A message that is not a valid step of a handshake."""


class HandshakeFailed(Exception):
    """A failed login; ``username`` is empty if it is unknown."""

    def __init__(self, why: str, username: str = "") -> None:
        super().__init__(why)
        self.username = username


def begin(username: str) -> str:
    """Answer HELLO: the token of a new handshake."""
    if not username or "\0" in username or len(username) > _LONGEST_NAME:
        raise MalformedMessage("invalid username")
    token = secrets.token_hex(16)
    expires = timezone.now() + dt.timedelta(seconds=SECONDS)
    handshake = Handshake(token=token, username=username, expires=expires)
    if not unless_locked(partial(_store, handshake)):
        IN_MEMORY.add(handshake)
    return token


def _store(handshake: Handshake) -> None:
    with transaction.atomic():
        Handshake.objects.filter(expires__lte=timezone.now()).delete()
        handshake.save(force_insert=True)


def get_valid(token: str) -> Handshake:
    """The handshake, if it exists and has not expired. Raises HandshakeFailed."""
    now = timezone.now()
    found = IN_MEMORY.get(token, now)
    if found is None and not IN_MEMORY.was_used(token):
        valid = Handshake.objects.filter(expires__gt=now)
        # no database takes U+0000
        found = valid.filter(token=token.replace("\0", "")).first()
    if found is None:
        raise HandshakeFailed("the handshake is unknown, was used or has expired")
    return found


def answer(handshake: Handshake, message: bytes) -> str:
    """Answer the client-first-message: the server-first-message."""
    try:
        first = scram.ClientFirst.parse(message)
    except scram.ScramError as error:
        raise MalformedMessage(str(error)) from None
    if not first.is_of(handshake.username):
        raise MalformedMessage("the username differs from that of the HELLO")
    # hexadecimal digits do not become + or / in base64
    nonce = first.nonce.decode("ascii") + secrets.token_hex(16)
    keys = get_credentials(handshake.username).keys
    text = scram.server_first(nonce, keys)
    if not _taken(handshake, message, text):
        raise HandshakeFailed("the handshake was already used", handshake.username)
    return text


def _taken(handshake: Handshake, message: bytes, text: str) -> bool:
    """Note the answer to the first message; False if there was one."""
    if handshake.token in IN_MEMORY:
        return IN_MEMORY.take(handshake.token, message, text)
    rows = Handshake.objects.filter(token=handshake.token, server_first="")
    changed: list[int] = []

    def note() -> None:
        changed.append(rows.update(client_first=message, server_first=text))

    if unless_locked(note):
        return bool(changed[0])
    IN_MEMORY.add(handshake)  # from now on, its row does not count
    return IN_MEMORY.take(handshake.token, message, text)


def _used(handshake: Handshake) -> bool:
    """Delete the handshake; False if it was."""
    if handshake.token in IN_MEMORY:
        return IN_MEMORY.use(handshake)
    rows = Handshake.objects.filter(token=handshake.token)
    deleted: list[int] = []
    if unless_locked(lambda: deleted.append(rows.delete()[0])):
        return bool(deleted[0])
    return IN_MEMORY.use(handshake)


def finish(handshake: Handshake, message: bytes) -> tuple[Any, str]:
    """Answer the client-final-message: the user and the server-final-message."""
    if not _used(handshake):
        raise HandshakeFailed("the handshake was already used", handshake.username)
    try:
        final = scram.ClientFinal.parse(message)
    except scram.ScramError as error:
        raise MalformedMessage(str(error)) from None
    first = scram.ClientFirst.parse(bytes(handshake.client_first))
    credentials = get_credentials(handshake.username)
    signed = scram.auth_message(first, handshake.server_first, final)
    proven = scram.proves(credentials.keys, signed, final.proof)
    if not (_belongs(final, first, handshake.server_first) & proven):
        raise HandshakeFailed("wrong password", handshake.username)
    users = get_user_model()._default_manager
    user = credentials.user_pk and users.filter(pk=credentials.user_pk).first()
    if not user:
        raise HandshakeFailed("no such user", handshake.username)
    return user, scram.server_final(credentials.keys, signed)


def _belongs(final: scram.ClientFinal, first: scram.ClientFirst, answer: str) -> bool:
    """RFC 5802 section 5.1: ``c=`` and ``r=`` repeat those of earlier messages."""
    nonce = answer[2:].partition(",")[0].encode()
    bindings = {first.binding or b"n,,", first.binding}
    return hmac.compare_digest(final.nonce, nonce) & (final.binding in bindings)
