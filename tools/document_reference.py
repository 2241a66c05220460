"""Write docs/reference/ from the code: ops, REST, commands, filters, units, zones.

python tools/document_reference.py          print what is out of date
python tools/document_reference.py --write  write it
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
NOTE = "This page is generated from the code by `tools/document_reference.py`.\n"

# -- ops ------------------------------------------------------------------------


def ops() -> str:
    from haystack_app.ops import all_ops

    return _page(
        "Ops",
        "Every op, with a request that runs on the demo. [The HTTP API](../api.md#ops)"
        " explains them; `/api/docs/` of a server lets you try them out.",
        *(part for op in all_ops() if _is_own(op) for part in _op(op)),
    )


def _is_own(op: Any) -> bool:
    return str(op.run.__module__).startswith("haystack_app.")


def _op(op: Any) -> Iterator[str]:
    from haystack_app.api.examples import EXAMPLES
    from haystack_app.ops.dispatch import token_scope

    example = EXAMPLES[op.name]
    yield f"## {op.name}\n\n{_plain(op.doc)}\n"
    facts = {
        "methods": "POST" if op.side_effects else "GET, POST",
        "permission": f"`{op.permission}`" if op.permission else "none but a login",
        "token": f"with the scope `{token_scope(op, 'POST')}`",
        "as a [job](../jobs.md)": "with `?job=true`" if op.as_job else "",
    }
    yield _table([(name, fact) for name, fact in facts.items() if fact])
    if op.arguments:
        rows = [(f"`{name}`", text) for name, text in op.arguments.items()]
        yield "Arguments of a GET:\n\n" + _table(rows)
    if not op.side_effects:
        query = "&".join(f"{name}={text}" for name, text in example.parameters.items())
        yield _code("", f"GET /api/{op.name}{'?' if query else ''}{query}")
    yield _code("", f"POST /api/{op.name}\nContent-Type: text/zinc\n\n{example.zinc}")
    body = json.dumps(example.json, ensure_ascii=False, indent=2)
    yield _code("", f"Content-Type: application/json\n\n{body}")


# -- REST -----------------------------------------------------------------------


def rest() -> str:
    from haystack_app.api.schema import SchemaView

    paths = SchemaView.generator_class().get_schema()["paths"]
    resources = {
        path: [
            (method.upper(), one)
            for method, one in item.items()
            if "ops" not in one["tags"]
        ]
        for path, item in paths.items()
    }
    return _page(
        "REST resources",
        "Every resource of the OpenAPI schema, which a server has at `/api/schema/`."
        " [The HTTP API](../api.md#entities-by-rest) explains them. Most paths may have"
        " the alias of a storage after `/api/`.",
        *(
            part
            for path, methods in resources.items()
            if methods
            for part in (f"## {path}\n", *map(_method, methods))
        ),
    )


def _method(found: tuple[str, Any]) -> str:
    method, operation = found
    parts = [f"### {method}\n"]
    parts.append(_plain(operation.get("description", "")) + "\n")
    if parameters := operation.get("parameters", []):
        rows = [
            (f"`{one['name']}`", one["in"], _plain(one.get("description", "")))
            for one in parameters
        ]
        parts.append(_table(rows, ("parameter", "in", "")))
    if "requestBody" in operation:
        types = ", ".join(f"`{name}`" for name in operation["requestBody"]["content"])
        parts.append(f"Body: {types}\n")
    statuses = ", ".join(sorted(operation["responses"]))
    parts.append(f"Statuses: {statuses}\n")
    return "\n".join(parts)


# -- commands -------------------------------------------------------------------


def commands() -> str:
    from django.core.management import get_commands

    names = sorted(
        name for name, app in get_commands().items() if app == "haystack_app"
    )
    return _page(
        "Commands and their options",
        "`python manage.py NAME`; [commands](../commands.md) explains them. Options of"
        " every command of Django, such as `--verbosity`, are left out.",
        *(part for name in names for part in _command(name)),
    )


def _command(name: str) -> Iterator[str]:
    from django.core.management import load_command_class

    command = load_command_class("haystack_app", name)
    parser = command.create_parser("manage.py", name)
    yield f"## {name}\n\n{_plain(command.help)}\n"
    yield from _options(parser)


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    from django.core.management.base import BaseCommand

    usual = {action.dest for action in BaseCommand().create_parser("", "")._actions}
    rows, below = [], []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            below += list(action.choices.items())
        elif action.dest not in usual and action.help != argparse.SUPPRESS:
            rows.append((_spelled(action), _help(action)))
    if rows:
        yield _table(rows)
    for name, inner in below:
        yield f"### {parser.prog.split()[-1]} {name}\n"
        yield from _options(inner)


def _spelled(action: argparse.Action) -> str:
    value = action.metavar or (action.dest.upper() if action.nargs != 0 else "")
    value = " ".join(value) if isinstance(value, tuple) else value
    if action.choices:
        value = "|".join(str(choice) for choice in action.choices)
    names = ", ".join(action.option_strings)
    return f"`{_plain(f'{names} {value}')}`"


def _help(action: argparse.Action) -> str:
    given = {"default": action.default, "prog": "manage.py"}
    return _plain((action.help or "") % given)


# -- filters --------------------------------------------------------------------

BUILDING = """\
id: @hq
dis: "Headquarters"
site
area: 9500ft²
geoCity: "Springfield"
---
id: @ahu-1
dis: "AHU 1"
equip
ahu
siteRef: @hq
---
id: @temp
dis: "Discharge temperature"
point
discharge
air
temp
sensor
his
siteRef: @hq
equipRef: @ahu-1
kind: "Number"
unit: "°F"
tz: "New_York"
curVal: 61.5°F
---
id: @fan
dis: "Fan"
point
fan
cmd
writable
siteRef: @hq
equipRef: @ahu-1
kind: "Bool"
tz: "New_York"
enum: "off,on"
curVal: T
"""
FILTERS = {
    "Tags": ("site", "not his", "point and not his", "ahu or fan"),
    "Values": (
        'dis == "Fan"',
        "curVal == true",
        "curVal == 61.5°F",
        "curVal == 61.5",
        "curVal > 60°F",
        "curVal > 10°C",
        "area >= 9500ft²",
        'dis != "Fan"',
        "equipRef == @ahu-1",
    ),
    "Paths": (
        "siteRef->geoCity",
        'equipRef->siteRef->geoCity == "Springfield"',
        "not equipRef->ahu",
    ),
    "Defs": ("^equip", "^ahu", "^air-temp-sensor"),
    "Precedence": (
        "ahu or point and fan",
        "(ahu or point) and siteRef",
        "not (site)",
    ),
    "Errors": ("point &&", "curVal > ", "dis = 'Fan'", "equipRef.ahu"),
}


def filters() -> str:
    from haystack_app.storage.memory import InMemoryAdapter
    from haystack_app.wire import trio_reader

    store = InMemoryAdapter(trio_reader.read_dicts(BUILDING))
    parts = [
        "The entities, in Trio:\n",
        _code("", BUILDING),
    ]
    for title, texts in FILTERS.items():
        rows = [(f"`{text}`", _found(store, text)) for text in texts]
        parts += [f"## {title}\n", _table(rows, ("filter", "finds"))]
    return _page(
        "Filters by example",
        "What each filter finds among four entities, as the server computes it."
        " [Filters](../filters.md) has the rules.",
        *parts,
    )


def _found(store: Any, text: str) -> str:
    from haystack_app.wire.errors import ParseError

    try:
        found = [record["id"].id for record in store.read(text)]
    except ParseError as error:
        return f"error: {_plain(str(error))}"
    return ", ".join(f"`@{id}`" for id in found) or "nothing"


# -- units and zones --------------------------------------------------------------


def units() -> str:
    from haystack_app.kinds.units import UNITS

    known = list({unit.name: unit for unit in UNITS.values()}.values())
    known.sort(key=lambda unit: unit.quantity)
    parts = []
    for quantity, group in groupby(known, key=lambda unit: unit.quantity):
        rows = [
            (f"`{unit.symbol}`", unit.name, _others(unit), "yes" if unit.scale else "")
            for unit in group
        ]
        parts.append(f"## {quantity}\n")
        parts.append(_table(rows, ("stored as", "name", "also read", "converted")))
    return _page(
        "Units",
        f"The {len(known)} units of the standard database. A number may have any of the"
        " names of its unit; the server stores the preferred one. Units of your own"
        " begin with `_`. Filters compare without converting; imports of histories"
        " convert between the units of a quantity that are marked, with `--convert`.",
        *parts,
    )


def _others(unit: Any) -> str:
    return ", ".join(f"`{id}`" for id in unit.ids[1:-1])


def zones() -> str:
    from haystack_app.kinds.timezones import cities, zone_of

    rows = [(f"`{city}`", f"`{zone_of(city).key}`") for city in sorted(cities())]
    return _page(
        "Time zones",
        f"The {len(rows)} values of `tz`, and the zones of the tz database that they"
        " stand for, of the package tzdata that this release is tested with. `GMT-3`"
        " is three hours ahead of GMT.",
        _table(rows, ("tz", "zone")),
    )


# -- pages ------------------------------------------------------------------------

PAGES: Mapping[str, Any] = {
    "ops": ops,
    "rest": rest,
    "commands": commands,
    "filters": filters,
    "units": units,
    "zones": zones,
}


def stale() -> dict[Path, str]:
    """The pages that are not as the code says, and their texts."""
    made = {FOLDER / f"{name}.md": page() for name, page in PAGES.items()}
    return {
        path: text
        for path, text in made.items()
        if not path.exists() or path.read_text("utf-8") != text
    }


def _page(title: str, lead: str, *parts: str) -> str:
    return "\n".join([f"# {title}\n", f"{lead} {NOTE}", *parts]).rstrip() + "\n"


def _table(rows: list[tuple[str, ...]], heads: tuple[str, ...] = ()) -> str:
    width = len(rows[0])
    lines = [heads or ("",) * width, ("---",) * width, *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines) + "\n"


def _code(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```\n"


def _plain(text: str) -> str:
    """One line of Markdown from a docstring or a help text."""
    return " ".join(text.replace("``", "`").replace("|", "\\|").split())


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    import django

    django.setup()
    for path, text in stale().items():
        print(path.relative_to(ROOT))
        if "--write" in sys.argv[1:]:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
