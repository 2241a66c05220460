"""The files of one back-up: hashed, and encrypted if there is a key."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, cast

from .encryption import CHUNK, Decrypting, Encrypting, Writer
from .errors import BackupError
from .manifest import MANIFEST, Manifest, Part
from .targets import Target

__all__ = ["BackupFiles"]

_MAX_MANIFEST = 64 * 1024 * 1024


class _Hashing:
    """Counts and hashes what is written."""

    def __init__(self, output: Writer) -> None:
        self._output, self.size, self.hash = output, 0, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._output.write(data)
        self.size += len(data)
        self.hash.update(data)
        return len(data)


@dataclass(frozen=True, slots=True)
class BackupFiles:
    target: Target
    name: str
    key: bytes | None = None

    def __str__(self) -> str:
        return f"{self.target}/{self.name}"

    @contextmanager
    def writing(self, part: Part) -> Iterator[Writer]:
        """The file of a part, whose size and hash are set when it is complete."""
        with self.target.writing(self.name, part.file) as output:
            hashing = _Hashing(output)
            with self._encrypting(hashing, part.file) as writer:
                yield writer
            part.size, part.sha256 = hashing.size, hashing.hash.hexdigest()

    @contextmanager
    def _encrypting(self, output: Writer, file: str) -> Iterator[Writer]:
        if self.key is None:
            yield output
        else:
            encrypting = Encrypting(output, self.key, f"{self.name}/{file}")
            yield encrypting
            encrypting.close()

    @contextmanager
    def reading(self, part: Part, *, encrypted: bool) -> Iterator[IO[bytes]]:
        """What was written to the file. Raises BackupError, also while it is read."""
        with self.target.reading(self.name, part.file) as file:
            if encrypted:
                name = f"{self.name}/{part.file}"
                yield cast("IO[bytes]", _buffered(Decrypting(file, self.key, name)))
            else:
                yield file

    def check(self, part: Part) -> None:
        """Raises BackupError if the stored file is not the one that was written."""
        size, found = 0, hashlib.sha256()
        with self.target.reading(self.name, part.file) as file:
            while data := file.read(CHUNK):
                size += len(data)
                found.update(data)
        if size != part.size:
            raise BackupError(
                f"{self}/{part.file} has {size:,} bytes instead of {part.size:,}"
            )
        if found.hexdigest() != part.sha256:
            raise BackupError(f"{self}/{part.file} was changed: its SHA-256 differs")

    def write_manifest(self, manifest: Manifest) -> None:
        with (
            self.target.writing(self.name, MANIFEST) as output,
            self._encrypting(output, MANIFEST) as writer,
        ):
            writer.write(manifest.dump())

    def read_manifest(self) -> Manifest:
        """Raises BackupError."""
        with self.target.reading(self.name, MANIFEST) as file:
            data = file.read(_MAX_MANIFEST)
        if not data.startswith(b"{"):
            stored, name = io.BytesIO(data), f"{self.name}/{MANIFEST}"
            data = Decrypting(stored, self.key, name).read()
            manifest = Manifest.load(data)
            if not manifest.encrypted:
                raise BackupError(f"{self}: the manifest does not match its encryption")
            return manifest
        if self.key is not None:
            raise BackupError(
                f"{self} is not encrypted, though there is a key: leave out the key if"
                " you trust the back-up nevertheless"
            )
        manifest = Manifest.load(data)
        if manifest.encrypted:
            raise BackupError(f"{self}: the manifest is not encrypted as it says")
        return manifest


class _Raw(io.RawIOBase):
    def __init__(self, source: Decrypting) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._source.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _buffered(source: Decrypting) -> io.BufferedReader:
    return io.BufferedReader(_Raw(source), CHUNK)
