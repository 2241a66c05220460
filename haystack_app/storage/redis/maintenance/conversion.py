"""Keys of a store of the former version: they get the names of this one.

One script does it, so that others see all keys by one name or by the other, and
neither a crash nor a kill leaves some of each. It looks whether there is anything to
do first, and may be run again at any time.
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
    """How many keys have other names now.

    Programs of the former version that write are waited for, and find no store after
    it. Raises LockTimeout or TwoStores.
    """
    # the script's keys are of two slots: a cluster would not run it, and needs not to
    count = _waited(server, keys) if is_outdated(server, keys) else 0
    if SEARCH in server.installed:
        drop_index(server, f"{keys.former}search")
    return count


def _waited(server: Server, keys: Keys) -> int:
    ends = time.monotonic() + locks.WAIT_SECONDS
    while (count := _tried(server, keys)) is None:
        if time.monotonic() > ends:
            raise LockTimeout(
                f"a program of an earlier version writes to {keys.former}: stop it"
            )
        time.sleep(_PAUSE)
    return count


def _tried(server: Server, keys: Keys) -> int | None:
    """None where another program is writing."""
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
                f"there is a store {keys.former} of an earlier version and one"
                f" {keys.base} of this one: delete the keys of one of them"
            ) from None
        raise
