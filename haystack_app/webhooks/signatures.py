"""Secrets of webhooks, and signatures by them.

The header is ``t=SECONDS,v1=HEX``: HMAC-SHA256 (RFC 2104) over the time, a dot and the
body, so that a receiver can refuse old requests that are sent again by others.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from django.conf import settings
from django.utils.crypto import get_random_string, salted_hmac

from ..models import Webhook

__all__ = ["new_secret", "secret_of", "signature"]

_PURPOSE = "haystack_app.webhooks"


def secret_of(webhook: Webhook, key: str | None = None) -> str:
    """The secret, which is derived from SECRET_KEY, or from another key."""
    mac = salted_hmac(_PURPOSE, webhook.salt, secret=key, algorithm="sha256")
    return "whsec_" + base64.urlsafe_b64encode(mac.digest()).decode().rstrip("=")


def new_secret(webhook: Webhook) -> str:
    """Give a webhook another secret, and return it; the webhook is not saved."""
    webhook.salt = get_random_string(len(webhook.salt))
    return secret_of(webhook)


def signature(webhook: Webhook, seconds: int, body: bytes) -> str:
    """The value of ``X-Haystack-Signature``.

    With SECRET_KEY_FALLBACKS there is a ``v1`` for each key, so that receivers can
    change to the new secret at any time.
    """
    secrets = [secret_of(webhook)]
    secrets += [secret_of(webhook, str(key)) for key in settings.SECRET_KEY_FALLBACKS]
    signed = f"{seconds}.".encode() + body
    macs = (
        hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        for secret in secrets
    )
    return ",".join([f"t={seconds}", *(f"v1={mac}" for mac in macs)])
