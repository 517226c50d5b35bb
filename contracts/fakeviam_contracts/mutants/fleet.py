"""Wrong servers: the fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire import app
from fakeviam_contracts.mutants.base import Mutant, on_exchange, on_refusal, on_reply

if TYPE_CHECKING:
    from fakeviam_contracts.mutants.base import Memory


def _first_only(_: object, reply: Any, __: Memory) -> None:
    del reply.robots[:]


def _merge(message: Any, memory: Memory) -> None:
    memory.setdefault("kept", type(message)()).data.update(dict(message.data.items()))
    message.data.update(dict(memory["kept"].data.items()))


def _all_main(_: object, reply: app.GetRobotPartsResponse, __: Memory) -> None:
    for part in reply.parts:
        part.main_part = False


def _of_an_organization(
    request: app.ListMachineSummariesRequest, reply: app.ListMachineSummariesResponse, _: Memory
) -> None:
    if not request.organization_id:
        reply.ClearField("location_summaries")


def _empty(rpc: str, _: object) -> object:
    return getattr(app, f"{rpc}Response")()


MUTANTS: tuple[Mutant, ...] = (
    on_reply("lists no robots", "AP-1", _first_only, "ListRobots"),
    on_reply(
        "calls robots otherwise by their ids",
        "AP-1",
        lambda _, reply, __: setattr(reply.robot, "name", "other"),
        "GetRobot",
    ),
    on_reply(
        "counts no robots",
        "AP-2",
        lambda _, reply, __: [place.ClearField("robot_count") for place in reply.locations],
        "ListLocations",
    ),
    on_reply("has no main part", "AP-2", _all_main, "GetRobotParts"),
    on_refusal("answers for ids of nobody", "AP-4", _empty),
    on_refusal("answers for no id", "AP-5", _empty),
    on_exchange("merges metadata", "AP-7", {"UpdateRobotPartMetadata": _merge}, {}),
    on_reply(
        "summarizes no machines",
        "AP-9",
        lambda _, reply, __: reply.ClearField("location_summaries"),
        "ListMachineSummaries",
    ),
    on_reply(
        "summarizes no machines unless it is told whose",
        "AP-9",
        _of_an_organization,
        "ListMachineSummaries",
    ),
)
