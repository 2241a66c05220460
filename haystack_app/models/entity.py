"""Entities: records of tags, and the references between them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models, router
from django.db.models import signals
from django.utils.translation import gettext_lazy as _

from ..sql import tables
from ..wire.record import Record, spliced
from .backend import backend
from .fields import HaysonField
from .querysets import EntityManager, RowManager

__all__ = ["Entity", "EntityRef", "NameChange", "TagSet"]


class TagSet(models.Model):
    """A set of tag names that some entities have.

    The columns of a large answer are those of its tag sets, so that rows need not be
    parsed. The key is derived from the names, so keys can be cached forever.
    """

    id = models.BigIntegerField(primary_key=True)
    names = models.TextField(help_text=_("tag names, sorted, separated by spaces"))

    class Meta:
        db_table = tables.TAG_SETS
        default_permissions = ()

    def __str__(self) -> str:
        return self.names


class Entity(models.Model):
    """A record such as a site, a piece of equipment or a point.

    ``tags`` contains the persistent tags, ``cur`` the transient tags
    (``kinds.transient``); their names are disjoint. The value of both is Hayson text;
    they can be set to a dict of values or to Hayson text. ``version`` counts all
    visible changes, ``mod`` is the time of the last change of persistent tags.
    ``naming`` counts changes of the names that refs carry. ``search`` has what a search
    by words looks at, in lower case.
    ``tag_set_id`` is UNKNOWN_SET or UNREADABLE_SET in rows written by plain SQL or
    from a fixture, until the worker has repaired them.

    ``save()`` and ``delete()`` do the same as a commit. ``rows`` is the plain manager
    for the storage layer.
    """

    UNKNOWN_SET, UNREADABLE_SET = 0, -1

    id = models.TextField(primary_key=True)
    tags = HaysonField(_("tags"))
    cur = HaysonField(default=dict)
    tag_set = models.ForeignKey(
        TagSet, on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    mod = models.DateTimeField(_("mod"))
    version = models.BigIntegerField(_("version"), default=1)
    naming = models.IntegerField(default=0, db_default=0)
    search = models.TextField(default="", db_default="")

    objects = EntityManager()
    rows = RowManager()

    class Meta:
        db_table = tables.ENTITIES
        verbose_name = _("entity")
        verbose_name_plural = _("entities")
        indexes = [
            # for the worker, which looks for rows changed by plain SQL each second
            models.Index(
                fields=["tag_set"],
                name="entities_marked",
                condition=models.Q(tag_set=0),
            )
        ]
        permissions = [
            ("write_history", "Can write samples"),
            ("write_points", "Can write to points by their priority arrays"),
            ("write_emergency", "Can write to points at level 1, for emergencies"),
            ("write_cur", "Can write current values of points"),
            ("invoke_actions", "Can invoke actions"),
            ("empty_trash", "Can remove what is in the trash for good"),
        ]

    def __str__(self) -> str:
        return f"@{self.id}"

    def save(
        self,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        """Commit the tags, with reference edges, tag set, ``mod`` and change log.

        An entity without an id is assigned one. ``update_fields`` may contain ``tags``
        and ``cur``; the other fields are derived from them. Raises InvalidRecord, or
        IntegrityError if ``force_insert`` and the id exists.
        """
        using = using or router.db_for_write(type(self), instance=self)
        fields = ["tags", "cur"] if update_fields is None else list(update_fields)
        if derived := sorted(set(fields) - {"tags", "cur"}):
            raise ValueError(f"field {derived[0]!r} is derived from the tags")
        if not fields:
            return
        sent = {
            "sender": type(self),
            "instance": self,
            "raw": False,
            "using": using,
            "update_fields": frozenset(fields) if update_fields is not None else None,
        }
        signals.pre_save.send(**sent)
        created = backend().save(
            using,
            self,
            fields,
            force_insert=bool(force_insert),
            force_update=force_update or update_fields is not None,
        )
        signals.post_save.send(created=created, **sent)

    def delete(
        self, using: str | None = None, keep_parents: bool = False
    ) -> tuple[int, dict[str, int]]:
        """Commit the removal of the entity with its history and priority array."""
        using = using or router.db_for_write(type(self), instance=self)
        sent = {"sender": type(self), "instance": self, "using": using}
        signals.pre_delete.send(origin=self, **sent)
        counts = dict(backend().delete(using, [self.pk]))
        signals.post_delete.send(origin=self, **sent)
        return sum(counts.values()), counts

    @property
    def record(self) -> Record:
        """All tags, persistent and transient."""
        return Record(spliced(self.tags, self.cur))


class EntityRef(models.Model):
    """An edge: the tag at ``path`` of ``src`` refers to ``dst``.

    Paths into nested dicts have dots (``cfg.inner.ref``); a list of refs has one row
    per element. A nested dict has a row with an empty ``dst``, which is not an id; it
    marks paths that end inside the record. Refs at a path that ends with ``[]`` cannot
    be reached by filters. Edges are written in the transaction of the entity.
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


class NameChange(models.Model):
    """An entity whose name is still to be written into the refs to it.

    The empty ``id`` stands for all entities. ``after`` is the id of the last entity
    whose refs have been written.
    """

    id = models.TextField(primary_key=True)
    after = models.TextField(default="")

    class Meta:
        db_table = tables.NAME_CHANGES
        default_permissions = ()

    def __str__(self) -> str:
        return f"@{self.id}" if self.id else "all entities"
