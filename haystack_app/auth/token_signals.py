"""Receivers that revoke tokens when a password changes or a user is disabled.

``tokens.get_valid`` also refuses such tokens, if users were changed without signals.
Revoking them on save prevents an unused token from becoming valid again. Tokens are
kept if only the hash of the same password was upgraded.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import is_password_usable
from django.db.models.signals import post_save, pre_save
from django.dispatch import receiver

from ..models import Token
from .tokens import valid_proofs

__all__ = ["is_rehash"]

_REVOKING_FIELDS = {"password", "is_active"}


@receiver(pre_save, sender=settings.AUTH_USER_MODEL)
def keep_after_rehash(
    sender: Any, instance: Any, update_fields: Any = None, **_: Any
) -> None:
    if not is_rehash(instance, update_fields):
        return
    before = sender._default_manager.filter(pk=instance.pk).first()
    if before:
        tokens = Token.objects.filter(user=before, proof__in=valid_proofs(before))
        tokens.update(proof=instance.get_session_auth_hash())


def is_rehash(user: Any, update_fields: Any) -> bool:
    """Whether Django upgrades a hash, in ``AbstractBaseUser.check_password``.

    It saves only the password, after ``set_password``, and clears ``_password``,
    because the password has not changed.
    """
    return (
        set(update_fields or ()) == {"password"}
        and vars(user).get("_password", "never set") is None
        and is_password_usable(user.password)
    )


@receiver(post_save, sender=settings.AUTH_USER_MODEL)
def revoke_tokens(
    sender: Any, instance: Any, created: bool, update_fields: Any = None, **_: Any
) -> None:
    changed = set(update_fields or _REVOKING_FIELDS)
    if created or not changed & _REVOKING_FIELDS:
        return
    tokens = Token.objects.filter(user=instance)
    if instance.is_active:
        tokens = tokens.exclude(proof__in=valid_proofs(instance))
    tokens.delete()
