"""The entry points of servers: the ASGI application, and the WSGI one.

A project's ``asgi.py`` imports this before Django is set up, so that nothing here
imports models.
"""

from .asgi import get_asgi_application
from .wsgi import get_wsgi_application

__all__ = ["get_asgi_application", "get_wsgi_application"]
