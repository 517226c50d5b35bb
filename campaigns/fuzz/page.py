"""The page: its addresses, their queries, its forms."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from campaigns.fuzz.documents import HOSTILE
from campaigns.fuzz.http1 import Web, encoded
from campaigns.fuzz.stage import set_up
from campaigns.fuzz.target import Player, Target
from campaigns.laws import BrokenLawError, require
from fakeviam.web.app import PAGE
from fakeviam.web.page.controls import ACTIONS
from fakeviam.web.page.site import ASKED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from campaigns.dice import Dice
    from campaigns.fuzz.http1 import Reply
    from campaigns.fuzz.stage import Stage

#: What shows whether a text got into the page as it is.
_MARK = "<fuzz>\"'&"

_FIELDS = (
    *("action", "time", "rpc", "status", "times", "faults", "name", "snapshot", "id", "seed", "x"),
    *("organization", "role", "field", "value", "days", "hours", "minutes", "seconds", "files"),
)
_VALUES = (
    *("1", "0", "-1", "9" * 30, "1.5", "nan", "2026-03-10T12:00:00Z", "9999-12-31T23:59:59Z", ""),
    *("*", "FileUpload", "UNAVAILABLE", "owner", "preset", "observed", "interval_bounds", '"x"'),
    *('[{"rpc": "*", "status": "UNAVAILABLE"}]', '{"version": 1, "datasets": ["a"]}', "{", "null"),
    *('[{"$match": {}}]', '[{"$sort": 1}]', "select * from readings", "sql", "mql", "json", _MARK),
    *("zip", "parquet", "coco", "cat", "VIAM_DATASET_x", "../../etc/passwd", "\ud800", "x" * 3000),
)


class Visits(Player):
    """Opens one address after the other, and sends forms."""

    def __init__(self, stage: Stage) -> None:
        """Visit the fake of `stage`."""
        self._stage, self._web = stage, Web(stage.cloud)
        self._words = [*_VALUES, *(each for some in stage.known.values() for each in some)]
        self._state = stage.state()
        self._sent, self._taken = b"", 0

    async def take(self, dice: Dice) -> str:
        self._taken += 1
        reads = dice.chance(0.7)
        self._sent = self._address(dice) if reads else self._form(dice)
        reply = await self._web.ask(self._sent)
        outcome = "closed" if reply is None else f"{reply.status}"
        if reply is not None:
            _check(reply)
        if reads or reply is None or reply.status >= 400:
            self._stage.check_unchanged(self._state, f"{outcome}: {self._sent[:300]!r}")
        else:
            self._state = self._stage.state()
        self._stage.check_no_crash()
        if self._taken % 10 == 0:
            await self._read(dice.choice(_VIEWS))
            await self._stage.check_neighbour()
        return outcome

    def last_input(self) -> str:
        return repr(self._sent[:1500])

    async def look_back(self) -> None:
        for view in _VIEWS:
            await self._read(view)
        self._web.close()

    async def _read(self, view: str) -> None:
        reply = await self._web.ask(encoded("GET", f"{PAGE}/{view}"))
        status = None if reply is None else reply.status
        require(status == 200, "every view can still be read", f"{view}: {reply}")

    def _word(self, dice: Dice) -> str:
        if dice.chance(0.1):
            return dice.choice(HOSTILE)[:500]
        return dice.choice(self._words) if dice.chance(0.8) else dice.text()

    def _address(self, dice: Dice) -> bytes:
        view = dice.choice(
            [*ASKED, *_VIEWS, "file", "bytes", "dataset", "sequence", "job", "point"]
        )
        path = f"{PAGE}/{view}" if dice.chance(0.95) else f"{PAGE}{quote(dice.text())}"
        if view in _OF_ONE or dice.chance(0.1):
            path += f"/{quote(_utf8(self._word(dice)), safe='/' if dice.chance(0.5) else '')}"
        names = dice.some([*ASKED.get(view, ())], 4)
        if dice.chance(0.1):
            names.append(dice.choice(("session", dice.text())))
        pairs = {name: _utf8(self._word(dice)) for name in names}
        return encoded("GET", f"{path}?{urlencode(pairs)}" if pairs else path)

    def _form(self, dice: Dice) -> bytes:
        fields = {name: _utf8(self._word(dice)) for name in dice.some(_FIELDS, 6)}
        if dice.chance(0.95):
            fields["action"] = dice.choice([*ACTIONS]).encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        body = urlencode(fields).encode()
        if dice.chance(0.3):
            headers["content-type"] = "multipart/form-data; boundary=b"
            body = _multipart(dice, fields)
        if dice.chance(0.05):
            headers["content-type"] = dice.choice(("text/plain", "multipart/form-data", ""))
        if dice.chance(0.1):
            headers["origin"] = dice.choice(("https://evil.example", "null", "http://localhost"))
        body = dice.mutated(body) if dice.chance(0.1) else body
        return encoded("POST", f"{PAGE}/controls", body, headers)


def _utf8(text: str) -> bytes:
    """A text as an address may carry it: what is no Unicode, too."""
    return text.encode("utf-8", "surrogatepass")


def _multipart(dice: Dice, fields: Mapping[str, bytes]) -> bytes:
    parts = [f'name="{name}"'.encode() + b"\r\n\r\n" + value for name, value in fields.items()]
    for _ in range(dice.randrange(3)):
        name = dice.choice(("a.jpg", "seed.yaml", "a.csv", "x.json", "../a", "", _MARK, "a.tar.gz"))
        content = dice.choice((b"", b"time,v\n1,2\n", b"version: 1\n", b"\xff\xd8", b"{", b"[]"))
        parts.append(f'name="files"; filename="{name}"'.encode() + b"\r\n\r\n" + content)
    head = b"--b\r\ncontent-disposition: form-data; "
    return b"\r\n".join([*(head + part for part in parts), b"--b--" if dice.chance(0.9) else b"--"])


def _check(reply: Reply) -> None:
    text = f"{reply.status} {reply.body[-2000:]!r}"
    if reply.status >= 500 and reply.status != 507:
        raise BrokenLawError("never a 500", text)
    if "text/html" in reply.headers.get("content-type", ""):
        require(b"<fuzz>" not in reply.body, "what is shown is escaped", text)
        require(reply.body.rstrip().endswith(b"</html>"), "a page is whole", text)


#: Views of one thing, which stands in the address.
_OF_ONE = (
    *(
        "file",
        "bytes",
        "dataset",
        "sequence",
        "job",
        "pipeline",
        "export",
        "calls",
        "policy",
        "why",
    ),
)

#: Those that need nothing more.
_VIEWS = (
    *("calls", "files", "readings", "query", "datasets", "sequences", "pipelines", "fleet"),
    *("policy", "controls", "snapshots"),
)


class Page(Target):
    """What people see."""

    name = "page"
    takes = "addresses, queries and forms of the page"
    share = 30
    size = 100

    @asynccontextmanager
    async def opened(self, dice: Dice) -> AsyncIterator[Player]:
        async with set_up(dice) as stage:
            yield Visits(stage)
