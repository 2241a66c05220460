"""The mapping file: headers, or names in rows, and the points that they mean.

In a CSV the columns are ``header`` and ``id``, and optionally ``factor``, which the
values are multiplied by, ``unit``, that of the products, and ``kind``, that of points
that are made. A header with an empty id is left out. In YAML and JSON a header is a
key, with an id, a dict of these names, or null.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ...extras import imported_for
from ...kinds.display import quoted
from ...kinds.scalars import Ref
from ...wire.csv_cells import csv_rows
from ...wire.errors import ParseError
from ...wire.files import UnreadableFile, text_of
from .options import Mapped

__all__ = ["COLUMNS", "YAML_SUFFIXES", "mapping_of", "read_mapping"]

COLUMNS = ("header", "id", "unit", "factor", "kind")
YAML_SUFFIXES = (".yaml", ".yml")
_KINDS = {kind.lower(): kind for kind in ("Number", "Bool", "Str", "Coord")}
_NULLS = ("", "~", "null")
_LARGEST = 16 * 1024**2
_NO_FILE = Path("mapping")
Rows = Iterator[tuple[str, dict[str, str]]]
"""Where a header is, and the cells of its row by the names of columns."""


def read_mapping(path: Path) -> dict[str, Mapped]:
    """Raises UnreadableFile, and ImproperlyConfigured for YAML without the extra."""
    if path.is_file() and path.stat().st_size > _LARGEST:
        reason = f"a mapping has at most {_LARGEST:,} bytes"
        raise UnreadableFile(path, "", reason)
    text, suffix = text_of(path), path.suffix.lower()
    if suffix in YAML_SUFFIXES:
        rows = _entries(path, _yaml(path, text))
    elif suffix == ".json":
        rows = _entries(path, _json(path, text))
    else:
        rows = _csv(path, text)
    return _mapping(path, rows)


def mapping_of(found: Mapping[str, Any]) -> dict[str, Mapped]:
    """That of a dict by headers, as in a file. Raises ValueError."""
    return _mapping(_NO_FILE, _entries(_NO_FILE, found))


def _mapping(path: Path, rows: Rows) -> dict[str, Mapped]:
    found: dict[str, Mapped] = {}
    for where, row in rows:
        try:
            if row["header"] in found:
                raise ValueError(f"header {row['header']} is mapped twice")
            found[row["header"]] = _mapped(row)
        except ValueError as err:
            raise UnreadableFile(path, where, str(err)) from None
    return found


def _csv(path: Path, text: str) -> Rows:
    start = text.partition("\n")[0]
    delimiter = ";" if ";" in start and "," not in start else ","
    try:
        rows = list(csv_rows(text.splitlines(keepends=True), delimiter=delimiter))
    except ParseError as err:
        raise UnreadableFile(path, err.position, err.message) from None
    line, names = rows[0] if rows else (1, [])
    names = [name.strip() for name in names]
    if names[:2] != ["header", "id"] or not set(names) <= set(COLUMNS):
        reason = f"a mapping has the columns {', '.join(COLUMNS)}"
        raise UnreadableFile(path, f"line {line}", reason)
    for line, cells in rows[1:]:
        yield (
            f"line {line}",
            dict(zip(names, (cell.strip() for cell in cells), strict=False)),
        )


def _yaml(path: Path, text: str) -> Any:
    with imported_for("A mapping in YAML", "files"):
        import yaml

    class Loader(yaml.BaseLoader):
        """All scalars are texts, for ``On`` and ``1`` are headers, too."""

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            found = [self.construct_object(key, deep=True) for key, _ in node.value]
            _check_keys(found)
            return super().construct_mapping(node, deep=deep)

    try:
        return yaml.load(text, Loader=Loader)
    except yaml.YAMLError as err:
        mark = getattr(err, "problem_mark", None)
        where = "" if mark is None else f"line {mark.line + 1}"
        reason = getattr(err, "problem", None) or str(err)
        raise UnreadableFile(path, where, f"invalid YAML: {reason}") from None
    except ValueError as err:
        raise UnreadableFile(path, "", str(err)) from None
    except RecursionError:
        raise UnreadableFile(path, "", "invalid YAML: too deep") from None


def _json(path: Path, text: str) -> Any:
    def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        _check_keys([key for key, _ in pairs])
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=distinct)
    except json.JSONDecodeError as err:
        reason = f"invalid JSON: {err.msg}"
        raise UnreadableFile(path, f"line {err.lineno}", reason) from None
    except (ValueError, RecursionError) as err:
        raise UnreadableFile(path, "", str(err)) from None


def _check_keys(keys: Iterable[Any]) -> None:
    seen = set[str]()
    for key in keys:
        if not isinstance(key, str):
            raise ValueError("a header must be a text")
        if key in seen:
            raise ValueError(f"header {key} is mapped twice")
        seen.add(key)


def _entries(path: Path, found: Any) -> Rows:
    """A dict by headers, or a list of dicts with ``header``."""
    if isinstance(found, list):
        rows: list[tuple[str, str | None, Any]]
        rows = [(f"entry {at}", None, item) for at, item in enumerate(found, 1)]
    elif isinstance(found, dict):
        rows = [(quoted(key), key, item) for key, item in found.items()]
    else:
        reason = "a mapping must be a dict of headers, such as: Supply temp: ahu-1.sat"
        raise UnreadableFile(path, "", reason)
    for where, header, item in rows:
        row: dict[str, Any] = {} if header is None else {"header": header}
        row |= dict(item) if isinstance(item, dict) else {"id": item}
        names = set(row)
        # an alias of YAML may stand for billions of values, so that none is printed
        if any(isinstance(cell, (list, dict)) for cell in row.values()):
            reason = "expected an id, or texts and numbers by names"
            raise UnreadableFile(path, where, reason)
        texts = {name: "" if cell is None else str(cell) for name, cell in row.items()}
        if "header" not in names or not names <= set(COLUMNS):
            reason = f"expected {', '.join(COLUMNS)}, not {', '.join(sorted(names))}"
            raise UnreadableFile(path, where, reason)
        yield where, {name: text.strip() for name, text in texts.items()}


def _mapped(row: Mapping[str, str]) -> Mapped:
    id = row.get("id", "").removeprefix("@")
    try:
        factor = float(row.get("factor") or 1)
    except ValueError:
        factor = math.nan
    if not math.isfinite(factor):
        raise ValueError(f"factor must be a number, not {row['factor']}")
    kind = row.get("kind") or None
    if kind is not None and kind.lower() not in _KINDS:
        raise ValueError(f"kind must be {', '.join(_KINDS.values())}, not {kind}")
    return Mapped(
        "" if id in _NULLS else Ref(id).id,
        row.get("unit") or None,
        factor,
        _KINDS[kind.lower()] if kind else None,
    )
