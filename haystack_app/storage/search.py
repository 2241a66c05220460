"""Search by words: in the names of entities, of their sites and of their equips."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import orjson

from ..filters.ast import Filter, Has
from ..wire.record import Record
from .changes import Records
from .changeset import BATCH
from .errors import InvalidSearch
from .names import search_text
from .naming import NameStore

__all__ = ["EVERYTHING", "SearchStore", "has_words", "words_of"]

EVERYTHING = Has(("id",))
_MOST_WORDS = 16
_LONGEST = 200


def words_of(text: str) -> list[str]:
    """The distinct words of a search, in lower case. Raises InvalidSearch."""
    if len(text) > _LONGEST:
        raise InvalidSearch(f"search: at most {_LONGEST} characters")
    if "\0" in text:
        raise InvalidSearch("search: U+0000 is not allowed")
    words = list(dict.fromkeys(text.lower().split()))
    if not words:
        raise InvalidSearch("search: the text has no words")
    if len(words) > _MOST_WORDS:
        raise InvalidSearch(f"search: at most {_MOST_WORDS} words")
    return words


def has_words(record: Record, words: Sequence[str]) -> bool:
    text = search_text(orjson.loads(record.raw))
    return all(word in text for word in words)


class SearchStore(NameStore):
    def page(self, filter: Filter | str, after: str, size: int) -> Sequence[Record]:
        raise NotImplementedError

    def search(
        self,
        text: str,
        filter: Filter | str = EVERYTHING,
        *,
        limit: int | None = None,
        after: str = "",
    ) -> Records:
        """Entities that have every word of a text, and match a filter, by id.

        A word may be any part of dis, navName or id, of the name of a macro, or of the
        names of site and equip, in any case. The first ``limit`` with ids after
        ``after``. Raises InvalidSearch and ParseError.
        """
        words = words_of(text)
        tree = self.parsed(filter)
        found = (row for row in self._searched(words, tree, after))
        return Records.of(islice(found, limit))

    def _searched(
        self, words: Sequence[str], tree: Filter, after: str
    ) -> Iterator[Record]:
        """Every entity that the filter matches is looked at, page by page."""
        for rows in self._pages_after(tree, after):
            yield from (row for row in rows if has_words(row, words))

    def _pages_after(self, tree: Filter, after: str) -> Iterator[Iterable[Record]]:
        while rows := self.page(tree, after, BATCH):
            yield rows
            after = rows[-1].json["id"]["val"]
