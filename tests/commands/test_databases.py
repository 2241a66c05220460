"""The commands on every database."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from haystack_app import demo
from haystack_app.storage.orm import OrmAdapter
from haystack_app.transfer import his_import

Write = Callable[[str, str | bytes], Path]


def run(store: OrmAdapter, name: str, *args: Path, **options: object) -> str:
    out = StringIO()
    texts = [str(arg) for arg in args]
    # storages and databases have the same aliases in the tests
    call_command(name, *texts, stdout=out, storage=store.using, **options)
    return out.getvalue()


def test_round_trip(sql_store: OrmAdapter, tmp_path: Path) -> None:
    sql_store.load_entities(demo.entities())
    before = [record.tags for record in sql_store.scan()]
    dump = tmp_path / "all.zinc"
    assert f"{len(before):,} records" in run(sql_store, "haystack_dump", output=dump)
    assert f"{len(before):,} unchanged" in run(
        sql_store, "haystack_load", dump, dry_run=True, replace=True
    )
    assert f"{len(before):,} unchanged" in run(sql_store, "haystack_load", dump)


def test_import_is_all_or_nothing(
    sql_store: OrmAdapter, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(his_import, "_BATCH", 10)
    id = "south.weather.temp"
    sql_store.load_entities(r for r in demo.entities() if r["id"].id == id)
    rows = f"ts,{id}\n" + "".join(f"2024-01-01T00:{m:02d}Z,{m}\n" for m in range(60))
    with pytest.raises(CommandError, match=r"line 62: .*invalid Number"):
        bad = write("bad.csv", rows + "2024-01-01T01:00Z,x\n")
        run(sql_store, "haystack_his_import", bad)
    assert not list(sql_store.his_read(id))
    assert "60 samples" in run(
        sql_store, "haystack_his_import", write("good.csv", rows)
    )
    assert len(list(sql_store.his_read(id))) == 60
