"""The folder of uploaded files, which this app alone reads.

Each import has a folder in it, named by a random key: the file, under a name of ours
with the suffixes of the user's, and the list of its invalid rows. Workers must see the
same folder (``IMPORTS_DIR``).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.core.exceptions import ImproperlyConfigured

from ..conf import app_settings
from ..models import FileImport
from ..transfer.his_files import HIS_SUFFIXES
from ..transfer.tables.source import suffix_of

__all__ = [
    "SUFFIXES",
    "append",
    "bad_rows_of",
    "file_of",
    "folder",
    "is_here",
    "opened",
    "remove",
]

SUFFIXES = HIS_SUFFIXES
_BLOCK = 256 * 1024
_PRIVATE = 0o700


def folder() -> Path:
    """The spool, made if it is missing. Raises ImproperlyConfigured."""
    given = app_settings.IMPORTS_DIR
    path = (
        Path(given)
        if given
        else Path(tempfile.gettempdir()) / f"haystack-imports-{os.getuid()}"
    )
    try:
        path.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        found = path.lstat()
    except OSError as err:
        raise ImproperlyConfigured(f"IMPORTS_DIR: {path}: {err.strerror}") from None
    # in a folder that all may write to, another user may have made it first
    if path.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ImproperlyConfigured(
            f"IMPORTS_DIR: {path} must be a folder of the server's own user that others"
            " cannot read (chmod 700)"
        )
    return path


def file_of(found: FileImport) -> Path:
    """The path of the file, whose suffixes say what it is."""
    name = Path(found.name.lower())
    packed = ".gz" if name.suffix == ".gz" else ""
    return _own(found) / f"upload{suffix_of(name)}{packed}"


def bad_rows_of(found: FileImport) -> Path:
    """The list of invalid rows, as CSV."""
    return _own(found) / "invalid-rows.csv"


def is_here(found: FileImport) -> bool:
    """Whether this host's spool has what was received of a file."""
    try:
        return file_of(found).stat().st_size >= found.received
    except FileNotFoundError:
        return False


@contextmanager
def opened(found: FileImport) -> Iterator[IO[bytes]]:
    """The file, for one request at a time, in all processes that see the folder.

    Raises BlockingIOError if another request has it.
    """
    _own(found).mkdir(mode=_PRIVATE, exist_ok=True)
    descriptor = os.open(file_of(found), os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield file


def append(file: IO[bytes], received: int, stream: IO[Any], most: int) -> int:
    """Write what a stream has after what was received, at most ``most`` bytes.

    A part that was cut off before is overwritten. Returns the number of bytes, one more
    than ``most`` if the stream has more.
    """
    file.seek(received)
    file.truncate()
    count = 0
    while count <= most:
        block = stream.read(min(_BLOCK, most + 1 - count))
        if not block:
            break
        file.write(block)
        count += len(block)
    file.flush()
    return count


def remove(found: FileImport) -> None:
    """Delete the folder of an import."""
    shutil.rmtree(_own(found), ignore_errors=True)


def _own(found: FileImport) -> Path:
    return folder() / found.key
