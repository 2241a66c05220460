"""Entities: records of tags, and the references between them."""

from __future__ import annotations

from django.db import models

from ..sql import tables
from ..wire.record import Record
from .fields import HaysonField

__all__ = ["Entity", "EntityRef", "TagSet"]


class TagSet(models.Model):
    """A set of tag names that some entities have.

    The columns of a large answer come from the sets that occur in it, not from
    parsing every row. The key is derived from the names, so a key once seen
    means the same names for good.
    """

    id = models.BigIntegerField(primary_key=True)
    names = models.TextField(help_text="tag names, sorted, separated by spaces")

    class Meta:
        db_table = tables.TAG_SETS
        default_permissions = ()

    def __str__(self) -> str:
        return self.names


class Entity(models.Model):
    """One record: a site, a piece of equipment, a point, or anything tagged.

    ``tags`` holds the persistent tags, ``cur`` the transient ones of
    ``storage.transient``; no name is in both. ``version`` counts every visible
    change, ``mod`` is the time of the last change of persistent tags.
    """

    id = models.TextField(primary_key=True)
    tags = HaysonField()
    cur = HaysonField(default=dict)
    tag_set = models.ForeignKey(
        TagSet, on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    mod = models.DateTimeField()
    version = models.BigIntegerField(default=1)

    class Meta:
        db_table = tables.ENTITIES
        verbose_name_plural = "entities"
        permissions = [
            ("write_history", "Can write samples"),
            ("write_points", "Can write to points by their priority arrays"),
            ("write_cur", "Can write current values of points"),
            ("invoke_actions", "Can invoke actions"),
        ]

    def __str__(self) -> str:
        return f"@{self.id}"

    @property
    def record(self) -> Record:
        """All tags, persistent and transient."""
        return Record(spliced(self.tags, self.cur))


def spliced(tags: str, cur: str) -> str:
    """The JSON object of both; neither is empty text, ``tags`` has an id."""
    return tags if cur == "{}" else f"{tags[:-1]},{cur[1:]}"


class EntityRef(models.Model):
    """An edge: the tag at ``path`` of ``src`` refers to ``dst``.

    A path runs through dicts with dots (``cfg.inner.ref``); a list of refs has
    one row an element. A nested dict has a row with an empty ``dst``, which is
    no id: it tells paths that end inside the record. A path that ends in ``[]``
    has refs behind it that no filter reaches. Kept in the same transaction as the
    entity.
    """

    pk = models.CompositePrimaryKey("path", "dst", "src")
    path = models.TextField()
    dst = models.TextField()
    src = models.ForeignKey(
        Entity,
        on_delete=models.CASCADE,
        db_column="src",
        db_constraint=False,
        related_name="edges",
    )

    class Meta:
        db_table = tables.ENTITY_REF
        default_permissions = ()
        indexes = [models.Index(fields=["dst"], name="haystack_entity_ref_dst")]

    def __str__(self) -> str:
        return f"@{self.src_id} {self.path} @{self.dst}"
