"""Files of records, found by the suffix of their name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

__all__ = ["UnreadableFile", "files_in", "text_of"]


class UnreadableFile(ValueError):
    """A file that cannot be read. The message is one line: file, position, reason."""

    def __init__(self, path: Path, where: str, reason: str) -> None:
        self.path, self.where, self.reason = path, where, reason
        location = f"{path}, {where}" if where else f"{path}"
        super().__init__(f"{location}: {reason}")


def files_in(
    paths: Iterable[Path],
    suffixes: Sequence[str],
    named: Sequence[str] = (),
    *,
    packed: bool = False,
) -> list[Path]:
    """The files in ``paths`` and, recursively, in the folders in ``paths``.

    Files of a folder are sorted by name; each file occurs once. Files with the
    suffixes ``named`` are not searched in folders; ``packed``: ``.gz`` may follow a
    suffix. Raises UnreadableFile.
    """
    found: dict[Path, Path] = {}
    ends = {ending: f"{ending}.gz" for ending in (*suffixes, *named)} if packed else {}
    for path in paths:
        for file in _files(path, suffixes, named, tuple(ends.values())):
            found.setdefault(file.resolve(), file)
    return list(found.values())


def _files(
    path: Path, suffixes: Sequence[str], named: Sequence[str], packed: tuple[str, ...]
) -> list[Path]:
    if path.is_dir():
        endings = " or ".join(suffixes)
        ends = (*suffixes, *(it for it in packed if it[: -len(".gz")] in suffixes))
        inside = (it for it in path.rglob("*") if it.name.lower().endswith(ends))
        files = sorted(file for file in inside if file.is_file())
        if not files:
            raise UnreadableFile(path, "", f"no {endings} file in this folder")
        return files
    if not path.is_file():
        raise UnreadableFile(path, "", "no such file or folder")
    if not path.name.lower().endswith((*suffixes, *named, *packed)):
        endings = " or ".join((*suffixes, *named))
        hint = ", .gz may follow" if packed else ""
        raise UnreadableFile(path, "", f"the name must end in {endings}{hint}")
    return [path]


def text_of(path: Path) -> str:
    """The file's text, without a byte order mark. Raises UnreadableFile."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise UnreadableFile(path, f"byte {err.start}", "invalid UTF-8") from None
    except OSError as err:
        raise UnreadableFile(path, "", err.strerror or str(err)) from None
