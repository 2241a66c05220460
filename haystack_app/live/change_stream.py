"""The change log as server-sent events."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping
from typing import Any

from ..api.changes import PendingChanges
from ..api.exceptions import Gone
from ..instruments import FEED_SECONDS
from ..ops.changes import CursorExpired, Page
from ..replicas.positions import note
from .changes_reader import page_after, poll_interval, wait_for_growth
from .hub import hub
from .login import Login
from .sse import EventStream, Message
from .threads import in_thread

__all__ = ["ChangeStream"]

PAGE = 100


class ChangeStream(EventStream):
    """A page of the log is read when the previous one was sent."""

    def __init__(
        self,
        scope: Mapping[str, Any],
        following: PendingChanges,
        start: Message,
        patience: float,
    ) -> None:
        super().__init__(scope, following.caller, start, patience)
        self.alias = following.alias
        self.cursor = following.cursor
        self.has_caught_up = False

    @property
    def first(self) -> str:
        return f"id: {self.cursor}\n"

    def may_follow(self, login: Login) -> bool:
        return login.may_watch and login.visible is None

    async def follow(self) -> bool:
        growth = hub().growth(self.alias)
        page = await self.read(self._page(growth), "change log", self.alias)
        if page.entries:
            await in_thread(note, self.login.caller.user.pk)
            await self._send_text("".join(_event(*entry) for entry in page.entries))
            self.cursor = page.cursor
            if self.has_caught_up and page.at:
                age = dt.datetime.now(dt.UTC) - page.at
                FEED_SECONDS.observe(max(0.0, age.total_seconds()))
            if self.is_http_1_0:
                return False
        self.has_caught_up = not page.more
        if not page.more:
            seconds = poll_interval()
            await self.wait_until(wait_for_growth(growth, seconds), seconds=seconds)
        return True

    async def _page(self, growth: asyncio.Event) -> Page:
        try:
            return await page_after(growth, self.alias, self.cursor, PAGE)
        except CursorExpired as error:
            raise Gone(error) from None


def _event(position: int, text: str) -> str:
    return f"id: {position}\nevent: change\ndata: {text}\n\n"
