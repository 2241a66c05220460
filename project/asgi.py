"""One process and one port for everything; run with ``--lifespan off``.

HTTP runs through the WSGI handler in threads: Django's own ASGI handler costs
3-7 times the CPU for each request. Websockets run in the event loop.
"""

from __future__ import annotations

from typing import Any

from a2wsgi import WSGIMiddleware
from channels.routing import ProtocolTypeRouter, URLRouter

from project.wsgi import application as wsgi_application  # it sets Django up

# isort: split

from haystack_app import maintenance
from haystack_app.conf import app_settings, limit
from haystack_app.demo.simulator import start as start_simulator
from haystack_app.live.changes_app import Feed, with_changes_app
from haystack_app.live.hub import with_hub
from haystack_app.live.routing import websocket_urls
from haystack_app.serving.bodies import BodyLayer
from haystack_app.serving.header_names import HeaderNameLayer
from haystack_app.serving.health_layer import HealthLayer
from haystack_app.serving.http10 import OldClientLayer
from haystack_app.serving.slow_clients import SlowClientLayer, until_gone

# Any: each package has its own names for the same ASGI and WSGI types.
wsgi: Any = until_gone(wsgi_application)
threads: Any = WSGIMiddleware(wsgi, workers=app_settings.THREADS)
http = HealthLayer(
    SlowClientLayer(
        OldClientLayer(HeaderNameLayer(BodyLayer(threads, max_body=limit("BODY")))),
        patience=app_settings.PATIENCE_SECONDS,
    )
)
# Not behind the layer for slow clients: it would read ahead for them.
feed = OldClientLayer(Feed(wsgi_application, patience=app_settings.PATIENCE_SECONDS))
ticker, simulator = maintenance.start(), start_simulator()
application = with_hub(
    ProtocolTypeRouter(
        {"http": with_changes_app(feed, http), "websocket": URLRouter(websocket_urls)}
    )
)
