"""``/metrics``: who may read it, that it is well-formed, and that it counts."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from haystack_app.models import Connector
from haystack_app.monitoring import collector, stores
from haystack_app.storage.handler import storages
from haystack_app.storage.redis import RedisAdapter
from tests.api.conftest import Api, fill, logged_in
from tests.storage.building import at, numbers

TOKEN = "scrape-me-not"


@pytest.fixture
def open_metrics(settings: Any, db: None) -> None:
    cache.clear()
    metrics = {"TOKEN": TOKEN, "NETWORKS": ["10.0.0.0/8"]}
    settings.HAYSTACK = {**settings.HAYSTACK, "METRICS": metrics}


def scrape(**headers: str) -> Any:
    given = {"Authorization": f"Bearer {TOKEN}", **headers}
    return Client().get("/metrics", headers=given)


def values(name: str) -> dict[tuple[tuple[str, str], ...], float]:
    """The samples of one name, by labels."""
    text = scrape().content.decode()
    return {
        tuple(sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


def value(name: str, **labels: str) -> float:
    return values(name).get(tuple(sorted(labels.items())), 0.0)


def test_they_are_off_by_default(db: None, admin_client: Client) -> None:
    assert Client().get("/metrics").status_code == 404
    assert admin_client.get("/metrics").status_code == 404


@pytest.mark.parametrize(
    ("header", "address", "status"),
    [
        (f"Bearer {TOKEN}", "192.0.2.1", 200),
        (f"bearer {TOKEN}", "192.0.2.1", 200),
        ("Bearer wrong", "192.0.2.1", 401),
        ("", "192.0.2.1", 401),
        ("", "10.1.2.3", 200),
        ("", "::ffff:10.1.2.3", 200),
        ("", "2001:db8::1", 401),
        ("Bearer wrong", "10.1.2.3", 401),
        ("", "no address", 401),
    ],
)
def test_who_may_read_them(
    open_metrics: None, header: str, address: str, status: int
) -> None:
    headers = {"Authorization": header} if header else {}
    answer = Client().get("/metrics", headers=headers, REMOTE_ADDR=address)
    assert answer.status_code == status
    if status == 401:
        assert answer["WWW-Authenticate"] == "Bearer"
        assert b"haystack_" not in answer.content


def test_a_login_does_not_open_them(open_metrics: None, admin_client: Client) -> None:
    assert admin_client.get("/metrics").status_code == 401


def test_guesses_are_throttled(open_metrics: None, settings: Any) -> None:
    rates = {"USER": 9, "ADDRESS": 3, "LOG_IN_ADDRESS": 9, "LOG_IN_USER": 9}
    settings.HAYSTACK = {**settings.HAYSTACK, "THROTTLE": rates}
    found = [scrape(Authorization=f"Bearer {n}").status_code for n in range(5)]
    assert found == [401, 401, 401, 429, 429]


def test_a_forwarded_address_counts_only_behind_a_proxy(
    open_metrics: None, settings: Any
) -> None:
    forged = {"X-Forwarded-For": "10.0.0.1"}
    answer = Client().get("/metrics", headers=forged, REMOTE_ADDR="192.0.2.1")
    assert answer.status_code == 401


def test_they_are_well_formed(open_metrics: None) -> None:
    fill(storages["default"])
    accept = "application/openmetrics-text; version=1.0.0"
    answer = scrape(Accept=accept)
    assert answer["Content-Type"].startswith("application/openmetrics-text")
    families = list(openmetrics.text_string_to_metric_families(answer.content.decode()))
    names = {family.name for family in families}
    assert {
        "haystack_requests",
        "haystack_ops",
        "haystack_up",
        "haystack_jobs",
    } <= names
    assert all(family.documentation for family in families if "haystack" in family.name)


def test_requests_and_ops_are_counted(open_metrics: None) -> None:
    fill(storages["default"])
    api = Api(logged_in("vera", "viewer"))
    ok = {"op": "read", "storage": "default", "outcome": "ok"}
    before = value("haystack_ops_total", **ok)
    errors = value("haystack_ops_total", **{**ok, "outcome": "error"})
    seconds = value("haystack_op_seconds_count", op="read")
    read, unknown = requests("read", "200"), requests("unknown", "404")
    api.get("read", filter="site")
    api.get("read", filter="site and")
    assert value("haystack_ops_total", **ok) == before + 1
    assert value("haystack_ops_total", **{**ok, "outcome": "error"}) == errors + 1
    assert value("haystack_op_seconds_count", op="read") == seconds + 2
    assert requests("read", "200") == read + 2
    api.get("nosuch")
    assert requests("unknown", "404") == unknown + 1


def requests(target: str, status: str) -> float:
    """The requests to the storage "default"."""
    labels = {"target": target, "storage": "default", "status": status}
    return value("haystack_requests_total", **labels)


def test_paths_of_strangers_make_no_labels(open_metrics: None) -> None:
    for path in ("/api/aaaa", "/api/bbbb/read", "/cccc", "/explore/dddd/"):
        Client().get(path)
    text = scrape().content.decode()
    for word in ("aaaa", "bbbb", "cccc", "dddd"):
        assert word not in text


def test_samples_and_logins_are_counted(open_metrics: None) -> None:
    store = storages["default"]
    fill(store)
    samples = value("haystack_samples_written_total", storage="default")
    refused = value("haystack_logins_refused_total", reason="password")
    store.his_write("n", numbers(3, at("2024-03-01 12:00")))
    Client().login(username="unknown", password="wrong")
    assert value("haystack_samples_written_total", storage="default") == samples + 3
    assert value("haystack_logins_refused_total", reason="password") == refused + 1


def test_what_stores_hold(open_metrics: None) -> None:
    store = storages["default"]
    fill(store)
    store.his_write("n", numbers(2, at("2024-03-01 12:00")))
    stores.forget()
    assert value("haystack_up", storage="default") == 1
    assert value("haystack_entities", storage="default", kind="site") == 2
    assert value("haystack_samples", storage="default") == 2


def test_a_store_that_is_down_is_said(
    open_metrics: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores.forget()
    down = RedisAdapter("down", url="redis://127.0.0.1:1/0")
    monkeypatch.setattr(collector, "storages", {"down": down})
    assert value("haystack_up", storage="down") == 0
    stores.forget()


def test_processes_of_a_host_are_summed(tmp_path: Path) -> None:
    """Each process has files of its own, and any of them answers for all."""
    count = (
        "from haystack_app.instruments import OPS; OPS.labels('read', 'x', 'ok').inc()"
    )
    show = (
        "from prometheus_client import CollectorRegistry, generate_latest;"
        "from prometheus_client.multiprocess import MultiProcessCollector;"
        "r = CollectorRegistry(); MultiProcessCollector(r);"
        "print(generate_latest(r).decode())"
    )
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for code in (count, count):
        subprocess.run([sys.executable, "-c", code], env=env, check=True)
    done = subprocess.run(
        [sys.executable, "-c", show],
        env=env,
        check=True,
        capture_output=True,
        text=True,
    )
    assert 'haystack_ops_total{op="read",outcome="ok",storage="x"} 2.0' in done.stdout


def test_rows_and_samples_that_are_read(open_metrics: None) -> None:
    store = storages["default"]
    fill(store)
    store.his_write("n", numbers(5, at("2024-03-01 12:00")))
    api = Api(logged_in("vera", "viewer"))
    rows = value("haystack_op_rows_total", op="read")
    samples = value("haystack_samples_read_total", storage="default")
    api.get("read", filter="site")
    api.get("hisRead", id="@n", range="2024-03-01,2024-03-02")
    assert value("haystack_op_rows_total", op="read") == rows + 2
    assert value("haystack_samples_read_total", storage="default") == samples + 5


@pytest.mark.parametrize("alias", ["default", "postgres", "timescale"])
@pytest.mark.django_db(databases=["default", "postgres", "timescale"])
def test_sizes_of_tables_and_watches(
    open_metrics: None, alias: str, settings: Any
) -> None:
    if alias in settings.MISSING_SERVICES:
        pytest.skip(settings.MISSING_SERVICES[alias])
    store = storages[alias]
    fill(store)
    store.his_write("n", numbers(500, at("2024-03-01 12:00")))
    facts = stores.store_facts(store)
    assert facts.watches == 0
    store.watch_open("w", owner="ann", lease=60.0, now=timezone.now())
    facts = stores.store_facts(store)
    assert facts.watches == 1
    if alias != "default":
        assert facts.tables["history"] > 8_192 < facts.tables["entities"]


def test_connectors_are_shown(open_metrics: None) -> None:
    now = timezone.now()
    states = {"ok": "north", "unreachable": "south"}
    for status, name in states.items():
        Connector.objects.create(
            name=name, kind="haystack", enabled=True, status=status, lag=3.5,
            last_success_at=now - dt.timedelta(minutes=1),
        )  # fmt: skip
    Connector.objects.create(name="off", kind="haystack")
    assert values("haystack_connector_up") == {
        (("connector", "north"),): 1.0,
        (("connector", "south"),): 0.0,
    }
    assert value("haystack_connector_lag_seconds", connector="south") == 3.5
    age = value("haystack_connector_success_age_seconds", connector="north")
    assert 60 <= age < 600
