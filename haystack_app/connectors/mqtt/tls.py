"""The TLS of connections to brokers."""

from __future__ import annotations

import ssl
from tempfile import NamedTemporaryFile

from ...models import Connector
from ..errors import ConnectorError
from .settings import BrokerSettings

__all__ = ["tls_context"]

Status = Connector.Status


def tls_context(settings: BrokerSettings) -> ssl.SSLContext:
    """Raises ConnectorError, without texts of the certificates."""
    try:
        context = ssl.create_default_context(cadata=settings.ca or None)
    except (ssl.SSLError, ValueError):
        raise ConnectorError(
            Status.SETTINGS, "the CA is not a certificate in PEM"
        ) from None
    if settings.certificate:
        try:
            _load(context, f"{settings.certificate}\n{settings.key}\n")
        except (ssl.SSLError, ValueError):
            raise ConnectorError(
                Status.SETTINGS,
                "the client certificate and its key are not a pair in PEM",
            ) from None
    return context


def _load(context: ssl.SSLContext, pem: str) -> None:
    """Load a certificate with its key, which must be in a file for that."""
    with NamedTemporaryFile("w", suffix=".pem") as file:  # readable by its owner only
        file.write(pem)
        file.flush()
        context.load_cert_chain(file.name)
