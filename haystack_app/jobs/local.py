"""This process, as jobs see it."""

from __future__ import annotations

import datetime as dt
import os
import secrets
import socket
from collections.abc import Callable

from ..conf import app_settings

__all__ = ["lease", "name_of_process", "wake", "wakers"]

_names: dict[int, str] = {}

wakers: list[Callable[[], None]] = []
"""Called after a job was enqueued by this process."""


def name_of_process() -> str:
    """A name that no other process has, and that a fork does not inherit."""
    pid = os.getpid()
    if pid not in _names:
        _names[pid] = f"{socket.gethostname()}:{pid}:{secrets.token_hex(4)}"
    return _names[pid]


def lease() -> dt.timedelta:
    """How long a worker holds a job without a sign of life."""
    return dt.timedelta(seconds=app_settings.JOB_LEASE_SECONDS)


def wake() -> None:
    for call in list(wakers):
        call()
