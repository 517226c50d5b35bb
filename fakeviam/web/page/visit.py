"""A visit: one request for a view, and the cloud that it shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

from fakeviam import wire
from fakeviam.server.services.due import catch_up
from fakeviam.server.services.turns import done_at_once, in_thread
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
        path: The rest of the path after the view's name.
        request: The browser's request.
        still: An immutable copy of the cloud; None for the current state.
    """

    fake: Host
    session: str
    path: str
    request: Request
    still: CloudState | None = None

    async def beside(self, look: Callable[[Visit], T]) -> T:
        """Run `look` on a copy of the state in another thread, while calls are served."""
        still = self.cloud.detached(store=self.store.view())
        return await in_thread(partial(look, replace(self, still=still)), takes_turns=False)

    @property
    def query(self) -> QueryParams:
        """The query parameters."""
        return self.request.query_params

    @property
    def origin(self) -> str:
        """The address of the fake as the browser sees it, `http://host:port`."""
        return f"{self.request.url.scheme}://{self.request.headers.get('host', '')}"

    @property
    def handle(self) -> CloudHandle:
        """The handle on the displayed cloud.

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
        """The store at the current time of the fake's clock, as a call would see it."""
        if self.still is None:
            catch_up(self.cloud)
        return self.cloud.store

    @property
    def organizations(self) -> dict[str, str]:
        """The names of the organizations by id."""
        return {part.organization_id: part.organization_name for part in self.handle.fleet}

    def url(self, path: str, **query: object) -> str:
        """The address of a view of the same cloud, without empty parameters."""
        asked = {"session": self.session, **query}
        pairs = [
            (name, one)
            for name, value in asked.items()
            for one in (value if isinstance(value, (list, tuple)) else [value])
            if one not in ("", None)
        ]
        return f"{ROOT}/{quote(path, safe='/')}" + (f"?{urlencode(pairs)}" if pairs else "")

    def ask(self, rpc: str, request: Message) -> Any:
        """The reply to a client with all permissions; leaves no trace in the journal.

        Raises:
            Refusal: The request is invalid.
        """
        return self.ask_and_tell(rpc, request)[0]

    def ask_and_tell(self, rpc: str, request: Message) -> tuple[Any, RecordedCall]:
        """Like `ask`, with the journal entry that the call would have had."""
        method = wire.method(rpc)
        call = Call.detached(self.cloud.detached(store=self.store), method)
        reply = done_at_once(answered(unary_handlers(method.service)[rpc], call, request))
        return decoded(reply, method.response), call.record
