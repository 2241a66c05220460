"""``haystack_demo_user``: create a superuser to try the server on a local machine."""

from __future__ import annotations

import os
import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand

_TEXT = """
  Front page  {base}/
  Admin       {base}/admin/
  API         curl -u '{name}:{password}' '{base}/api/read?filter=site'

  User        {name}
  Password    {password}   (changes at each start)
"""
_ALL_INTERFACES = {"0.0.0.0", "::", ""}


class Command(BaseCommand):
    help = (
        "Create the superuser DEMO_USER (default: demo), or give it a new password, "
        "and print the password and the addresses (HOST, PORT)."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        name = os.environ.get("DEMO_USER") or "demo"
        password = secrets.token_urlsafe(12)
        users = get_user_model()
        user, _ = users._default_manager.get_or_create(
            **{users.USERNAME_FIELD: name},
            defaults={"is_staff": True, "is_superuser": True},
        )
        user.set_password(password)
        user.is_active = True
        for flag in ("is_staff", "is_superuser"):
            setattr(user, flag, True)
        user.save()
        self.stdout.write(_TEXT.format(base=_base(), name=name, password=password))


def _base() -> str:
    host = os.environ.get("HOST", "127.0.0.1")
    port = os.environ.get("PORT", "8000")
    return f"http://{'127.0.0.1' if host in _ALL_INTERFACES else host}:{port}"
