"""What Grafana makes of a dashboard's queries, as its documentation says.

Macros: the page on the PostgreSQL query editor; variables: that on their syntax, with
the formats ``sqlstring`` and ``raw``; ``$__interval``: that on built-in variables.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import yaml

from tests.docker.files import DOCKER

FOLDER = DOCKER / "grafana"
SQL, API = "grafana-postgresql-datasource", "needleinajaystack-haystack-datasource"
_MACRO = re.compile(r"\$__(\w+)\(([^)]*)\)")
_VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}")
_SIZES = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def dashboards() -> dict[str, Any]:
    paths = sorted((FOLDER / "dashboards").glob("*.json"))
    return {path.stem: json.loads(path.read_text("utf-8")) for path in paths}


def datasources() -> list[dict[str, Any]]:
    text = (FOLDER / "provisioning/datasources/haystack.yaml").read_text("utf-8")
    found: list[dict[str, Any]] = yaml.safe_load(text)["datasources"]
    return found


class Target(NamedTuple):
    """A query of a panel."""

    board: str
    title: str
    query: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.board}: {self.title}"


def targets(kind: str) -> Iterator[Target]:
    for board, found in dashboards().items():
        for panel in found["panels"]:
            for query in panel["targets"]:
                if query["datasource"]["type"] == kind:
                    yield Target(board, panel["title"], query)


class Range(NamedTuple):
    """What a person looks at, and how long an interval is for it."""

    start: dt.datetime
    end: dt.datetime
    interval: str = "5m"


def filled(text: str, variables: Mapping[str, str], span: Range) -> str:
    """Variables in their formats, and ``$__interval``."""

    def value(match: re.Match[str]) -> str:
        found = variables[match[1]]
        if match[2] == "sqlstring":
            return "'" + found.replace("'", "''") + "'"
        assert match[2] == "raw", match[0]
        return found

    text = _VARIABLE.sub(value, text)
    return re.sub(r"\$__interval\b", span.interval, text)


def expanded(sql: str, span: Range, *, timescale: bool) -> str:
    """The statement that is sent to the database."""

    def macro(match: re.Match[str]) -> str:
        name = match[1]
        arguments = [one.strip().strip("'") for one in match[2].split(",")]
        start, end = f"'{_iso(span.start)}'", f"'{_iso(span.end)}'"
        if name == "timeFilter":
            return f"{arguments[0]} BETWEEN {start} AND {end}"
        if name in ("timeFrom", "timeTo"):
            return start if name == "timeFrom" else end
        assert name == "timeGroupAlias", name
        seconds = int(arguments[1][:-1]) * _SIZES[arguments[1][-1]]
        if timescale:
            return f"time_bucket('{seconds}.000s',{arguments[0]}) AS \"time\""
        return (
            f'floor(extract(epoch from {arguments[0]})/{seconds})*{seconds} AS "time"'
        )

    return _MACRO.sub(macro, sql)


def _iso(time: dt.datetime) -> str:
    return time.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
