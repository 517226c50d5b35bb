"""Wrong servers: the fleet."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from fakeviam.wire import app
from fakeviam_contracts.mutants.base import (
    Mutant,
    in_each,
    on_exchange,
    on_refusal,
    on_reply,
    on_request,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from google.protobuf.message import Message

    from fakeviam_contracts.mutants.base import Memory, ReplyEdit


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


def _cleared(*names: str) -> Any:
    """A change that clears some fields of a message."""

    def clear(message: Message) -> None:
        for name in names:
            message.ClearField(name)

    return clear


def _in_summaries(change: Callable[[Any], object]) -> ReplyEdit:
    """An edit of each part in the summaries of machines."""

    def edit(_: object, reply: Any, __: Memory) -> None:
        for place in reply.location_summaries:
            for machine in place.machine_summaries:
                for part in machine.part_summaries:
                    change(part)

    return edit


def _one_metadata(kinds: Sequence[str]) -> Mutant:
    """The last metadata of a kind of object is used for all of that kind."""

    def keep(message: Any, memory: Memory) -> None:
        memory["last"] = dict(message.data.items())

    def tell(_: object, reply: Any, memory: Memory) -> None:
        if "last" in memory:
            reply.data.Clear()
            reply.data.update(memory["last"])

    return on_exchange(
        "has one metadata for a location and its robots",
        "AP-7",
        {f"Update{kind}Metadata": keep for kind in kinds},
        {f"Get{kind}Metadata": tell for kind in kinds},
    )


def _empty(rpc: str, _: object) -> object:
    return getattr(app, f"{rpc}Response")()


def _without_nulls(_: object, reply: Any, __: Memory) -> None:
    for name in [name for name, value in reply.data.items() if value is None]:
        del reply.data[name]


def _more_robots(place: app.Location) -> None:
    place.robot_count += 1


def _no_last(_: object, reply: app.ListRobotsForOrgResponse, __: Memory) -> None:
    del reply.robots[-1:]


def _twice(_: object, reply: app.ListOrganizationsResponse, __: Memory) -> None:
    reply.organizations.extend(list(reply.organizations))


_part, _parts = partial(in_each, "", "part"), partial(in_each, "parts", "")

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
    on_reply("lists organizations twice", "AP-1", _twice, "ListOrganizations"),
    on_reply("forgets the last robot of an organization", "AP-1", _no_last, "ListRobotsForOrg"),
    on_reply("lists robots of nowhere", "AP-1", in_each("robots", "", _cleared("location")),
             "ListRobots"),
    on_reply("lists parts of no robot", "AP-1", _parts(_cleared("robot")), "GetRobotParts"),
    on_reply("has parts nowhere", "AP-1", _part(_cleared("location_id")), "GetRobotPart"),
    on_reply("finds another part by its name", "AP-1", _part(_cleared("id")),
             "GetRobotPartByNameAndLocation"),
    on_reply("has no main part by its id", "AP-2", _part(_cleared("main_part")), "GetRobotPart"),
    on_reply("has locations of nobody", "AP-1",
             in_each("", "location", _cleared("organizations")), "GetLocation"),
    on_reply("shares locations with nobody", "AP-1",
             lambda _, reply, __: reply.ClearField("organization_identities"),
             "GetOrganizationsWithAccessToLocation"),
    on_reply("counts one robot too many", "AP-2", in_each("", "location", _more_robots),
             "GetLocation"),
    on_request("summarizes all locations", "AP-9",
               lambda message, _: message.ClearField("location_ids"), "ListMachineSummaries"),
    on_reply("summarizes locations without names", "AP-9",
             in_each("location_summaries", "", _cleared("location_name")), "ListMachineSummaries"),
    on_reply("summarizes no main part", "AP-2", _in_summaries(_cleared("is_main_part")),
             "ListMachineSummaries"),
    on_exchange("merges metadata of robots", "AP-7", {"UpdateRobotMetadata": _merge}, {}),
    on_exchange("merges metadata of an organization", "AP-7",
                {"UpdateOrganizationMetadata": _merge}, {}),
    on_reply("drops nulls of metadata", "AP-7", _without_nulls, "GetRobotPartMetadata"),
    _one_metadata(("Location", "Robot")),
)  # fmt: skip
