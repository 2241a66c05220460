"""``haystack_redis_check``: whether a store on Redis is whole."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from ._redis import RedisCommand

_SHOWN = 100


class Command(RedisCommand):
    help = (
        "Compare the index, references, histories, priority arrays and the log of a "
        "store on Redis with its entities. Nothing is changed; where something differs "
        "it is looked at again while writers wait. Exit status 1 if it still does."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        found = self.redis_adapter(options).differences()
        for line in found[:_SHOWN]:
            self.stdout.write(line)
        if found:
            raise CommandError(
                f"{len(found):,} differences: haystack_redis_reindex mends those of the"
                " index and of references"
            )
        self.stdout.write("everything fits")
