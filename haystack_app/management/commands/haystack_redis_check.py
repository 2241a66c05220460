"""``haystack_redis_check``: check the consistency of a store on Redis."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from ._redis import RedisCommand

_MAX_SHOWN = 100


class Command(RedisCommand):
    help = (
        "Compare the index, references, histories, priority arrays and the log of a "
        "store on Redis with its entities. Nothing is changed. If there are "
        "differences, they are checked again while writers wait; the exit status is 1 "
        "if any remain."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        differences = self.redis_adapter(options).differences()
        for line in differences[:_MAX_SHOWN]:
            self.stdout.write(line)
        if differences:
            raise CommandError(
                f"{len(differences):,} differences: run haystack_redis_reindex to"
                " repair the index and references"
            )
        self.stdout.write("no differences")
