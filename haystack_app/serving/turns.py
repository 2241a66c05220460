"""Requests wait for a turn of their user.

Who the user is, is known only in a thread. So a login, which is what the header
Authorization or the session's cookie says, has a line of its own until its first
request was answered, and then waits with all other logins of its user. Requests without
a credential pass: what they may ask for is short.
"""

from __future__ import annotations

from collections.abc import Callable

from ..auth.current_request import USER
from ..turns import NoTurn, Turns, turns_of_this_loop
from .bodies import (
    RETRY_SECONDS,
    App,
    Receive,
    Refused,
    Scope,
    Send,
    header_text,
    refuse,
)

__all__ = ["TurnLayer"]

_MOST = 10_000
"""Logins whose users are remembered."""


class TurnLayer:
    """``cookie`` is the name of the session's cookie."""

    def __init__(
        self, app: App, *, cookie: str, turns: Callable[[], Turns] = turns_of_this_loop
    ) -> None:
        self.app = app
        self._turns = turns
        self._cookie = f"{cookie}="
        self._users: dict[str, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        login = self._login(scope)
        if not login:
            await self.app(scope, receive, send)
            return
        turns = self._turns()
        try:
            async with turns.turn(self._users.get(login, login)):
                await self.app(scope, receive, send)
        except NoTurn:
            text = (
                f"{turns.most} requests of this user are running (cap RUNNING):"
                f" try again in {RETRY_SECONDS} s"
            )
            await refuse(Refused(503, text), scope, receive, send)
        self._learn(login, scope.get(USER))

    def _login(self, scope: Scope) -> str:
        if authorization := header_text(scope["headers"], b"authorization"):
            return authorization
        cookies = header_text(scope["headers"], b"cookie") or ""
        session = (one for one in cookies.split("; ") if one.startswith(self._cookie))
        return next(session, "")

    def _learn(self, login: str, user: str | None) -> None:
        if user is None or self._users.get(login) == user:
            return
        if len(self._users) >= _MOST:
            del self._users[next(iter(self._users))]
        self._users[login] = user
