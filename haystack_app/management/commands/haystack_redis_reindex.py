"""``haystack_redis_reindex``: rebuild the index of a store on Redis."""

from __future__ import annotations

from typing import Any

from ._redis import RedisCommand


class Command(RedisCommand):
    help = (
        "Rebuild the index, the references and the list of ids of a store on Redis "
        "from its entities, for the modules that the server has now. Servers go on "
        "reading and writing; a run that was killed is continued by the next. A store "
        "of an earlier version is converted first: stop all programs of that version "
        "before."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        count = self.redis_adapter(options).reindex()
        self.stdout.write(f"{count:,} entities indexed")
