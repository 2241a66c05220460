"""The adapter on Django's ORM: ``haystack_app.storage.orm.OrmAdapter``."""

from .adapter import OrmAdapter

__all__ = ["OrmAdapter"]
