"""Headers that clients could send, damaged where parsers are weak."""

from __future__ import annotations

import random

__all__ = ["damaged_headers"]

_RFC2231 = [
    "x*=nosuch''a",
    "x*=utf-8''%ff",
    "x*0=a; x*1*=b; x*=c; x=d",
    "x*0*=utf-8''a; x*1=b; x*x*=c",
    "x*=base64''%00; x*0*=undefined''a",
    "x*a\0b*=''; x*=",
    "boundary*=nosuch''a; boundary*0=b; boundary=c",
    "charset*=nosuch''a; charset*0=x; charset=y",
    "version*0=3; version*=utf-8''3; version=3",
    "q*=0; q*0=1",
]
_CHARSETS = [
    *("utf-8", "base64", "idna", "punycode", "undefined", "utf-16", "x\0y", "rot13"),
    "unicode_escape",
]
_TYPES = [
    *("text/zinc", "application/json", "application/vnd.haystack+json", "text/html"),
    *("application/x-www-form-urlencoded", "multipart/form-data; boundary=x"),
    *("*/*", "text/*", "text/event-stream", "application/vnd.oai.openapi", "text/csv"),
]
_SEEDS = {
    "Content-Type": [
        *_TYPES,
        *(f"{one}; {parameter}" for one in _TYPES for parameter in _RFC2231),
        *(f"{one}; charset={name}" for one in _TYPES for name in _CHARSETS),
    ],
    "Accept": [
        *_TYPES,
        *(f"{one}; {parameter}" for one in _TYPES for parameter in _RFC2231),
        "application/json;version=3, text/zinc;q=0.5, */*;q=0",
        "text/zinc;version=1\x0b2",
        "application/json;q=nan, text/zinc;q=inf",
    ],
    "Authorization": [
        "Bearer x",
        "BEARER authToken=x",
        "Basic YWxpY2U6eA==",
        "Basic AGE6AGI=",
        "HELLO username=YWxpY2U",
        "scram handshakeToken=x\0y, data=biws",
        "Negotiate abc",
    ],
    "Cookie": [
        "sessionid=abcdefghijkl; csrftoken=a",
        'sessionid="abcdefgh\\000ij"; csrftoken="\\000"',
        "sessionid=; =; ;messages=[[1]]",
        'messages="[[\\"__json_message\\",0,20,\\"x\\"]]:1:x"',
    ],
    "Host": [*["testserver"] * 9, "[::1", "a:b:c", "x" * 300, "testserver:99999"],
    "Origin": ["http://testserver", "http://[::1", "null", "x", "https://a:b"],
    "Referer": ["https://testserver/", "http://[::1", "//", "x"],
    "X-Forwarded-For": ["1.2.3.4, ::1", ",", "[::1]:80"],
    "X-Forwarded-Proto": ["https", "http,https"],
    "X-CSRFToken": ["a" * 32, "a" * 64, "é"],
    "If-Match": ['"2024-01-01T00:00:00Z"', "*", "W/", '"9999-12-31T23:59:59.9999Z"'],
    "If-None-Match": ['"a", W/"b"', "*", '"'],
    "If-Modified-Since": ["Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 99 Xyz 0000", "0"],
    "Range": ["bytes=0-", "bytes=-1,2-", "lines=a-b"],
    "Content-Length": ["5", "-1", "1e3", "9" * 20, "9" * 5_000, "٣"],
    "Content-Encoding": ["gzip", "gzip, gzip", "identity;q=0", "br"],
    "Accept-Encoding": ["gzip;q=0", "*;q=x", "identity;q=0"],
    "Accept-Language": ["de-DE, en;q=0.5", "x" * 600, "*;q=a"],
    "Last-Event-ID": ["7", "-1", "9" * 40, "٣"],
    "Transfer-Encoding": ["chunked", "x"],
    "X-Requested-With": ["XMLHttpRequest"],
    "Upgrade": ["websocket"],
    "Content-Disposition": [f"form-data; name=a; {one}" for one in _RFC2231],
}
_PIECES = [
    *("\0", "\r\n", "\x0b", "é", "\xff", ";", ";;", "=", '"', "*=", "*0*=", "''"),
    *("%", "%00", "%ff", ",", "/", " ", "\t", "9" * 400, "a" * 5_000, ";x=y" * 500),
]


def damaged_headers(number: int, seed: str) -> list[tuple[str, str]]:
    """Names and values, the same for each seed; names take turns."""
    draw = random.Random(seed)
    names = list(_SEEDS)
    return [
        (name, _damaged(draw, draw.choice(_SEEDS[name])))
        for name in (names[at % len(names)] for at in range(number))
    ]


def _damaged(draw: random.Random, text: str) -> str:
    for _ in range(draw.choice([0, 0, 1, 1, 2, 4])):
        at = draw.randrange(len(text) + 1)
        end = at + draw.choice([0, 0, 1, 3])
        text = text[:at] + draw.choice(_PIECES) + text[end:]
    return text
