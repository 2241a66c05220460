"""The adapter on Django's ORM: ``haystack_app.storage.orm.OrmAdapter``."""

from . import sqlite_lock  # noqa: F401  wraps the statements of new connections
from .adapter import OrmAdapter

__all__ = ["OrmAdapter"]
