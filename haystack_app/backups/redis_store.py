"""Back-ups of stores on Redis: all keys of one moment, as the server serialises them.

A record of the file is the length of the name, the milliseconds until the key expires
(0: never), the length of the value, name and value; the file is compressed.
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from ..transfer.checksums import Total
from .compression import compressing
from .encryption import Writer
from .errors import BackupError
from .manifest import REDIS, Part, Sums

if TYPE_CHECKING:
    from ..storage.redis import RedisAdapter
    from ..storage.redis.maintenance.export import StoredKey

__all__ = ["backed_up", "counts", "part_of", "read", "refused", "summed"]

_HEAD = struct.Struct("<IqI")
_LARGEST = 512 * 1024 * 1024
"""Bytes of a value on Redis."""


def part_of(alias: str) -> Part:
    return Part(REDIS, alias, f"storage-{alias}.redis.gz")


def backed_up(store: RedisAdapter, part: Part, writer: Writer) -> None:
    """Write all keys; writers of the store wait meanwhile. Raises BackupError."""
    with refused(part):
        info = store.server.command("INFO", "server")
        part.versions["redis"] = str(info["redis_version"])
        with compressing(writer) as output:
            part.sums = _written(store.export(), output)


def _written(keys: Iterable[StoredKey], output: IO[bytes]) -> Sums:
    totals: dict[str, Total] = {}
    for key in keys:
        name = key.name.encode()
        output.write(_HEAD.pack(len(name), key.ttl, len(key.value)) + name + key.value)
        _add(totals, key)
    return _sums(totals)


def _add(totals: dict[str, Total], key: StoredKey) -> None:
    """Count a key by the kind of its content: the part of the name before a colon."""
    kind = key.name.partition(":")[0]
    text = key.name.encode() + b"\0" + key.value
    totals.setdefault(kind, Total()).add(text)


def _sums(totals: dict[str, Total]) -> Sums:
    return Sums({kind: Sums.text(totals[kind]) for kind in sorted(totals)})


def read(part: Part, file: IO[bytes]) -> Iterator[StoredKey]:
    """The keys of a file. Raises BackupError."""
    from ..storage.redis.maintenance.export import StoredKey

    try:
        with gzip.open(file) as source:
            while head := source.read(_HEAD.size):
                size, ttl, length = _HEAD.unpack(head)
                if max(size, length) > _LARGEST:
                    raise BackupError(f"{part.file} is not an export of Redis")
                name, value = source.read(size), source.read(length)
                if len(name) + len(value) != size + length:
                    raise BackupError(f"{part.file} ends within a record")
                yield StoredKey(name.decode(), ttl, value)
    except (EOFError, gzip.BadGzipFile, struct.error, UnicodeDecodeError) as error:
        raise BackupError(f"{part.file} cannot be unpacked: {error}") from error


def summed(keys: Iterable[StoredKey]) -> Sums:
    totals: dict[str, Total] = {}
    for key in keys:
        _add(totals, key)
    return _sums(totals)


def counts(sums: Sums) -> dict[str, int]:
    """Keys by kind. The server may serialise an equal value otherwise."""
    return {kind: int(text.split()[0]) for kind, text in sums.tables.items()}


@contextmanager
def refused(part: Part) -> Iterator[None]:
    """Errors of the server, as BackupError."""
    from redis.exceptions import RedisError

    try:
        yield
    except RedisError as error:
        raise BackupError(f"{part}: {error}") from error
