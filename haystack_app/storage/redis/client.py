"""A client that waits while the server runs a long script for somebody else."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import ResponseError

__all__ = ["PatientRedis"]

_PAUSE = 0.1
_LONGEST = 60.0
_BUSY = re.compile(r"\bBUSY ")
"""Behind other words where it is what a transaction was refused for."""


class PatientRedis(Redis):
    """Beyond 5 s of a script the server refuses everything else, and says BUSY."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        command = super().execute_command
        return _patiently(lambda: command(*args, **options))  # type: ignore[no-untyped-call]

    def transact(self) -> _PatientPipeline:
        """Commands that are refused together, so that they can be sent again."""
        return _PatientPipeline(
            self.connection_pool, self.response_callbacks, True, None
        )


class _PatientPipeline(Pipeline):
    def execute(self, raise_on_error: bool = True) -> list[Any]:
        commands = list(self.command_stack)

        def once() -> list[Any]:
            self.command_stack = list(commands)
            return Pipeline.execute(self, raise_on_error)

        return list(_patiently(once))


def _patiently(ask: Callable[[], Any]) -> Any:
    ends = time.monotonic() + _LONGEST
    while True:
        try:
            return ask()
        except ResponseError as error:
            if not _BUSY.search(str(error)) or time.monotonic() > ends:
                raise
            time.sleep(_PAUSE)
