"""The real cloud: what must be said before anything is called, and what would be called."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from fakeviam.wire import app
from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.formatting import format_message
from fakeviam_contracts.profiles import PROFILES
from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from google.protobuf.message import Message

    from fakeviam_contracts.results import Result
    from fakeviam_contracts.run_config import RunConfig
    from fakeviam_contracts.wirelog import Wire


def check_careful(config: RunConfig) -> None:
    """See that a run of a careful profile says what it may touch.

    Raises:
        CannotRunError: It does not.
    """
    if not PROFILES[config.profile].is_careful:
        return
    for is_wrong, why in (
        (not config.target, "is for a server by address, and not for --self"),
        (config.exclusive, "is never --exclusive, which empties the organization"),
        (not config.api_key, "requires --api-key-id and --api-key"),
        (
            not config.throw_away and not config.read_only,
            "requires --throw-away ID: the part, or the location of the parts, that nobody needs",
        ),
    ):
        if is_wrong:
            raise CannotRunError(f"--profile {config.profile} {why}")


def check_throw_away(wire: Wire, throw_away: str, parts: Sequence[str]) -> None:
    """See that all parts are the one, or of the location, that nobody needs; nothing is written.

    Raises:
        CannotRunError: One is not.
    """
    for part in parts:
        if part == throw_away:
            continue
        known = wire.call("GetRobotPart", app.GetRobotPartRequest(id=part))
        if isinstance(known, Refused):
            raise CannotRunError(f"where the part {part} is cannot be asked: {known}")
        if known.part.location_id != throw_away:
            raise CannotRunError(
                f"the part {part} is at the location {known.part.location_id}, and not at "
                f"--throw-away {throw_away}; nothing was written"
            )


# Dry runs --------------------------------------------------------------------------------


def rehearse(
    config: RunConfig,
    run: Callable[[RunConfig], Result],
    tell: Callable[[str], None],
) -> None:
    """Tell every call that a run would make of a server that answers as the fake does.

    The server itself is not called: a fake stands in for it, and its ids are told as the server's.
    """
    from fakeviam import FakeViam  # noqa: PLC0415 - only where nothing else is called

    counts: Counter[str] = Counter()
    with FakeViam(policy=config.policy, auth="keys") as cloud:
        origins = [cloud.default_part]
        while len(origins) < len(config.parts):
            origins.append(cloud.fleet.add_part(f"part {len(origins) + 1}"))
        shown = {
            cloud.default_part.organization_id: config.organization or "ORGANIZATION",
            cloud.default_part.location_id: config.throw_away or "LOCATION",
            cloud.api_key_id: config.api_key_id,
            cloud.api_key: "KEY",
            **{own.id: part for own, part in zip(origins, config.parts, strict=False)},
        }

        def trace(rpc: str, requests: Sequence[Message]) -> None:
            counts[rpc] += 1
            text = " + ".join(map(format_message, requests))
            for own, theirs in shown.items():
                text = text.replace(own, theirs)
            tell(f"{sum(counts.values())}  {rpc}  {text}")

        at = {origin.location_id for origin in origins}
        instead = replace(
            config,
            target=f"unix:{cloud.unix_socket}",
            parts=tuple(origin.id for origin in origins[: len(config.parts)]),
            organization="",
            api_key_id=cloud.api_key_id,
            api_key=cloud.api_key,
            throw_away=at.pop() if config.throw_away not in ("", *config.parts) else "",
            profile="quick",
            programs=config.wanted,
            max_rps=None,
            trace=trace,
        )
        run(instead)
    total = sum(counts.values())
    pace = f", in at least {total / config.pace / 60:.0f} minutes" if config.pace else ""
    kinds = ", ".join(f"{count} {rpc}" for rpc, count in counts.most_common())
    tell(f"{total} calls{pace}, none of which was made: {kinds}")
