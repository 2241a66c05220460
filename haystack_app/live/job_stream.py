"""A job as server-sent events: its state whenever it changed, until it has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import NotFound

from ..api.jobs import PendingJob, rendered
from ..jobs.rights import seen_by
from .limited_stream import LimitedStream
from .login import Login
from .sse import Message
from .threads import in_thread

__all__ = ["JobStream"]

_LOOK_SECONDS = 0.5


class JobStream(LimitedStream):
    what = "jobs"
    first = ""

    def __init__(
        self,
        scope: Mapping[str, Any],
        following: PendingJob,
        start: Message,
        patience: float,
    ) -> None:
        super().__init__(scope, following.caller, start, patience)
        self.job = following.job
        self.sent = b""

    def may_follow(self, login: Login) -> bool:
        """Whether it is the same user; ``_state`` asks for the rights of the moment."""
        return bool(login.caller.user.pk == self.login.caller.user.pk)

    async def follow(self) -> bool:
        state, is_finished = await self.read(
            in_thread(_state, self.login.caller.user, self.job), "job", self.job
        )
        if state != self.sent:
            self.sent = state
            await self._send_text(f"event: job\ndata: {state.decode()}\n\n")
        if is_finished:
            await self._send_text("event: end\ndata: {}\n\n")
        elif not self.is_http_1_0:
            await self.wait_until(asyncio.sleep(_LOOK_SECONDS), seconds=_LOOK_SECONDS)
        return not is_finished and not self.is_http_1_0


def _state(user: Any, pk: int) -> tuple[bytes, bool]:
    """Raises NotFound: the job was deleted, or the user's rights have changed."""
    job = seen_by(user).filter(pk=pk).first()
    if job is None:
        raise NotFound(f"unknown job {str(pk)!r}")
    return rendered(job), job.is_finished
