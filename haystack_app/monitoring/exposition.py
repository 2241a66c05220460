"""``/metrics``: the metrics of all processes of this host, for Prometheus.

Source: the OpenMetrics specification; the text format of Prometheus for others.
"""

from __future__ import annotations

import os
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from ..auth import throttle
from .access import is_open, may_scrape
from .collector import StoreCollector

__all__ = ["metrics"]

_PROCESSES = "PROMETHEUS_MULTIPROC_DIR"


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Not found unless the settings say who may read them."""
    if not is_open():
        raise Http404("metrics are off: set HAYSTACK['METRICS']")
    if not may_scrape(request):
        try:
            throttle.count_anonymous(request)
        except throttle.TooManyRequests as error:
            text, seconds = str(error), str(error.seconds)
            return HttpResponse(text, status=429, headers={"Retry-After": seconds})
        return HttpResponse(
            "a token of HAYSTACK['METRICS'] is required\n",
            status=401,
            content_type="text/plain",
            headers={"WWW-Authenticate": "Bearer"},
        )
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    body = b"".join(_parts(encode))
    return HttpResponse(
        body, content_type=content_type, headers={"Cache-Control": "no-store"}
    )


def _parts(encode: object) -> list[bytes]:
    registry = CollectorRegistry()
    if folder := os.environ.get(_PROCESSES):
        _forget_dead(Path(folder))
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(REGISTRY)
    registry.register(StoreCollector())
    return [encode(registry)]  # type: ignore[operator]


def _forget_dead(folder: Path) -> None:
    """Drop the gauges of processes that have ended; their counts stay."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            mark_process_dead(int(pid), str(folder))  # type: ignore[no-untyped-call]
