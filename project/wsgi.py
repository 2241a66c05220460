"""For hosts that insist on WSGI; ``project/asgi.py`` can do more."""

import os

from haystack_app.serving import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
application = get_wsgi_application()
