"""Names of keys. All keys of a store begin with its prefix and the schema's version.

No key is shared with another prefix or another version of the schema, so that an older
program does not misread a newer store. The prefix is in braces, a hash tag by which a
cluster keeps a store on one node.
"""

from __future__ import annotations

import re

from django.core.exceptions import ImproperlyConfigured

__all__ = ["SCHEMA", "Keys"]

SCHEMA = 2
_FORMER = 1
_PREFIX = re.compile(r"(?!\d+(:|$))[\w.~-]+(:(?!\d+(:|$))[\w.~-]+)*", re.ASCII)
"""No part is a number: the keys of ``a`` would be among those of ``a:1:e``. Special
characters of ``SCAN`` patterns are not allowed."""


class Keys:
    """The keys of one store; ids of entities come last, for they may contain colons.

    Raises ImproperlyConfigured for an invalid prefix.
    """

    def __init__(self, prefix: str, *, is_cluster: bool = False) -> None:
        if not _PREFIX.fullmatch(prefix):
            raise ImproperlyConfigured(
                f"OPTIONS['prefix'] {prefix!r} is invalid: it must have parts of"
                " letters, digits and _ . ~ - with : between, none of them a number"
            )
        self.prefix = prefix
        self.base = base = f"{{{prefix}}}:{SCHEMA}:"
        self.former = (
            f"{{{prefix}}}:{_FORMER}:" if is_cluster else f"{prefix}:{_FORMER}:"
        )
        """Prefix of the keys of the previous schema, which were never on a cluster."""
        self.former_meta = f"{self.former}meta"
        self.ids = f"{base}ids"
        """Sorted set of all ids, in order of the ids."""
        self.locks = f"{base}locks"
        self.reindexing = f"{base}reindexing"
        self.watch_locks = f"{base}watches:locks"
        self.watches = f"{base}watches"
        """Sorted set of open watches by the microsecond when they end."""
        self.log = f"{base}log"
        """Stream of all changes, in order of their commits."""
        self.log_end = f"{base}log:end"
        """The cursor of the last change."""
        self.log_oldest = f"{base}log:oldest"
        """The cursor before the first change of the log."""
        self.logs = f"{base}l:"
        self.due = f"{base}due"
        """Sorted set of ``level:id`` by the microsecond of expiry."""
        self.writes = f"{base}writes"
        """Stream of the writes to priority arrays."""
        self.sample_edits = f"{base}edits"
        """Stream of samples that were replaced or removed."""
        self.postponed = f"{base}postponed"
        """Sorted set of points by the microsecond when a sample of them is due."""
        self.name_changes = f"{base}names"
        """Hash of ids whose names are still to be written into the refs to them."""
        self.generations = f"{base}generations"
        """Hash of random words by id, replaced when a history's past changes."""
        self.tasks = f"{base}tasks"
        self.libs = f"{base}libs"
        self.libs_state = f"{base}libs:state"
        self.meta = f"{base}meta"
        """Hash of the store's layout."""
        self.search = f"{base}search"
        """The name of the search index."""
        self.entities = f"{base}e:"
        self.documents = f"{base}x:"
        self.term_sets = f"{base}t:"
        self.blocks_of_numbers = f"{base}b:"

    def entity(self, id: str) -> str:
        return f"{self.entities}{id}"

    def term(self, term: str) -> str:
        """The ids of entities with a term."""
        return f"{self.term_sets}{term}"

    def terms(self, id: str) -> str:
        """The document of an entity for the search index."""
        return f"{self.documents}{id}"

    def referrers(self, id: str) -> str:
        """The ids of entities with a ref to this one."""
        return f"{self.base}r:{id}"

    def log_of(self, id: str) -> str:
        """The cursors of an entity's changes in the log, oldest first."""
        return f"{self.logs}{id}"

    def levels(self, id: str) -> str:
        return f"{self.base}a:{id}"

    def blocks(self, id: str) -> str:
        """The directory of a history."""
        return f"{self.base}h:{id}"

    def series(self, id: str) -> str:
        """The time series of a history."""
        return f"{self.base}s:{id}"

    def numbers(self, block: str, id: str) -> str:
        return f"{self.blocks_of_numbers}{block}:{id}"

    def others(self, block: str, id: str) -> str:
        return f"{self.base}o:{block}:{id}"

    def watch(self, id: str) -> str:
        return f"{self.base}w:{id}"

    def watch_items(self, id: str) -> str:
        """Hash of what a watch has sent, by entity."""
        return f"{self.base}wt:{id}"

    def watches_of(self, owner: str) -> str:
        """As ``watches``, of one user."""
        return f"{self.base}wo:{owner}"

    def stage(self, token: str) -> str:
        return f"{self.base}stage:{token}"

    def done(self, token: str) -> str:
        """Exists if the commands of a token were applied."""
        return f"{self.base}done:{token}"
