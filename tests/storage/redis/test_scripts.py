"""The scripts in Lua: they load, are clean, and are given keys of one slot."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.crc import key_slot

from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.storage.redis import RedisAdapter
from haystack_app.storage.redis import scripts as loaded
from haystack_app.storage.redis.scripts import SCRIPTS, Script
from tests.outages.services import free_port
from tests.soak.redis_server import RedisServer
from tests.storage.building import at, entity, history, ids, numbers, point

FOLDER = Path(loaded.__file__).parent
NOON = at("2024-03-01 12:00")


def test_every_file_is_used() -> None:
    assert {path.stem for path in FOLDER.glob("*.lua")} == {one.name for one in SCRIPTS}
    included = {name for path in FOLDER.glob("*.lua") for name in _includes(path)}
    assert {path.stem for path in FOLDER.glob("shared/*.lua")} == included


def _includes(path: Path) -> list[str]:
    return re.findall(r"^-- include (\w+)$", path.read_text(), re.MULTILINE)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda one: str(one.name))
def test_the_head_lists_keys_and_arguments(script: Script[Any]) -> None:
    text = (FOLDER / f"{script.name}.lua").read_text()
    head, body = text.split("\n\n", 1)
    assert all(line.startswith("-- ") for line in head.splitlines())
    assert "-- KEYS" in head and "-- Returns" in head
    for kind in ("KEYS", "ARGV"):
        named = set(re.findall(rf"\b{kind}\[(\d+)\+?\]", head))
        assert set(re.findall(rf"\b{kind}\[(\d+)\]", body)) <= named
        assert sorted(map(int, named)) == list(range(1, len(named) + 1))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda one: str(one.name))
def test_the_server_takes_it(redis_store: RedisAdapter, script: Script[Any]) -> None:
    """It compiles what it loads."""
    assert redis_store.server.redis.script_load(script.text) == script.sha


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda one: str(one.name))
def test_luacheck(script: Script[Any]) -> None:
    if (luacheck := shutil.which("luacheck")) is None:
        pytest.skip("luacheck is not installed (Debian: lua-check)")
    words = "--no-config --no-color --codes --std lua51 --read-globals"
    done = subprocess.run(
        [luacheck, "-", *words.split(), "redis", "KEYS", "ARGV", "struct", "cjson"],
        input=script.text,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def work(store: RedisAdapter) -> None:
    """Something of everything."""
    store.load_entities([entity("s", site=MARKER), point("p", writable=MARKER)])
    store.load_entities(
        point(f"q{n}", siteRef=Ref("s"), text="x" * n) for n in range(3_000)
    )
    store.his_write("p", numbers(3_000, NOON))
    store.his_write("p", [(NOON, Number(7))])
    store.point_write("p", 8, Number(1), "joe", NOON.utc)
    store.load_defs({"lib": []})
    watch = store.watch_open("w", owner="joe", lease=60, now=NOON.utc)
    store.watch_sub(watch.id, ["p", "s"], now=NOON.utc)
    store.commit([], remove=["q7"])
    assert len(store.read("point and siteRef->site")) == 2_999
    assert len(store.read("point and siteRef", 5)) == 5
    assert ids(store.page("point", "p", 2)) == ["q0", "q1"]
    assert len(history(store)) == 3_000
    assert store.watch_poll(watch.id, now=NOON.utc, refresh=True).records.rows
    assert store.changes_since(None, 5).entries == []
    assert len(store.changes_of("p")) == 1
    assert store.differences() == []
    assert store.reindex() == 3_001
    assert store.differences() == []


def test_on_a_cluster_of_one(tmp_path: Path) -> None:
    """All keys of a store are of one slot, and every script says of which."""
    # without its own port it takes the other one plus 10,000, which may be none
    bus = ["--cluster-port", str(free_port())]
    with RedisServer(tmp_path, "--cluster-enabled", "yes", *bus) as server:
        own = redis.Redis(port=server.port)
        own.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        ends = time.monotonic() + 30
        while own.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
            assert time.monotonic() < ends
            time.sleep(0.05)
        store = RedisAdapter(url=server.url)
        keys: list[str] = []
        run = store.server.run

        def spied(script: Any, names: Any, *args: Any) -> Any:
            assert names
            keys.extend(names)
            return run(script, names, *args)

        store.server.run = spied  # type: ignore[method-assign]
        work(store)
        keys += [key.decode() for key in own.scan_iter()]
    others = {key for key in keys if key_slot(key.encode()) != key_slot(b"haystack")}
    assert others == {store.keys.former_meta}
