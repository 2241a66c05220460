"""A message as it arrived."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Message"]


class Message(NamedTuple):
    """``received`` is in microseconds since 1970; ``session`` counts connections.

    A message of QoS 0 has no ``mid`` that counts.
    """

    topic: str
    payload: bytes
    received: int
    mid: int = 0
    qos: int = 0
    is_dup: bool = False
    is_retained: bool = False
    session: int = 0
