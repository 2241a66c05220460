"""Speaks the conformance suite's JSON-lines protocol for one store.

    python tests/conformance/adapter.py --store memory|sqlite|postgres|timescale|redis|redis-stack

``load`` fills a scratch database of its own, never the configured one, and
``match`` asks that store's adapter. The scratch database is dropped at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

from haystack_app.defs import read_libraries
from haystack_app.wire import (
    csv_reader,
    csv_writer,
    hayson_reader,
    hayson_writer,
    json3_reader,
    json3_writer,
    trio_reader,
    trio_writer,
    zinc_reader,
    zinc_writer,
)
from tests.conformance.canonical import from_canonical, to_canonical
from tests.conformance.scratch import STORES, Store

READERS = {
    "zinc": {
        "val": zinc_reader.read_value,
        "grid": zinc_reader.read_grid,
        "dict": zinc_reader.read_dict,
    },
    "hayson": {
        "val": hayson_reader.read_value,
        "grid": hayson_reader.read_grid,
        "dict": hayson_reader.read_dict,
    },
    "jsonV3": {
        "val": json3_reader.read_value,
        "grid": json3_reader.read_grid,
        "dict": json3_reader.read_dict,
    },
    "trio": {
        "val": trio_reader.read_value,
        "grid": trio_reader.read_grid,
        "dict": trio_reader.read_dict,
        "dicts": trio_reader.read_dicts,
    },
    "csv": {"grid": csv_reader.read_grid},
}
WRITERS = {
    "zinc": {
        "val": zinc_writer.value_text,
        "grid": zinc_writer.grid_text,
        "dict": zinc_writer.value_text,
    },
    "hayson": {
        "val": hayson_writer.dump,
        "grid": hayson_writer.grid_text,
        "dict": hayson_writer.dump,
    },
    "jsonV3": {
        "val": json3_writer.dump,
        "grid": json3_writer.grid_text,
        "dict": json3_writer.dump,
    },
    "trio": {
        "val": trio_writer.value_text,
        "grid": trio_writer.grid_text,
        "dict": trio_writer.dict_text,
        "dicts": trio_writer.dicts_text,
    },
    "csv": {"grid": csv_writer.grid_text},
}


def answer(store: Store, request: dict[str, Any]) -> dict[str, Any]:
    op = request["op"]
    if op == "decode":
        reader = READERS[request["format"]][request["as"]]
        return {"value": to_canonical(reader(request["text"]))}
    if op == "encode":
        writer = WRITERS[request["format"]][request["as"]]
        return {"text": writer(from_canonical(request["value"]))}
    if op == "load":
        store.load(request["set"], [from_canonical(row) for row in request["dicts"]])
        return {}
    if op == "match":
        if "dicts" in request:
            store.load("", [from_canonical(row) for row in request["dicts"]])
        return {"ids": store.match(request.get("set", ""), request["filter"])}
    if op == "parse":
        return {"filter": store.parse(request["filter"])}
    if op == "hisRange":
        start, end = store.his_range(request["tz"], request["q"])
        return {"start": to_canonical(start), "end": to_canonical(end)}
    raise ValueError(f"unknown op {op!r}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--store",
        default="memory",
        choices=STORES,
    )
    options.add_argument(
        "--defs",
        type=Path,
        metavar="DIR",
        help="load these def libraries beside the shipped one",
    )
    chosen = options.parse_args()
    with Store(chosen.store) as store:
        if chosen.defs:
            store.adapter.load_defs(read_libraries([chosen.defs]))
        for line in sys.stdin:
            try:
                reply = {"ok": True, **answer(store, json.loads(line))}
            except Exception as err:
                reply = {"ok": False, "error": f"{type(err).__name__}: {err}"}
            print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
