"""Tokens end with the password they were issued under, and with their user.

``tokens.find`` sees to that whatever wrote the user. Here they are ended when the
user is saved, so that no token lives again that nobody used in between, and kept
where only the hash of the same password was renewed.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import is_password_usable
from django.db.models.signals import post_save, pre_save
from django.dispatch import receiver

from ..models import Token
from .tokens import proofs_of

__all__ = ["is_rehash"]

_ENDING = {"password", "is_active"}


@receiver(pre_save, sender=settings.AUTH_USER_MODEL)
def keep_when_rehashed(
    sender: Any, instance: Any, update_fields: Any = None, **_: Any
) -> None:
    if not is_rehash(instance, update_fields):
        return
    before = sender._default_manager.filter(pk=instance.pk).first()
    if before:
        tokens = Token.objects.filter(user=before, proof__in=proofs_of(before))
        tokens.update(proof=instance.get_session_auth_hash())


def is_rehash(user: Any, update_fields: Any) -> bool:
    """Whether Django renews a hash: ``AbstractBaseUser.check_password``.

    It saves the password alone, behind a ``set_password`` whose raw password it
    then takes away, because this is no change of a password.
    """
    return (
        set(update_fields or ()) == {"password"}
        and vars(user).get("_password", "never set") is None
        and is_password_usable(user.password)
    )


@receiver(post_save, sender=settings.AUTH_USER_MODEL)
def end_with_password_or_user(
    sender: Any, instance: Any, created: bool, update_fields: Any = None, **_: Any
) -> None:
    changed = set(update_fields or _ENDING)
    if created or not changed & _ENDING:
        return
    tokens = Token.objects.filter(user=instance)
    if instance.is_active:
        tokens = tokens.exclude(proof__in=proofs_of(instance))
    tokens.delete()
