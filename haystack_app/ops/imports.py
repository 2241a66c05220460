"""Imports of files of samples through the API, as ``haystack_his_import`` does them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..kinds.display import quoted
from ..storage.errors import StorageError
from ..transfer.his_import import ImportResult
from ..transfer.his_points import ReadingOptions
from ..transfer.sample_import import Places, Progress, SampleImport
from ..transfer.tables.errors import BadCell
from ..transfer.tables.mapping import read_mapping
from ..transfer.tables.options import TableOptions
from ..wire.file_errors import InvalidFiles
from ..wire.files import UnreadableFile
from .registry import Context

__all__ = ["ENDINGS", "InvalidImport", "import_samples", "needed_permissions"]

ENDINGS = (".csv", ".tsv", ".txt", ".zinc", ".json", ".trio")
"""Of files that are read without being unpacked."""
_NAME = re.compile(r"[\w][\w .,+@()-]{0,150}")
_OPTION = re.compile(r"--([a-z]+)(?:-([a-z]+))?")
_LISTED = 100


class InvalidImport(ValueError):
    """Nothing was stored; ``members`` has the errors."""

    def __init__(self, text: str, members: Mapping[str, Any]) -> None:
        super().__init__(text)
        self.members = members


def needed_permissions(arguments: Mapping[str, Any]) -> list[str]:
    """Beside ``write_history``: to make points, and to set ``hisMode``."""
    found = ["add_entity"] if arguments.get("create") else []
    return [*found, "change_entity"] if arguments.get("stamps") else found


def import_samples(
    context: Context,
    arguments: Mapping[str, Any],
    body: bytes,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """What was understood and stored; with ``dryRun``, what would be.

    Raises InvalidImport, also for some invalid rows, unless ``dryRun`` lists them, and
    StorageError.
    """
    name = arguments["file"]
    if not (_NAME.fullmatch(name) and name.lower().endswith(ENDINGS)):
        shown = ", ".join(ENDINGS)
        reason = f"file must be a name that ends in {shown}, not {quoted(name)}"
        raise InvalidImport(reason, {})
    with TemporaryDirectory(prefix="haystack-import-") as folder:
        path = Path(folder, name)
        path.write_bytes(body)
        mapping = Path(folder, "mapping.json")
        mapping.write_text(arguments.get("mapping") or "{}", "utf-8")
        found = _import(context, arguments, path)
        try:
            found.options = found.options._replace(mapping=read_mapping(mapping))
            found.check(progress)
            if arguments.get("dryRun"):
                return {**_counts(found.result, found), **_errors(found)}
            left_out = found.left_out(arguments.get("skipBad"))
            answer = _counts(found.result, found)
            result = found.store(progress, left_out)
        except StorageError:
            raise
        except ValueError as err:
            raise _invalid(err, found) from None
    rows = sum(map(len, left_out.values()))
    return {**answer, "leftOut": rows, "stored": True, "change": result.change}


def _import(context: Context, arguments: Mapping[str, Any], path: Path) -> SampleImport:
    tz = arguments.get("tz")
    places = Places(arguments.get("site"), arguments.get("equip"), tz)
    return SampleImport(
        context.storage,
        [path],
        ReadingOptions(tz, arguments.get("dst"), bool(arguments.get("convert"))),
        _options(arguments),
        places if arguments.get("create") else None,
        context.username,
    )


_TEXTS = ("delimiter", "decimal", "dates", "point", "status", "year", "stamps")
_LISTS = {
    **{name: name for name in ("time", "ignore", "name", "value")},
    "noValue": "no_value",
}


def _options(arguments: Mapping[str, Any]) -> TableOptions:
    given: dict[str, Any] = {
        name: arguments[name] for name in _TEXTS if arguments.get(name) is not None
    }
    given |= {to: tuple(arguments.get(name) or ()) for name, to in _LISTS.items()}
    return TableOptions(**given)


def _counts(result: ImportResult, found: SampleImport) -> dict[str, Any]:
    return {
        "stored": False,
        "rows": result.rows,
        "samples": result.samples,
        "repeated": result.repeated,
        "removed": result.removed,
        "points": len(result.points),
        "created": [tags["id"].id for tags in found.created],
        "understood": found.lines()[1:] if found.tables else found.lines(),
    }


def _errors(found: SampleImport) -> dict[str, Any]:
    return _listed(found.errors.shown, found.errors.counts.total())


def _listed(errors: Iterable[UnreadableFile], count: int) -> dict[str, Any]:
    shown = [_error_json(error) for error in errors][:_LISTED]
    return {"errors": shown, "errorCount": count}


def _error_json(error: UnreadableFile) -> dict[str, str]:
    if isinstance(error, BadCell):
        texts = error.column, error.cause, error.remedy
    else:
        texts = "", error.reason, ""
    column, reason, remedy = texts
    return {
        "where": error.where,
        "column": column,
        "reason": _in_parameters(reason),
        "remedy": _in_parameters(remedy),
    }


def _in_parameters(text: str) -> str:
    """``give --no-value`` of the command is ``give noValue``."""
    return _OPTION.sub(lambda it: it[1] + (it[2] or "").capitalize(), text)


def _invalid(error: ValueError, found: SampleImport) -> InvalidImport:
    if isinstance(error, InvalidFiles):
        members = _listed(error.shown, error.counts.total())
        text = f"{members['errorCount']:,} errors, nothing was stored"
        return InvalidImport(text, members)
    if isinstance(error, UnreadableFile):
        members = _listed([error], 1)
        (shown,) = members["errors"]
        parts = (error.where, shown["reason"])
        return InvalidImport(": ".join(filter(None, parts)), members)
    return InvalidImport(_in_parameters(str(error)), {})
