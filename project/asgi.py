"""One process and one port for everything; run with ``--lifespan off``.

HTTP runs through the WSGI handler in threads: Django's own ASGI handler costs
3-7 times the CPU for each request. Websockets run in the event loop.
"""

from __future__ import annotations

from typing import Any

from a2wsgi import WSGIMiddleware
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings

from project.wsgi import application as wsgi_application  # it sets Django up

# isort: split

from haystack_app import ticking
from haystack_app.conf import limit
from haystack_app.demo import simulating
from haystack_app.live.feed import Feed, with_feed
from haystack_app.live.hub import with_hub
from haystack_app.live.routing import websocket_urls
from project.body import BodyLayer
from project.header_names import HeaderNameLayer
from project.health import HealthLayer
from project.old_clients import OldClientLayer
from project.slow_clients import SlowClientLayer, until_gone

# Any: each package has its own names for the same ASGI and WSGI types.
wsgi: Any = until_gone(wsgi_application)
threads: Any = WSGIMiddleware(wsgi, workers=settings.HAYSTACK_THREADS)
http = HealthLayer(
    SlowClientLayer(
        OldClientLayer(HeaderNameLayer(BodyLayer(threads, max_body=limit("BODY")))),
        patience=settings.HAYSTACK_PATIENCE_SECONDS,
    )
)
# Not behind the layer for slow clients: it would read ahead for them.
feed = OldClientLayer(
    Feed(wsgi_application, patience=settings.HAYSTACK_PATIENCE_SECONDS)
)
ticker, simulator = ticking.start(), simulating.start()
application = with_hub(
    ProtocolTypeRouter(
        {"http": with_feed(feed, http), "websocket": URLRouter(websocket_urls)}
    )
)
