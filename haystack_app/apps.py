from __future__ import annotations

from django.apps import AppConfig


class HaystackConfig(AppConfig):
    name = "haystack_app"
    verbose_name = "Haystack"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks  # noqa: F401  registers them
