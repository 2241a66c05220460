"""Whether a PostgreSQL server can be used, asked by a connection of its own."""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping
from typing import Any

from ..breaker import ALIVE, DOWN, SILENT

__all__ = ["probe"]

SECONDS = 2
"""Of one attempt to connect; libpq has no shorter ones."""
_PROTOCOL = 3 << 16
_SERVES = ("28", "3D", "42", "53300")
"""SQLSTATEs of a server that works and refuses this connection: no login, no database,
no privilege, and too many connections."""


def probe(parameters: Mapping[str, Any], address: tuple[str, int] | None) -> str:
    """Connect as requests do, by ``parameters`` of psycopg.

    libpq does not tell why a server refuses a connection, so it is asked again at its
    ``address``, if that is known: a server without a free connection is not down.
    """
    from psycopg import OperationalError, connect
    from psycopg.errors import ConnectionTimeout

    try:
        connect(**{**parameters, "connect_timeout": SECONDS}).close()
    except ConnectionTimeout:
        return SILENT
    except OperationalError:
        if address and _refusal(*address).startswith(_SERVES):
            return ALIVE
        return DOWN
    return ALIVE


def _refusal(host: str, port: int) -> str:
    """The SQLSTATE by which a server refuses a connection; empty if it does not.

    Source: PostgreSQL, Frontend/Backend Protocol, StartupMessage and ErrorResponse.
    """
    body = b"user\0postgres\0database\0postgres\0\0"
    try:
        with _connected(host, port) as raw:
            raw.sendall(struct.pack(">II", len(body) + 8, _PROTOCOL) + body)
            kind, size = struct.unpack(">cI", raw.recv(5, socket.MSG_WAITALL))
            if kind != b"E":
                return ""
            fields = raw.recv(size - 4, socket.MSG_WAITALL).split(b"\0")
    except (OSError, struct.error):
        return ""
    states = (one[1:].decode() for one in fields if one.startswith(b"C"))
    return next(states, "")


def _connected(host: str, port: int) -> socket.socket:
    if not host.startswith("/"):
        return socket.create_connection((host, port), SECONDS)
    raw = socket.socket(socket.AF_UNIX)
    raw.settimeout(SECONDS)
    raw.connect(f"{host}/.s.PGSQL.{port}")
    return raw
