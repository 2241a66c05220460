"""``haystack_token``: create, list and revoke API tokens."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from haystack_app.auth import tokens
from haystack_app.models import Token

_MAX_DAYS = 36_500


class Command(BaseCommand):
    help = "Create, list and revoke tokens, which programs send instead of a password."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser(
            "create", help="create a token and print it; it is not shown again"
        )
        create.add_argument("user")
        create.add_argument("name", help="purpose of the token")
        scopes = [scope for scope, _ in Token.SCOPES]
        create.add_argument("--scope", choices=scopes, default=Token.READ)
        create.add_argument(
            "--days", type=int, help="lifetime in days (default: unlimited)"
        )
        listing = actions.add_parser("list", help="list tokens, including logins")
        listing.add_argument("user", nargs="?")
        revoke = actions.add_parser("revoke", help="revoke a token")
        revoke.add_argument("user")
        revoke.add_argument(
            "name", nargs="?", help="default: all tokens of the user, including logins"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, options["action"])(options)

    def create(self, options: dict[str, Any]) -> None:
        user, name, days = _user(options["user"]), options["name"], options["days"]
        if not 0 < len(name) <= 100:
            raise CommandError("the name must have 1 to 100 characters")
        if days is not None and not 0 < days <= _MAX_DAYS:
            raise CommandError(f"--days must be 1 to {_MAX_DAYS:,}, not {days:,}")
        if Token.objects.filter(user=user, name=name).exists():
            raise CommandError(f"token {name!r} of user {user} already exists")
        token = Token(user=user, name=name, scope=options["scope"])
        if days is not None:
            token.expires = timezone.now() + dt.timedelta(days=days)
        secret = tokens.create_secret(token)
        token.save()
        self.stderr.write(
            f"Token with scope {token.scope}; send it as 'Authorization: Bearer ..':"
        )
        self.stdout.write(secret)

    def list(self, options: dict[str, Any]) -> None:
        found = Token.objects.select_related("user").order_by("user", "name", "pk")
        if options["user"]:
            found = found.filter(user=_user(options["user"]))
        if not found:
            self.stdout.write("no tokens")
        now = timezone.now()
        for token in found:
            columns = [
                str(token.user),
                token.name or "(login)",
                token.scope or "-",
                f"used {_day(token.used)}",
                f"expires {_day(token.expires)}",
                "" if tokens.is_valid(token, now) else "expired",
            ]
            self.stdout.write("  ".join(filter(None, columns)))

    def revoke(self, options: dict[str, Any]) -> None:
        found = Token.objects.filter(user=_user(options["user"]))
        if options["name"] is not None:
            found = found.filter(name=options["name"]).exclude(name="")
            if not found:
                raise CommandError(f"token {options['name']!r} not found")
        count, _ = found.delete()
        self.stdout.write(f"{count:,} tokens revoked")


def _user(name: str) -> Any:
    users = get_user_model()
    named = {users.USERNAME_FIELD: name}
    user = users._default_manager.filter(**named).first()
    if user is None:
        raise CommandError(f"user {name!r} not found")
    return user


def _day(time: dt.datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M}" if time else "never"
