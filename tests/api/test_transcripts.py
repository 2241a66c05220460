"""Whole exchanges, as a client sees them: a row of the op tables each.

``>>>`` begins a request: method, path after ``/api/``, headers after ``;``, and
the body in the lines below, Zinc unless Content-Type says otherwise. ``<<<``
begins its answer: status, headers, body. ``...`` in an answer is any text, as
a line of its own any lines. The exchanges of one transcript happen in turn, on
the records and samples below.
Source of the texts: docHaystack Ops and HttpApi.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from haystack_app.storage.handler import storages
from haystack_app.wire import zinc_reader
from tests.api.conftest import logged_in

RECORDS = """ver:"3.0"
id,dis,site,equip,point,his,siteRef,equipRef,kind,unit,tz,area,trash,writable
@hq,"Head office",M,,,,,,,,"New_York",1200m²,,
@lab,"Laboratory",M,,,,,,,,"Denver",300m²,,
@ahu,"Air handler",,M,,,@hq "Head office",,,,,,,
@temp,"Temperature",,,M,M,@hq,@ahu,"Number","°C","New_York",,,
@fan,"Fan",,,M,M,@hq,@ahu,"Bool",,"New_York",,,
@far,"Far away",,,M,M,@lab,,"Number",,"Denver",,,
@old,"Thrown away",M,,,,,,,,,,M,
@valve,,,,M,,,,"Number","%",,,,M
"""

SAMPLES = """ver:"3.0"
ts,v0 id:@temp,v1 id:@fan
2024-03-10T00:00:00-05:00 New_York,20.5°C,T
2024-03-10T01:00:00-05:00 New_York,21,
2024-03-10T03:00:00-04:00 New_York,NA,F
2024-03-11T00:00:00-04:00 New_York,19°C,T
"""

EMPTY = """ver:"3.0"
empty
"""

TRANSCRIPTS = {
    "about": """
>>> GET about
<<< 200; Content-Type: text/zinc; charset=utf-8; Cache-Control: no-cache, no-store
ver:"3.0"
haystackVersion,moduleName,moduleVersion,productName,productUri,productVersion,serverBootTime,serverId,serverName,serverTime,...tz,vendorName,vendorUri,whoami
"4.0","haystack_app",...,"Django Haystack",`https://project-haystack.org/`,...,"UTC",...,"boss"
>>> POST about
ver:"3.0"
empty
<<< 200
ver:"3.0"
haystackVersion,...
"4.0",...
""",
    "ops": """
>>> GET ops?filter=name=="read"
<<< 200
ver:"3.0"
def,name,doc,noSideEffects,op
^op:read,"read","...",M,M
>>> POST ops
ver:"3.0"
filter,limit
"name==\\"hisWrite\\"",1
<<< 200
ver:"3.0"
def,name,doc,op
^op:hisWrite,"hisWrite","...",M
>>> GET ops?filter=name==
<<< 200
ver:"3.0" err dis:"...cut short..."
empty
""",
    "formats": """
>>> GET formats
<<< 200
ver:"3.0"
mime,receive,send
"text/zinc",M,M
"application/json",M,M
...
""",
    "read by filter": """
>>> GET read?filter=site+and+area>500m²
<<< 200
ver:"3.0"
id,area,dis,site,tz...
@hq,1200m²,"Head office",M,"New_York"...
>>> POST read
ver:"3.0"
filter,limit
"siteRef->area and equip",5
<<< 200
ver:"3.0"
id,dis,equip,siteRef...
@ahu,"Air handler",M,@hq "Head office"...
""",
    "read by filter: nothing matches, nothing asked for, trash": """
>>> GET read?filter=missing
<<< 200
ver:"3.0"
empty
>>> GET read?filter=site&limit=0
<<< 200
ver:"3.0"
...
>>> GET read?filter=trash
<<< 200
ver:"3.0"
empty
""",
    "read by filter: no filter at all": """
>>> GET read?filter=site+and
<<< 200; Content-Type: text/zinc; charset=utf-8
ver:"3.0" err dis:"filter is cut short at column 9"
empty
>>> GET read
<<< 200
ver:"3.0" err dis:"missing filter or ids"
empty
""",
    "read by id: order, duplicates, a null row for an unknown one": """
>>> POST read
ver:"3.0"
id
@lab
@missing
@lab
<<< 200
ver:"3.0"
id,area,dis,site,tz...
@lab,300m²,"Laboratory",M,"Denver"...
,,,,...
@lab,300m²,"Laboratory",M,"Denver"...
>>> GET read?id=@lab
<<< 200
ver:"3.0"
id,area,dis,site,tz...
@lab,300m²,"Laboratory",M,"Denver"...
""",
    "read by id: all unknown, trash, no Ref": """
>>> POST read
ver:"3.0"
id
@missing
@old
<<< 200
ver:"3.0"
empty
>>> POST read
ver:"3.0"
id
"lab"
<<< 200
ver:"3.0" err dis:"id in row 1 must be a Ref, not \\"lab\\""
empty
""",
    "nav from the root to a leaf": """
>>> GET nav
<<< 200
ver:"3.0"
id,area,dis,navId,site,tz...
@hq,1200m²,"Head office",@hq,M,"New_York"...
@lab,300m²,"Laboratory",@lab,M,"Denver"...
>>> GET nav?navId=@hq
<<< 200
ver:"3.0"
id,dis,equip,navId,siteRef...
@ahu,"Air handler",M,@ahu,@hq "Head office"...
>>> POST nav
ver:"3.0"
navId
"lab"
<<< 200
ver:"3.0"
id,dis,his,kind,navId,point,siteRef,tz...
@far,"Far away",M,"Number",,M,@lab "Laboratory","Denver"...
>>> GET nav?navId=@far
<<< 200
ver:"3.0"
empty
>>> GET nav?navId=@missing
<<< 200
ver:"3.0" err dis:"unknown entity @missing"
empty
""",
    "hisRead of a day of 23 hours": """
>>> GET hisRead?id=@temp&range=2024-03-10
<<< 200
ver:"3.0" id:@temp "Temperature" hisStart:2024-03-10T00:00:00-05:00 New_York hisEnd:2024-03-11T00:00:00-04:00 New_York
ts,val
2024-03-10T00:00:00-05:00 New_York,20.5°C
2024-03-10T01:00:00-05:00 New_York,21°C
2024-03-10T03:00:00-04:00 New_York,NA
""",
    "hisRead between two instants": """
>>> POST hisRead
ver:"3.0"
id,range
@fan,"2024-03-10T05:00:00Z UTC, 2024-03-10T07:00:00Z UTC"
<<< 200
ver:"3.0" id:@fan "Fan" hisStart:2024-03-10T00:00:00-05:00 New_York hisEnd:2024-03-10T03:00:00-04:00 New_York
ts,val
2024-03-10T00:00:00-05:00 New_York,T
""",
    "hisRead of several points": """
>>> POST hisRead
ver:"3.0" range:"2024-03-10"
id
@fan
@temp
@fan
<<< 200
ver:"3.0" hisStart:2024-03-10T00:00:00-05:00 New_York hisEnd:2024-03-11T00:00:00-04:00 New_York
ts,v0 id:@fan "Fan",v1 id:@temp "Temperature",v2 id:@fan "Fan"
2024-03-10T00:00:00-05:00 New_York,T,20.5°C,T
2024-03-10T01:00:00-05:00 New_York,,21°C,
2024-03-10T03:00:00-04:00 New_York,F,NA,F
>>> POST hisRead
ver:"3.0" range:2024-03-10
id
@temp
@far
<<< 200
ver:"3.0" err dis:"missing meta tz: the points have several time zones (Denver, New_York)"
empty
>>> POST hisRead
ver:"3.0" range:2024-03-10 tz:"Denver"
id
@temp
@far
<<< 200
ver:"3.0" hisStart:2024-03-10T00:00:00-07:00 Denver hisEnd:2024-03-11T00:00:00-06:00 Denver
ts,v0 id:@temp "Temperature",v1 id:@far "Far away"
2024-03-10T00:00:00-07:00 Denver,NA,
2024-03-10T22:00:00-06:00 Denver,19°C,
""",
    "hisRead that cannot be": """
>>> GET hisRead?id=@temp
<<< 200
ver:"3.0" err dis:"missing range"
empty
>>> GET hisRead?id=@missing&range=today
<<< 200
ver:"3.0" err dis:"unknown entity @missing"
empty
>>> GET hisRead?id=@hq&range=today
<<< 200
ver:"3.0" err dis:"@hq has no history: no tag 'point'"
empty
>>> GET hisRead?id=@temp&range=lastWeek
<<< 200
ver:"3.0" err dis:"invalid history range \\"lastWeek\\"...use today, yesterday, a date, a dateTime, or a pair of either"
empty
""",
    "hisWrite, and what it wrote": """
>>> POST hisWrite
ver:"3.0" id:@temp
ts,val
2024-04-01T12:00:00-04:00 New_York,21.5°C
2024-04-01T11:00:00-04:00 New_York,R
<<< 200
ver:"3.0"
empty
>>> GET hisRead?id=@temp&range=2024-04-01
<<< 200
ver:"3.0" id:@temp "Temperature" hisStart:2024-04-01T00:00:00-04:00 New_York hisEnd:2024-04-02T00:00:00-04:00 New_York
ts,val
2024-04-01T12:00:00-04:00 New_York,21.5°C
""",
    "commit: add, update, remove": """
>>> POST commit
ver:"3.0" commit:"add"
id,dis,n
@new,"New",5
<<< 200
ver:"3.0"
id,dis,n,mod
@new,"New",5,...Z
>>> POST commit
ver:"3.0" commit:"update" force
id,dis,n
@new,"Renamed",R
<<< 200
ver:"3.0"
id,dis,mod
@new,"Renamed",...Z
>>> POST commit
ver:"3.0" commit:"remove" force
id
@new
<<< 200
ver:"3.0"
empty
>>> GET read?id=@new
<<< 200
ver:"3.0"
empty
""",
    "commit that cannot be": """
>>> POST commit
ver:"3.0" commit:"update"
id,mod,dis
@lab,2001-01-01T00:00:00Z UTC,"Stale"
<<< 200
ver:"3.0" err dis:"@lab was changed since it was read: mod is ...Z UTC, not 2001-01-01T00:00:00Z UTC"
empty
>>> POST commit
ver:"3.0" commit:"update"
id,dis
@lab,"No mod"
<<< 200
ver:"3.0" err dis:"row 1: mod must be a DateTime, not null"
empty
>>> POST commit
ver:"3.0" commit:"add"
id,curVal
@new,
@new2,5
<<< 200
ver:"3.0" err dis:"row 2: tag 'curVal' is set by the server"
empty
>>> POST commit
ver:"3.0"
id
@lab
<<< 200
ver:"3.0" err dis:"missing meta commit"
empty
>>> GET read?filter=n
<<< 200
ver:"3.0"
empty
""",
    "pointWrite: write, read, release": """
>>> POST pointWrite
ver:"3.0"
id,level,val
@valve,17,20%
<<< 200
ver:"3.0"
empty
>>> POST pointWrite
ver:"3.0"
id,level,val,who,duration
@valve,8,75,"Joe",1h
<<< 200
ver:"3.0"
empty
>>> POST pointWrite
ver:"3.0"
id
@valve
<<< 200
ver:"3.0" id:@valve writeLevel:8 writeVal:75%
level,levelDis,val,valDis,who,expires,user
1,"1 (emergency)",,,,,
2,"2",,,,,
...
7,"7",,,,,
8,"8 (manual)",75%,"75%","Joe",...Z,"boss"
9,"9",,,,,
...
16,"16",,,,,
17,"def",20%,"20%","boss",,"boss"
>>> POST pointWrite
ver:"3.0"
id,level,val
@valve,8,
<<< 200
ver:"3.0"
empty
>>> GET read?id=@valve
<<< 200
ver:"3.0"
id,kind,point,unit,writable,writeLevel,writeVal,mod
@valve,"Number",M,"%",M,17,20%,...
""",
    "pointWrite that cannot be": """
>>> POST pointWrite
ver:"3.0"
id,level,val
@hq,8,1
<<< 200
ver:"3.0" err dis:"@hq cannot be written: no tag 'point'"
empty
>>> POST pointWrite
ver:"3.0"
id,level,val
@valve,8.7,1
<<< 200
ver:"3.0" err dis:"level must be a whole number from 1 to 17, not 8.7"
empty
>>> POST pointWrite
ver:"3.0"
id,level,val
@valve,8,1°C
<<< 200
ver:"3.0" err dis:"@valve: unit must be %, not °C"
empty
>>> GET pointWrite?id=@valve
<<< 405; Allow: POST, OPTIONS
{"status": 405, "dis": "pointWrite has side effects: use POST"}
""",
    "invokeAction": """
>>> POST pointWrite
ver:"3.0"
id,level,val
@valve,10,5
<<< 200
ver:"3.0"
empty
>>> POST invokeAction
ver:"3.0" id:@valve action:"release"
empty
<<< 200
ver:"3.0"
released
1
>>> POST invokeAction
ver:"3.0" id:@hq action:"release"
empty
<<< 200
ver:"3.0" err dis:"action 'release' does not apply to @hq"
empty
>>> POST invokeAction
ver:"3.0" id:@hq action:"nosuch"
empty
<<< 200
ver:"3.0" err dis:"unknown action 'nosuch'"
empty
""",
    "close": """
>>> POST close
ver:"3.0"
empty
<<< 200
ver:"3.0"
empty
>>> GET about
<<< 401; WWW-Authenticate: ...; Cache-Control: no-cache, no-store
{"status": 401, "dis": "..."}
""",
    "errors before an op runs": """
>>> GET hisWrite?id=@temp
<<< 405; Allow: POST, OPTIONS; Content-Type: application/json; charset=utf-8
{"status": 405, "dis": "hisWrite has side effects: use POST"}
>>> GET nosuch
<<< 404; Cache-Control: no-cache, no-store
{"status": 404, "dis": "unknown op 'nosuch'"}
>>> GET nosuch/about
<<< 404
{"status": 404, "dis": "unknown project 'nosuch'"}
>>> GET about; Accept: image/png
<<< 406
{"status": 406, "dis": "unsupported media type in Accept: 'image/png'"}
>>> POST read; Content-Type:
ver:"3.0"
<<< 400
{"status": 400, "dis": "missing Content-Type"}
>>> POST read; Content-Type: text/plain
filter: site
<<< 415
{"status": 415, "dis": "...text/plain..."}
>>> POST read
filter: site
<<< 400; Cache-Control: no-cache, no-store
{"status": 400, "dis": "a grid must start with ver:\\"3.0\\" at column 1"}
>>> POST read; Content-Encoding: br
ver:"3.0"
<<< 415; Accept-Encoding: gzip, identity
{"status": 415, "dis": "unsupported Content-Encoding 'br': use gzip or identity"}
>>> DELETE read
<<< 501; Allow: GET, HEAD, POST, OPTIONS
{"status": 501, "dis": "Only GET and POST are implemented."}
""",
    "OPTIONS and HEAD": """
>>> OPTIONS read
<<< 200; Allow: GET, HEAD, POST, OPTIONS; Content-Length: 0
>>> OPTIONS hisWrite
<<< 200; Allow: POST, OPTIONS
>>> OPTIONS nosuch
<<< 404
{"status": 404, "dis": "unknown op 'nosuch'"}
>>> HEAD about
<<< 200; Content-Type: text/zinc; charset=utf-8; Cache-Control: no-cache, no-store
>>> HEAD close
<<< 405; Allow: POST, OPTIONS
""",
    "a watch: opened, polled, closed": """
>>> POST watchSub
ver:"3.0" watchDis:"my screen" lease:30sec
id
@valve
@missing
@valve
<<< 200; Content-Type: text/zinc; charset=utf-8
ver:"3.0" watchId:"..." lease:30sec seq:1
id,kind,point,unit,writable,mod
@valve,"Number",M,"%",M,...
,,,,,
@valve,"Number",M,"%",M,...
>>> POST watchSub
ver:"3.0" watchDis:"nothing there"
id
@missing
<<< 200
ver:"3.0" watchId:"..." lease:60sec seq:0
id
N
>>> POST watchSub
ver:"3.0" watchDis:"no unit" lease:30
id
@valve
<<< 200
ver:"3.0" err dis:"meta lease must be a Number with a unit of time, not 30"
empty
>>> POST watchSub
ver:"3.0" watchId:"hijack"
id
@valve
<<< 200
ver:"3.0" err dis:"...hijack...open a new one..."
empty
>>> POST watchPoll
ver:"3.0" watchId:"hijack"
empty
<<< 200
ver:"3.0" err dis:"...hijack...open a new one..."
empty
>>> POST watchPoll
ver:"3.0"
empty
<<< 200
ver:"3.0" err dis:"missing meta watchId"
empty
>>> POST watchUnsub
ver:"3.0" watchId:"hijack" close
empty
<<< 200
ver:"3.0"
empty
>>> POST watchUnsub
ver:"3.0" close
empty
<<< 200
ver:"3.0" err dis:"missing meta watchId"
empty
>>> GET watchPoll?watchId=hijack
<<< 405; Allow: POST, OPTIONS
{"status": 405, "dis": "watchPoll has side effects: use POST"}
""",
    "a watch by filter": """
>>> POST watchSub
ver:"3.0" watchDis:"sites" filter:"site"
empty
<<< 200
ver:"3.0" watchId:"..." lease:60sec seq:1 filter:"site"
id,area,dis,site,tz,mod
@hq,1200m²,"Head office",M,"New_York",...
@lab,300m²,"Laboratory",M,"Denver",...
>>> POST watchSub
ver:"3.0" watchDis:"both" filter:"site"
id
@hq
<<< 200
ver:"3.0" err dis:"meta filter and rows with ids are mutually exclusive"
empty
""",
    "curWrite": """
>>> POST curWrite
ver:"3.0"
id,val,status
@hq,20,"ok"
<<< 200
ver:"3.0" err dis:"@hq cannot be written: no tag 'point'"
empty
>>> POST commit
ver:"3.0" commit:"update" force
id,cur
@temp,M
<<< 200
ver:"3.0"
...
>>> POST curWrite
ver:"3.0"
id,val,status
@temp,20.5°C,
<<< 200
ver:"3.0"
empty
>>> GET read?filter=curVal>20°C
<<< 200
ver:"3.0"
id,cur,curStatus,curVal,...
@temp,M,"ok",20.5°C,...
>>> GET curWrite?id=@temp&val=5
<<< 405; Allow: POST, OPTIONS
{"status": 405, "dis": "curWrite has side effects: use POST"}
""",
    "Hayson": """
>>> POST read; Accept: application/json; Content-Type: application/json
{"_kind":"grid","meta":{"ver":"3.0"},"cols":[{"name":"filter"}],"rows":[{"filter":"equip"}]}
<<< 200; Content-Type: application/json; charset=utf-8
{"_kind":"grid","meta":{"ver":"3.0"},"cols":[{"name":"id"},{"name":"dis"},{"name":"equip"},{"name":"siteRef"}...],"rows":[
{...}
]}
>>> GET read?filter=); Accept: application/vnd.haystack+json;version=4
<<< 200; Content-Type: application/vnd.haystack+json; version=4; charset=utf-8
{"_kind":"grid","meta":{"ver":"3.0","err":{"_kind":"marker"},"dis":"...column 1"},"cols":[{"name":"empty"}],"rows":[
...
]}
""",
}


@dataclass(frozen=True)
class Message:
    """``first`` is a request line or a status."""

    first: str
    headers: dict[str, str]
    body: str


def messages(transcript: str) -> Iterator[tuple[Message, Message]]:
    """Requests, each with the answer to it."""
    for exchange in re.split(r"^>>> ", transcript, flags=re.MULTILINE)[1:]:
        request, _, answer = exchange.partition("\n<<< ")
        yield message(request), message(answer)


def message(text: str) -> Message:
    line, _, body = text.partition("\n")
    first, *headers = re.split(r"; (?=[A-Z])", line)
    pairs = (re.split(r":\s*", header, maxsplit=1) for header in headers)
    return Message(first, dict(pairs), body.strip("\n"))


def pattern(text: str) -> re.Pattern[str]:
    within = re.escape(text).replace(r"\.\.\.", ".*")
    return re.compile(re.sub(r"^\.\*(?=\\?$)", "(?s:.*)", within, flags=re.MULTILINE))


@pytest.fixture
def client(db: None) -> Any:
    store = storages["default"]
    store.load_entities(zinc_reader.read_grid(RECORDS).rows, replace=True)
    client = logged_in("boss", is_staff=True)
    written = client.generic("POST", "/api/hisWrite", SAMPLES, "text/zinc")
    assert written.content.decode() == EMPTY + "\n"
    return client


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_transcript(client: Any, name: str) -> None:
    for request, expected in messages(TRANSCRIPTS[name]):
        method, path = request.first.split(" ", 1)
        headers = {"Content-Type": "text/zinc", **request.headers}
        answer = client.generic(
            method,
            f"/api/{path}",
            request.body,
            headers={key: val for key, val in headers.items() if key[:8] != "Content-"},
            CONTENT_TYPE=headers["Content-Type"],
            HTTP_CONTENT_ENCODING=headers.get("Content-Encoding", ""),
        )
        shown = f"{request.first}\n{answer.content.decode()}"
        assert str(answer.status_code) == expected.first, shown
        for header, value in expected.headers.items():
            assert pattern(value).fullmatch(answer[header]), (header, answer[header])
        body = answer.content.decode().rstrip("\n")
        assert pattern(expected.body).fullmatch(body), shown
