"""Arguments of commands that fetch from another Haystack server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from haystack_app.connectors import ConnectorError
from haystack_app.connectors.haystack.one_off import far_records

__all__ = ["add_server_arguments", "records_of_server", "source_of"]


def source_of(text: str) -> Path | str:
    """A path, or the text of a URL."""
    return text if text.startswith(("http://", "https://")) else Path(text)


def add_server_arguments(parser: CommandParser) -> None:
    group = parser.add_argument_group("a Haystack server (URL)")
    group.add_argument("--filter", help="of the entities (default: sites to points)")
    group.add_argument(
        "--prefix", help="of the ids here; must be given, such as plant."
    )
    group.add_argument("--username", help="for a log-in by SCRAM")
    group.add_argument(
        "--password",
        metavar="NAME",
        help="the name of the secret: env:CONNECTOR_NAME or file:NAME",
    )


def records_of_server(url: str, options: dict[str, Any]) -> list[dict[str, Any]]:
    """Raises CommandError."""
    given = {
        "url": url,
        "auth": "scram" if options["username"] else "none",
        "filter": options["filter"],
        "id_prefix": options["prefix"],
        "username": options["username"],
        "password": options["password"],
    }
    try:
        return far_records({name: value for name, value in given.items() if value})
    except ConnectorError as error:
        raise CommandError(str(error)) from None
