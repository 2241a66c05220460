"""Traces of a server arrive at a collector: requests, and their statements."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)

from haystack_app.auth.tokens import issue
from haystack_app.monitoring.tracing import is_wanted
from haystack_app.storage.handler import storages
from tests.api.conftest import fill, user
from tests.api.servers import Server, url_of
from tests.patience import PATIENCE, eventually

SECRET = "not-to-be-traced"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, True),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_SDK_DISABLED": "true"},
            False,
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_TRACES_EXPORTER": "none"},
            False,
        ),
    ],
)
def test_standard_variables_decide(environ: dict[str, str], expected: bool) -> None:
    assert is_wanted(environ) is expected


class Collector(ThreadingHTTPServer):
    """Collects spans by OpenTelemetry's protocol over HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[bytes] = []

    def spans(self) -> list[Any]:
        return [
            span
            for body in self.bodies
            for of in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in of.scope_spans
            for span in scope.spans
        ]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        coding = self.headers.get("Content-Encoding")
        assert isinstance(self.server, Collector)
        self.server.bodies.append(gzip.decompress(body) if coding == "gzip" else body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.django_db(transaction=True)
def test_a_request_and_its_statements(collector: Collector, tmp_path: Path) -> None:
    fill(storages["default"])
    token = issue(user("ann", "viewer"))
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    with Server(url_of("default"), tmp_path, **environ) as server:
        filter = quote(f'site and dis=="{SECRET}"')
        url = f"{server.root}/api/read?filter={filter}"
        request = Request(url, headers={"Authorization": f"Bearer {token}"})
        with urlopen(request, timeout=PATIENCE) as answer:
            id = answer.headers["X-Request-ID"]
        eventually(lambda: root_of(collector, id), "the span of the request")
    root = root_of(collector, id)
    assert attributes(root)["haystack.op"] == "read"
    assert attributes(root)["haystack.rows"] == 0
    children = [one for one in collector.spans() if one.parent_span_id == root.span_id]
    texts = [attributes(one)["db.query.text"] for one in children]
    assert any("entities" in text for text in texts)
    assert not any(SECRET in text for text in texts)
    assert token not in str(collector.spans())


def attributes(span: Any) -> dict[str, Any]:
    return {
        one.key: one.value.string_value or one.value.int_value
        for one in span.attributes
    }


def root_of(collector: Collector, id: str) -> Any:
    """The span of the request with this id."""
    found = (
        span
        for span in collector.spans()
        if attributes(span).get("haystack.request_id") == id
    )
    return next(found, None)
