"""Connectors: other systems whose entities, values and histories are followed here.

A kind of connector is a subclass of ``ConnectorKind`` with the decorator
``connector``; a row of ``Connector`` says where a system is. A worker runs the enabled
ones, and jobs do what people ask for.
"""

from ..storage.signals import connector_status_changed
from .context import ConnectorContext
from .errors import ConnectorError
from .kind import ConnectorKind
from .registry import connector, kind_of, kinds
from .secrets import SecretField

__all__ = [
    "ConnectorContext",
    "ConnectorError",
    "ConnectorKind",
    "SecretField",
    "connector",
    "connector_status_changed",
    "kind_of",
    "kinds",
]
