"""Run it with ``uvicorn --lifespan off project.asgi:application``."""

import os

from haystack_app.serving import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
application = get_asgi_application()
