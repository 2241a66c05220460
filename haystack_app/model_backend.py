"""The backend of ``Entity`` and its querysets, over storages and permissions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from django.db import DatabaseError, IntegrityError
from django.db.models.signals import post_save
from django.dispatch import receiver

from .auth.current_request import actor
from .auth.permissions import scope_filter
from .filters.ast import Filter
from .kinds.scalars import Ref
from .kinds.transient import SERVER_SET
from .models import Entity
from .models.backend import register_backend
from .storage.changeset import BATCH
from .storage.collection import logs
from .storage.errors import InvalidRecord
from .storage.handler import storages
from .storage.orm import OrmAdapter
from .storage.search import words_of
from .storage.stored import new_id
from .wire import hayson_reader
from .wire.errors import ParseError
from .wire.record import Record

__all__ = ["EntityBackend"]


class EntityBackend:
    """Commits through the storage in the settings that uses the database."""

    def parsed(self, using: str, filter: Filter | str) -> Filter:
        return _store(using).parsed(filter)

    def words_of(self, text: str) -> list[str]:
        return words_of(text)

    def searched(self, using: str, scope: Filter, text: str) -> list[str]:
        found = _store(using).visible_to(scope).search(text)
        return [record.json["id"]["val"] for record in found]

    def shown(
        self, using: str, scope: Filter, records: Iterable[Record]
    ) -> Iterator[Record]:
        store, rows = _store(using).visible_to(scope), iter(records)
        while part := list(islice(rows, BATCH)):
            yield from store.shown(part)

    def scope_of(self, user: Any) -> Filter | None:
        return scope_filter(user)

    def save(
        self,
        using: str,
        entity: Entity,
        fields: Sequence[str],
        *,
        force_insert: bool,
        force_update: bool,
    ) -> bool:
        store, who = _store(using), actor()[0]
        given = {name: _tags(getattr(entity, name)) for name in fields}
        id = _id_of(entity, given.get("tags", {}))
        with store.locked():
            held = store.entities.filter(pk=id).first()
            if held is not None and force_insert:
                raise IntegrityError(f"entity @{id} already exists")
            if held is None and (force_update or "tags" not in given):
                raise DatabaseError(f"entity @{id} does not exist")
            if "tags" in given:
                record = {
                    **given["tags"],
                    **given.get("cur", {}),
                    "id": _ref(id, given),
                }
                store.load_entities([record], who=who)
            if "cur" in given and held is not None:
                cur = {**dict.fromkeys(_tags(held.cur)), **given["cur"]}
                set_here = cur.keys() - SERVER_SET
                store.set_transient({id: {name: cur[name] for name in set_here}})
            stored = store.entities.get(pk=id)
            if "cur" in given and logs(stored.record):
                store.collect([id])
                stored = store.entities.get(pk=id)
        for field in Entity._meta.concrete_fields:
            setattr(entity, field.attname, getattr(stored, field.attname))
        entity._state.adding, entity._state.db = False, using
        return held is None

    def delete(self, using: str, ids: Sequence[str]) -> Mapping[str, int]:
        store = _store(using)
        done = store.commit([], remove=ids, who=actor()[0])
        return {Entity._meta.label: len(done.removed)}


def _store(using: str) -> OrmAdapter:
    """The storage in the settings, whose alias its watches use; or a new one."""
    for alias in storages:
        store = storages[alias]
        if isinstance(store, OrmAdapter) and store.using == using:
            return store
    return OrmAdapter(using=using)


def _tags(value: Any) -> Mapping[str, Any]:
    """Tags as a dict of values, from a dict or from Hayson text."""
    if isinstance(value, Mapping):
        return value
    try:
        return hayson_reader.read_dict(value)
    except ParseError as err:
        raise InvalidRecord(str(err)) from None


def _id_of(entity: Entity, tags: Mapping[str, Any]) -> str:
    """The id of the row, which must equal the tag. Raises InvalidRecord."""
    ref = tags.get("id")
    found = ref.id if isinstance(ref, Ref) else ref
    if found is not None and entity.pk and found != entity.pk:
        raise InvalidRecord(
            f"tag id @{found} differs from the entity's id @{entity.pk}"
        )
    return entity.pk or found or new_id()


def _ref(id: str, tags: Mapping[str, Any]) -> Ref:
    """The given tag ``id``, which may have a dis, or a new one."""
    ref = tags.get("id")
    return ref if isinstance(ref, Ref) else Ref(id)


@receiver(post_save, sender=Entity)
def mark_raw(instance: Entity, raw: bool, using: str, **_: Any) -> None:
    """Mark a row of a fixture: its tag set and edges may be missing or outdated."""
    if raw:
        rows = Entity.rows.using(using).filter(pk=instance.pk)
        rows.update(tag_set_id=Entity.UNKNOWN_SET)


register_backend(EntityBackend())
