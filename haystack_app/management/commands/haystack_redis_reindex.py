"""``haystack_redis_reindex``: make the index of a store on Redis anew."""

from __future__ import annotations

from typing import Any

from ._redis import RedisCommand


class Command(RedisCommand):
    help = (
        "Make the index, the references and the list of ids of a store on Redis anew "
        "from its entities; for the modules that the server has now. Others see the "
        "old or the new ones; writers wait. A store of an earlier version is "
        "converted first: stop all programs of that version before."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        count = self.redis_adapter(options).reindex()
        self.stdout.write(f"{count:,} entities indexed")
