"""The index on a server with RediSearch: one document of terms for each entity.

The documents are separate from the entities, so that a new value of a point does not
index all its tags again. Comments name the pitfalls of the module.
"""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from redis.exceptions import ResponseError

from ....filters.ast import Filter
from ...changeset import EntityRow
from ..entities import BATCH, fetch, of_rows, page
from ..keys import Keys
from ..scripts import FETCH, SEARCH, Row
from ..server import Command, Server
from .base import Moves, changed_terms, first_sizes
from .ordering import FIELDS, bounds, comparison, ordered
from .terms import Conjunction, term_texts

__all__ = ["SearchIndex", "drop_index"]

_SEPARATOR = "\x1f"
_MOST = 1_000_000
"""Maximum number of results of the server, unless configured otherwise."""
_ALTERNATIVES = 500
"""Conjunctions in one query."""
_LONGEST = 1_000
"""Characters of a term; the server never finds terms over 4,096 bytes."""
_BUILT_SECONDS = 600
_BUILDING = "building the index"
_BLOCKING = "blocking module command"
_UNKNOWN = ("no such index", "unknown index", "index not found")


Matches = tuple[int, list[str], list[Row | None] | None]


class SearchIndex:
    def __init__(self, server: Server, keys: Keys) -> None:
        self.server, self.keys = server, keys
        self.is_outside = False
        """Whether queries run outside of scripts: with the server's ``search-workers``
        above 0 they must."""

    def narrowed(self, tree: Filter) -> Filter:
        return ordered(tree)

    # -- queries ---------------------------------------------------------------

    def candidates(
        self, alternatives: Sequence[Conjunction], few: int | None
    ) -> Iterator[dict[str, EntityRow]]:
        seen: set[str] = set()
        for batch in self._batches(alternatives, few):
            # callers that count rows must not count one twice
            yield {id: one for id, one in batch.items() if id not in seen}
            seen.update(batch)

    def _batches(
        self, alternatives: Sequence[Conjunction], few: int | None
    ) -> Iterator[dict[str, EntityRow]]:
        """As ``candidates``, with duplicates if several queries find an entity."""
        named, queries = _parted(alternatives)
        for at in range(0, len(named), BATCH):
            yield fetch(self.server, self.keys, named[at : at + BATCH])
        for at in range(0, len(queries), _ALTERNATIVES):
            yield from self._found(queries[at : at + _ALTERNATIVES], few)

    def _found(
        self, alternatives: Sequence[Conjunction], few: int | None
    ) -> Iterator[dict[str, EntityRow]]:
        seen: set[str] = set()
        words = _query_words(alternatives)
        for size in first_sizes(few):
            total, ids, rows = self._search(size, size, words, "1")
            yield of_rows(ids, rows or [])
            if total <= len(ids):
                return
            seen.update(ids)
        total, ids, rows = self._search(_MOST, BATCH, words, "")
        if len(ids) < total:
            # more than the server returns: read all entities
            yield from self._everything()
        elif rows is not None:
            yield of_rows(ids, rows)
        else:
            rest = [id for id in ids if id not in seen]
            for at in range(0, len(rest), BATCH):
                yield fetch(self.server, self.keys, rest[at : at + BATCH])

    def _search(self, ids: int, rows: int, words: Sequence[str], some: str) -> Matches:
        """The number of matches, ids, and rows unless there are too many."""
        ask = self._search_outside if self.is_outside else self._search_in_script
        try:
            return ask(ids, rows, words, some)
        except ResponseError as error:
            text = str(error).lower()
            if "exceed" in text:  # the limit of the server is lower: read all entities
                return 1, [], None
            if _BLOCKING in text and not self.is_outside:
                self.is_outside = True
                return self._search(ids, rows, words, some)
            if not any(words in text for words in (*_UNKNOWN, _BUILDING)):
                raise
            self.ensure()  # a flush also deletes the index
            return ask(ids, rows, words, some)

    def _search_in_script(
        self, ids: int, rows: int, words: Sequence[str], some: str
    ) -> Matches:
        keys = self.keys
        args = (keys.entities, keys.documents, ids, rows, some, keys.search, *words)
        return self.server.run(SEARCH, [keys.meta], *args)

    def _search_outside(
        self, ids: int, rows: int, words: Sequence[str], some: str
    ) -> Matches:
        """As the script, for servers whose worker threads refuse queries of scripts.

        Rows may be newer than the search; the matcher decides.
        """
        if not self._is_stored():
            return 0, [], []
        options = ("NOCONTENT", "LIMIT", 0, ids, "TIMEOUT", 0, "DIALECT", 2)
        found = self.server.command("FT.SEARCH", self.keys.search, *words, *options)
        self._is_stored()  # still: an index that is built anew returns less
        total, first = int(found[0]), len(self.keys.documents)
        names = [name.decode()[first:] for name in found[1:]]
        if len(names) > rows or (total > rows and not some):
            return total, names, None
        at = [self.keys.entity(id) for id in names]
        return total, names, self.server.run(FETCH, at) if at else []

    def _is_stored(self) -> bool:
        """Whether the store exists, with an index of this kind that is complete.

        Raises LayoutChanged.
        """
        kind = self.server.hget(self.keys.meta, "index")
        if kind is not None and not kind.startswith(b"search"):
            raise self.server.changed("the store has an index of another kind now")
        if kind and int(self._info()[b"indexing"]):
            self.ensure()
        return kind is not None

    def _everything(self) -> Iterator[dict[str, EntityRow]]:
        after = ""
        while rows := page(self.server, self.keys, after, BATCH):
            after = max(rows)
            yield rows

    def ids(
        self, alternatives: Sequence[Conjunction], most: int | None
    ) -> list[str] | None:
        named, queries = _parted(alternatives)
        found = set(named)
        for at in range(0, len(queries), _ALTERNATIVES):
            words = _query_words(queries[at : at + _ALTERNATIVES])
            asked_for = _MOST if most is None else most + 1
            total, ids, _ = self._search(asked_for, 0, words, "")
            if len(ids) < total:
                return None
            found.update(ids)
        return None if most is not None and len(found) > most else sorted(found)

    # -- creation --------------------------------------------------------------

    def ensure(self) -> None:
        """Create the index if it does not exist, and wait until it is complete."""
        try:
            self.server.command(
                *("FT.CREATE", self.keys.search, "ON", "HASH"),
                *("PREFIX", 1, self.keys.documents),
                # ids are case-sensitive, and values may have commas
                *("SCHEMA", "terms", "TAG", "SEPARATOR", _SEPARATOR, "CASESENSITIVE"),
                *(word for field in FIELDS for word in (field, "NUMERIC")),
            )
        except ResponseError as error:
            if "already exists" not in str(error):
                raise
        ends = time.monotonic() + _BUILT_SECONDS
        # existing documents are indexed in the background, and found in part meanwhile
        while int(self._info()[b"indexing"]):
            if time.monotonic() > ends:
                raise ResponseError(f"index {self.keys.search} is not built yet")
            time.sleep(0.05)

    def drop(self) -> None:
        drop_index(self.server, self.keys.search)

    def _info(self) -> dict[bytes, Any]:
        found = self.server.command("FT.INFO", self.keys.search)
        return dict(zip(found[::2], found[1::2], strict=True))

    def commands(self, moves: Moves) -> Iterator[Command]:
        for id, (before, after) in moves.items():
            if after is None:
                yield "UNLINK", self.keys.terms(id)
                continue
            was, becomes = changed_terms(before, after)
            if was == becomes and before is not None:
                continue
            yield "UNLINK", self.keys.terms(id)
            if fields := _fields(after):
                words = (word for field in fields.items() for word in field)
                yield "HSET", self.keys.terms(id), *words

    # -- checking --------------------------------------------------------------

    def terms_of(self, entity: EntityRow) -> set[str]:
        return _described(_fields(entity))

    def indexed(self) -> Iterator[tuple[str, set[str]]]:
        found: dict[str, set[str]] = defaultdict(set)
        for id in self.server.scan(self.keys.documents):
            fields = self.server.hgetall(self.keys.terms(id))
            texts = {name: str(text, "utf-8") for name, text in fields.items()}
            for term in _described(texts):
                found[term].add(id)
        yield from found.items()

    def held(self, among: Mapping[str, set[str]]) -> dict[str, set[str]]:
        found = self.server.together(
            *(("HGETALL", self.keys.terms(id)) for id in among)
        )
        return {
            id: _described(
                {str(name, "utf-8"): str(text, "utf-8") for name, text in it}
            )
            for id, it in zip(among, map(_pairs, found), strict=True)
        }

    def corrections(
        self, id: str, entity: EntityRow | None, missing: set[str], wrong: set[str]
    ) -> Iterator[Command]:
        yield "UNLINK", self.keys.terms(id)
        if entity is not None and (fields := _fields(entity)):
            words = (word for field in fields.items() for word in field)
            yield "HSET", self.keys.terms(id), *words

    def unindexed(self, ids: Sequence[str]) -> set[str]:
        """The server keeps documents that it could not index out of all results."""
        documents = [self.keys.terms(id) for id in ids]
        held = self.server.together(*(("EXISTS", name) for name in documents))
        documents = [
            name for name, is_held in zip(documents, held, strict=True) if is_held
        ]
        if not documents:
            return set()
        found = self.server.command(
            *("FT.SEARCH", self.keys.search, "*", "NOCONTENT"),
            *("INKEYS", len(documents), *documents),
            *("LIMIT", 0, len(documents), "TIMEOUT", 0, "DIALECT", 2),
        )
        first = len(self.keys.documents)
        names = {name.decode() for name in found[1:]}
        return {name[first:] for name in documents if name not in names}

    def faults(self) -> Iterator[str]:
        """Messages about documents that the server could not index."""
        if failures := int(self._info()[b"hash_indexing_failures"]):
            yield f"the server could not index {failures:,} documents"


def drop_index(server: Server, name: str) -> None:
    """Delete an index, if it exists; documents stay."""
    try:
        server.command("FT.DROPINDEX", name)
    except ResponseError as error:
        if not any(words in str(error).lower() for words in _UNKNOWN):
            raise


def _parted(
    alternatives: Sequence[Conjunction],
) -> tuple[list[str], list[Conjunction]]:
    """Explicit ids, and the other conjunctions for the index."""
    named, queries = [], []
    for terms in alternatives:
        ids = [term[1:] for term in terms if term.startswith("@")]
        if ids:
            named.append(ids[0])
        else:
            queries.append(terms)
    return named, queries


def _query_words(alternatives: Sequence[Conjunction]) -> list[str]:
    """A query and its parameters, which need no escaping."""
    names: dict[str, str] = {}

    def name(text: str) -> str:
        return "$" + names.setdefault(text, f"p{len(names)}")

    def condition(term: str) -> str:
        if (found := comparison(term)) is None:
            return f"@terms:{{{name(_word(term))}}}"
        tag, field, least, greatest = found
        ends = (end if "inf" in end else name(end) for end in (least, greatest))
        return f"@terms:{{{name(_word(tag))}}} @{field}:[{' '.join(ends)}]"

    query = " | ".join(
        # precedence depends on the dialect, so everything has parentheses
        "(" + " ".join(condition(term) for term in sorted(terms)) + ")"
        for terms in alternatives
    )
    params = [word for text, given in names.items() for word in (given, text)]
    return [query, "PARAMS", str(len(params)), *params]


def _fields(entity: EntityRow) -> dict[str, str]:
    """The document of an entity; empty if it has no terms."""
    tags = entity.record.tags
    terms = term_texts(tags)
    words = sorted(map(_word, terms))
    return ({"terms": _SEPARATOR.join(words)} if words else {}) | bounds(tags)


def _pairs(reply: Any) -> list[tuple[bytes, bytes]]:
    """Fields of a hash, which the client decodes to a dict or leaves as a list."""
    if isinstance(reply, dict):
        return list(reply.items())
    return list(zip(reply[::2], reply[1::2], strict=True))


def _word(term: str) -> str:
    """A term as a word of a document."""
    if len(term) <= _LONGEST:
        return term
    return "#" + hashlib.blake2b(term.encode(), digest_size=16).hexdigest()


def _described(fields: Mapping[str, str]) -> set[str]:
    """The words of a document, for comparisons."""
    terms = fields.get("terms", "")
    numbers = {f"{name}={text}" for name, text in fields.items() if name != "terms"}
    return numbers | set(terms.split(_SEPARATOR) if terms else [])
