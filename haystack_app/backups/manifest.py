"""The manifest of a back-up: what it holds, by which everything else is proved.

It is written last, so that a back-up without one is incomplete.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from ..kinds.datetimes import iso_text
from ..transfer.checksums import Total
from .errors import BackupError

__all__ = ["MANIFEST", "POSTGRESQL", "REDIS", "SQLITE", "Manifest", "Part", "Sums"]

MANIFEST = "manifest.json"
FORMAT = 1
_SUM, _VERSION = re.compile(r"\d+ [0-9a-f]{16}"), re.compile(r"\d+(\.|$)")
POSTGRESQL, SQLITE, REDIS = KINDS = ("postgresql", "sqlite", "redis")


@dataclass(slots=True)
class Sums:
    """Rows and checksums by table, and of samples by month (``2026-11``, in UTC).

    A checksum is the sum of hashes of rows, so it does not depend on their order. Those
    of different kinds of stores cannot be compared.
    """

    tables: dict[str, str] = field(default_factory=dict)
    months: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def text(total: Total) -> str:
        return f"{total.count} {total.sum:016x}"

    def differences(self, found: Sums) -> list[str]:
        """What is not as it was when the back-up was made, a line each."""
        pairs = [
            *_pairs("table", self.tables, found.tables),
            *_pairs("samples of", self.months, found.months),
        ]
        return [
            f"{what}: {wanted or 'nothing'} in the back-up, {had or 'nothing'} restored"
            for what, wanted, had in pairs
            if wanted != had
        ]


def _pairs(
    what: str, ours: Mapping[str, str], theirs: Mapping[str, str]
) -> list[tuple[str, str, str]]:
    return [
        (f"{what} {name}", ours.get(name, ""), theirs.get(name, ""))
        for name in sorted(ours.keys() | theirs.keys())
    ]


@dataclass(slots=True)
class Part:
    """One database or Redis store, in one file.

    - ``kind``: postgresql, sqlite or redis
    - ``alias``: of the database in DATABASES, or of the storage on Redis
    - ``size``, ``sha256``: of the file as it is stored
    - ``versions``: of the server and its extensions
    - ``migrations``: those of haystack_app that were applied
    """

    kind: str
    alias: str
    file: str
    versions: dict[str, str] = field(default_factory=dict)
    migrations: list[str] = field(default_factory=list)
    sums: Sums = field(default_factory=Sums)
    size: int = 0
    sha256: str = ""

    def __str__(self) -> str:
        what = "storage" if self.kind == REDIS else "database"
        return f"{what} {self.alias!r} ({self.kind})"

    def is_valid(self) -> bool:
        versions = [self.versions.get(name, "") for name in ("postgresql", "pg_dump")]
        texts = [*self.sums.tables.values(), *self.sums.months.values()]
        return (
            self.kind in KINDS
            and all(_SUM.fullmatch(text) for text in texts)
            and (self.kind != POSTGRESQL or all(map(_VERSION.match, versions)))
        )

    @property
    def rows(self) -> int:
        return sum(int(one.split()[0]) for one in self.sums.tables.values())


@dataclass(slots=True)
class Manifest:
    created: str
    software: str
    storages: dict[str, str]
    """The database or prefix of Redis by the alias of each storage."""
    parts: list[Part]
    encrypted: bool = False
    format: int = FORMAT

    @classmethod
    def begun(cls, storages: dict[str, str], software: str, now: dt.datetime) -> Any:
        return cls(iso_text(now), software, storages, [])

    @property
    def size(self) -> int:
        return sum(part.size for part in self.parts)

    def dump(self) -> bytes:
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2)

    @classmethod
    def load(cls, data: bytes) -> Manifest:
        """Raises BackupError."""
        try:
            found = orjson.loads(data)
            if found["format"] > FORMAT:
                raise BackupError(
                    f"the back-up has the format {found['format']}, which a newer"
                    " version of the software wrote: restore it with that version"
                )
            parts = [
                Part(**{**part, "sums": Sums(**part["sums"])})
                for part in found.pop("parts")
            ]
            if not all(part.is_valid() for part in parts):
                raise ValueError("a part")
            return cls(**found, parts=parts)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            if isinstance(error, BackupError):
                raise
            raise BackupError(f"{MANIFEST} is not the manifest of a back-up") from None
