"""How much a process keeps of bodies and answers, in memory and on disk."""

from __future__ import annotations

__all__ = ["Budget"]


class Budget:
    """Bytes that all requests of an event loop may hold together."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0

    @property
    def is_spent(self) -> bool:
        return self.held >= self.most

    def add(self, size: int) -> None:
        """Bytes that are held, or with a negative size no longer held."""
        self.held += size
