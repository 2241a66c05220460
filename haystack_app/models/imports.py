"""Files that users upload to import them, and mappings that they keep."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from ..sql import tables
from .job import Job

__all__ = ["FileImport", "ImportMapping"]


class FileImportQuerySet(models.QuerySet["FileImport"]):
    def of(self, user: Any, alias: str) -> FileImportQuerySet:
        """Those of a user into a store; others do not exist for the user."""
        return self.filter(owner=user, alias=alias).select_related("check_job", "job")


class FileImport(models.Model):
    """A file of a user, what was understood of it, and the job that imports it.

    The file is in the folder ``key`` of the spool, as far as it was ``received``.
    ``corrections`` are those of the user, ``found`` what was understood with them.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="haystack_imports",
    )
    alias = models.TextField(help_text="the storage")
    key = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=255, help_text="of the file, from the user")
    size = models.BigIntegerField(help_text="bytes of the whole file")
    received = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)
    corrections = models.JSONField(default=dict)
    found = models.JSONField(null=True)
    check_job = models.ForeignKey(
        Job, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = FileImportQuerySet.as_manager()

    class Meta:
        db_table = tables.IMPORTS
        default_permissions = ()

    def __str__(self) -> str:
        return self.name

    @property
    def is_whole(self) -> bool:
        return self.received == self.size


class ImportMapping(models.Model):
    """Corrections that a user has saved by name, for other files of the same form."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="haystack_import_mappings",
    )
    name = models.CharField(max_length=100)
    corrections = models.JSONField()
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = tables.IMPORT_MAPPINGS
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "name"], name="haystack_import_mappings_name"
            )
        ]

    def __str__(self) -> str:
        return self.name
