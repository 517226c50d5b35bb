"""One look at the page: whose cloud it shows, and what the address asks for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

from fakeviam import wire
from fakeviam.server.services.due import catch_up
from fakeviam.server.services.turns import done_at_once
from fakeviam.server.state.call import Call
from fakeviam.server.transport.pipeline import answered
from fakeviam.server.transport.routes import unary_handlers
from fakeviam.web.problems import HttpProblem
from fakeviam.wire.encoded import decoded

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message
    from starlette.datastructures import QueryParams
    from starlette.requests import Request

    from fakeviam.server.instruments.journal.record import RecordedCall
    from fakeviam.server.lifecycle.handle import CloudHandle
    from fakeviam.server.lifecycle.host import Host
    from fakeviam.server.state.cloud import CloudState
    from fakeviam.store.base import Store

ROOT = "/ui"
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """One request for a view.

    Attributes:
        fake: The server.
        session: The session that is shown; empty for the server's own cloud.
        path: What follows the view's name in the address.
        request: The browser's request.
        still: The cloud as it was at one moment, which nobody changes; None for the present.
    """

    fake: Host
    session: str
    path: str
    request: Request
    still: CloudState | None = None

    async def beside(self, look: Callable[[Visit], T]) -> T:
        """Look at this moment in another thread; calls are served for as long as that takes."""
        still = self.cloud.detached(store=self.store.view())
        return await asyncio.to_thread(look, replace(self, still=still))

    @property
    def query(self) -> QueryParams:
        """The query of the address."""
        return self.request.query_params

    @property
    def origin(self) -> str:
        """Where the browser has reached the fake, as `http://host:port`."""
        return f"{self.request.url.scheme}://{self.request.headers.get('host', '')}"

    @property
    def handle(self) -> CloudHandle:
        """The handle on the cloud that is shown.

        Raises:
            HttpProblem: 404, the session has ended.
        """
        if not self.session:
            return self.fake.base
        session = self.fake.sessions.get(self.session)
        if session is None:
            raise HttpProblem(
                404, f"there is no session {self.session!r}", hint="choose another one"
            )
        return session

    @property
    def cloud(self) -> CloudState:
        """The state of that cloud."""
        return self.still or self.handle._cloud  # noqa: SLF001 - as the control API does

    @property
    def store(self) -> Store:
        """What is stored at this moment of the fake's clock, as a call would find it."""
        if self.still is None:
            catch_up(self.cloud)
        return self.cloud.store

    @property
    def organizations(self) -> dict[str, str]:
        """The names of the organizations by id."""
        return {part.organization_id: part.organization_name for part in self.handle.fleet}

    def url(self, path: str, **query: object) -> str:
        """The address of a view on the same cloud; values that are empty are left out."""
        asked = {"session": self.session, **query}
        pairs = [
            (name, one)
            for name, value in asked.items()
            for one in (value if isinstance(value, (list, tuple)) else [value])
            if one not in ("", None)
        ]
        return f"{ROOT}/{quote(path, safe='/')}" + (f"?{urlencode(pairs)}" if pairs else "")

    def ask(self, rpc: str, request: Message) -> Any:
        """The reply that a client with all rights would get; leaves no trace in the journal.

        Raises:
            Refusal: The request makes no sense.
        """
        return self.ask_and_tell(rpc, request)[0]

    def ask_and_tell(self, rpc: str, request: Message) -> tuple[Any, RecordedCall]:
        """The reply as of `ask`, and what the journal would say of the call."""
        method = wire.method(rpc)
        call = Call.detached(self.cloud.detached(store=self.store), method)
        reply = done_at_once(answered(unary_handlers(method.service)[rpc], call, request))
        return decoded(reply, method.response), call.record
