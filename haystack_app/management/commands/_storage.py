"""Base class and helpers of commands on a store."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError
from tqdm import tqdm

from haystack_app.kinds.timezones import UnknownTimeZone, zone_of
from haystack_app.storage.base import Changes, StorageAdapter
from haystack_app.storage.errors import StorageError
from haystack_app.storage.handler import DEFAULT_ALIAS, UnknownStorage, storages
from haystack_app.wire.files import UnreadableFile

__all__ = [
    "ProgressBars",
    "StorageCommand",
    "changes_text",
    "check_zone",
    "progress_bar",
    "refusals",
    "without_collections",
]


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
        """The adapter, with a warning if it is not persistent."""
        adapter = self.adapter(options)
        if not adapter.persistent:
            self.stderr.write(
                f"storage {adapter.alias!r} is in the memory of this process: "
                "its content is lost when the command ends"
            )
        return adapter


@contextmanager
def refusals() -> Iterator[None]:
    """What was refused, as the one line that a command ends with."""
    try:
        yield
    except _refused() as err:
        raise CommandError(str(err)) from err


@contextmanager
def without_collections() -> Iterator[None]:
    """Without the garbage collector, for a command that holds many records.

    Records have no cycles, but each collection visits all of them: a third of the time
    that reading them takes.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _refused() -> tuple[type[Exception], ...]:
    """Errors that end a command with one line."""
    redis = sys.modules.get("redis")  # where it is not imported, nothing raises it
    of_redis = () if redis is None else (redis.RedisError,)
    ours = (StorageError, UnreadableFile, UnknownStorage, ImproperlyConfigured)
    return (*ours, DatabaseError, *of_redis)


def progress_bar(**options: Any) -> tqdm[Any]:
    """A progress bar on stderr, disabled if stderr is not a terminal."""
    return tqdm(disable=None, leave=False, **options)


def check_zone(tz: str, option: str) -> None:
    try:
        zone_of(tz)
    except UnknownTimeZone as err:
        raise CommandError(f"{option}: {err}; use a city such as New_York") from None


class ProgressBars:
    """Progress bars by what is counted, created on the first count."""

    def __init__(self) -> None:
        self._bars: dict[str, tqdm[Any]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        for bar in self._bars.values():
            bar.close()

    def __call__(self, what: str, count: int) -> None:
        if what not in self._bars:
            position = len(self._bars)
            self._bars[what] = progress_bar(
                desc=what, unit=f" {what}", position=position
            )
        self._bars[what].update(count)


def changes_text(changes: Changes) -> str:
    counts = {
        "created": changes.created,
        "updated": changes.updated,
        "unchanged": changes.unchanged,
        "removed": changes.removed,
    }
    return ", ".join(f"{len(ids):,} {word}" for word, ids in counts.items())
