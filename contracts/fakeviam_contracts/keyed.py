"""A fake that asks for API keys, beside the one that serves everybody; with keys of all kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire import auth
from fakeviam_contracts.http2 import Http2Connection
from fakeviam_contracts.interrupts import complete
from fakeviam_contracts.model import Origin
from fakeviam_contracts.wirelog import Wire

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

    from fakeviam_contracts.wirelog import Recorded, Tally


class Keyed:
    """A fake that asks for keys, with a second location and another organization.

    Attributes:
        here: Its first part.
        there: A part at another location of the same organization.
        foreign: A part of another organization.
        keys: Id and key by what they are for: owner, operator, location and machine of `here`,
            foreign, and nobody, a key that does not exist.
    """

    def __init__(self, cloud: Any, loop: asyncio.AbstractEventLoop, tally: Tally) -> None:
        """Start `cloud` in the loop."""
        self._cloud, self._loop, self._tally = cloud, loop, tally
        self._run(cloud.start())
        self._connection: Http2Connection = self._run(Http2Connection.connect(cloud.unix_socket))
        first = cloud.default_part
        second = cloud.fleet.add_part("second", robot="rover", location="lab")
        foreign = cloud.fleet.add_part("foreign", organization="somebody else")
        self.here, self.there, self.foreign = map(origin_of_part, (first, second, foreign))
        made = {
            "operator": cloud.add_api_key(organizations=first.organization_id, role="operator"),
            "location": cloud.add_api_key(locations=first.location_id),
            "machine": cloud.add_api_key(machines=first.robot_id),
            "foreign": cloud.add_api_key(organizations=foreign.organization_id),
        }
        self.keys = {
            "owner": (cloud.api_key_id, cloud.api_key),
            **{name: (key.id, key.key) for name, key in made.items()},
            "nobody": (made["operator"].id, "no key"),
        }

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return complete(self._loop, work)

    def reset(self) -> None:
        """Empty it; parts and keys stay."""
        self._cloud.reset()

    def settle(self, seconds: int) -> None:
        """Let that many seconds pass by its clock, until an upload is seen."""
        self._cloud.clock.advance(seconds=seconds)

    def log_in(self, key: str, log: list[Recorded]) -> Any:
        """The answer to a login; calls go into the log."""
        entity, payload = self.keys[key]
        credentials = auth.Credentials(type="api-key", payload=payload)
        request = auth.AuthenticateRequest(entity=entity, credentials=credentials)
        return self.wire("", log).call("Authenticate", request)

    def wire(self, token: str, log: list[Recorded]) -> Wire:
        """A wire whose calls carry a token, or none."""
        metadata = {"authorization": f"Bearer {token}"} if token else {}
        wire = Wire(self._connection, self._loop, metadata)
        wire.calls, wire.tally = log, self._tally
        return wire

    def close(self) -> None:
        """Stop it."""
        self._connection.close()
        self._run(self._cloud.stop())


class LazyKeyed:
    """A `Keyed` that is started when it is asked for."""

    def __init__(
        self, make: Callable[[], Any], loop: asyncio.AbstractEventLoop, tally: Tally
    ) -> None:
        """Start what `make` makes in the loop, once."""
        self._make, self._loop, self._tally = make, loop, tally
        self._keyed: Keyed | None = None

    def __call__(self) -> Keyed:
        """It, empty."""
        if self._keyed is None:
            self._keyed = Keyed(self._make(), self._loop, self._tally)
        else:
            self._keyed.reset()
        return self._keyed

    def close(self) -> None:
        """Stop it, if it was started."""
        if self._keyed is not None:
            self._keyed.close()


def origin_of_part(part: Any) -> Origin:
    """Where data of a part of a fake is from."""
    return Origin(
        organization_id=part.organization_id,
        location_id=part.location_id,
        robot_id=part.robot_id,
        robot_name=part.robot_name,
        part_id=part.id,
        part_name=part.name,
    )
