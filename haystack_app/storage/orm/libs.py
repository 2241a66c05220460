"""Def libraries in a table."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from ...models import DefLibrary
from ...replicas.positions import note_everyone_on_commit
from ...wire import hayson_reader, hayson_writer

__all__ = ["read", "state", "store"]


def state(using: str) -> Hashable:
    """Names and times of loading."""
    rows = DefLibrary.objects.using(using).order_by("loaded", "name")
    return tuple(rows.values_list("name", "loaded"))


def read(using: str) -> dict[str, list[dict[str, Any]]]:
    rows = DefLibrary.objects.using(using).order_by("loaded", "name")
    return {row.name: hayson_reader.read_value(row.defs) for row in rows}


def store(using: str, libs: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    now = timezone.now()
    rows = [
        DefLibrary(name=name, defs=hayson_writer.dump(list(defs)), loaded=now)
        for name, defs in sorted(libs.items())
    ]
    with transaction.atomic(using=using):
        DefLibrary.objects.using(using).bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["name"],
            update_fields=["defs", "loaded"],
        )
        # filters of rights have symbols, too
        note_everyone_on_commit(using)
