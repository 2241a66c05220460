"""Jobs: the check of a long file, its import, and the undo of that."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

from ..auth.caller import Caller
from ..jobs import JobContext, JobFailed, task
from ..models import FileImport
from ..ops import Context, dispatch
from ..ops.sample_changes import undone_json
from ..transfer.tables.source import suffix_of
from . import spool
from .checking import checked
from .corrections import HISTORY, Corrections
from .entity_import import import_entities
from .errors import reason_of
from .history_import import import_history
from .rights import NEEDED, WRITE_HISTORY

__all__ = ["check_import", "run_import", "undo_import"]


@task(title="check a file")
def check_import(context: JobContext, key: str) -> None:
    """Understand a file that is too long for a request."""
    found = _import(key)
    path = spool.file_of(found)
    total = None if _is_packed(path) else found.size
    context.progress(0, total, "checking")

    def progress(raw: IO[bytes]) -> None:
        context.progress(min(raw.tell(), total or 0))

    report = checked(found, _within(context, found).storage, progress)
    FileImport.objects.filter(pk=found.pk).update(found=report)


@task(title="import a file")
def run_import(context: JobContext, key: str) -> dict[str, Any]:
    """Import a file in parts, each with the rights that its owner has then.

    A part that is stored is not stored again after a crash. Returns counts, and
    ``change`` for the undo.
    """
    found = _import(key)
    given = Corrections.of(found.corrections)
    kind = given.kind or (found.found or {}).get("kind") or HISTORY
    run = import_history if kind == HISTORY else import_entities

    def within(permission: str = NEEDED[kind]) -> Context:
        return _within(context, found, permission)

    try:
        return run(context, within, found, given)
    except ValueError as err:
        raise JobFailed(reason_of(err)) from None


@task(title="undo an import")
def undo_import(context: JobContext, alias: str, change: str) -> dict[str, Any]:
    """Restore what an import replaced, and remove what it added."""
    caller = _caller(context)
    caller.check(WRITE_HISTORY, "")
    within = dispatch.context_for(alias, caller)

    def progress(done: int, total: int) -> None:
        context.progress(done, total, "restoring")

    store = within.storage
    done = store.undo_samples(change, user=within.username, progress=progress)
    return undone_json(done)


def _import(key: str) -> FileImport:
    found = FileImport.objects.filter(key=key).first()
    if found is None or not spool.is_here(found):
        raise JobFailed(
            "the file is not there any more: it was deleted, or the folder IMPORTS_DIR"
            " of this worker is not that of the server"
        )
    return found


def _caller(context: JobContext) -> Caller:
    caller = context.caller()
    if caller is None:
        raise JobFailed("the job has no owner")
    return caller


def _within(context: JobContext, found: FileImport, permission: str = "") -> Context:
    """The store as the owner may see it now. Raises PermissionDenied."""
    caller = _caller(context)
    if caller.user.pk != found.owner_id:
        raise JobFailed("the import has another owner")
    caller.check(permission, "")
    return dispatch.context_for(found.alias, caller)


def _is_packed(path: Path) -> bool:
    return path.suffix == ".gz" or suffix_of(path) == ".xlsx"
