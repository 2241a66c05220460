"""The steps of an import: upload, corrections, start, undo, deletion."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from django.db import router, transaction
from django.db.models import Sum
from django.utils import timezone

from ..auth.caller import Caller
from ..conf import app_settings, limit
from ..jobs import JobContext, enqueue_for, task
from ..jobs.local import name_of_process
from ..models import FileImport, Job
from ..ops import dispatch
from ..transfer.tables.source import suffix_of
from . import spool
from .checking import checked
from .tasks import check_import, run_import, undo_import

__all__ = [
    "ImportBusy",
    "ImportRefused",
    "ImportTooLarge",
    "add_part",
    "begin_upload",
    "correct",
    "delete",
    "delete_expired",
    "is_busy",
    "start",
    "status_of",
    "understand",
    "undo",
]

_AT_ONCE = 4 * 1024 * 1024
"""Bytes of a file that is checked in the request."""
_UPLOADS = 50
"""Imports of one user."""
_PACKED = (".gz", ".xlsx")
_DELETED = "the import was deleted"


class ImportRefused(ValueError):
    """The step cannot be done; the text says what would be right."""


class ImportTooLarge(ImportRefused):
    """The file, or all files of the user, are larger than the cap IMPORT."""


class ImportBusy(ImportRefused):
    """A job of the import, or another request, has not finished."""


def begin_upload(caller: Caller, alias: str, name: str, size: int) -> FileImport:
    """Raises ImportRefused for a file that could not be imported, and
    ImproperlyConfigured for a spool that others may read."""
    delete_expired()
    spool.folder()  # raises ImproperlyConfigured before anything is kept
    if suffix_of(Path(name.lower())) not in spool.SUFFIXES:
        endings = f"{', '.join(spool.SUFFIXES[:-1])} or {spool.SUFFIXES[-1]}"
        raise ImportRefused(f"the name must end in {endings}, .gz may follow")
    own = FileImport.objects.filter(owner=caller.user)
    held = own.aggregate(sum=Sum("size"))["sum"] or 0
    if size + held > limit("IMPORT"):
        raise ImportTooLarge(
            f"the file has {size:,} bytes, and your other files {held:,}: together at"
            f" most {limit('IMPORT'):,} (cap IMPORT); delete others"
        )
    if own.count() >= _UPLOADS:
        raise ImportRefused(f"you have {_UPLOADS} files: delete some of them")
    return FileImport.objects.create(
        owner=caller.user,
        alias=alias,
        key=secrets.token_hex(16),
        name=name,
        size=size,
        expires_at=_expiry(),
    )


def add_part(found: FileImport, offset: int, stream: IO[Any]) -> None:
    """Append the bytes of a stream. Raises ImportRefused.

    A part that was sent before may be sent again at its offset.
    """
    _read_again(found)
    if found.received:
        _check_here(found)
    try:
        with spool.opened(found) as file:
            _read_again(found)  # as the request before this one has left it
            _add_part(found, file, offset, stream)
    except BlockingIOError:
        raise ImportBusy("another part of the file is being received") from None


def _add_part(found: FileImport, file: IO[bytes], offset: int, stream: IO[Any]) -> None:
    if is_busy(found) or found.is_whole:
        raise ImportBusy("the file was received as a whole")
    if offset != found.received:
        raise ImportRefused(f"offset must be {found.received}, not {offset}")
    count = spool.append(file, offset, stream, found.size - offset)
    if offset + count > found.size:
        raise ImportRefused(f"the file has more than the {found.size:,} bytes of size")
    found.received = offset + count
    if not FileImport.objects.filter(pk=found.pk).update(received=found.received):
        raise ImportRefused(_DELETED)


def understand(found: FileImport, caller: Caller) -> None:
    """Check a whole file: a short one now, others by a job."""
    if not found.is_whole:
        return
    found.found = None
    store = dispatch.context_for(found.alias, caller).storage
    is_long = found.size > _AT_ONCE
    if is_long or (found.size > _AT_ONCE // 8 and found.name.lower().endswith(_PACKED)):
        found.check_job = _enqueued(found, caller, check_import, "check")
    else:
        found.check_job = None
        found.found = checked(found, store)
    # corrections that came meanwhile have another time, and a check of their own
    same = FileImport.objects.filter(pk=found.pk, expires_at=found.expires_at)
    same.update(found=found.found, check_job=found.check_job)


def correct(found: FileImport, caller: Caller, given: dict[str, Any]) -> None:
    """Set corrections and understand the file again; None takes one back.

    Raises ImportRefused.
    """
    with _idle(found):
        _check_whole(found)
        _check_here(found)
        merged = {**found.corrections, **given}
        found.corrections = {name: it for name, it in merged.items() if it is not None}
        found.expires_at = _expiry()
        found.found = None  # it cannot start until it is understood with them
        found.save(update_fields=["corrections", "expires_at", "found"])
    understand(found, caller)


def start(found: FileImport, caller: Caller) -> Job:
    """Make the job that imports the file. Raises ImportRefused."""
    with _idle(found):
        _check_whole(found)
        _check_here(found)
        if not found.found or not found.found["canStart"]:
            raise ImportRefused("the file cannot be imported yet: see problem and bad")
        job = found.job = _enqueued(found, caller, run_import, "import")
        found.expires_at = _expiry()
        found.save(update_fields=["job", "expires_at"])
    return job


def undo(found: FileImport, caller: Caller) -> Job:
    """Make the job that undoes the import of samples. Raises ImportRefused."""
    _check_whole(found)
    _check_idle(found)
    result = (found.job.result if found.job else None) or {}
    if not (change := result.get("change")):
        raise ImportRefused("the import has not changed samples that could be restored")
    return _enqueued(found, caller, undo_import, "undo import", found.alias, change)


def delete(found: FileImport) -> None:
    """Raises ImportRefused."""
    with _idle(found):
        spool.remove(found)
        found.delete()


@task(title="delete expired imports", queue_name="short", schedule="17 * * * *")
def delete_expired_imports(context: JobContext) -> int:
    """Delete files that were not used for IMPORTS_HOURS."""
    return delete_expired()


def delete_expired() -> int:
    """Delete expired imports whose jobs have finished. Returns their number."""
    count = 0
    for found in FileImport.objects.filter(expires_at__lt=timezone.now()):
        with suppress(ImportRefused):
            delete(found)
            count += 1
    return count


def is_busy(found: FileImport) -> bool:
    jobs = (found.check_job, found.job)
    return any(job is not None and not job.is_finished for job in jobs)


def status_of(found: FileImport) -> str:
    """``uploading``, ``checking``, ``checked``, or the status of the import's job."""
    if not found.is_whole:
        return "uploading"
    if found.check_job is not None and not found.check_job.is_finished:
        return "checking"
    return "checked" if found.job is None else str(found.job.status)


@contextmanager
def _idle(found: FileImport) -> Iterator[None]:
    """Of two steps at once, the second one sees what the first has done.

    Raises ImportRefused if the import was deleted, or has a job that is not finished.
    """
    using = router.db_for_write(FileImport)
    with transaction.atomic(using=using):
        # a transaction of SQLite is alone by itself
        held = FileImport.objects.using(using).select_for_update().filter(pk=found.pk)
        held.values_list("pk").first()
        _read_again(found)
        _check_idle(found)
        yield


def _read_again(found: FileImport) -> None:
    try:
        found.refresh_from_db()
    except FileImport.DoesNotExist:
        raise ImportRefused(_DELETED) from None


def _check_whole(found: FileImport) -> None:
    if not found.is_whole:
        raise ImportRefused(
            f"the file is not complete: {found.received:,} of {found.size:,} bytes"
        )


def _check_idle(found: FileImport) -> None:
    if is_busy(found):
        raise ImportBusy("a job of the import has not finished: cancel it, or wait")


def _check_here(found: FileImport) -> None:
    """Another host may have received the file, or a part of it."""
    if not spool.is_here(found):
        raise ImportRefused(
            "the file is not in the folder IMPORTS_DIR of this server: servers and"
            " workers must share the folder; delete the import and upload it again"
        )


def _enqueued(
    found: FileImport, caller: Caller, what: Any, verb: str, *args: Any
) -> Job:
    """Raises ImportRefused if too many jobs of the user are not finished."""
    waiting = Job.objects.unfinished().filter(owner=caller.user).count()
    if waiting >= limit("JOBS"):
        raise ImportRefused(f"{waiting} jobs of yours are not finished (cap JOBS)")
    store = dispatch.context_for(found.alias, caller).storage
    return enqueue_for(
        caller.user,
        what,
        *(args or (found.key,)),
        title=f"{verb} {found.name}"[:200],
        process="" if store.shared else name_of_process(),
    )


def _expiry() -> dt.datetime:
    return timezone.now() + dt.timedelta(hours=app_settings.IMPORTS_HOURS)
