"""Scalar literals of Zinc, shared by the Zinc reader and the filter parser.

Each function reads one literal at an offset and returns the value and the offset
after it, or raises ParseError with the position of the fault. All are linear in the
text they consume.
Source: docHaystack Zinc, and Haxall's tokenizer for its extensions (hex numbers,
triple quotes, comments, non-breaking space).
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Any, NoReturn

from ..kinds.datetimes import DateTime, parse_date, parse_time
from ..kinds.scalars import NA, REMOVE, Number, Ref, Symbol, Uri
from .errors import ParseError

__all__ = [
    "blank",
    "date_time",
    "fail",
    "number_or_time",
    "ref",
    "string",
    "symbol",
    "uri",
]

_BLANK = re.compile(r"(?:[ \t\u00a0]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_UNIT_CHAR = r"A-Za-z0-9_%$/\u0080-\U0010ffff"
_DATETIME = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?P<offset>Z|[+-]\d\d:\d\d)"
    r"(?: (?P<tz>[A-Z][A-Za-z0-9_+\-]*))?(?![A-Za-z0-9_:/])",
    re.ASCII,
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?![A-Za-z0-9_:\-])", re.ASCII)
_TIME = re.compile(r"\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?![A-Za-z0-9_:\-])", re.ASCII)
_HEX = re.compile(r"0x([0-9A-Fa-f][0-9A-Fa-f_]*)(?![A-Za-z0-9_])", re.ASCII)
_NUMBER = re.compile(
    r"(-?[0-9]+(?:_[0-9]+)*(?:\.[0-9]+(?:_[0-9]+)*)?(?:[eE][+-]?[0-9]+(?:_[0-9]+)*)?)"
    rf"([A-Za-z%$/_\u0080-\U0010ffff][{_UNIT_CHAR}]*)?"
)
_LOOKS_LIKE_TIME = re.compile(r"\d{4}-|\d{1,2}:", re.ASCII)
_QUOTED = re.compile(r'"([^"\\\n]*(?:\\.[^"\\\n]*)*)"')
_TRIPLE = re.compile(r'"""([^\\]*?(?:\\.[^\\]*?)*?)"""', re.DOTALL)
_TICKED = re.compile(r"`([^`\\\n]*(?:\\.[^`\\\n]*)*)`")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}|(.))", re.DOTALL)
_URI_KEPT = frozenset(":/?#[]@&=;\\")
_CONTROL = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ITSELF = frozenset("\"'`$\\")
_REF = re.compile(r"@([A-Za-z0-9_:\-.~]+)")
_SYMBOL = re.compile(r"\^([a-z][A-Za-z0-9_:\-.~]*)")
_SURROGATE = re.compile("[\ud800-\udfff]")

KEYWORDS: dict[str, Any] = {
    "N": None,
    "T": True,
    "F": False,
    "NA": NA,
    "R": REMOVE,
    "NaN": Number(float("nan")),
    "INF": Number(float("inf")),
}


def fail(message: str, text: str, at: int) -> NoReturn:
    raise ParseError.in_text(message, text, at)


def blank(text: str, at: int) -> int:
    """The offset after spaces, tabs and comments."""
    if text[at : at + 1] not in (" ", "\t", "\u00a0", "/"):
        return at
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _unescape(body: str, text: str, at: int, *, is_uri: bool) -> str:
    def char(match: re.Match[str]) -> str:
        code, braced, simple = match.groups()
        if code or braced:
            point = int(code or braced, 16)
            if point > 0x10FFFF:
                fail(f"invalid escape {match[0]}", text, at + match.start())
            return chr(point)
        if is_uri and simple in _URI_KEPT:
            return match[0]
        if simple in _CONTROL:
            return _CONTROL[simple]
        if simple in _ITSELF:
            return str(simple)
        fail(f"invalid escape {match[0]}", text, at + match.start())

    return _paired(_ESCAPE.sub(char, body), text, at)


def _paired(value: str, text: str, at: int) -> str:
    """Replace each surrogate pair with the character it encodes."""
    if value.isascii() or not _SURROGATE.search(value):
        return value
    try:
        return value.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        fail("lone surrogate", text, at)


def string(text: str, at: int) -> tuple[str, int]:
    """A Str in double or triple double quotes."""
    if text.startswith('"""', at) and (match := _TRIPLE.match(text, at)):
        start = at + 3
    elif match := _QUOTED.match(text, at):
        start = at + 1
    else:
        fail("unterminated string", text, at)
    body = match[1]
    if "\\" in body:
        return _unescape(body, text, start, is_uri=False), match.end()
    return _paired(body, text, start), match.end()


def uri(text: str, at: int) -> tuple[Uri, int]:
    """A Uri in backticks. A ``\\`` before a URI delimiter is kept."""
    match = _TICKED.match(text, at)
    if match is None:
        fail("unterminated URI", text, at)
    body = match[1]
    if "\\" in body:
        return Uri(_unescape(body, text, at + 1, is_uri=True)), match.end()
    return Uri(_paired(body, text, at + 1)), match.end()


def ref(text: str, at: int, *, with_dis: bool = True) -> tuple[Ref, int]:
    """``@id``, and with ``with_dis`` also the display text after it."""
    match = _REF.match(text, at)
    if match is None:
        fail("invalid ref", text, at)
    end = match.end()
    if with_dis:
        quote = end + 1 if text.startswith(' "', end) else end
        if text.startswith('"', quote):
            dis, end = string(text, quote)
            return Ref(match[1], dis), end
    return Ref(match[1]), end


def symbol(text: str, at: int) -> tuple[Symbol, int]:
    match = _SYMBOL.match(text, at)
    if match is None:
        fail("invalid symbol", text, at)
    return Symbol(match[1]), match.end()


@lru_cache(maxsize=4096)
def _finite(digits: str, unit: str | None) -> Number:
    val = float(digits)
    if math.isinf(val):
        raise ValueError(f"number out of range: {digits[:40]}")
    return Number(val, unit)


def number_or_time(text: str, at: int) -> tuple[Any, int]:
    """A Number, Date, Time or DateTime: literals that start with a digit or ``-``."""
    try:
        if _LOOKS_LIKE_TIME.match(text, at):
            return _time(text, at)
        if match := _HEX.match(text, at):
            return Number(float(int(match[1].replace("_", ""), 16))), match.end()
        if match := _NUMBER.match(text, at):
            return _finite(match[1], match[2]), match.end()
    except ParseError:
        raise
    except (ValueError, OverflowError) as err:
        fail(str(err), text, at)
    if text.startswith("-INF", at):
        return Number(float("-inf")), at + 4
    fail("invalid number", text, at)


def _time(text: str, at: int) -> tuple[Any, int]:
    if match := _DATETIME.match(text, at):
        return _datetime(match, text, at), match.end()
    if match := _DATE.match(text, at):
        return parse_date(match[0]), match.end()
    if match := _TIME.match(text, at):
        return parse_time(match[0]), match.end()
    fail("malformed date, time or dateTime", text, at)


def date_time(text: str) -> DateTime | None:
    """The DateTime, or None if the whole text is not a DateTime."""
    match = _DATETIME.fullmatch(text)
    try:
        return _datetime(match, text, 0) if match else None
    except ValueError:
        return None


def _datetime(match: re.Match[str], text: str, at: int) -> DateTime:
    tz = match["tz"]
    if tz is None and match["offset"] != "Z":
        fail("dateTime has an offset but no time zone", text, at)
    iso = match[0] if tz is None else match[0][: -len(tz) - 1]
    return DateTime.parse(iso, tz or "UTC")
