"""Conversion of a store of the previous version: its keys are renamed.

One script renames all keys, so that other processes see either the old or the new
names, and a crash cannot leave a mixture. It does nothing for a converted store, so it
can be run again at any time.
"""

from __future__ import annotations

import time

from redis.exceptions import ResponseError

from .. import locks
from ..index.search import drop_index
from ..keys import Keys
from ..layout import RENAMED, TwoStores, is_outdated
from ..locks import LockTimeout
from ..scripts import BOTH, CONVERT, LOCKED
from ..server import SEARCH, Server

__all__ = ["convert"]

_PAUSE = 0.1


def convert(server: Server, keys: Keys) -> int:
    """Rename the keys; returns how many.

    Waits for programs of the previous version that write; they find no store
    afterwards. Raises LockTimeout or TwoStores.
    """
    # the keys have two slots: a cluster would reject the script, but has no old stores
    count = _wait_and_convert(server, keys) if is_outdated(server, keys) else 0
    if SEARCH in server.installed:
        drop_index(server, f"{keys.former}search")
    return count


def _wait_and_convert(server: Server, keys: Keys) -> int:
    ends = time.monotonic() + locks.WAIT_SECONDS
    while (count := _try_convert(server, keys)) is None:
        if time.monotonic() > ends:
            raise LockTimeout(
                f"a program of an earlier version writes to {keys.former}: stop it"
            )
        time.sleep(_PAUSE)
    return count


def _try_convert(server: Server, keys: Keys) -> int | None:
    """None while another program is writing."""
    names = keys.former_meta, keys.meta, f"{keys.former}locks"
    try:
        return server.run(
            CONVERT,
            [*names, f"{keys.former}watches:locks"],
            *(keys.former, keys.base, RENAMED),
        )
    except ResponseError as error:
        if str(error).startswith(LOCKED):
            return None
        if str(error).startswith(BOTH):
            raise TwoStores(
                f"two stores exist, {keys.former} of an earlier version and {keys.base}"
                " of this one: delete the keys of one of them"
            ) from None
        raise
