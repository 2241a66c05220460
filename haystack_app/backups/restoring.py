"""Restoring a back-up."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.db import connections
from django.db.migrations.loader import MigrationLoader

from ..sql.sqlite_terms import SET_TERMS
from ..sql.tables import AUDIT, FOLD_MARKS, JOB_SCHEDULES, TAG_SETS, TASKS
from ..storage.handler import storages
from ..storage.orm import OrmAdapter
from . import proof, redis_store, sources, sqlite
from .errors import BackupError
from .files import BackupFiles
from .making import BackupOptions
from .manifest import POSTGRESQL, REDIS, SQLITE, Manifest, Part

__all__ = ["RestorePlan", "restore", "restore_plan"]

_APP = "haystack_app"
_BY_MIGRATE = {
    *("django_migrations", "django_content_type", "auth_permission", "auth_group"),
    *("auth_group_permissions", "django_site"),
    *(AUDIT, FOLD_MARKS, JOB_SCHEDULES, SET_TERMS, TAG_SETS, TASKS),
}
"""Tables that have rows after ``migrate``, or keep them when entities are gone."""


class RestorePlan:
    """What a restore will do: the manifest, and what each part finds at its place."""

    def __init__(self, manifest: Manifest, content: dict[str, str]) -> None:
        self.manifest = manifest
        self.content = content
        """What is replaced, by the file of the part; only of those not empty."""

    def lines(self) -> Iterator[str]:
        for part in self.manifest.parts:
            found = self.content.get(part.file)
            replaced = f", replacing {found}" if found else ", which is empty"
            yield f"{part}: {part.rows:,} rows{replaced}"


def restore_plan(files: BackupFiles, options: BackupOptions) -> RestorePlan:
    """Prove a back-up, and look at what is at its place. Raises BackupError."""
    manifest = proof.verify_backup(files, options)
    known = {name for app, name in MigrationLoader(None).disk_migrations if app == _APP}
    for part in manifest.parts:
        if newer := sorted(set(part.migrations) - known):
            raise BackupError(
                f"{part} has a newer schema ({newer[-1]}): restore it with version"
                f" {manifest.software} of the software or a newer one"
            )
    found = {part.file: _content(part) for part in manifest.parts}
    return RestorePlan(manifest, {file: text for file, text in found.items() if text})


def _content(part: Part) -> str:
    """What is at the place of a part; empty for nothing. Raises BackupError."""
    if part.kind == REDIS:
        store = sources.redis_store(part.alias)
        with redis_store.refused(part):
            return "" if store.is_empty() else f"the keys of {store.keys.base}"
    if part.alias not in connections:
        raise BackupError(f"{part} is not in DATABASES")
    if sources.database_part(part.alias).kind != part.kind:
        raise BackupError(
            f"{part} cannot be restored to {connections[part.alias].vendor}: copy the"
            " store of a restored back-up by haystack_copy"
        )
    if part.kind == SQLITE:
        tables = sqlite.filled_tables(part, sources.database_path(part.alias))
    else:
        from . import postgresql

        tables = postgresql.filled_tables(sources.connection_words(part.alias))
    filled = sorted(set(tables) - _BY_MIGRATE)
    if not filled:
        return ""
    return f"the rows of {len(filled)} tables ({', '.join(filled[:3])}, ..)"


def restore(
    files: BackupFiles,
    options: BackupOptions,
    plan: RestorePlan,
    progress: Callable[[str], object] = lambda what: None,
) -> bool:
    """Restore all parts, each of them at once. Raises BackupError.

    Returns whether migrations are to be applied. If so, histories of stores in two
    databases are left to ``haystack_check --repair`` after them.
    """
    manifest = plan.manifest
    for part in manifest.parts:
        progress(str(part))
        with files.reading(part, encrypted=manifest.encrypted) as file:
            if part.kind == SQLITE:
                with sqlite.restored(part, file) as (path, found):
                    proof.check_sums(part, found)
                    connections[part.alias].close()
                    sqlite.replace(part, path, sources.database_path(part.alias))
            elif part.kind == POSTGRESQL:
                from . import postgresql

                words = sources.connection_words(part.alias)
                with postgresql.restored(words, part, file, options.programs) as made:
                    proof.check_sums(part, made[1])
                    _disconnect(part.alias)
                    postgresql.replace(words, part, made[0])
            else:
                with redis_store.refused(part):
                    keys = redis_store.read(part, file)
                    sources.redis_store(part.alias).replace(keys)
    if not (is_older := _is_older(manifest)):
        _match_histories(manifest, progress)
    return is_older


def _match_histories(manifest: Manifest, progress: Callable[[str], object]) -> None:
    """Of stores in two databases, which were backed up one after the other."""
    for alias in manifest.storages:
        store = storages[alias] if alias in storages.settings else None
        if isinstance(store, OrmAdapter) and store.is_split:
            progress(f"facts of the histories of storage {alias!r}")
            store.match_histories()


def _disconnect(alias: str) -> None:
    connections[alias].close()
    close_pool = getattr(connections[alias], "close_pool", None)
    if close_pool is not None:
        close_pool()


def _is_older(manifest: Manifest) -> bool:
    known = {name for app, name in MigrationLoader(None).disk_migrations if app == _APP}
    return any(
        known - set(part.migrations) for part in manifest.parts if part.kind != REDIS
    )
