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
        self._transport = getattr(protocol, "transport", None)
        self._limited = getattr(protocol, "conn", None)
        if not hasattr(self._limited, "max_message_size"):
            self._limited = None
        self._most = getattr(self._limited, "max_message_size", None)

    def limit(self) -> None:
        if self._limited is not None:
            self._limited.max_message_size = min(MOST, self._most or MOST)

    def unlimit(self) -> None:
        """The limit that the server was started with."""
        if self._limited is not None:
            self._limited.max_message_size = self._most

    def pause(self) -> None:
        """Read nothing while the credentials of the upgrade are checked."""
        if self._transport is not None:
            with suppress(RuntimeError):  # it is closing, or paused by the server
                self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport is not None:
            with suppress(RuntimeError):
                self._transport.resume_reading()
