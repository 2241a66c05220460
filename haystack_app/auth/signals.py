"""Receivers that log changes of users, groups and tokens to the audit log.

Signals cover changes by the REST API, the admin and commands, but not statements
that bypass ``save`` and ``delete`` (``QuerySet.update``, SQL).
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.auth.signals import user_login_failed
from django.db.models.signals import (
    m2m_changed,
    post_delete,
    post_save,
    pre_save,
)
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.translation import override

from ..instruments import LOGINS_REFUSED
from ..models import AuditEntry, GroupScope, Token
from .audit import log_event, log_failed_login
from .token_signals import is_rehash

__all__: list[str] = []

User = get_user_model()
_FLAGS = ("is_staff", "is_superuser")
_WATCHED = {
    User.USERNAME_FIELD,
    "password",
    "email",
    "first_name",
    "last_name",
    "is_active",
    *_FLAGS,
} & {field.name for field in User._meta.get_fields()}
_BEFORE = "_haystack_before"
_NAMED = 20


# -- users --------------------------------------------------------------------


@receiver(pre_save, sender=User)
def remember_user(
    sender: Any, instance: Any, raw: bool, using: str, update_fields: Any, **_: Any
) -> None:
    """Not on login, which saves ``last_login``, nor when a hash is upgraded."""
    fields = set(_WATCHED if update_fields is None else update_fields)
    if raw or not fields.intersection(_WATCHED) or is_rehash(instance, update_fields):
        return
    before = sender._default_manager.using(using).filter(pk=instance.pk)
    setattr(instance, _BEFORE, before.values(*fields.intersection(_WATCHED)).first())


@receiver(post_save, sender=User)
def log_user(
    sender: Any, instance: Any, created: bool, raw: bool, using: str, **_: Any
) -> None:
    before = vars(instance).pop(_BEFORE, None)
    if created and not raw:
        flags = [name for name in _FLAGS if getattr(instance, name, False)]
        detail = ", ".join([_user(instance), *flags])
        log_event(AuditEntry.USER_CREATED, detail, using)
    elif before:
        changed = [it for it in before if before[it] != getattr(instance, it)]
        if "is_active" in changed:
            changed.remove("is_active")
            is_on = instance.is_active
            event = AuditEntry.USER_ENABLED if is_on else AuditEntry.USER_DISABLED
            log_event(event, _user(instance), using)
        if changed:
            words = ", ".join(_changed(instance, before, it) for it in sorted(changed))
            log_event(AuditEntry.USER_CHANGED, f"{_user(instance)}: {words}", using)


@receiver(post_delete, sender=User)
def log_deleted_user(sender: Any, instance: Any, using: str, **_: Any) -> None:
    log_event(AuditEntry.USER_DELETED, _user(instance), using)


def _user(user: Any) -> str:
    return f"user {user.get_username()!r}"


def _changed(user: Any, before: dict[str, Any], name: str) -> str:
    """The field; only flags and the username with values, which are not private."""
    if name in _FLAGS:
        return f"{name} {getattr(user, name)}"
    if name == User.USERNAME_FIELD:
        return f"{name}, was {before[name]!r}"
    return name


# -- groups and permissions ---------------------------------------------------


@receiver(pre_save, sender=Group)
def remember_name(instance: Group, raw: bool, using: str, **_: Any) -> None:
    if not raw:
        before = Group.objects.using(using).filter(pk=instance.pk)
        setattr(instance, _BEFORE, before.values_list("name", flat=True).first())


@receiver(post_save, sender=Group)
def log_group(instance: Group, created: bool, raw: bool, using: str, **_: Any) -> None:
    before = vars(instance).pop(_BEFORE, None)
    if created and not raw:
        log_event(AuditEntry.GROUP_CREATED, f"group {instance.name!r}", using)
    elif before not in (None, instance.name):
        detail = f"group {instance.name!r}, was {before!r}"
        log_event(AuditEntry.GROUP_CHANGED, detail, using)


@receiver(post_delete, sender=Group)
def log_deleted_group(instance: Group, using: str, **_: Any) -> None:
    log_event(AuditEntry.GROUP_DELETED, f"group {instance.name!r}", using)


@receiver(m2m_changed, sender=User.groups.through)
@receiver(m2m_changed, sender=User.user_permissions.through)
@receiver(m2m_changed, sender=Group.permissions.through)
def log_relation(
    sender: Any,
    instance: Any,
    action: str,
    model: Any,
    pk_set: set[int] | None,
    using: str,
    **_: Any,
) -> None:
    """Log changes from both sides: a user's groups and a group's users."""
    if action not in ("post_add", "post_remove", "pre_clear"):
        return
    if action == "pre_clear":
        words = "removed all"
    elif pk_set:
        others = model._default_manager.using(using).filter(pk__in=pk_set)
        words = "added " if action == "post_add" else "removed "
        words += _names(others)
    else:
        return
    if isinstance(instance, User):
        whose = _user(instance)
    else:
        whose = f"{instance._meta.verbose_name_raw} {_name(instance)!r}"
    of_groups = sender is User.groups.through
    event = AuditEntry.GROUPS_CHANGED if of_groups else AuditEntry.PERMISSIONS_CHANGED
    with override(None):  # the log is English, not in the language of the page
        detail = f"{whose}: {words} {model._meta.verbose_name_plural}"
    log_event(event, detail, using)


@receiver(post_save, sender=GroupScope)
def log_scope(instance: GroupScope, raw: bool, using: str, **_: Any) -> None:
    if not raw:
        detail = f"group {instance.group.name!r}: sees {instance.filter!r}"
        log_event(AuditEntry.PERMISSIONS_CHANGED, detail, using)


@receiver(post_delete, sender=GroupScope)
def log_deleted_scope(instance: GroupScope, using: str, **_: Any) -> None:
    detail = f"group {instance.group.name!r}: sees everything"
    log_event(AuditEntry.PERMISSIONS_CHANGED, detail, using)


def _names(rows: Any) -> str:
    names = sorted(repr(_name(row)) for row in rows[: _NAMED + 1])
    return ", ".join([*names[:_NAMED], *(["..."] if len(names) > _NAMED else [])])


def _name(row: Any) -> str:
    """Permissions by their codenames; ``str`` would look up their content types."""
    return getattr(row, "codename", None) or str(row)


# -- tokens -------------------------------------------------------------------


@receiver(post_save, sender=Token)
def log_token(instance: Token, created: bool, raw: bool, using: str, **_: Any) -> None:
    if created and not raw and instance.scope != Token.LOGIN:
        log_event(AuditEntry.TOKEN_CREATED, _token(instance), using)


@receiver(post_delete, sender=Token)
def log_revoked_token(instance: Token, using: str, **_: Any) -> None:
    if instance.scope != Token.LOGIN:
        log_event(AuditEntry.TOKEN_REVOKED, _token(instance), using)


def _token(token: Token) -> str:
    return f"token {token.name!r} ({token.scope}) of {_user(token.user)}"


# -- logins --------------------------------------------------------------------


@receiver(user_login_failed)
def log_failed_password(
    sender: Any, credentials: dict[str, Any], request: Any = None, **_: Any
) -> None:
    """Log failures of HTTP Basic, login forms and other callers of ``authenticate``."""
    named = credentials.get(User.USERNAME_FIELD)
    name = str(named or credentials.get("username") or "")
    LOGINS_REFUSED.labels("password").inc()
    log_failed_login(request or HttpRequest(), name, "wrong password or no such user")
