"""haystack_copy: stores by alias and by URL, output and errors."""

from __future__ import annotations

import re
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections

from haystack_app import databases, demo
from haystack_app.kinds import Number, Ref
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from haystack_app.storage.orm import OrmAdapter
from haystack_app.transfer.stores import connected, named_store
from tests.storage.building import entity, point
from tests.transfer.stores import NOON, filled, later

pytestmark = [
    pytest.mark.django_db(databases="__all__"),
    pytest.mark.usefixtures("by_url"),
]


def copy(source: str, target: str, *args: str) -> str:
    out = StringIO()
    call_command(
        "haystack_copy",
        f"--from={source}",
        f"--to={target}",
        *args,
        stdout=out,
        stderr=StringIO(),
    )
    return out.getvalue()


@pytest.fixture
def url(tmp_path: Path, by_url: None) -> str:
    """The URL of another migrated SQLite file."""
    alias = connected(databases.sqlite(tmp_path / "other.sqlite3"))
    call_command("migrate", "haystack_app", database=alias, verbosity=0)
    return f"sqlite:///{tmp_path}/other.sqlite3"


def sums(output: str) -> tuple[str, str]:
    found = re.search(r"source: (.*)\ntarget: (.*)\n", output)
    assert found is not None
    return found[1], found[2]


def servers() -> list[str]:
    """The servers that are available; tests/settings.py requires all of them in CI."""
    return [alias for alias in ("postgres", "timescale") if alias in settings.DATABASES]


def test_demo_is_copied_through_every_store(url: str) -> None:
    """SQLite, memory, PostgreSQL, TimescaleDB, SQLite: identical."""
    first = storages["default"]
    some = [r for r in demo.entities() if r["id"].id.startswith(("south.b1", "north"))]
    first.load_entities(some)
    his = [r for r in some if "his" in r][:40]
    for record in his:
        days = demo.samples(record, NOON.utc, later(86_400).utc)
        first.his_write(record["id"].id, list(days))
    for record in [r for r in some if "writable" in r][:20]:
        for number, level in demo.levels(record, NOON.utc, "demo").items():
            first.point_write(record["id"].id, number, level.val, level.who)
    chain = ["default", "memory", *servers(), url]
    outputs = [copy(*pair) for pair in pairwise(chain)]
    assert len({text for output in outputs for text in sums(output)}) == 1
    assert f"entities {len(some):,} (" in outputs[-1]
    assert "samples 3,840 of points 40 (" in outputs[-1]
    assert "verified" in copy("default", url, "--verify-only")
    assert [r.tags for r in named_store(url).scan()] == [r.tags for r in first.scan()]


def test_difference_is_an_error(url: str) -> None:
    filled(storages["default"])
    assert "copied 12 entities, 115 samples, 3 levels, 2 def" in copy("default", url)
    target = named_store(url)
    target.his_write("num", [(later(2), Number(9))])
    target.update_entities([{"id": Ref("hq"), "dis": "x"}], force=True)
    with pytest.raises(CommandError, match="@hq differs in dis, mod") as caught:
        copy("default", url, "--verify-only")
    assert "the history of @num differs: 5 samples (checksum" in str(caught.value)
    with pytest.raises(CommandError, match="Use --merge to"):
        copy("default", url)
    assert "verified" in copy("default", url, "--replace")


def test_verification_of_a_merge_ignores_other_entities(url: str) -> None:
    storages["default"].load_entities([entity("a")])
    named_store(url).load_entities([entity("b")])
    assert "verified" in copy("default", url, "--merge")
    assert "verified" in copy("default", url, "--merge", "--verify-only")
    with pytest.raises(CommandError, match="@b is only in the target"):
        copy("default", url, "--verify-only")


def test_many_differences_are_counted(url: str) -> None:
    storages["default"].load_entities(entity(f"e{count}") for count in range(30))
    with pytest.raises(CommandError, match="and 10 more"):
        copy("default", url, "--verify-only")


@pytest.mark.parametrize("alias", ["default", "postgres", "timescale"])
def test_url_of_a_configured_database(alias: str) -> None:
    if alias not in settings.DATABASES:
        pytest.skip(settings.MISSING_SERVICES[alias])
    config = connections[alias].settings_dict
    if alias == "default":
        url = f"sqlite:///{config['NAME']}"
    else:
        at = f"{config['USER']}@{config['HOST']}:{config['PORT']}"
        url = f"postgresql://{at}/{config['NAME']}"
    store = named_store(url)
    assert isinstance(store, OrmAdapter) and store.using == alias
    with pytest.raises(CommandError, match="are the same store"):
        copy(alias, url)


def error(source: str, target: str) -> str:
    with pytest.raises(CommandError) as caught:
        copy(source, target)
    return str(caught.value)


def test_unmigrated_database(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite3"
    assert "not found" in error("default", f"sqlite:///{path}")
    assert not path.exists()
    path.touch()
    message = error("default", f"sqlite:///{path}")
    assert message.endswith("is not migrated: DATABASE_URL=(the URL) manage.py migrate")


def test_invalid_stores(settings: Any) -> None:
    assert error("default", "nope") == "no storage 'nope' in settings"
    message = error("default", "mysql://joe:secret@host/db")
    assert "Unsupported database URL 'mysql'" in message and "secret" not in message
    message = error("default", "postgresql://joe:secret@[bad")
    assert "Invalid PostgreSQL DSN" in message and "secret" not in message
    message = error("default", "postgresql://joe:secret@127.0.0.1:1/nowhere")
    assert "secret" not in message and "127.0.0.1" in message


def test_points_without_facts(url: str) -> None:
    """The facts of a point are unknown in the copy if they are in the source."""
    store: StorageAdapter = storages["default"]
    store.load_entities([point("p")])
    store.his_write("p", [(NOON, Number(1))])
    facts = ("hisSize", "hisStart", "hisEnd", "hisEndVal")
    with store.locked():
        store.set_transient({"p": dict.fromkeys(facts)})
    assert "verified" in copy("default", url)
    assert "hisSize" not in named_store(url).existing("p")
