"""Obligations about results: files with metadata, lists of names, a hostname, or nothing."""

from __future__ import annotations

import gzip
from typing import Any

from fakeviam.wire import data
from fakeviam_contracts.clients.obligations import replies
from fakeviam_contracts.clients.obligations.base import (
    NotApplicableError,
    Scenario,
    obligation,
    same,
)
from fakeviam_contracts.clients.obligations.values import awkward, many

#: Methods without a documented result, and their arguments.
SILENT: dict[str, dict[str, object]] = {
    "add_tags_to_binary_data_by_ids": {"tags": ["t"], "binary_ids": ["o/l/f1"]},
    "add_tags_to_binary_data_by_filter": {"tags": ["t"]},
    "remove_bounding_box_from_image_by_id": {"bbox_id": "b", "binary_id": "o/l/f1"},
    "rename_dataset": {"id": "d", "name": "n"},
    "delete_dataset": {"id": "d"},
    "add_binary_data_to_dataset_by_ids": {"binary_ids": ["o/l/f1"], "dataset_id": "d"},
    "remove_binary_data_from_dataset_by_ids": {"binary_ids": ["o/l/f1"], "dataset_id": "d"},
}

_BYTES = b" \r\n\x00caf\xe9\xc3\xa9\x1a\r\n\n "

#: Neither a mark at the beginning nor NULs at the end belong to anybody else, nothing is unpacked,
#: and an empty file is a file.
_STRANGE = (b"\xef\xbb\xbftext\x00\x00", gzip.compress(b"packed", mtime=0), b"")


@obligation("files-whole", "BF-2", "CL-5")
async def files_whole(scenario: Scenario) -> None:
    """Each file comes with its own bytes and its own metadata."""
    # Two are equal but for their names, and neither text nor without blanks at their ends.
    contents = {2: b"bytes of 2", 1: _BYTES, 3: _BYTES, 4: _BYTES[::-1]}
    contents.update(enumerate(_STRANGE, start=5))
    names = {number: awkward(f"{number % 4}.bin") for number in contents}  # some have the same
    files = [
        replies.file(number, contents=each, name=names[number]) for number, each in contents.items()
    ]
    page = data.BinaryDataByFilterResponse(data=files, count=len(files), last="x")
    scenario.server.script("BinaryDataByFilter", page, replies.files())
    result = await scenario.do("binary_data_by_filter")
    got = [(one["id"], one["file_name"], one["data"]) for one in result["records"]]
    expected = [(f"o/l/f{number}", names[number], each) for number, each in contents.items()]
    same("files", expected, got)


@obligation("metadata-back", "CL-4", "CL-5")
async def metadata_back(scenario: Scenario) -> None:
    """Files and readings come with the tags, names and times of their own metadata."""
    captures = [
        data.CaptureMetadata(component_name=awkward(name), tags=many(name)[at:])
        for at, name in enumerate(("a", "b"))
    ]
    files = [replies.file(at, capture=each) for at, each in enumerate(captures)]
    for at, one in enumerate(files):
        one.metadata.time_received.seconds += 60 * (at + 1)
        one.metadata.time_requested.nanos += 1000 * at
    page = data.BinaryDataByFilterResponse(data=files, count=2, last="x")
    scenario.server.script("BinaryDataByFilter", page, replies.files())
    got = (await scenario.do("binary_data_by_filter"))["records"]
    if any("tags" not in one for one in got):
        raise NotApplicableError("the adapter does not tell tags")
    for at, one in enumerate(files):
        _described(got[at], captures[at])
        for name in {"time_requested", "time_received"} & got[at].keys():
            told = got[at][name].replace(tzinfo=None)
            same(f"{name} of file {at}", getattr(one.metadata, name).ToDatetime(), told)
    readings = replies.readings(1, 2, last="a")
    del readings.metadata[:]
    readings.metadata.extend(captures)
    readings.data[1].metadata_index = 1
    scenario.server.script("TabularDataByFilter", readings, replies.readings())
    for record, each in zip(
        (await scenario.do("tabular_data_by_filter"))["records"], captures, strict=True
    ):
        _described(record, each)


def _described(record: dict[str, Any], capture: data.CaptureMetadata) -> None:
    told = record.get("component_name"), record.get("tags")
    same("component and tags", (capture.component_name, list(capture.tags)), told)


@obligation("names-as-lists", "TG-1", "BL-1", "CL-21")
async def names_as_lists(scenario: Scenario) -> None:
    """Tags and labels come back as lists of strings, those that the server gave."""
    names = many("name")
    scenario.server.script("TagsByFilter", data.TagsByFilterResponse(tags=names))
    labels = data.BoundingBoxLabelsByFilterResponse(labels=names)
    scenario.server.script("BoundingBoxLabelsByFilter", labels)
    # Their order means nothing.
    for method in ("tags_by_filter", "bounding_box_labels_by_filter"):
        got = await scenario.do(method)
        same(f"result of {method}", True, isinstance(got, list))  # noqa: FBT003
        same(f"names of {method}", sorted(names), sorted(got))


@obligation("nothing-for-nothing", "CL-20")
async def nothing_for_nothing(scenario: Scenario) -> None:
    """Methods that promise no result give none."""
    for method, args in SILENT.items():
        same(f"result of {method}", None, await scenario.do(method, **args))


@obligation("hostname", "DB-1", "CL-23")
async def hostname(scenario: Scenario) -> None:
    """`get_database_connection` asks for the organization and gives the hostname alone."""
    name = "Data-Federation.db.invalid:27017"
    reply = data.GetDatabaseConnectionResponse(
        hostname=name, mongodb_uri="mongodb://db.invalid", has_database_user=True
    )
    scenario.server.script("GetDatabaseConnection", reply)
    organization = awkward("o")
    got = await scenario.do("get_database_connection", organization_id=organization)
    same("hostname", name, got)
    same("organization", organization, scenario.one("GetDatabaseConnection").organization_id)


@obligation("database-user", "DB-3", "CL-17", "CL-37")
async def database_user(scenario: Scenario) -> str:
    """`configure_database_user` says that it does nothing, or sends the password as given."""
    args = {"organization_id": awkward("o"), "password": awkward("Pässw0rd")}
    answer = await scenario.ask("configure_database_user", **args)
    if answer.kind == "not_implemented":
        same("calls", 0, len(scenario.server.calls))
        return "says that it does nothing, as viam-sdk 0.15.0 documents"
    same("outcome", "success", str(answer))
    request = scenario.one("ConfigureDatabaseUser")
    same("user", tuple(args.values()), (request.organization_id, request.password))
    return "sends it, as newer releases document"


OBLIGATIONS = (
    files_whole,
    metadata_back,
    names_as_lists,
    nothing_for_nothing,
    hostname,
    database_user,
)
