"""Alarms as server-sent events: the summary, at first and whenever one changed.

A process asks the database once a second whether any alarm changed, for all of its
streams; a stream reads its summary only then.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import orjson
from django.core.exceptions import PermissionDenied as Denied
from rest_framework.exceptions import NotFound

from ..alarms.listing import last_transition
from ..api.alarms import PendingAlarms, summary_json
from ..auth.caller import READ, Caller
from ..auth.roles import VIEW
from ..ops.dispatch import UnknownProject, context_for
from .limited_stream import LimitedStream
from .login import Login
from .sse import Message
from .threads import in_thread

__all__ = ["AlarmStream"]

_LOOK_SECONDS = 1.0


class _Newest:
    """The newest transition, which streams of a process share."""

    def __init__(self) -> None:
        self.key = -1
        self.at = -_LOOK_SECONDS

    async def get(self) -> int:
        """While one stream asks, others get what was known before."""
        if time.monotonic() - self.at >= _LOOK_SECONDS:
            self.at = time.monotonic()
            self.key = await in_thread(last_transition)
        return self.key


_newest = _Newest()


class AlarmStream(LimitedStream):
    what = "lists of alarms"
    first = ""

    def __init__(
        self,
        scope: Mapping[str, Any],
        following: PendingAlarms,
        start: Message,
        patience: float,
    ) -> None:
        super().__init__(scope, following.caller, start, patience)
        self.project = following.project
        self.known: int | None = None
        self.sent = b""

    def may_follow(self, login: Login) -> bool:
        """Whether it is the same user, who may still see entities."""
        caller = login.caller
        same = bool(caller.user.pk == self.login.caller.user.pk)
        if same and caller.scope_texts != self.login.caller.scope_texts:
            self.known = None  # what is seen has changed
        return same and caller.has_permission(VIEW)

    async def follow(self) -> bool:
        newest = await self.read(_newest.get(), "log of alarms", self.project)
        if newest != self.known:
            call = in_thread(_summary, self.login.caller, self.project)
            summary = await self.read(call, "alarms", self.project)
            self.known = newest
            if summary != self.sent:
                self.sent = summary
                await self._send_text(f"event: alarms\ndata: {summary.decode()}\n\n")
        if self.is_http_1_0:
            return False
        await self.wait_until(asyncio.sleep(_LOOK_SECONDS), seconds=_LOOK_SECONDS)
        return True


def _summary(caller: Caller, project: str | None) -> bytes:
    """Raises NotFound: the rights of the user have changed, or the project is gone."""
    try:
        caller.check(VIEW, READ)
        context = context_for(project, caller)
    except (Denied, UnknownProject):
        raise NotFound("unknown project") from None
    return orjson.dumps(summary_json(context.storage))
