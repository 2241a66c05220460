"""What a management command commits reaches the watches of a server."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from websockets.sync.client import connect

from haystack_app.kinds import MARKER
from haystack_app.live.notifications import Hints
from haystack_app.live.notify import NotifyLayer
from haystack_app.storage.orm import OrmAdapter
from tests import forks
from tests.api.callers import databases, make_user, token_of
from tests.api.servers import Server, url_of
from tests.live.conftest import Socket
from tests.storage.building import entity


@pytest.fixture(params=databases("sqlite", "postgres"))
def alias(request: pytest.FixtureRequest) -> str:
    request.getfixturevalue("transactional_db")
    found: str = request.param
    return found


def load(server: Server, path: Path) -> None:
    done = forks.run(["manage.py", "haystack_load", str(path)], server.environ)
    assert done.returncode == 0, done.stderr


def test_a_command_reaches_watches(alias: str, tmp_path: Path) -> None:
    """At once by NOTIFY, which alone could: the server looks once an hour itself.

    On SQLite it checks every two seconds, regardless of the setting.
    """
    OrmAdapter(using=alias).load_entities([entity("north", site=MARKER)])
    token = token_of(make_user(alias, "eve", "x", "viewer"), "read")
    file = tmp_path / "north.trio"
    file.write_text("id:@north\ndis:North Hall\nsite\n")
    with Server(url_of(alias), tmp_path, HAYSTACK_CHECK_SECONDS="3600") as server:
        headers = {"Authorization": f"Bearer {token}"}
        url = f"ws://127.0.0.1:{server.port}/ws/"
        with connect(url, additional_headers=headers) as raw:
            socket = Socket(raw)
            socket.sub("north")
            load(server, file)
            [row] = socket.pushed().rows
            assert row["dis"] == "North Hall"


@pytest.mark.parametrize("alias", databases("postgres"), indirect=True)
def test_hints_by_notify(alias: str) -> None:
    hints = Hints()
    hints.add("plant", ["a", "b"], logged=True)
    many = Hints()
    many.add("plant", [f"a-rather-long-id-{n}" for n in range(1_000)], logged=False)

    async def within() -> list[Any]:
        layer = NotifyLayer([alias])
        await layer.group_add("group", await layer.new_channel())
        found = []
        for sent in (hints, many):
            await layer.group_send("group", sent.message("me"))
            found.append(Hints.of(await layer.receive("")))
        await layer.close()
        return found

    one, other = asyncio.run(within())
    assert (one.ids, one.logged) == ({"plant": {"a", "b"}}, {"plant"})
    assert (other.ids, other.logged) == ({"plant": None}, set())


@pytest.mark.parametrize("alias", databases("postgres"), indirect=True)
def test_a_connection_that_ends_is_an_error(alias: str) -> None:
    """The hub treats it as a failure of the layer, checks periodically and joins again."""

    async def within() -> None:
        layer = NotifyLayer([alias])
        await layer.group_add("group", "")
        with connections[alias].cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE query LIKE 'LISTEN %' AND datname = current_database()"
            )
        connections[alias].close()  # it is of this task alone
        with pytest.raises(Exception, match=r"terminat|closed|connection"):
            await layer.receive("")
        await layer.group_add("group", "")
        await layer.close()

    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # one statement of the test's own
    try:
        asyncio.run(within())
    finally:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
