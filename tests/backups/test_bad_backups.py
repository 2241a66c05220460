"""What is wrong with a back-up is said, and nothing is left or written."""

from __future__ import annotations

import base64
import errno
import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management import CommandError
from django.db import connections

from haystack_app.backups import making, sqlite
from haystack_app.backups.making import BackupOptions, make_backup
from haystack_app.backups.manifest import MANIFEST
from haystack_app.backups.targets import Folder
from haystack_app.storage.orm import OrmAdapter
from tests.backups.conftest import ORM
from tests.backups.test_restore import said
from tests.transfer.stores import filled

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")
DATABASE = "database-default.sqlite3.gz"


@pytest.fixture
def made(sqlite_only: None, tmp_path: Path) -> Path:
    """The folder of a back-up."""
    filled(OrmAdapter())
    said("haystack_backup", tmp_path / "kept")
    [folder] = (tmp_path / "kept").iterdir()
    return folder


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_bytes(base64.b64encode(os.urandom(32)))
    return path


def refused(match: str, *words: Any) -> None:
    for command in ("haystack_verify_backup", "haystack_restore"):
        with pytest.raises(CommandError, match=match):
            said(command, *words)


def changed(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def edited(folder: Path, edit: Callable[[Any], object]) -> None:
    manifest = orjson.loads((folder / MANIFEST).read_bytes())
    edit(manifest)
    (folder / MANIFEST).write_bytes(orjson.dumps(manifest))


def test_files_are_private(made: Path) -> None:
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made.iterdir()}
    assert modes == {DATABASE: 0o600, MANIFEST: 0o600}


def test_what_the_manifest_says(made: Path) -> None:
    manifest = orjson.loads((made / MANIFEST).read_bytes())
    [part] = manifest["parts"]
    assert part["migrations"][-1].startswith("00")
    assert part["size"] == (made / DATABASE).stat().st_size
    assert part["sums"]["months"].keys() == {"2024-03"}
    rows = int(part["sums"]["months"]["2024-03"].split()[0])
    assert rows == int(part["sums"]["tables"]["history"].split()[0]) > 0
    assert manifest["storages"] == {"default": "database default"}


def test_what_migrate_writes_is_not_in_the_way(
    sqlite_only: None, tmp_path: Path
) -> None:
    said("haystack_backup", tmp_path)
    assert "which is empty" in said("haystack_restore", tmp_path, "--dry-run")
    filled(OrmAdapter())
    found = said("haystack_restore", tmp_path, "--dry-run")
    assert "replacing the rows of" in found and "nothing restored" in found


def test_damage(made: Path) -> None:
    whole = (made / DATABASE).read_bytes()
    (made / DATABASE).write_bytes(whole[:-1])
    refused("bytes instead of", made)
    (made / DATABASE).write_bytes(whole[:500] + b"x" + whole[501:])
    refused("was changed: its SHA-256 differs", made)
    (made / DATABASE).unlink()
    refused("No such file", made)
    (made / DATABASE).write_bytes(whole)
    said("haystack_verify_backup", made)
    edited(
        made,
        lambda found: found["parts"][0]["sums"]["tables"].update(
            entities=f"9 {0:016x}"
        ),
    )
    refused("table entities: 9 0+ in the back-up", made)


def test_incomplete_ones(made: Path, tmp_path: Path) -> None:
    (made / MANIFEST).rename(tmp_path / "manifest")
    refused(f"incomplete: it has no {MANIFEST}", made)
    refused("no complete back-up in", made.parent)
    refused("no back-up 20200101T000000Z", made.parent / "20200101T000000Z")
    refused("no complete back-up in", tmp_path / "missing")
    whole = (tmp_path / "manifest").read_bytes()
    (made / MANIFEST).write_bytes(whole)
    for wrong in ({"kind": "floppy"}, {"sums": {"tables": {"x": "many"}}}, {"x": 1}):
        edited(made, lambda found, wrong=wrong: found["parts"][0].update(wrong))
        refused("is not the manifest of a back-up", made)
        (made / MANIFEST).write_bytes(whole)
    (made / MANIFEST).write_text('{"parts": 1}')
    refused("is not the manifest of a back-up", made)


def test_a_newer_format_or_schema(made: Path) -> None:
    edited(made, lambda found: found["parts"][0]["migrations"].append("9999_later"))
    with pytest.raises(CommandError, match=r"newer schema \(9999_later\)"):
        said("haystack_restore", made, "--replace")
    edited(made, lambda found: found.update(format=99))
    refused("format 99, which a newer version", made)


def test_an_older_schema_names_migrate(
    made: Path, moved: Callable[[str], None]
) -> None:
    edited(made, lambda found: found["parts"][0]["migrations"].pop())
    moved("default")
    assert "run manage.py migrate" in said("haystack_restore", made)


def test_names_of_files_stay_in_the_folder(made: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    edited(made, lambda found: found["parts"][0].update(file="../../secret"))
    refused("is not the name of a file", made)


def test_keys(made: Path, key_file: Path, tmp_path: Path) -> None:
    refused("is not encrypted, though there is a key", made, "--key-file", key_file)
    said("haystack_backup", tmp_path / "sealed", "--key-file", key_file)
    [sealed] = (tmp_path / "sealed").iterdir()
    for path in sealed.iterdir():
        assert path.read_bytes().startswith(b"HSBACKUP1\n")
    said("haystack_verify_backup", sealed, "--key-file", key_file)
    refused("is encrypted: give the key", sealed)
    other = tmp_path / "other"
    other.write_bytes(base64.b64encode(bytes(32)))
    refused("was encrypted with another key", sealed, "--key-file", other)
    # a file of another back-up of the same key
    renamed = sealed.rename(sealed.with_name("20200101T000000Z"))
    refused("was changed or cut off", renamed, "--key-file", key_file)


def test_a_full_disk_leaves_nothing(
    sqlite_only: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(CommandError, match="No space left on device"):
            said("haystack_backup", tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_existing_one_is_not_touched(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in made.iterdir()}
    monkeypatch.setattr(making, "name_of", lambda now: made.name)
    with pytest.raises(CommandError, match="already exists"):
        said("haystack_backup", made.parent)
    assert {path: path.read_bytes() for path in made.iterdir()} == before


def test_the_memory_store_is_refused(configured: Any, tmp_path: Path) -> None:
    memory = "haystack_app.storage.memory.InMemoryAdapter"
    configured({"default": {"BACKEND": ORM}, "quick": {"BACKEND": memory}})
    with pytest.raises(CommandError, match="'quick' is in the memory of each process"):
        said("haystack_backup", tmp_path)
    assert not list(tmp_path.iterdir())
    said("haystack_backup", tmp_path, "--storage", "default")


def test_a_failed_restore_changes_nothing(
    made: Path, moved: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    moved("default")
    path = Path(connections.settings["default"]["NAME"])
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE mine (x)")
        database.execute("INSERT INTO mine VALUES (1)")
        database.commit()
        database.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.1)
        with pytest.raises(CommandError, match="database is locked"):
            said("haystack_restore", made, "--replace")
        assert database.execute("SELECT * FROM mine").fetchall() == [(1,)]


def test_writers_go_on(
    sqlite_only: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy is the state at its begin, though each step is followed by a write."""
    filled(OrmAdapter())
    connections["default"].close()
    path, steps = connections.settings["default"]["NAME"], []
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        count = "SELECT count(*) FROM haystack_def_libraries"
        [[before]] = writer.execute(count)

        def write(*_: int) -> None:
            steps.append(None)
            writer.execute(
                "INSERT INTO haystack_def_libraries VALUES (?, '[]', '2026-01-01')",
                [f"lib{len(steps)}"],
            )

        monkeypatch.setattr(sqlite, "_PAGES", 5)
        monkeypatch.setattr(sqlite, "step", write)
        target = Folder(tmp_path)
        name, manifest = make_backup(target, BackupOptions())
        assert len(steps) > 10
        tables = manifest.parts[0].sums.tables
        assert tables["haystack_def_libraries"].split()[0] == str(before)
        [[after]] = writer.execute(count)
        assert after == before + len(steps)
    said("haystack_verify_backup", tmp_path / name)
