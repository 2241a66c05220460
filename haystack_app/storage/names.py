"""Names of entities, and how refs in stored JSON carry those of what they refer to.

The name of an entity is its ``dis``, else what its ``disMacro`` says, else its
``navName``, else the dis of its own ``id``. An entity that is named by its macro has
that name in its ``id``, so that it can be shown without evaluating the macro.
Source: docHaystack, Meta Data, "Dis"; Haxall ``Etc.dictToDis`` for the order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from ..filters import is_trash
from ..kinds.scalars import Ref
from ..wire.errors import ParseError
from ..wire.hayson_reader import decode
from ..wire.zinc_writer import display_text

__all__ = [
    "AROUND",
    "OWN_NAME",
    "Names",
    "carrying",
    "expanded",
    "is_macro_named",
    "joined_words",
    "live_name",
    "name_in_id",
    "named_refs",
    "record_name",
    "ref_of",
    "ref_text",
    "search_text",
    "stored_name",
    "with_names",
    "with_own_name",
]

Names = Mapping[str, str | None]
"""Names by id; None for an entity without a name, or one that is in the trash."""
Json = Mapping[str, Any]
Find = Callable[[str], Json | None]
"""The persistent tags of an entity as JSON by its id; None if it is not found."""

OWN_NAME = ""
"""Stands for the tag ``id`` among ids, of which none is empty."""
LEVELS = 8
"""Macros that quote each other's entities; deeper, and in circles, ids are shown."""
_LONGEST = 250
"""Characters of a name that a macro makes."""
_TEXT = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
_REF = re.compile(
    # as our writer has it, and as PostgreSQL does
    rf'\{{"_kind": ?"ref", ?"val": ?"([^"]*)"(?:, ?"dis": ?{_TEXT})?\}}'
    rf'|\{{(?:"dis": ?{_TEXT}, ?)?"val": ?"([^"]*)", ?"_kind": ?"ref"\}}'
)
_CARRIER = re.compile(
    r'\{"_kind": ?"ref", ?"val": ?"([^"]*)", ?"dis":'
    r'|\{"dis": ?"[^"\\]*(?:\\.[^"\\]*)*", ?"val": ?"([^"]*)", ?"_kind": ?"ref"\}'
)
_OWN = ('"id":', '"id": ')
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))", re.ASCII)
AROUND = ("siteRef", "equipRef")
"""Tags whose entities are searched by name, too."""


# -- names --------------------------------------------------------------------


def stored_name(tags: Json) -> str | None:
    """The name of an entity by its stored tags alone."""
    if isinstance(dis := tags.get("dis"), str) and dis:
        return dis
    own = _dis_of(tags.get("id"))
    if own and _macro_of(tags) is not None:
        return own
    nav = tags.get("navName")
    return nav if isinstance(nav, str) and nav else own


def record_name(record: Mapping[str, Any]) -> str | None:
    """``stored_name`` of a record with decoded tags."""
    id = record.get("id")
    own = {"dis": id.dis} if isinstance(id, Ref) else None
    texts = {name: record.get(name) for name in ("dis", "disMacro", "navName")}
    return stored_name({**texts, "id": own})


def ref_of(record: Mapping[str, Any]) -> Ref:
    """A ref to a record, which carries its name."""
    return Ref(record["id"].id, record_name(record))


def live_name(tags: Json) -> str | None:
    """The name that refs to an entity carry: none if it is in the trash."""
    return None if is_trash(tags) else stored_name(tags)


def is_macro_named(tags: Json) -> bool:
    dis = tags.get("dis")
    return not (isinstance(dis, str) and dis) and _macro_of(tags) is not None


def _macro_of(tags: Json) -> str | None:
    macro = tags.get("disMacro")
    return macro if isinstance(macro, str) and macro else None


def name_in_id(tags: Json) -> str | None:
    """The name that an entity's own ``id`` carries."""
    return _dis_of(tags.get("id"))


def _dis_of(ref: Any) -> str | None:
    dis = ref.get("dis") if isinstance(ref, dict) else None
    return dis if isinstance(dis, str) and dis else None


def expanded(tags: Json, find: Find) -> str | None:
    """The name of an entity, with its macro evaluated.

    ``$tag`` and ``${tag}`` stand for the value of a tag, a Ref for the name of its
    entity or its id; a tag that is missing stays as it is written.
    """
    return _Expansion(find).name_of(tags, LEVELS)


class _Expansion:
    """Each entity is evaluated once for each level, so that circles end."""

    def __init__(self, find: Find) -> None:
        self.find = find
        self.known: dict[tuple[str, int], str] = {}

    def name_of(self, tags: Json, levels: int) -> str | None:
        macro = _macro_of(tags)
        if not is_macro_named(tags) or macro is None:
            return stored_name(tags)

        def value(found: re.Match[str]) -> str:
            name = found[1] or found[2]
            return self._text(tags[name], levels) if name in tags else found[0]

        return _VARIABLE.sub(value, macro)[:_LONGEST]

    def _text(self, value: Any, levels: int) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, dict) and value.get("_kind") == "ref":
            return self._quoted(value, levels - 1)
        try:
            return display_text(decode(value))
        except ParseError:
            return ""

    def _quoted(self, ref: Json, levels: int) -> str:
        id = str(ref.get("val"))
        if (id, levels) not in self.known:
            tags = self.find(id)
            name = None
            if tags is not None and not is_trash(tags):
                is_last = levels == 0 and is_macro_named(tags)
                name = None if is_last else self.name_of(tags, levels)
            self.known[id, levels] = name or id
        return self.known[id, levels]


# -- refs ---------------------------------------------------------------------


def named_refs(text: str) -> Iterator[tuple[str, str | None]]:
    """Ids and names of the refs in a JSON text, its ``id`` among them."""
    for found in _REF.finditer(text):
        dis = found[2] if found[1] is not None else found[3]
        id = found[1] if found[1] is not None else found[4]
        yield id, None if dis is None else orjson.loads(f'"{dis}"')


def carrying(text: str) -> set[str]:
    """Ids of the refs in a JSON text that carry names, its ``id`` among them."""
    return {ours or other for ours, other in _CARRIER.findall(text)}


def with_names(text: str, names: Names, own: str = "") -> str:
    """A record's JSON whose refs carry names; refs to other ids stay as they are.

    The tag ``id`` of the record, with the id ``own``, stays as it is, too.
    """

    def named(found: re.Match[str]) -> str:
        id = found[1] if found[1] is not None else found[4]
        if id not in names:
            return found[0]
        if id == own and text.endswith(_OWN, 0, found.start()):
            return found[0]
        return ref_text(id, names[id], postgres=found[1] is None)

    return _REF.sub(named, text)


def with_own_name(text: str, id: str, name: str | None) -> str:
    """A record's JSON whose tag ``id`` carries a name."""

    def named(found: re.Match[str]) -> str:
        own = found[1] if found[1] is not None else found[4]
        if own != id or not text.endswith(_OWN, 0, found.start()):
            return found[0]
        return ref_text(id, name, postgres=found[1] is None)

    return _REF.sub(named, text)


def ref_text(id: str, name: str | None, *, postgres: bool = False) -> str:
    """The JSON of a Ref, as our writer has it, or as PostgreSQL does.

    To the space: nothing must tell that a name was left out.
    """
    if postgres:
        dis = f'"dis": {orjson.dumps(name).decode()}, ' if name else ""
        return f'{{{dis}"val": "{id}", "_kind": "ref"}}'
    dis = f',"dis":{orjson.dumps(name).decode()}' if name else ""
    return f'{{"_kind":"ref","val":"{id}"{dis}}}'


# -- search -------------------------------------------------------------------


def search_text(tags: Json) -> str:
    """What a search by words looks at, in lower case."""
    id = tags.get("id")
    own = id.get("val") if isinstance(id, dict) else None
    around = (_dis_of(tags.get(name)) for name in AROUND)
    return joined_words(tags.get("dis"), tags.get("navName"), _dis_of(id), own, *around)


def joined_words(dis: Any, nav: Any, own: Any, *others: Any) -> str:
    if own == dis:
        own = None
    words = [it for it in (dis, nav, own, *others) if it and type(it) is str]
    return "\n".join(words).lower()
