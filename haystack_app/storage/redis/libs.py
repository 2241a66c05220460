"""Def libraries: a hash by name."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from ...wire import hayson_reader, hayson_writer
from .keys import Keys
from .server import Command, Server

__all__ = ["Libs", "commands", "read", "state"]

Libs = dict[str, list[dict[str, Any]]]


def state(server: Server, keys: Keys) -> bytes | None:
    """A random word of the last load."""
    return server.get(keys.libs_state)


def read(server: Server, keys: Keys) -> Libs:
    """All libraries in the order of loading."""
    loaded = []
    for name, text in server.hgetall(keys.libs).items():
        place, defs = orjson.loads(text)
        loaded.append((place, name, hayson_reader.decode(defs)))
    return {name: defs for _, name, defs in sorted(loaded, key=lambda one: one[0])}


def commands(keys: Keys, libs: Mapping[str, Any]) -> Iterator[Command]:
    """The commands that replace all libraries by these, in this order."""
    yield "DEL", keys.libs
    for place, (name, defs) in enumerate(libs.items()):
        yield (
            *("HSET", keys.libs, name),
            orjson.dumps([place, hayson_writer.encode(list(defs))]),
        )
    yield "SET", keys.libs_state, secrets.token_hex(8)
