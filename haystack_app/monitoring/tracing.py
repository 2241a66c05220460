"""Traces for OpenTelemetry, if the environment asks for them.

A request is a span with its statements as children. Source: the specification of
OpenTelemetry's environment variables, and its semantic conventions for databases.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.http import HttpRequest, HttpResponseBase

from ..extras import imported_for
from ..request_facts import current_facts

__all__ = ["is_wanted", "start"]

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_SERVICE = "haystack-server"
_LONGEST = 2_000
_AFTER_MONITOR = 1
"""Place in ``MIDDLEWARE``: what is known of a request is there until it is answered."""


def is_wanted(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the standard variables name a collector to send traces to."""
    is_off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    exporter = environ.get("OTEL_TRACES_EXPORTER", "otlp")
    return not is_off and exporter == "otlp" and any(map(environ.get, _ENDPOINTS))


def start() -> None:
    """Send traces of this process; call it before the first handler is made.

    Raises ImproperlyConfigured where the extra ``tracing`` is missing.
    """
    with imported_for("tracing with OTEL_EXPORTER_OTLP_ENDPOINT", "tracing"):
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
            OTLPSpanExporter,
        )
        from opentelemetry.instrumentation.django import DjangoInstrumentor
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    os.environ.setdefault("OTEL_SERVICE_NAME", _SERVICE)
    provider = TracerProvider(resource=Resource.create())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    DjangoInstrumentor().instrument(
        response_hook=_describe, middleware_position=_AFTER_MONITOR
    )
    tracer = trace.get_tracer(__name__)
    connection_created.connect(
        lambda connection, **_: _trace(connection, tracer, trace.get_current_span),
        weak=False,
        dispatch_uid=__name__,
    )


def _describe(span: Any, request: HttpRequest, response: HttpResponseBase) -> None:
    facts = current_facts.get()
    if facts is None or not span.is_recording():
        return
    span.set_attribute("haystack.request_id", facts.id)
    if facts.op:
        span.set_attribute("haystack.op", facts.op)
        span.set_attribute("haystack.rows", facts.rows)


def _trace(
    connection: BaseDatabaseWrapper, tracer: Any, current_span: Callable[[], Any]
) -> None:
    """Make a span of each statement of a request, without its values.

    OpenTelemetry's instrumentations of drivers also trace the statements of threads
    that answer no request: 12 a second of a server that does nothing.
    """
    vendor = connection.vendor

    def traced(
        execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        if not current_span().is_recording():
            return execute(sql, params, many, context)
        name = sql.lstrip().partition(" ")[0].upper()
        with tracer.start_as_current_span(f"{name} {connection.alias}") as span:
            span.set_attribute("db.system.name", vendor)
            span.set_attribute("db.query.text", sql[:_LONGEST])
            return execute(sql, params, many, context)

    if not any(one.__module__ == __name__ for one in connection.execute_wrappers):
        connection.execute_wrappers.append(traced)
