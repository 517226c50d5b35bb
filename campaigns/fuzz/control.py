"""Requests to the control API: their path, query, headers and bodies."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from campaigns.fuzz.documents import HOSTILE, spoiled
from campaigns.fuzz.http1 import Web, check_reply, encoded
from campaigns.fuzz.stage import Stage, set_up
from campaigns.fuzz.target import Player, Target
from campaigns.laws import BrokenLawError
from fakeviam.web.table import ROOT, endpoints

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from campaigns.dice import Dice
    from fakeviam.web.endpoint import Endpoint

#: What reads everything there is: each must go on answering.
READS = (
    *("", "/check", "/clauses", "/fleet", "/api-keys", "/policy", "/clock", "/calls", "/archive"),
    *("/calls/attempts", "/faults", "/replies", "/sessions", "/snapshots", "/openapi.json"),
)

_METHODS = ("GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS", "TRACE", "get", "X" * 99)

#: A seed to begin from, and whatever a fault, a reply or a policy may be called.
_WORDS = (
    *("UNAVAILABLE", "INTERNAL", "FileUpload", "BinaryDataByFilter", "strict", "documented"),
    *("rpc", "status", "name", "where", "times", "reply", "snapshot-1", "session-1", "s", "1"),
    *("2026-01-31T12:00:00Z", "2h", "owner", "operator", "observed", "neighbor"),
)
_SEED = {
    "version": 1,
    "datasets": ["dogs"],
    "files": [{"name": "dog.jpg", "data": "aGVsbG8=", "datasets": ["dogs"], "tags": ["a"]}],
    "readings": [{"rows": [{"time": "2026-01-31T12:00:00Z", "v": 1}]}],
}


class Requests(Player):
    """Sends one request after the other."""

    def __init__(self, stage: Stage) -> None:
        """Attack the fake of `stage`."""
        self._stage, self._web = stage, Web(stage.cloud)
        self._endpoints = endpoints()
        self._words = [*_WORDS, *(each for values in stage.known.values() for each in values)]
        self._sent = b""
        self._taken = 0
        self._state = self._everything()

    def _everything(self) -> list[object]:
        cloud = self._stage.cloud
        return [
            *self._stage.state(),
            sorted(cloud.sessions),
            [str(each) for each in cloud.faults.planned],
            len(cloud.replies.scripts),
            cloud.clock.state(),
        ]

    async def take(self, dice: Dice) -> str:
        self._sent = self._request(dice)
        self._taken += 1
        reply = await self._web.ask(self._sent, head=self._sent.startswith(b"HEAD"))
        outcome = "closed" if reply is None else str(reply.status)
        if reply is not None and not self._sent.startswith(b"HEAD"):
            check_reply(reply)
        after = self._everything()
        if (reply is None or reply.status >= 400) and after != self._state:
            pairs = zip(self._state, after, strict=True)
            difference = next(f"{str(a)[-300:]} became {str(b)[-300:]}" for a, b in pairs if a != b)
            raise BrokenLawError("a bad request changes nothing", f"{outcome}: {difference}")
        self._state = after
        if self._taken % 10 == 0:
            await self._read(dice.choice(READS))
            await self._stage.check_neighbour()
        self._stage.check_no_crash()
        return outcome

    async def _read(self, path: str) -> None:
        reply = await self._web.ask(encoded("GET", ROOT + path))
        if reply is None or reply.status != 200:
            text = "closed" if reply is None else f"{reply.status} {reply.body[:500]!r}"
            raise BrokenLawError("everything can still be read", f"GET {path}: {text}")

    def last_input(self) -> str:
        return repr(self._sent[:1500])

    async def look_back(self) -> None:
        for path in READS:
            await self._read(path)
        self._web.close()
        self._stage.check_shown()

    def _request(self, dice: Dice) -> bytes:
        endpoint = dice.choice(self._endpoints)
        path = self._path(dice, endpoint)
        headers: dict[str, str] = {}
        body = self._body(dice, endpoint)
        if body:
            content_type = endpoint.streams[-1] if endpoint.streams else "application/json"
            headers["content-type"] = content_type if dice.chance(0.95) else dice.text()
        if dice.chance(0.1):
            headers["fakeviam-session"] = dice.choice(["s", "session-1", "nobody", "", "\u00fc"])
        if dice.chance(0.03):
            headers[dice.choice(["x", "accept", "range", "host", "cookie"])] = dice.text()
        method = endpoint.method if dice.chance(0.97) else dice.choice(_METHODS)
        return encoded(method, path, body, {k: v.replace("\n", " ") for k, v in headers.items()})

    def _path(self, dice: Dice, endpoint: Endpoint) -> str:
        path = endpoint.path
        while "{" in path:
            before, _, rest = path.partition("{")
            word = dice.choice(self._words) if dice.chance(0.8) else dice.text()
            path = before + quote(word, safe="") + rest.partition("}")[2]
        names = [name for name in endpoint.query.model_fields if name != "wait"]
        query = [(name, self._word(dice)) for name in dice.some([*names, "unknown"], 3)]
        return f"{path}?{urlencode(query)}" if query and dice.chance(0.9) else path

    def _word(self, dice: Dice) -> str:
        return dice.choice(self._words) if dice.chance(0.6) else dice.choice(HOSTILE)[:500]

    def _body(self, dice: Dice, endpoint: Endpoint) -> bytes:
        if endpoint.body is not None:
            fields = endpoint.body.model_fields
            names = dice.some([*fields], 4)
            document = {
                name: field.examples[0]
                for name, field in fields.items()
                if field.examples and (field.is_required() or name in names)
            }
        elif "application/json" in endpoint.streams:
            document = _SEED
        elif endpoint.streams or dice.chance(0.05):
            return dice.randbytes(600)
        else:
            return b""
        text = spoiled(dice, document, self._words).encode("utf-8", "surrogatepass")
        return dice.mutated(text) if dice.chance(0.1) else text


class Control(Target):
    """The control API."""

    name = "control"
    takes = "requests to every endpoint of the control API"
    share = 60
    size = 100

    @asynccontextmanager
    async def opened(self, dice: Dice) -> AsyncIterator[Player]:
        async with set_up(dice) as stage:
            player = Requests(stage)
            yield player
