"""What commands on a store share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError
from tqdm import tqdm

from haystack_app.storage.base import Changes, StorageAdapter
from haystack_app.storage.errors import StorageError
from haystack_app.storage.handler import DEFAULT_ALIAS, UnknownStorage, storages
from haystack_app.wire.files import UnreadableFile

__all__ = ["StorageCommand", "bar", "changes_text"]


class StorageCommand(BaseCommand):
    """A command on the store that ``--storage`` names."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--storage",
            default=DEFAULT_ALIAS,
            metavar="ALIAS",
            help="a storage of the setting HAYSTACK (default: %(default)s)",
        )

    def execute(self, *args: Any, **options: Any) -> str | None:
        with refusals():
            return super().execute(*args, **options)

    def adapter(self, options: dict[str, Any]) -> StorageAdapter:
        return storages[options["storage"]]

    def writable_adapter(self, options: dict[str, Any]) -> StorageAdapter:
        """The adapter, with a warning where its content ends with the command."""
        adapter = self.adapter(options)
        if not adapter.persistent:
            self.stderr.write(
                f"storage {adapter.alias!r} is in this process's memory: "
                "nothing is kept when the command ends"
            )
        return adapter


@contextmanager
def refusals() -> Iterator[None]:
    """What was refused, as the one line that a command ends with."""
    try:
        yield
    except (StorageError, UnreadableFile, UnknownStorage, DatabaseError) as err:
        raise CommandError(str(err)) from err


def bar(**options: Any) -> tqdm[Any]:
    """A progress bar on stderr; none where that is no terminal."""
    return tqdm(disable=None, leave=False, **options)


def changes_text(changes: Changes) -> str:
    counts = {
        "created": changes.created,
        "updated": changes.updated,
        "unchanged": changes.unchanged,
        "removed": changes.removed,
    }
    return ", ".join(f"{len(ids):,} {word}" for word, ids in counts.items())
