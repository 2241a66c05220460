from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig
from django.conf import settings


class HaystackConfig(AppConfig):
    name = "haystack_app"
    verbose_name = "Haystack"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks, conf  # noqa: F401  registers them
        from .auth import (  # noqa: F401  connect receivers
            audit_signals,
            failures,
            first_admin,
            roles,
            token_signals,
        )

        conf.apply()
        for module in settings.HAYSTACK.get("ACTIONS", []):
            import_module(module)
