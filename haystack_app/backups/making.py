"""Making a back-up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from .. import __version__
from ..storage.base import StorageAdapter
from ..storage.orm import OrmAdapter
from . import redis_store, sources, sqlite
from .encryption import Writer
from .errors import BackupError
from .files import BackupFiles
from .manifest import SQLITE, Manifest, Part
from .targets import Target, name_of

__all__ = ["BackupOptions", "make_backup"]


@dataclass(frozen=True, slots=True)
class BackupOptions:
    """``key``: 32 bytes, or None for no encryption. ``programs``: folder of pg_dump."""

    key: bytes | None = None
    programs: str = ""


def make_backup(
    target: Target,
    options: BackupOptions,
    aliases: Iterable[str] = (),
    progress: Callable[[str], object] = lambda what: None,
) -> tuple[str, Manifest]:
    """Back up the storages and their databases; returns the name, and what it holds.

    If it fails, nothing is left. Raises BackupError.
    """
    found, now = sources.stores(aliases), dt.datetime.now(dt.UTC)
    files = BackupFiles(target, name_of(now), options.key)
    if target.files(files.name):
        raise BackupError(f"the back-up {files} already exists")
    manifest = Manifest.begun(
        {store.alias: _place(store) for store in found}, __version__, now
    )
    manifest.encrypted = options.key is not None
    try:
        for alias in sources.database_aliases(found):
            part = sources.database_part(alias)
            progress(str(part))
            with files.writing(part) as writer:
                _write_database(alias, part, writer, options)
            manifest.parts.append(part)
        for store in filter(sources.is_redis, found):
            part = redis_store.part_of(store.alias)
            progress(str(part))
            with files.writing(part) as writer:
                adapter = sources.redis_store(store.alias)
                redis_store.backed_up(adapter, part, writer)
            manifest.parts.append(part)
        files.write_manifest(manifest)
    except BaseException:
        with suppress(BackupError):
            if target.files(files.name):
                target.delete(files.name)
        raise
    return files.name, manifest


def _place(store: StorageAdapter) -> str:
    if isinstance(store, OrmAdapter):
        return " ".join(["database", *store.databases])
    return f"redis {sources.redis_store(store.alias).keys.prefix}"


def _write_database(
    alias: str, part: Part, writer: Writer, options: BackupOptions
) -> None:
    if part.kind == SQLITE:
        sqlite.backed_up(sources.database_path(alias), part, writer)
        return
    from . import postgresql

    words = sources.connection_words(alias)
    postgresql.backed_up(words, part, writer, options.programs)
