"""Grafana's dashboards without Grafana: their queries on the databases, as its role;
the plugin's requests against a server."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import os
import re
import secrets
import subprocess
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from django.db import connections
from django.test import Client

from haystack_app.auth.tokens import issue
from haystack_app.kinds import MARKER, NA, DateTime, Grid, Number, Ref
from haystack_app.kinds.timezones import zone_of
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from haystack_app.storage.orm import OrmAdapter
from haystack_app.storage.orm.views import create_views, grant_views
from haystack_app.wire import zinc_reader, zinc_writer
from tests.api.callers import databases
from tests.api.conftest import scram_passwords, served, user
from tests.auth.handshaking import Handshake
from tests.docker import files
from tests.docker.grafana import (
    API,
    FOLDER,
    SQL,
    Range,
    Target,
    dashboards,
    datasources,
    expanded,
    filled,
    targets,
)
from tests.patience import PATIENCE
from tests.storage.building import entity, point

__all__ = ["scram_passwords"]

END = dt.datetime.now(dt.UTC).replace(microsecond=0)
SPAN = Range(END - dt.timedelta(hours=6), END)
VARIABLES = {"site": "h'q", "equip": "ahu"}
"""A site whose id Haystack refuses: texts in SQL must be quoted all the same."""
HOUR = dt.timedelta(hours=1)


def fill(store: StorageAdapter, site: str = "hq") -> None:
    common: dict[str, Any] = {
        "siteRef": Ref(site),
        "equipRef": Ref("ahu"),
        "cur": MARKER,
        "curStatus": "ok",
    }
    store.load_entities(
        [
            entity(site, site=MARKER, dis="Headquarters"),
            entity("ahu", equip=MARKER, siteRef=Ref(site)),
            point(
                *("t",),
                dis="Zone temp",
                unit="°C",
                curVal=Number(20, "°C"),
                **{**common, "curStatus": "fault"},
                **dict.fromkeys(("zone", "temp", "sensor"), MARKER),
            ),
            point("kw", dis="Power", unit="kW", curVal=Number(5, "kW"), **common),
            point("on", kind="Bool", dis="Fan", curVal=True, **common),
            point("empty", **common),
        ],
        replace=True,
    )
    times = [DateTime(END - n * HOUR / 4, "New_York") for n in range(96, 0, -1)]
    for id, unit in (("t", "°C"), ("kw", "kW")):
        values = [Number(20 + n % 4, unit) for n in range(len(times))]
        store.his_write(id, list(zip(times, values, strict=True)))
    store.his_write("t", [(times[-1], NA)])
    store.his_write("on", [(ts, bool(n % 2)) for n, ts in enumerate(times)])


# -- the files ----------------------------------------------------------------------


def test_the_dashboards() -> None:
    found = dashboards()
    assert set(found) == {"site", "equipment", "data-quality"}
    assert len({board["uid"] for board in found.values()}) == 3
    known = {(one["type"], one["uid"]) for one in datasources()}
    for board in found.values():
        ids = [panel["id"] for panel in board["panels"]]
        assert len(set(ids)) == len(ids)
        for one in [*board["panels"], *board["templating"]["list"]]:
            for it in [one, *one.get("targets", [])]:
                assert (it["datasource"]["type"], it["datasource"]["uid"]) in known
        for one, other in combinations(board["panels"], 2):
            assert not overlap(one["gridPos"], other["gridPos"])
        names = {one["name"] for one in board["templating"]["list"]}
        assert set(re.findall(r"\$\{(\w+)", json.dumps(board))) <= names


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return (
        one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    )


def test_the_datasources_are_those_of_the_stack() -> None:
    compose = files.compose()
    services = compose["services"]
    sql, api = datasources()
    host, port = sql["url"].split(":")
    db = services["db"]["environment"]
    assert (host, port) == ("db", "5432")
    assert sql["jsonData"]["database"] == db["POSTGRES_DB"]
    assert sql["user"] == services["grafana-views"]["command"][-1] == "grafana"
    at = urlsplit(api["jsonData"]["url"])
    assert (at.hostname, at.path) == ("proxy", "/api/")
    caddy = (files.DOCKER / "Caddyfile").read_text()
    assert f"http://:{at.port} {{" in caddy
    published = [port.rpartition(":")[2] for port in services["proxy"]["ports"]]
    assert str(at.port) not in published
    plugin = services["grafana"]["environment"]["GF_PLUGINS_PREINSTALL"]
    assert plugin.startswith(f"{API}@")
    mounts = {
        target: FOLDER.parent / source
        for source, target, *_ in (
            it.split(":") for it in services["grafana"]["volumes"]
        )
    }
    [provider] = (FOLDER / "provisioning/dashboards").glob("*.yaml")
    assert "path: /etc/grafana/dashboards" in provider.read_text()
    assert mounts["/etc/grafana/dashboards"] == FOLDER / "dashboards"
    assert "handle /grafana/*" in caddy
    assert services["grafana"]["environment"]["GF_SERVER_ROOT_URL"].endswith(
        "/grafana/"
    )


# -- SQL ----------------------------------------------------------------------------


@pytest.fixture(params=databases("postgres", "timescale", transaction=False))
def role(request: pytest.FixtureRequest) -> Iterator[OrmAdapter]:
    """The store with its views, whose connection is that of a role which sees them."""
    request.getfixturevalue("db")
    sql_store = OrmAdapter(using=request.param)
    connection = connections[sql_store.using]
    fill(sql_store)
    name = f"grafana_{secrets.token_hex(4)}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {name}")  # undone with the transaction
        grant_views(sql_store.using, create_views(sql_store.using), name)
        cursor.execute(f"GRANT {name} TO CURRENT_USER")
        cursor.execute(f"SET LOCAL ROLE {name}")
    yield sql_store
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")


def answer(
    store: OrmAdapter, text: str, **variables: str
) -> tuple[list[str], list[Any]]:
    connection = connections[store.using]
    timescale = store.using == "timescale"
    statement = expanded(
        filled(text, {**VARIABLES, "site": "hq", **variables}, SPAN),
        SPAN,
        timescale=timescale,
    )
    assert "$" not in statement, statement
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [column.name for column in cursor.description], cursor.fetchall()


def test_every_query_of_every_panel(role: OrmAdapter) -> None:
    found = list(targets(SQL))
    assert len(found) >= 15
    for target in found:
        names, rows = answer(role, target.query["rawSql"])
        assert rows, target.name
        assert all(len(set(names)) == len(names) for _ in rows)
        if target.query["format"] == "time_series":
            check_time_series(target, names, rows)


def check_time_series(target: Target, names: list[str], rows: list[Any]) -> None:
    """A column ``time`` in ascending order, numbers, and at most one text."""
    assert names[0] == "time", target.name
    times = [row[0] for row in rows]
    assert times == sorted(times), target.name
    texts = [
        name for name, cell in zip(names, rows[0], strict=True) if isinstance(cell, str)
    ]
    assert texts in ([], ["metric"]), target.name
    numbers = [cell for row in rows for cell in row[1:] if not isinstance(cell, str)]
    assert any(cell is not None for cell in numbers), target.name


def test_every_variable(role: OrmAdapter) -> None:
    for board in dashboards().values():
        for variable in board["templating"]["list"]:
            _, rows = answer(role, variable["query"])
            assert [row[0] for row in rows] == [
                {"site": "hq", "equip": "ahu"}[variable["name"]]
            ]


def test_what_the_numbers_are(role: OrmAdapter) -> None:
    found = {target.name: target.query["rawSql"] for target in targets(SQL)}
    assert answer(role, found["site: Points"])[1] == [(4,)]
    assert answer(role, found["site: Not ok"])[1] == [(1,)]
    assert answer(role, found["data-quality: Points without samples"])[1] == [(1,)]
    [(share,)] = answer(role, found["data-quality: Values that are not known"])[1]
    assert share == pytest.approx(1 / (3 * 24), abs=0.01)
    gaps = answer(role, found["data-quality: Longest gaps"])[1]
    assert {row[2] for row in gaps} == {900.0}
    [oldest, *_] = answer(role, found["data-quality: Oldest first"])[1]
    assert oldest[0] == "empty"
    assert oldest[1] is None


def test_texts_of_variables_are_quoted(role: OrmAdapter) -> None:
    for target in targets(SQL):
        answer(role, target.query["rawSql"], site="h'q", equip="'; DROP TABLE x; --")


def test_the_role_sees_nothing_else(role: OrmAdapter) -> None:
    for table in ("entities", "history", "auth_user", "haystack_tokens"):
        with (
            connections[role.using].cursor() as cursor,
            pytest.raises(Exception, match=r"permission denied|does not exist"),
        ):
            cursor.execute("SAVEPOINT before")
            try:
                cursor.execute(f"SELECT * FROM {table}")
            finally:
                cursor.execute("ROLLBACK TO SAVEPOINT before")


@pytest.fixture(params=databases("postgres", transaction=False))
def server(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Where a test database is."""
    request.getfixturevalue("db")
    at = connections[request.param].settings_dict
    found = {"host": at["HOST"], "port": at["PORT"], "user": at["USER"]}
    return {**found, "password": at["PASSWORD"], "dbname": at["NAME"]}


def test_create_role(tmp_path: Path, server: dict[str, Any]) -> None:
    """The script of the service grafana-role, with psql, twice."""
    role = f"grafana_{secrets.token_hex(4)}"
    password = tmp_path / "password"
    names = {"dbname": "PGDATABASE"}
    env = {
        names.get(name, f"PG{name.upper()}"): str(value)
        for name, value in server.items()
        if value
    } | {
        "PATH": os.environ["PATH"],
        "GRAFANA_ROLE": role,
        "GRAFANA_PASSWORD_FILE": str(password),
    }
    with psycopg.connect(**server, autocommit=True) as admin:
        try:
            for secret in ("first", "it's\nsecond"):
                password.write_text(secret)
                subprocess.run([FOLDER / "create-role"], env=env, check=True)
            [flags] = admin.execute(
                "SELECT rolsuper, rolcreaterole, rolcreatedb, rolcanlogin, rolconnlimit"
                " FROM pg_roles WHERE rolname = %s",
                [role],
            )
            assert flags == (False, False, False, True, 20)
            login = {"user": role, "password": "it's\nsecond"}
            with psycopg.connect(**{**server, **login}) as reader:
                shown = "SHOW default_transaction_read_only"
                assert reader.execute(shown).fetchone() == ("on",)
                assert reader.execute("SHOW statement_timeout").fetchone() == ("1min",)
        finally:
            admin.execute(f"DROP ROLE IF EXISTS {role}")


# -- the plugin ---------------------------------------------------------------------


class Plugin:
    """The requests of the data source plugin: Zinc grids by POST, one a connection."""

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self.headers = {
            "Authorization": f"Bearer authToken={token}",
            "Content-Type": "text/zinc; charset=utf-8",
            "Accept": "text/zinc",
            "Connection": "Close",
        }

    def post(self, op: str, grid: Grid) -> Grid:
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=PATIENCE
        )
        body = zinc_writer.grid_text(grid)
        connection.request("POST", f"/api/{op}", body, self.headers)
        found = connection.getresponse()
        text = found.read().decode()
        connection.close()
        assert found.status == 200, text
        grid = zinc_reader.read_grid(text)
        assert not grid.is_error, grid.meta
        return grid

    def his_read(self, record: Any) -> Grid:
        """Times are in the zone of the point."""
        bounds = [DateTime(time, record["tz"]) for time in (SPAN.start, SPAN.end)]
        row = {"id": record["id"], "range": ",".join(map(str, bounds))}
        return self.post("hisRead", Grid.of([row]))

    def eval(self, text: str) -> Grid:
        zone = zone_of("UTC")
        for name, time in (("start", SPAN.start), ("end", SPAN.end)):
            local = time.astimezone(zone)
            axon = f'dateTime({local:%Y-%m-%d},{local:%H:%M:%S},"UTC")'
            text = text.replace(f"$__timeRange_{name}", axon)
        return self.post("eval", Grid.of([{"expr": text}]))


@pytest.fixture
def plugin(transactional_db: None, scram_passwords: None) -> Iterator[Plugin]:
    fill(storages["default"])
    grafana = user("grafana", "viewer")
    with served() as port:
        yield Plugin(port, issue(grafana))


def test_the_login_of_the_plugin(db: None, scram_passwords: None) -> None:
    user("grafana", "viewer")
    shaking = Handshake(Client(), "grafana")
    shaking.hello()
    shaking.first()
    done = shaking.final()
    assert done.status_code == 200


def test_what_the_plugin_asks_first(plugin: Plugin) -> None:
    assert plugin.post("about", Grid()).first["whoami"] == "grafana"
    names = {row["def"].name for row in plugin.post("ops", Grid())}
    assert {f"op:{name}" for name in ("eval", "read", "hisRead", "nav")} <= names
    roots = plugin.post("nav", zinc_reader.read_grid('ver:"3.0"\nnavId\nN\n'))
    [site] = list(roots)
    below = plugin.post("nav", Grid.of([{"navId": site["navId"]}]))
    assert [row["id"].id for row in below] == ["ahu"]


def test_every_query_of_the_plugin(plugin: Plugin) -> None:
    asked: dict[str, Callable[[str], list[Grid]]] = {
        "read": lambda text: [plugin.post("read", Grid.of([{"filter": text}]))],
        "eval": lambda text: [plugin.eval(text)],
        "hisReadFilter": lambda text: [
            plugin.his_read(row)
            for row in plugin.post("read", Grid.of([{"filter": f"{text} and his"}]))
        ],
    }
    kinds = set()
    for target in targets(API):
        kind = target.query["type"]
        kinds.add(kind)
        text = filled(target.query[kind], {"equip": "ahu", "site": "hq"}, SPAN)
        grids = asked[kind](text)
        assert grids, target.name
        assert all(list(grid) for grid in grids), target.name
    assert kinds == set(asked)


def test_intervals_of_the_plugin(plugin: Plugin) -> None:
    """The page replaces ``$__interval``, or else the plugin does."""
    for interval in ("15m", "15min", "30s", "1h", "0.5min", "1d"):
        text = (
            "readAll(temp and equipRef==@ahu)"
            ".hisRead($__timeRange_start..$__timeRange_end).hisRollup(avg, $__interval)"
        ).replace("$__interval", interval)
        found = plugin.eval(text)
        assert list(found), interval
        assert found.cols[1].meta["dis"] == "Zone temp"


def test_the_user_of_the_plugin_as_the_document_makes_it(db: None) -> None:
    text = (files.DOCKER / "README.md").read_text("utf-8")
    [found] = re.findall(r"-d \"(\{.*?grafana_api_password.*?\})\"", text)
    body = found.replace('\\"', '"').replace(
        "$(cat secrets/grafana_api_password)", secrets.token_hex(16)
    )
    boss = Client()
    boss.force_login(user("boss", is_staff=True, is_superuser=True))
    made = boss.post("/api/users/", body, content_type="application/json")
    assert made.status_code == 201, made.content
    assert made.json()["groups"] == ["viewer"]
    assert quote("grafana") == made.json()["username"]
