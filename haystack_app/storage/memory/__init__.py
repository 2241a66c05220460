"""The adapter in memory: ``haystack_app.storage.memory.InMemoryAdapter``."""

from .adapter import InMemoryAdapter

__all__ = ["InMemoryAdapter"]
