"""A client that waits while the server runs a long script for somebody else."""

from __future__ import annotations

import time
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

__all__ = ["PatientRedis"]

_PAUSE = 0.1
_LONGEST = 60.0


class PatientRedis(Redis):
    """Beyond 5 s of a script the server refuses everything else, and says BUSY."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        ends = time.monotonic() + _LONGEST
        while True:
            try:
                return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
            except ResponseError as error:
                if not str(error).startswith("BUSY") or time.monotonic() > ends:
                    raise
                time.sleep(_PAUSE)
