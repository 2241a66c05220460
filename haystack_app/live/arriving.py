"""What a websocket may send before its login is decided.

A server assembles messages before the application sees them: 200 sockets without a
login could hold 16 MB each. ASGI has no means against it, so the protocol of uvicorn is
told, whose methods ``receive`` and ``send`` are. Other servers have their own limits.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

__all__ = ["Arriving"]

MOST = 64 * 1024
"""Bytes of a message before the login; for a longer one the server closes with 1009
when its length arrives."""


class Arriving:
    """The messages of the connection that ``receive`` belongs to."""

    def __init__(self, receive: Any) -> None:
        protocol = getattr(receive, "__self__", None)
        self._transport: Any = getattr(protocol, "transport", None)
        self._limited = getattr(protocol, "conn", None)
        if not hasattr(self._limited, "max_message_size"):
            self._limited = None
        self._most = getattr(self._limited, "max_message_size", None)
        self._is_paused = False

    def begin(self, *, has_credentials: bool) -> None:
        """Before the upgrade is accepted.

        Nothing is read while credentials are checked, so that a client may send its
        first message at once, however long.
        """
        if not has_credentials:
            self._limit(MOST)
        elif self._transport is not None:
            self._is_paused = True
            with suppress(RuntimeError):  # the connection is closing
                self._transport.pause_reading()

    def decided(self, *, is_logged_in: bool) -> None:
        """Read on, with the server's own limit or the lower one."""
        self._limit(None if is_logged_in else MOST)
        if self._is_paused:  # not by the server, which counts its messages
            self._is_paused = False
            with suppress(RuntimeError):
                self._transport.resume_reading()

    def _limit(self, most: int | None) -> None:
        if self._limited is not None:
            both = [one for one in (most, self._most) if one is not None]
            self._limited.max_message_size = min(both, default=None)
