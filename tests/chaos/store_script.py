"""Fills the store before a run, and says what is in it afterwards, as JSON.

Run in a process of its own: ``python -m tests.chaos.store_script ACTION``.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import django
import orjson


def prepare() -> str:
    """The token of a superuser."""
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    from haystack_app.auth import tokens
    from haystack_app.kinds import MARKER, Number, Ref
    from haystack_app.storage.handler import storages
    from tests.chaos.clients import HISTORIES, POINTS

    call_command("migrate", verbosity=0)
    marks = {"point": MARKER, "kind": "Number", "tz": "UTC"}
    ids = [f"{kind}{number}" for kind in "hi" for number in range(HISTORIES)]
    storages["default"].load_entities(
        [
            *({"id": Ref(id), "his": MARKER, "cur": MARKER, **marks} for id in ids),
            *(
                {"id": Ref(f"w{number}"), "writable": MARKER, **marks}
                for number in range(POINTS)
            ),
            {"id": Ref("counter"), "counter": MARKER, "count": Number(-1)},
        ]
    )
    user = get_user_model().objects.create_superuser("chaos", password="correct horse")
    return tokens.issue(user)


def report() -> dict[str, Any]:
    from haystack_app.storage.changes import ADD
    from haystack_app.storage.handler import storages
    from tests.chaos.clients import HISTORIES, POINTS

    store = storages["default"]
    points = [f"{kind}{number}" for kind in "hi" for number in range(HISTORIES)]
    written = [f"w{number}" for number in range(POINTS)]
    entities = [record["id"].id for record in store.read("chaos")]
    changes = store.changes_of("counter", 1_000_000)
    created: dict[str, int] = {}
    cursor = _first_cursor(store)
    while True:
        page = store.changes_since(cursor, 1_000)
        for _, change in page.entries:
            if change.kind == ADD:
                created[change.id] = created.get(change.id, 0) + 1
        cursor = page.cursor
        if not page.more:
            break
    return {
        "samples": {
            id: [
                (at // 1_000_000, value.val) for at, value in store.his_read(id).pairs()
            ]
            for id in points
        },
        "sizes": {id: _size(store, id) for id in points},
        "entities": entities,
        "created": created,
        "counts": [one.after["count"].val for one in changes if "count" in one.after],
        "count": store.existing("counter")["count"].val,
        "levels": {
            id: store.levels_of(id)[10].val.val
            for id in written
            if 10 in store.levels_of(id)
        },
        "writes": {
            id: [one.val.val for one in store.write_log(id, 10_000_000)]
            for id in written
        },
        "differences": store.differences(),
    }


def jobs() -> int:
    """How many jobs have not finished."""
    from haystack_app.models import Job

    return Job.objects.unfinished().count()


def _size(store: Any, id: str) -> float:
    found = store.existing(id).get("hisSize")
    return 0 if found is None else found.val


def _first_cursor(store: Any) -> int:
    """Before the first entry: the log of a run is not pruned."""
    from haystack_app.storage.errors import CursorExpired

    try:
        store.changes_since(0, 1)
    except CursorExpired as error:
        return error.oldest
    return 0


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    actions = {"prepare": prepare, "report": report, "jobs": jobs}
    sys.stdout.buffer.write(orjson.dumps(actions[sys.argv[1]]()))
