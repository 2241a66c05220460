from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured


class HaystackConfig(AppConfig):
    name = "haystack_app"
    verbose_name = "Haystack"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.contrib.auth import get_user_model
        from django.contrib.auth.models import PermissionsMixin

        if not issubclass(get_user_model(), PermissionsMixin):
            raise ImproperlyConfigured(
                "AUTH_USER_MODEL must extend PermissionsMixin, as AbstractUser does"
            )
        from . import (  # noqa: F401  register checks, receivers and backend
            checks,
            conf,
            downgrades,
            host_checks,
            model_backend,
            statement_times,
        )
        from .alarms import job as alarm_job  # noqa: F401  its task and receivers
        from .auth import (  # noqa: F401  connect receivers
            first_admin,
            last_login,
            roles,
            second_factor,
            signals,
            token_signals,
        )
        from .backups import nightly  # noqa: F401  registers its task
        from .connectors import built_in as connector_kinds
        from .imports import uploads  # noqa: F401  registers its tasks
        from .jobs import signals as job_signals  # noqa: F401
        from .live import signals as live_signals  # noqa: F401
        from .sql import sessions  # noqa: F401
        from .webhooks import signals as webhook_signals  # noqa: F401

        if second_factor.is_installed():
            from .sso import receivers  # noqa: F401
        conf.apply()
        last_login.replace_receiver()
        connector_kinds.register()
        for module in conf.app_settings.ACTIONS:
            import_module(module)
