"""The connector to other Haystack servers."""

from .kind import HaystackConnector

__all__ = ["HaystackConnector"]
