"""Ops of another Haystack server, with limits on what it may answer.

Requests and answers are Zinc, which every Haystack server since version 2 speaks.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from ...kinds.grid import Col, Grid
from ...kinds.scalars import Number, Ref
from ...models import Connector
from ...wire import limits
from ...wire.errors import ParseError
from ...wire.registry import ZINC
from ...wire.sample_reader import zinc_samples
from ..errors import ConnectorError
from ..http import HttpClient, Response, TooLarge, shown
from .log_in import authorization

__all__ = ["FarServer", "Refused"]

Status = Connector.Status
_MOST_BYTES = 64 * 1024 * 1024
_ZINC = "text/zinc"
_ABOUT = frozenset({"haystackVersion", "productName", "serverName"})
"""Of these a server has one at least; not all have the first."""
_MISSING_OP = (404, 405, 501)
_DOWN = (502, 503, 504)
_LONGEST_SKEW = 300.0
"""Seconds that clocks may differ."""


class Refused(ConnectorError):
    """The server answered with an error of the op; other requests may succeed.

    ``is_missing``: it does not have the op. ``is_failure``: it may be out of order.
    """

    def __init__(
        self, text: str, *, is_missing: bool = False, is_failure: bool = False
    ) -> None:
        super().__init__(Status.REFUSED, text)
        self.is_missing = is_missing
        self.is_failure = is_failure


class FarServer:
    """Logs in when it is first used, and again when the login has ended."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        secret: Callable[[str], str],
        secrets: set[str],
    ) -> None:
        """As ``authorization``; raises ConnectorError for what cannot be used."""
        self.settings = settings
        self.secret, self.secrets = secret, secrets
        name = "certificates"
        self.http = HttpClient(
            settings["url"],
            seconds=settings["timeout"],
            most=_MOST_BYTES,
            certificates=secret(name) if settings[name] else "",
        )
        self.headers: dict[str, str] | None = None
        self.skew = 0.0
        """Seconds that its clock is ahead of ours."""

    def close(self) -> None:
        self.http.close()

    # -- ops ------------------------------------------------------------------

    def about(self) -> Mapping[str, Any]:
        row = self.call("about", get=True).first
        if not row.keys() & _ABOUT:
            text = f"the answer of about has none of {', '.join(sorted(_ABOUT))}"
            raise ConnectorError(Status.INVALID, text)
        return row

    def read(self, filter: str) -> Grid:
        return self.call("read", Grid.of([{"filter": filter}]))

    def read_ids(self, ids: Iterable[str]) -> Grid:
        return self.call("read", Grid.of([{"id": Ref(id)} for id in ids]))

    def watch_sub(self, meta: Mapping[str, Any], ids: Iterable[str]) -> Grid:
        rows = [{"id": Ref(id)} for id in ids]
        return self.call("watchSub", Grid([Col("id")], rows, meta))

    def watch_poll(self, watch: str, *, refresh: bool) -> Grid:
        meta: dict[str, Any] = {"watchId": watch}
        if refresh:
            meta["refresh"] = True
        return self.call("watchPoll", Grid(meta=meta))

    def watch_close(self, watch: str) -> None:
        self.call("watchUnsub", Grid(meta={"watchId": watch, "close": True}))

    def his_read(self, id: str, range: str) -> Grid:
        return self.call("hisRead", Grid.of([{"id": Ref(id), "range": range}]))

    def his_read_batch(self, ids: Iterable[str], range: str) -> Grid:
        rows = [{"id": Ref(id)} for id in ids]
        return self.call("hisRead", Grid([Col("id")], rows, {"range": range}))

    def point_write(self, id: str, level: int, val: Any, who: str) -> None:
        row = {"id": Ref(id), "level": Number(level), "val": val, "who": who}
        cols = [Col(name) for name in row]
        given = {name: value for name, value in row.items() if value is not None}
        self.call("pointWrite", Grid(cols, [given]))

    # -- requests -------------------------------------------------------------

    def call(self, op: str, request: Grid | None = None, *, get: bool = False) -> Grid:
        """The answer of an op. Raises ConnectorError."""
        body = "".join(ZINC.write(request or Grid())).encode() if ZINC.write else b""
        answer = self._answer(op, None if get else body)
        if answer.status in (401, 403) and self.headers:
            self.headers = None  # the login has ended
            answer = self._answer(op, None if get else body)
        self._check(op, answer)
        return self._grid(op, answer)

    def _answer(self, op: str, body: bytes | None) -> Response:
        if self.headers is None:
            self.headers = authorization(
                self.http, self.settings, self.secret, self.secrets
            )
        headers = {**self.headers, "Accept": _ZINC, "User-Agent": "haystack-server"}
        if body is not None:
            headers["Content-Type"] = f"{_ZINC}; charset=utf-8"
        method = "GET" if body is None else "POST"
        answer = self.http.send(method, f"/{op}", headers, body)
        self._note_clock(answer)
        return answer

    def _note_clock(self, answer: Response) -> None:
        try:
            there = parsedate_to_datetime(answer.headers.get("Date") or "")
            self.skew = there.timestamp() - time.time()
        except (TypeError, ValueError, OverflowError):
            pass  # not all servers say it

    def check_clock(self, there: dt.datetime | None = None) -> None:
        """Raises ConnectorError if the clocks differ too much."""
        skew = there.timestamp() - time.time() if there else self.skew
        if abs(skew) > _LONGEST_SKEW:
            size = dt.timedelta(seconds=round(abs(skew)))
            where = "fast" if skew > 0 else "slow"
            text = f"its clock is {size} {where}, by ours: set both by NTP"
            raise ConnectorError(Status.CLOCK, text)

    def _check(self, op: str, answer: Response) -> None:
        status = answer.status
        if status in (401, 403):
            text = f"{op}: not allowed (status {status}): see the rights of the user"
            if op == "about":
                text = "wrong user name, password or token"
            raise ConnectorError(Status.AUTHENTICATION, text)
        if 300 <= status < 400:
            to = shown(answer.headers.get("Location") or "another address")
            text = f"the server redirects to {to}: set the URL to that of its API"
            raise ConnectorError(Status.INVALID, text)
        if status in _DOWN:
            text = f"{self.http.place} is not available (status {status})"
            raise ConnectorError(Status.UNREACHABLE, text)
        if status in _MISSING_OP and op == "about":
            text = f"there is no Haystack API at this URL (status {status})"
            raise ConnectorError(Status.INVALID, text)
        if status >= 400:
            text = f"{op}: the server answered with status {status}"
            missing = status in _MISSING_OP
            raise Refused(text, is_missing=missing, is_failure=status >= 500)

    def _grid(self, op: str, answer: Response) -> Grid:
        """Raises ConnectorError, and Refused for an error grid."""
        media = (answer.headers.get("Content-Type") or "").partition(";")[0].strip()
        try:
            text = answer.body.decode("utf-8-sig")
            if text.startswith('ver:"2.0"'):
                raise ConnectorError(
                    Status.UNSUPPORTED,
                    "the server speaks Haystack 2: it must have version 3 or later",
                )
            if text.count(",") + text.count("\n") > limits.MAX_CELLS:
                raise TooLarge(f"{op}: the answer has too many values")
            samples = zinc_samples(text) if op == "hisRead" else None
            grid = samples or ZINC.read_text(text)
        except ConnectorError:
            raise
        except ParseError as error:
            what = f"{op}: the answer is not a Zinc grid"
            is_html = "html" in media or text.lstrip()[:1] == "<"
            why = "it is a web page" if is_html else shown(str(error))
            raise ConnectorError(Status.INVALID, f"{what}: {why}") from None
        except (ValueError, RecursionError) as error:
            what = f"{op}: the answer is not a Zinc grid: {type(error).__name__}"
            raise ConnectorError(Status.INVALID, what) from None
        if grid.is_error:
            dis = grid.meta.get("dis")
            why = shown(dis) if isinstance(dis, str) else "no reason given"
            raise Refused(f"{op}: the server refused it: {why}")
        return grid
