"""Proving a back-up without restoring over anything."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from . import redis_store, sources, sqlite
from .errors import BackupError
from .files import BackupFiles
from .making import BackupOptions
from .manifest import POSTGRESQL, SQLITE, Manifest, Part, Sums

__all__ = ["check_sums", "drill", "verify_backup"]


def verify_backup(
    files: BackupFiles,
    options: BackupOptions,
    progress: Callable[[str], object] = lambda what: None,
) -> Manifest:
    """Check that all files are whole and can be read. Raises BackupError.

    SQLite is unpacked to a temporary copy, whose integrity, counts and checksums are
    checked; all keys of Redis are read and counted; of a dump of PostgreSQL the
    contents are listed.
    """
    manifest = files.read_manifest()
    for part in manifest.parts:
        progress(str(part))
        files.check(part)
        with files.reading(part, encrypted=manifest.encrypted) as file:
            if part.kind == SQLITE:
                with sqlite.restored(part, file) as (_, found):
                    check_sums(part, found)
            elif part.kind == POSTGRESQL:
                from . import postgresql

                if not postgresql.listed(part, file, options.programs):
                    raise BackupError(f"{part}: the dump is empty")
            else:
                check_sums(part, redis_store.summed(redis_store.read(part, file)))
    return manifest


def drill(
    files: BackupFiles,
    options: BackupOptions,
    progress: Callable[[str], object] = lambda what: None,
) -> Manifest:
    """Restore each part beside the original, compare the sums, and drop it again.

    Needs the servers, the right to create databases, and as much space as the original
    has. Raises BackupError.
    """
    manifest = verify_backup(files, options, progress)
    for part in manifest.parts:
        progress(f"restoring {part} to a scratch copy")
        with files.reading(part, encrypted=manifest.encrypted) as file:
            if part.kind == POSTGRESQL:
                from . import postgresql

                words = sources.connection_words(part.alias)
                with postgresql.restored(words, part, file, options.programs) as made:
                    check_sums(part, made[1])
            elif part.kind != SQLITE:  # that of SQLite is restored to be verified
                _drill_redis(part, redis_store.read(part, file))
    return manifest


def _drill_redis(part: Part, keys: object) -> None:
    original = sources.redis_store(part.alias)
    scratch = type(original)(
        part.alias,
        url=original.server.url,
        prefix=f"{original.keys.prefix}-drill-{secrets.token_hex(4)}",
        modules=original.server.uses_modules,
    )
    with redis_store.refused(part):
        try:
            scratch.replace(keys)  # type: ignore[arg-type]
            found = redis_store.counts(redis_store.summed(scratch.export()))
        finally:
            scratch.drop()
    if found != (wanted := redis_store.counts(part.sums)):
        raise BackupError(f"{part}: restored keys are {found}, not {wanted}")


def check_sums(part: Part, found: Sums) -> None:
    """Raises BackupError with the first differences."""
    if differences := part.sums.differences(found):
        raise BackupError(f"{part} differs: {'; '.join(differences[:5])}")
