"""Entities in Django's admin: to look at, not to change."""

from .entity import EntityAdmin

__all__ = ["EntityAdmin"]
