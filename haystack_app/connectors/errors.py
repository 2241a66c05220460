"""What goes wrong with another system; the texts are for people."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable

from ..models import Connector
from ..outages import is_outage

__all__ = ["ConnectorError", "NothingToDo", "explained"]

logger = logging.getLogger(__name__)

Status = Connector.Status


class ConnectorError(ValueError):
    """A connector could not do its work; ``status`` is that of the connector then."""

    def __init__(self, status: Status, text: str) -> None:
        super().__init__(text)
        self.status = status


class NothingToDo(ConnectorError):
    """The kind of connector cannot do what was asked for."""

    def __init__(self, action: str, label: str) -> None:
        super().__init__(Status.REFUSED, f"connectors to {label} do not {action}")


def explained(
    error: Exception, redact: Callable[[str], str] | None = None
) -> tuple[Connector.Status, str]:
    """A status and a text for people. What is not expected is logged, without secrets.

    Messages of other errors may have anything in them: only their type is shown.
    """
    clean = redact or (lambda text: text)
    if isinstance(error, ConnectorError):
        return error.status, clean(str(error))
    if is_outage(error):
        return Connector.Status.FAILED, "a service of this server was not available"
    if type(error).__module__.startswith("haystack_app.storage"):
        return Connector.Status.FAILED, clean(str(error))
    shown = clean("".join(traceback.format_exception(error)))
    logger.error("a connector failed\n%s", shown)
    return Connector.Status.FAILED, f"internal error ({type(error).__name__})"
