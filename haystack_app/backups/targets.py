"""Where back-ups are kept: a folder, or a bucket of S3.

A back-up is a folder named by its time, such as 20261130T020000Z, with a file for each
part, and a manifest that is written last.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from .encryption import Writer
from .errors import BackupError
from .manifest import MANIFEST

__all__ = ["NAME", "Folder", "Target", "located", "name_of", "target_of", "time_of"]

NAME = re.compile(r"\d{8}T\d{6}Z")
_FORMAT = "%Y%m%dT%H%M%SZ"
_FILE = re.compile(r"[\w.-]+", re.ASCII)


def name_of(time: dt.datetime) -> str:
    return time.astimezone(dt.UTC).strftime(_FORMAT)


def time_of(name: str) -> dt.datetime:
    return dt.datetime.strptime(name, _FORMAT).replace(tzinfo=dt.UTC)


class Target(ABC):
    """All methods raise BackupError where the target cannot be used."""

    @abstractmethod
    def names(self) -> list[str]:
        """All back-ups, complete or not, the oldest first."""

    @abstractmethod
    def files(self, name: str) -> list[str]:
        """The files of a back-up; empty if it does not exist."""

    @abstractmethod
    @contextmanager
    def writing(self, name: str, file: str) -> Iterator[Writer]:
        """A new file, which exists once it is complete."""

    @abstractmethod
    @contextmanager
    def reading(self, name: str, file: str) -> Iterator[IO[bytes]]: ...

    @abstractmethod
    def delete(self, name: str) -> None:
        """Delete a back-up, its manifest first."""

    def is_complete(self, name: str) -> bool:
        return MANIFEST in self.files(name)

    def complete(self) -> list[str]:
        """Complete back-ups, the oldest first."""
        return [name for name in self.names() if self.is_complete(name)]


class Folder(Target):
    """Files are readable by their owner only."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    def names(self) -> list[str]:
        with _refused(self.path):
            if not self.path.exists():
                return []
            entries = [entry.name for entry in self.path.iterdir()]
            return sorted(filter(NAME.fullmatch, entries))

    def files(self, name: str) -> list[str]:
        folder = self.path / name
        with _refused(folder):
            return sorted(os.listdir(folder)) if folder.is_dir() else []

    @contextmanager
    def writing(self, name: str, file: str) -> Iterator[Writer]:
        path = self.path / name / file
        partial = path.with_name(f".{file}.partial")
        with _refused(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            handle = os.open(partial, flags, 0o600)
            try:
                with open(handle, "wb") as output:
                    yield output
                    output.flush()
                    os.fsync(handle)
                os.rename(partial, path)
                _sync(path.parent)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise

    @contextmanager
    def reading(self, name: str, file: str) -> Iterator[IO[bytes]]:
        if not _FILE.fullmatch(file):
            raise BackupError(f"{file!r} is not the name of a file of a back-up")
        path = self.path / name / file
        try:
            opened = open(path, "rb")  # noqa: SIM115
        except OSError as error:
            raise BackupError(f"{path}: {error.strerror}") from None
        with opened:
            yield opened

    def delete(self, name: str) -> None:
        folder = self.path / name
        with _refused(folder):
            for file in sorted(self.files(name), key=MANIFEST.__ne__):
                (folder / file).unlink()
            folder.rmdir()


@contextmanager
def _refused(path: Path) -> Iterator[None]:
    """An OSError as a BackupError with the path: no space, no permission, .."""
    try:
        yield
    except OSError as error:
        raise BackupError(f"{path}: {error.strerror or error}") from error


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def target_of(text: str) -> Target:
    """By a path or an ``s3://bucket/prefix``. Raises BackupError."""
    scheme, is_url, _ = text.partition("://")
    if not is_url:
        return Folder(Path(text))
    if scheme != "s3":
        raise BackupError(f"{scheme}:// is not supported: give a folder or s3://bucket")
    from .s3 import Bucket

    return Bucket.of(text)


def located(text: str) -> tuple[Target, str]:
    """A back-up by its path, or the newest complete one of a target."""
    above, _, last = text.rstrip("/").rpartition("/")
    if NAME.fullmatch(last):
        target = target_of(above or ".")
        if not target.files(last):
            raise BackupError(f"no back-up {last} in {target}")
        if not target.is_complete(last):
            raise BackupError(
                f"the back-up {last} in {target} is incomplete: it has no {MANIFEST}"
            )
        return target, last
    target = target_of(text)
    if not (names := target.complete()):
        raise BackupError(f"no complete back-up in {target}")
    return target, names[-1]
