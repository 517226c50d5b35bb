"""Errors: those raised before anything is sent, those of the server, and troubles on the way."""

from __future__ import annotations

from datetime import datetime

from fakeviam.wire import data
from fakeviam_contracts.clients.obligations import replies
from fakeviam_contracts.clients.obligations.base import (
    PART,
    BrokenError,
    ObservedError,
    Scenario,
    obligation,
    same,
)
from fakeviam_contracts.clients.obligations.uploads import SENSOR
from fakeviam_contracts.clients.protocol import Asked
from fakeviam_contracts.clients.scripted import Refuse, StreamReset

NOW = datetime(2024, 1, 1)  # noqa: DTZ001 - any will do

#: More than a window of flow control holds.
LARGE = b"\x00\xff" * 1_000_000


async def _refused_locally(scenario: Scenario, kind: str, method: str, **args: object) -> None:
    answer = await scenario.ask(method, **args)
    same("calls", 0, len(scenario.server.calls))
    same("kind of error", kind, answer.kind or "success")


@obligation("lengths-differ", "CU-2", "CL-29")
async def lengths_differ(scenario: Scenario) -> None:
    """Readings and times of different number are a ValueError, and nothing is sent."""
    args = {"tabular_data": [{"n": 1}, {"n": 2}], "data_request_times": [[NOW, NOW]]}
    await _refused_locally(scenario, "value", "tabular_data_capture_upload", **SENSOR, **args)


@obligation("file-missing", "CL-33")
async def file_missing(scenario: Scenario) -> None:
    """A path without a file is a FileNotFoundError, and nothing is sent."""
    path = str(scenario.folder / "missing.png")
    await _refused_locally(
        scenario, "not_found", "file_upload_from_path", filepath=path, part_id=PART
    )


@obligation("deprecated-refused", "CL-16")
async def deprecated_refused(scenario: Scenario) -> None:
    """`delete_tabular_data_by_filter` says that it does nothing, and sends nothing."""
    method = "delete_tabular_data_by_filter"
    await _refused_locally(scenario, "not_implemented", method, filter=Asked(component_name="c"))


# What the server says --------------------------------------------------------------------


@obligation("empty-ids", "ID-5", "TA-2", "CL-15")
async def empty_ids(scenario: Scenario) -> str:
    """No ids at all are a gRPC error, the server's or the client's own."""
    scenario.server.script("BinaryDataByIDs", Refuse("INVALID_ARGUMENT", "no ids"))
    scenario.server.script("DeleteBinaryDataByIDs", Refuse("INVALID_ARGUMENT", "no ids"))
    for method in ("binary_data_by_ids", "delete_binary_data_by_ids"):
        answer = await scenario.ask(method, binary_ids=[])
        if not scenario.server.calls:  # then the text is the client's
            same(f"outcome of {method}", ("grpc", "INVALID_ARGUMENT"), (answer.kind, answer.status))
            continue
        same(f"outcome of {method}", "grpc INVALID_ARGUMENT: no ids", str(answer))
    return f"{len(scenario.server.calls)} calls"


@obligation("early-refusal", "UP-1", "CL-15")
async def early_refusal(scenario: Scenario) -> None:
    """A server that refuses while a large upload still runs is heard."""
    for method, rpc, more in (
        ("file_upload", "FileUpload", {}),
        ("streaming_data_capture_upload", "StreamingDataCaptureUpload", {"file_ext": ".png"}),
    ):
        scenario.server.script(rpc, Refuse("UNKNOWN", "no robot part found", after=1))
        answer = await scenario.ask(method, part_id="nowhere", data=LARGE, **more)
        same(f"outcome of {method}", "grpc UNKNOWN: no robot part found", str(answer))


# Troubles --------------------------------------------------------------------------------


@obligation("unavailable-while-reading", "CL-45")
async def unavailable_while_reading(scenario: Scenario) -> None:
    """A server that is UNAVAILABLE once: what reading does is told."""
    scenario.server.script(
        "TagsByFilter", Refuse("UNAVAILABLE", "later"), data.TagsByFilterResponse()
    )
    answer = await scenario.ask("tags_by_filter")
    raise ObservedError(f"{answer}; {_tries(scenario.server.count('TagsByFilter'))}")


@obligation("resource-exhausted", "BI-6", "SV-2")
async def resource_exhausted(scenario: Scenario) -> None:
    """RESOURCE_EXHAUSTED on a download with bytes: what the client does is told."""
    refusal = Refuse("RESOURCE_EXHAUSTED", "INCLUDE_BINARY_TOO_LARGE")
    scenario.server.script("BinaryDataByIDs", refusal)
    answer = await scenario.ask("binary_data_by_ids", binary_ids=replies.ids(1, 2))
    if answer.ok:
        raise BrokenError("takes it for success")
    raise ObservedError(f"{answer}; {_tries(scenario.server.count('BinaryDataByIDs'))}")


@obligation("stream-cut", "A30", "CL-43")
async def stream_cut(scenario: Scenario) -> None:
    """An upload whose stream is reset fails, and is not sent again; how it fails is told."""
    scenario.server.script("FileUpload", StreamReset(after=1))
    answer = await scenario.ask("file_upload", part_id=PART, data=LARGE)
    if answer.ok:
        raise BrokenError("takes it for success")
    if answer.kind == "silent":
        raise BrokenError("hangs for ever")
    same("calls", 1, scenario.server.count("FileUpload"))
    raise ObservedError(str(answer))


def _tries(count: int) -> str:
    return "tried once" if count == 1 else f"tried {count} times"


OBLIGATIONS = (
    lengths_differ,
    file_missing,
    deprecated_refused,
    empty_ids,
    early_refusal,
    unavailable_while_reading,
    resource_exhausted,
    stream_cut,
)
