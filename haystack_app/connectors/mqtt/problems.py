"""Why a broker cannot be used, in texts for people."""

from __future__ import annotations

import logging
import ssl

from paho.mqtt.reasoncodes import ReasonCode

from ...models import Connector
from ..errors import ConnectorError
from .settings import BrokerSettings

__all__ = ["problem_of", "refused"]

logger = logging.getLogger(__name__)

Status = Connector.Status


def refused(reason: ReasonCode) -> ConnectorError:
    text = str(reason)
    if text in ("Not authorized", "Bad user name or password"):
        hint = f"{text}: check the user name and the password"
        return ConnectorError(
            Status.AUTHENTICATION, f"the broker refused the login: {hint}"
        )
    if text == "Unsupported protocol version":
        hint = "choose another version of MQTT"
        return ConnectorError(Status.UNSUPPORTED, f"the broker says: {text}: {hint}")
    return ConnectorError(Status.REFUSED, f"the broker refused the connection: {text}")


def problem_of(settings: BrokerSettings, error: Exception) -> ConnectorError:
    where = f"{settings.host}:{settings.port}"
    if isinstance(error, ConnectorError):
        return error
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message or error.reason
        text = f"the certificate of {where} is not trusted: {why}"
        return ConnectorError(Status.TLS, text)
    if isinstance(error, ssl.SSLError):
        why = error.reason or "no TLS"
        return ConnectorError(Status.TLS, f"TLS with {where} failed: {why}")
    if settings.tls and isinstance(error, ConnectionResetError):
        return ConnectorError(
            Status.TLS, f"TLS with {where} failed: does the port have TLS?"
        )
    if isinstance(error, TimeoutError):
        return ConnectorError(Status.TIMEOUT, f"{where} does not answer")
    if isinstance(error, OSError | UnicodeError):
        cause = error.strerror if isinstance(error, OSError) else "invalid host name"
        text = f"no connection to {where}: {cause or error}"
        return ConnectorError(Status.UNREACHABLE, text)
    logger.exception("the connection to an MQTT broker failed")
    return ConnectorError(Status.FAILED, f"internal error ({type(error).__name__})")
