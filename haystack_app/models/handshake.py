"""SCRAM handshakes in progress."""

from __future__ import annotations

from django.db import models

from ..sql import tables

__all__ = ["Handshake"]


class Handshake(models.Model):
    """A SCRAM handshake from its HELLO to its end, which takes seconds.

    ``server_first`` is empty until the client-first-message has arrived.
    """

    token = models.CharField(primary_key=True, max_length=32)
    username = models.TextField()
    client_first = models.BinaryField(default=b"")
    server_first = models.TextField(blank=True)
    expires = models.DateTimeField(db_index=True)

    class Meta:
        db_table = tables.HANDSHAKES
        default_permissions = ()

    def __str__(self) -> str:
        return f"login of {self.username}"
