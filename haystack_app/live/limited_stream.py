"""Event streams of which a user may have a few in a process: each asks the database."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

from rest_framework.exceptions import APIException

from .sse import EventStream, Send

__all__ = ["LimitedStream", "TooManyStreams"]


class TooManyStreams(APIException):
    status_code = 429


class LimitedStream(EventStream):
    """``what`` completes "More than 20 .. are followed"."""

    what: ClassVar[str]
    most: ClassVar[int] = 20
    running: ClassVar[Counter[Any]]
    """By key of the user."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.running = Counter()

    async def run(self, send: Send) -> None:
        user, running = self.login.caller.user.pk, self.running
        if running[user] >= self.most:
            self.refusal = TooManyStreams(
                f"More than {self.most} {self.what} are followed: close some, or poll."
            )
        running[user] += 1
        try:
            await super().run(send)
        finally:
            running[user] -= 1
            if not running[user]:
                del running[user]
