"""The expressions that ``eval`` understands: reads of entities and of histories.

    expression = filter | source [".hisRead(" range ")" [rollup]]
    source     = "readAll(" filter ")" | "read(" filter ")" | "readById(" ref ")"
    rollup     = ".hisRollup(" fold "," interval ")"
    range      = period ["()"] | bound [".." bound]
    period     = ("this" | "last" | "past") ("Week" | "Month" | "Quarter" | "Year")
    bound      = date | month | dateTime | word ["()"] [("+" | "-") number]
    dateTime   = "dateTime(" date "," time "," tz ")" | ISO 8601
    word       = "today" | "yesterday" | "now"

A closed grammar: the text is parsed to a ``Query`` and never run as code. What the
words mean is as in Axon (docSkySpark), except that weeks begin on Monday, as the
buckets of roll-ups do.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from ..filters import parse_at
from ..filters.times import Now, relative_time
from ..folds.buckets import Interval
from ..folds.errors import FoldError
from ..folds.meaning import FOLDS
from ..kinds.datetimes import DateTime
from ..kinds.scalars import Number
from ..kinds.timezones import UnknownTimeZone, city_name, zone_of
from ..wire import lexer
from .his_range import Span
from .periods import Bound, at_time, fixed, last_of_month, on_day, parts_of, period

__all__ = ["UNDERSTOOD", "Query", "parse_query"]

UNDERSTOOD = (
    "eval understands a filter, readAll(filter), read(filter) and readById(@id), the"
    " last three also with .hisRead(range) or .hisRead(range).hisRollup(fold, interval)"
)
_SOURCES = ("readAll", "readById", "read")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*", re.ASCII)
_CALL = re.compile(rf"(?:{'|'.join(_SOURCES)})[ \t]*\(")
_MONTH = re.compile(r"(\d{4})-(\d\d)(?![\d-])", re.ASCII)
_SPACE = re.compile(r"\s*")
_PERIOD = re.compile(r"(this|last|past)(Week|Month|Quarter|Year)")
_RANGES = "2024-01-31, 2024-01, today, lastMonth, now-1day or 2024-01-01..2024-02-01"
_DURATION = re.compile(r"(\d+)([smhdwMy])(?![A-Za-z])", re.ASCII)
_DURATIONS = dict(
    zip("smhdwMy", ("sec", "min", "hr", "day", "wk", "mo", "yr"), strict=True)
)
"""As dashboards write them: 5m is five minutes, because an interval has no length."""
_SECONDS = {"min": 60, "day": 86_400}
_UNITS_OF_DAYS = {1: "day", 7: "wk", 30: "mo", 365: "yr"}


@dataclass(frozen=True, slots=True)
class Query:
    """What an expression asks for.

    ``source`` is ``readAll``, ``read`` or ``readById``; ``filter`` a text that is
    valid, ``id`` that of ``readById``. Without a ``span`` the entities are meant;
    ``fold`` and ``interval`` are those of a roll-up.
    """

    source: str
    filter: str = ""
    id: str = ""
    span: Span | None = None
    fold: str | None = None
    interval: Number | None = None


def parse_query(text: str) -> Query:
    """Raises ParseError with the column of what is not understood."""
    return _Parser(text).query()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.blank()

    def fail(self, message: str, at: int | None = None) -> NoReturn:
        lexer.fail(message, self.text, self.at if at is None else at)

    def blank(self) -> None:
        while (end := self._after_blank(self.at)) > self.at:
            self.at = end

    def _after_blank(self, at: int) -> int:
        space = _SPACE.match(self.text, at)
        return lexer.blank(self.text, space.end() if space else at)

    def skip(self, end: int) -> None:
        self.at = end
        self.blank()

    def take(self, symbol: str) -> bool:
        if self.text.startswith(symbol, self.at):
            self.skip(self.at + len(symbol))
            return True
        return False

    def require(self, symbol: str) -> None:
        if not self.take(symbol):
            self.fail(f"expected {symbol!r}, found {self.shown()}")

    def shown(self) -> str:
        found = self.text[self.at : self.at + 12]
        return repr(found) if found else "the end"

    def word(self) -> str:
        match = _WORD.match(self.text, self.at)
        return match[0] if match else ""

    # -- the expression ------------------------------------------------------------

    def query(self) -> Query:
        if _CALL.match(self.text, self.at) is None:
            query = Query("readAll", self.filter())
        else:
            query = self.source()
            if self.take("."):
                query = self.his_read(query)
        if self.at < len(self.text):
            self.fail(f"unexpected {self.shown()}")
        return query

    def source(self) -> Query:
        source = self.word()
        self.skip(self.at + len(source))
        self.require("(")
        if source == "readById":
            ref, end = lexer.ref(self.text, self.at, with_dis=False)
            self.skip(end)
            query = Query(source, id=ref.id)
        else:
            query = Query(source, self.filter())
        self.require(")")
        return query

    def filter(self) -> str:
        start = self.at
        _, end = parse_at(self.text, start)
        self.skip(end)
        return self.text[start:end]

    def his_read(self, query: Query) -> Query:
        self.call("hisRead")
        query = replace(query, span=self.span())
        self.require(")")
        if not self.take("."):
            return query
        self.call("hisRollup")
        fold = self.fold()
        self.require(",")
        query = replace(query, fold=fold, interval=self.interval())
        self.require(")")
        return query

    def call(self, name: str) -> None:
        if self.word() != name:
            self.fail(f"expected {name}, found {self.shown()}")
        self.skip(self.at + len(name))
        self.require("(")

    # -- roll-ups ------------------------------------------------------------------

    def fold(self) -> str:
        word = self.word()
        if word not in FOLDS:
            names = ", ".join(FOLDS)
            self.fail(f"expected a fold ({names}), found {self.shown()}")
        self.skip(self.at + len(word))
        return word

    def interval(self) -> Number:
        value: Any
        if match := _DURATION.match(self.text, self.at):
            value, end = Number(float(match[1]), _DURATIONS[match[2]]), match.end()
        else:
            value, end = lexer.number_or_time(self.text, self.at)
        number: Number = _whole(value)
        try:
            Interval.of(number)
        except FoldError as err:
            self.fail(str(err))
        self.skip(end)
        return number

    # -- ranges --------------------------------------------------------------------

    def span(self) -> Span:
        if match := _PERIOD.fullmatch(self.word()):
            self.skip(self.at + len(match[0]))
            self.empty_call()
            return Span(period(match[1], match[2]))
        first, last, is_day = self.bound()
        if self.take(".."):
            _, last, _ = self.bound()
        elif not is_day:
            return Span(parts_of(first, None))
        return Span(parts_of(first, last))

    def bound(self) -> tuple[Bound, Bound, bool]:
        """Its first and its last day, or the same time twice; whether it is a day."""
        word = self.word()
        if word in ("today", "yesterday", "now"):
            return self.relative(word)
        if word == "dateTime":
            return self.time(self.date_time())
        if match := _MONTH.match(self.text, self.at):
            return self.month(match)
        if not self.text[self.at : self.at + 1].isdigit():
            self.fail(f"expected a range such as {_RANGES}, found {self.shown()}")
        value, end = lexer.number_or_time(self.text, self.at)
        if not isinstance(value, dt.date | DateTime):
            self.fail(f"expected a range such as {_RANGES}, found {self.shown()}")
        self.skip(end)
        if isinstance(value, DateTime):
            return self.time(value)
        return fixed(value), fixed(value), True

    def relative(self, word: str) -> tuple[Bound, Bound, bool]:
        self.skip(self.at + len(word))
        self.empty_call()
        value, end = relative_time(word, self.text, self.at)
        self.skip(end)
        if isinstance(value, Now):
            return at_time(value), at_time(value), False
        return on_day(value), on_day(value), True

    def empty_call(self) -> None:
        if self.take("("):
            self.require(")")

    def month(self, match: re.Match[str]) -> tuple[Bound, Bound, bool]:
        try:
            first = dt.date(int(match[1]), int(match[2]), 1)
        except ValueError as err:
            self.fail(f"invalid month {match[0]!r}: {err}")
        self.skip(match.end())
        return fixed(first), fixed(last_of_month(first)), True

    def date_time(self) -> DateTime:
        start = self.at
        self.call("dateTime")
        date = self.literal(dt.date, "a Date such as 2024-01-31")
        self.require(",")
        time = self.literal(dt.time, "a Time such as 08:00")
        self.require(",")
        if not self.text.startswith('"', self.at):
            self.fail(f'expected a time zone such as "New_York", found {self.shown()}')
        tz, end = lexer.string(self.text, self.at)
        try:
            city = city_name(tz)
            local = dt.datetime.combine(date, time, zone_of(city))
            found = DateTime(local.astimezone(dt.UTC), city)
        except UnknownTimeZone as err:
            self.fail(str(err))
        except (ValueError, OverflowError) as err:
            self.fail(f"invalid dateTime: {err}", start)
        self.skip(end)
        self.require(")")
        return found

    def literal(self, kind: type[Any], wanted: str) -> Any:
        value, end = lexer.number_or_time(self.text, self.at)
        if type(value) is not kind:
            self.fail(f"expected {wanted}, found {self.shown()}")
        self.skip(end)
        return value

    def time(self, value: DateTime) -> tuple[Bound, Bound, bool]:
        return fixed(value.utc), fixed(value.utc), False


def _whole(value: Any) -> Any:
    """An interval in minutes or days in a unit in which it is whole.

    Grafana has 0.5min, 1440min, 10080min, 7d.
    """
    size = _SECONDS.get(value.unit or "") if isinstance(value, Number) else None
    if size is None or not math.isfinite(value.val * size):
        return value
    seconds = max(1, round(value.val * size))
    days, rest = divmod(seconds, _SECONDS["day"])
    if not rest and days in _UNITS_OF_DAYS:
        return Number(1.0, _UNITS_OF_DAYS[days])
    return value if seconds % 60 == 0 else Number(float(seconds), "sec")
