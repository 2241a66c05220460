"""What was understood of an uploaded file: the dry run of its import."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any

from django.core.exceptions import ImproperlyConfigured

from ..models import FileImport
from ..storage.base import StorageAdapter
from . import spool
from .bad_rows import BadRows, listing
from .corrections import HISTORY, Corrections
from .entities import EntityFile
from .errors import reason_of
from .history import HistoryFile
from .kinds import guessed_kind

__all__ = ["checked"]

Progress = Callable[[IO[bytes]], None]


def _quietly(_: IO[bytes]) -> None:
    """The file is short."""


def checked(
    found: FileImport, store: StorageAdapter, progress: Progress = _quietly
) -> dict[str, Any]:
    """Read the whole file with the corrections, and store nothing.

    ``problem`` says why it cannot be imported at all; ``canStart`` is whether the
    import may begin. Invalid rows are listed in the spool; the first are in ``bad``.
    """
    path = spool.file_of(found)
    report: dict[str, Any] = {
        "kind": "",
        "tables": [],
        "problem": "",
        "canStart": False,
    }
    with listing(spool.bad_rows_of(found)) as bad:
        try:
            given = Corrections.of(found.corrections)
            report["kind"] = given.kind or guessed_kind(path, given.table())
            if report["kind"] == HISTORY:
                _check_history(HistoryFile(store, path, given), bad, progress, report)
            else:
                _check_entities(EntityFile(store, path, given), bad, report)
        except (ValueError, ImproperlyConfigured) as err:
            report["problem"] = reason_of(err)
    report["bad"] = {"count": bad.count, "shown": bad.shown}
    return report | {"canStart": not report["problem"] and report["canStart"]}


def _check_history(
    file: HistoryFile, bad: BadRows, progress: Progress, report: dict[str, Any]
) -> None:
    sheets = report["tables"] = file.inspected()
    found = file.check(bad, progress)
    report |= found.as_json(sheets)
    found.check_late()
    report["canStart"] = found.may_start()


def _check_entities(file: EntityFile, bad: BadRows, report: dict[str, Any]) -> None:
    try:
        found = file.check(bad)
    finally:
        report["tables"] = file.tables()
    report |= found.as_json()
    report["canStart"] = bool(found.stored)
