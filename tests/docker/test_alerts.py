"""Rules for Prometheus and its dashboard use metrics that exist, and are well-formed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from haystack_app.monitoring import collector
from haystack_app.replicas.replica import State
from haystack_app.replicas.report import ReplicaReport, Replication

ROOT = Path(__file__).resolve().parents[2]
RULES = yaml.safe_load((ROOT / "docker/prometheus/alerts.yml").read_text())
BOARD = json.loads((ROOT / "docker/prometheus/dashboard.json").read_text())
QUERIES = [
    (panel["title"], target["expr"].replace("$__rate_interval", "5m"))
    for panel in BOARD["panels"]
    for target in panel["targets"]
]
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]


REPLICATION = Replication([ReplicaReport("replica_1", State.FRESH, 0.1)], 1, False)


@pytest.fixture
def names(
    settings: Any, db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> set[str]:
    """Those of a server with a back-up target and a replica."""
    monkeypatch.setattr(collector, "replication", lambda: REPLICATION)
    given = {
        "METRICS": {"TOKEN": "t", "NETWORKS": []},
        "BACKUP": {"TARGET": str(tmp_path)},
    }
    settings.HAYSTACK = {**settings.HAYSTACK, **given}
    answer = Client().get("/metrics", headers={"Authorization": "Bearer t"})
    found = set()
    for family in text_string_to_metric_families(answer.content.decode()):
        ends = ("", "_total", "_bucket", "_count", "_sum")
        found |= {f"{family.name}{end}" for end in ends}
    return found


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_alerts(alert: dict[str, Any], names: set[str]) -> None:
    used = set(re.findall(r"\bhaystack_\w+", alert["expr"]))
    assert used and used <= names
    assert alert["expr"].count("(") == alert["expr"].count(")")
    assert alert["labels"]["severity"] in ("info", "warning", "critical")
    assert alert["annotations"]["summary"]


@pytest.mark.parametrize(("title", "query"), QUERIES)
def test_the_dashboard(title: str, query: str, names: set[str]) -> None:
    used = set(re.findall(r"\bhaystack_\w+", query))
    assert used and used <= names, title


def test_panels_of_the_dashboard_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells


def test_promtool_reads_rules_and_queries(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool (Debian's package prometheus)")
    rules = [
        {"record": f"board:query:{n}", "expr": query}
        for n, (_, query) in enumerate(QUERIES)
    ]
    board = tmp_path / "board.yml"
    board.write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": rules}]}))
    alerts = ROOT / "docker/prometheus/alerts.yml"
    done = subprocess.run(
        [promtool, "check", "rules", alerts, board], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_the_document_names_every_metric(names: set[str]) -> None:
    text = (ROOT / "docs/monitoring.md").read_text()
    documented = {
        re.sub(r"_(total|bucket|count|sum)$", "", name)
        for name in re.findall(r"haystack_\w+", text)
    }
    for name in names:
        if name.startswith("haystack_") and name.count("_") > 0:
            plain = re.sub(r"_(total|bucket|count|sum)$", "", name)
            assert plain.removesuffix("_created") in documented, name
