"""What servers and commands import, as far as it needs no settings; see ``forks``."""

from importlib import import_module

from django.conf import settings

for _name in (
    "a2wsgi",
    "channels.generic.websocket",
    "channels.routing",
    "channels_redis.core",
    "django.contrib.auth.hashers",
    "django.core.handlers.asgi",
    "django.core.handlers.wsgi",
    "django.core.management",
    "django.db.backends.postgresql.base",
    "django.db.backends.sqlite3.base",
    "django.forms",
    "django.template.loader",
    "django.views.generic",
    "django_redis.cache",
    "environ",
    "haystack_app.defs",
    "haystack_app.filters",
    "haystack_app.wire.registry",
    "jsonschema",
    "psycopg_pool",
    "redis.asyncio",
    "rest_framework.request",
    "rest_framework.response",
    "tqdm",
    "uritemplate",
    "uvicorn.main",
    "uvicorn.protocols.http.httptools_impl",
    "whitenoise.middleware",
    "yaml",
):
    import_module(_name)

assert not settings.configured, "each process has settings of its own"
