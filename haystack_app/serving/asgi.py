"""One process and one port for everything: pages, API, websockets.

HTTP runs through the WSGI handler in threads: Django's own ASGI handler costs
3-7 times the CPU for each request. Websockets run in the event loop.
"""

from __future__ import annotations

from channels.routing import ProtocolTypeRouter
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler

from ..conf import app_settings, limit
from . import open_files
from .bodies import App, BodyLayer
from .health import HealthLayer
from .http10 import OldClientLayer
from .slow_clients import SlowClientLayer
from .spool import Budget
from .turns import TurnLayer
from .wsgi import get_wsgi_application
from .wsgi_threads import wsgi_in_threads

__all__ = ["get_asgi_application"]


def get_asgi_application(
    *,
    websocket: App | None = None,
    health: bool = True,
    max_body: int | None = None,
) -> App:
    """The whole project, with the websockets of ``haystack_app.urls``.

    ``websocket`` is the application of the project's other websockets, for every
    path that is not in ``haystack_app.urls``. ``health`` answers ``/healthz`` and
    ``/readyz``. ``max_body`` is the most bytes of the body of any request, by
    default ``HAYSTACK["LIMITS"]["BODY"]``, to which the API keeps in any case.

    Starts the threads of maintenance, of jobs, of webhooks, of alarms and, where it is
    on, of the simulation.
    Run the server with ``--lifespan off``.
    """
    wsgi = get_wsgi_application()  # it sets Django up, which these imports need

    from .. import maintenance
    from ..alarms import job as alarm_job
    from ..jobs import embedded
    from ..live.events_app import EventsApp, with_events_app
    from ..live.hub import with_hub
    from ..live.routing import refuse, websocket_app
    from ..webhooks import starter as webhook_starter

    http = _http_app(wsgi, max_body or limit("BODY"))
    # not the layer for slow clients, which would read ahead for them
    events = EventsApp(wsgi, patience=app_settings.PATIENCE_SECONDS)
    feed = OldClientLayer(events)
    open_files.raise_limit()
    maintenance.start()
    embedded.start()
    webhook_starter.start()
    alarm_job.start()
    if app_settings.SIMULATE_SECONDS > 0:
        from ..demo.simulator import start as start_simulator

        start_simulator()
    return with_hub(
        ProtocolTypeRouter(
            {
                "http": with_events_app(feed, HealthLayer(http) if health else http),
                "websocket": websocket_app(websocket or refuse),
            }
        )
    )


def _http_app(wsgi: WSGIHandler, max_body: int) -> App:
    """The layers around the threads in which Django runs."""
    from .credentials import body_limit  # which imports views

    threads = TurnLayer(
        wsgi_in_threads(wsgi, app_settings.THREADS),
        cookie=settings.SESSION_COOKIE_NAME,
    )
    budget = Budget(limit("SPOOL"))
    return SlowClientLayer(
        OldClientLayer(
            BodyLayer(threads, max_body=max_body, budget=budget, limit_of=body_limit)
        ),
        patience=app_settings.PATIENCE_SECONDS,
        budget=budget,
    )
