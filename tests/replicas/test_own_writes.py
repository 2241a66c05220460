"""Users always see what they have written, beside a replica that lags, hangs and dies.

Each user has two points, which every write changes together; an answer that mixed two
states would show two numbers.
"""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from tests.live.conftest import ids_of
from tests.outages.site import Answer, Site, connected
from tests.patience import PATIENCE
from tests.replicas.conftest import Pair, counts

SECONDS = 8
AT = "2024-01-01T12:00:00Z UTC"


def edit(at: Site, pair: tuple[str, str], number: int) -> Answer:
    a, b = pair
    meta = f'ver:"3.0" filter:"id==@{a} or id==@{b}"'
    return at.ask("/api/bulkUpdate", f"{meta}\nrev\n{number}\n")


def set_currents(at: Site, pair: tuple[str, str], number: int) -> Answer:
    rows = "".join(f"@{id},{number}\n" for id in pair)
    return at.ask("/api/curWrite", f'ver:"3.0"\nid,val\n{rows}')


def set_samples(at: Site, pair: tuple[str, str], number: int) -> Answer:
    cols = ",".join(f"v{n} id:@{id}" for n, id in enumerate(pair))
    return at.ask("/api/hisWrite", f'ver:"3.0"\nts,{cols}\n{AT},{number},{number}\n')


def tags(text: str, name: str) -> set[int]:
    """The numbers that a tag has in rows of Zinc or JSON."""
    rows = json.loads(text)
    rows = rows.get("results", rows.get("rows", [rows]))
    return {int(row[name]) for row in rows if name in row}


def in_read(at: Site, pair: tuple[str, str], name: str) -> set[int]:
    text = quote(f"id==@{pair[0]} or id==@{pair[1]}")
    headers = {**at.headers, "Accept": "application/json"}
    answer = at.ask(f"/api/read?filter={text}", **headers)
    assert answer.status == 200, answer
    return tags(answer.text, name)


def in_list(at: Site, pair: tuple[str, str], name: str) -> set[int]:
    text = quote(f"id==@{pair[0]} or id==@{pair[1]}")
    answer = at.ask(f"/api/entities/?filter={text}")
    assert answer.status == 200, answer
    return tags(answer.text, name)


def in_entity(at: Site, pair: tuple[str, str], name: str) -> set[int]:
    answer = at.ask(f"/api/entities/{pair[0]}/")
    assert answer.status == 200, answer
    return tags(answer.text, name)


def in_frame(at: Site, pair: tuple[str, str], name: str) -> set[int]:
    ids = ",".join(pair)
    answer = at.ask(f"/api/history/?ids={ids}&range=2024-01-01&format=csv")
    assert answer.status == 200, answer
    found = re.findall(r"^2024-01-01T[^,]*,(\d+)[^,]*,(\d+)", answer.text, re.M)
    return {int(one) for row in found for one in row}


def in_roll_up(at: Site, pair: tuple[str, str], name: str) -> set[int]:
    ids = ",".join(pair)
    more = "rollup=max&interval=1day&format=csv"
    answer = at.ask(f"/api/history/?ids={ids}&range=2024-01-01&{more}")
    assert answer.status == 200, answer
    found = re.findall(r"^2024-01-01T[^,]*,(\d+)[^,]*,(\d+)", answer.text, re.M)
    return {int(one) for row in found for one in row}


Write = Callable[[Site, tuple[str, str], int], Answer]
Read = Callable[[Site, tuple[str, str], str], set[int]]
KINDS: dict[str, tuple[Write, list[Read]]] = {
    "rev": (edit, [in_read, in_list, in_entity]),
    "curVal": (set_currents, [in_read, in_list, in_entity]),
    "sample": (set_samples, [in_frame, in_roll_up]),
}


@dataclass
class User:
    """Writes to its own points, and reads those of everyone."""

    site: Site
    points: tuple[str, str]
    others: list[tuple[str, str]]
    seed: int
    errors: list[str] = field(default_factory=list)
    checked: int = 0

    def run(self, end: float) -> None:
        chance, number = random.Random(self.seed), 0
        last: dict[str, int] = {}
        while time.monotonic() < end and not self.errors:
            name = chance.choice([*KINDS])
            write, looks = KINDS[name]
            if chance.random() < 0.5:
                number += 1
                answer = write(self.site, self.points, number)
                if answer.status != 200 or "err" in answer.text.partition("\n")[0]:
                    self.errors.append(f"{name}: {answer}")
                    return
                last[name] = number
                if name == "sample":  # the newest one is the current value, too
                    last["curVal"] = number
            found = chance.choice(looks)(self.site, self.points, name)
            if name in last and found != {last[name]}:
                self.errors.append(f"{name}: {found} instead of {last[name]}")
            others = chance.choice(looks)(self.site, chance.choice(self.others), name)
            if len(others) > 1:
                self.errors.append(f"{name}: two states in one answer: {others}")
            self.checked += 1


def trouble(pair: Pair, end: float) -> None:
    chance = random.Random(7)
    while time.monotonic() < end:
        pair.standby.pause()
        time.sleep(chance.choice([0.01, 0.05, 0.3]))
        pair.standby.resume()
        time.sleep(chance.choice([0.05, 0.2, 0.4]))
    pair.standby.stop()
    pair.standby.start()


def test_users_see_what_they_wrote(pair: Pair, tmp_path: Path) -> None:
    with pair.site(tmp_path) as first:
        points = [(f"n{2 * n}", f"n{2 * n + 1}") for n in range(3)]
        users = [
            User(Site(first.server, pair.headers(name)), points[n], points, n)
            for n, name in enumerate(pair.secrets)
        ]
        end = time.monotonic() + SECONDS
        threads = [
            threading.Thread(target=user.run, args=(end + 1,), daemon=True)
            for user in users
        ]
        for thread in threads:
            thread.start()
        trouble(pair, end)
        for thread in threads:
            thread.join(PATIENCE)
        assert [user.errors for user in users] == [[], [], []]
        assert all(user.checked > 20 for user in users)
        found = counts(first)
        assert found["replica_1"] > 20 and found["writes"] > 3, found


def test_users_read_no_less_than_what_they_were_told(
    pair: Pair, tmp_path: Path
) -> None:
    """By a push of a watch, and by the change feed."""
    points = "n6", "n7"
    with pair.site(tmp_path) as at:
        bob, carol = (Site(at.server, pair.headers(one)) for one in ("bob", "carol"))
        with connected(bob) as socket:
            assert ids_of(socket.sub("n7")) == ["n7"]
            cursor = carol.ask("/api/changes/").json["cursor"]
            pair.standby.pause()
            assert set_currents(at, points, 77).status == 200
            [changed] = socket.pushed()
            assert changed["curVal"].val == 77
            assert in_read(bob, points, "curVal") == {77}
        assert edit(at, points, 78).status == 200
        page = carol.ask(f"/api/changes/?since={cursor}&wait=0").json
        assert {one["id"] for one in page["changes"]} == set(points)
        assert in_read(carol, points, "rev") == {78}
