"""A call as a `viam` command, if there is an equivalent one."""

from __future__ import annotations

import json
import shlex
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fakeviam.server.instruments.message_json import message_json
from fakeviam.web.page.documents import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from google.protobuf.message import Message

    from fakeviam.wire import Method


class _Command(NamedTuple):
    """A command, and its flags for fields of the request.

    Attributes:
        text: The command without flags.
        flags: The flags by path of the field.
        own: Fields that the command sets itself, such as paging.
    """

    text: str
    flags: Mapping[str, str]
    own: tuple[str, ...] = ()


_FILTER: Final = MappingProxyType(
    {
        "organization_ids": "org-ids",
        "location_ids": "location-ids",
        "robot_id": "machine-id",
        "robot_name": "machine-name",
        "part_id": "part-id",
        "part_name": "part-name",
        "component_type": "component-type",
        "component_name": "component-name",
        "method": "method",
        "mime_type": "mime-types",
        "tags_filter.tags": "tags",
        "bbox_labels": "bbox-labels",
        "interval.start": "start",
        "interval.end": "end",
    }
)
_IDS: Final = {"binary_data_ids": "binary-data-ids"}
_MEMBERS: Final = {**_IDS, "dataset_id": "dataset-id"}
_ORGANIZATION: Final = {"organization_id": "org-id"}
_MQL: Final = {"mql_binary": "mql"}


def _within(field: str, flags: Mapping[str, str]) -> dict[str, str]:
    return {f"{field}.{path}": flag for path, flag in flags.items()}


#: `viam data export` and `query` choose their own page size.
_PAGING: Final = tuple(f"data_request.{name}" for name in ("limit", "last", "sort_order"))

#: The commands by RPC.
_COMMANDS: Final[Mapping[str, _Command]] = MappingProxyType(
    {
        "BinaryDataByFilter": _Command(
            "data query binary filter", _within("data_request.filter", _FILTER), _PAGING
        ),
        "BinaryDataByIDs": _Command(
            "data export binary ids --destination .", _IDS, ("include_binary",)
        ),
        "TabularDataBySQL": _Command(
            "data query tabular sql", {**_ORGANIZATION, "sql_query": "sql"}
        ),
        "TabularDataByMQL": _Command("data query tabular mql", {**_ORGANIZATION, **_MQL}),
        "ExportTabularData": _Command(
            "data export tabular --destination .",
            {
                "part_id": "part-id",
                "resource_name": "resource-name",
                "resource_subtype": "resource-subtype",
                "method_name": "method",
                "interval.start": "start",
                "interval.end": "end",
            },
        ),
        "AddTagsToBinaryDataByIDs": _Command("data tag ids add", {**_IDS, "tags": "tags"}),
        "RemoveTagsFromBinaryDataByIDs": _Command("data tag ids remove", {**_IDS, "tags": "tags"}),
        "DeleteBinaryDataByFilter": _Command("data delete binary", _within("filter", _FILTER)),
        "DeleteTabularData": _Command(
            "data delete tabular",
            {**_ORGANIZATION, "delete_older_than_days": "delete-older-than-days"},
        ),
        "GetDatabaseConnection": _Command("data database hostname", _ORGANIZATION),
        "CreateDataset": _Command("dataset create", {**_ORGANIZATION, "name": "name"}),
        "RenameDataset": _Command("dataset rename", {"id": "dataset-id", "name": "name"}),
        "DeleteDataset": _Command("dataset delete", {"id": "dataset-id"}),
        "ListDatasetsByIDs": _Command("dataset list", {"ids": "dataset-ids"}),
        "MergeDatasets": _Command(
            "dataset merge", {**_ORGANIZATION, "name": "name", "dataset_ids": "dataset-ids"}
        ),
        "AddBinaryDataToDatasetByIDs": _Command("dataset data add ids", _MEMBERS),
        "RemoveBinaryDataFromDatasetByIDs": _Command("dataset data remove ids", _MEMBERS),
        "CreateDataPipeline": _Command(
            "datapipelines create",
            {
                **_ORGANIZATION,
                **_MQL,
                "name": "name",
                "schedule": "schedule",
                "enable_backfill": "enable-backfill",
            },
        ),
        "ListDataPipelines": _Command("datapipelines list", _ORGANIZATION),
        "GetDataPipeline": _Command("datapipelines describe", {"id": "id"}),
        "RenameDataPipeline": _Command("datapipelines rename", {"id": "id", "name": "name"}),
        "EnableDataPipeline": _Command("datapipelines enable", {"id": "id"}),
        "DisableDataPipeline": _Command("datapipelines disable", {"id": "id"}),
        "DeleteDataPipeline": _Command("datapipelines delete", {"id": "id"}),
        "ListOrganizations": _Command("organizations list", {}),
    }
)

#: Tags with a special meaning in the filter's flag.
_TYPES: Final = MappingProxyType(
    {"TAGS_FILTER_TYPE_TAGGED": "tagged", "TAGS_FILTER_TYPE_UNTAGGED": "untagged"}
)
_ALONE: Final = tuple([one] for one in _TYPES.values())


def command(method: Method, request: Message) -> str:
    """The equivalent command; empty if there is none."""
    known = _COMMANDS.get(method.name)
    body = message_json(request)
    if known is None or not isinstance(body, dict):
        return ""
    leaves = dict(_leaves(body))
    for path in [path for path in leaves if path.endswith("tags_filter.type")]:
        _replace_type(leaves, path)
    words = ["viam", *known.text.split()]
    for path, value in leaves.items():
        flag, text = known.flags.get(path), _text(path, value)
        if path in known.own:
            continue
        if flag is None or text is None:
            return ""
        words.append(f"--{flag}={text}")
    return shlex.join(words) + "\n"


def _replace_type(leaves: dict[str, Any], path: str) -> None:
    """Merge the type of a tags filter into its tags, like the flag; otherwise keep it."""
    tags, kind = path.replace("type", "tags"), leaves[path]
    if kind in _TYPES:
        leaves[tags] = [_TYPES[kind]]
    elif kind != "TAGS_FILTER_TYPE_MATCH_BY_OR" or leaves.get(tags) in _ALONE:
        return
    del leaves[path]


def _leaves(body: dict[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in body.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _text(path: str, value: object) -> str | None:
    """The value of a flag; None if it is not possible: NUL in arguments, CR in copied text."""
    text = _flag_text(path, value)
    return None if text is None or "\0" in text or "\r" in text else text


def _flag_text(path: str, value: Any) -> str | None:
    if path == "mql_binary":
        from base64 import b64decode  # noqa: PLC0415 - few copy a query

        return json.dumps(plain(map(b64decode, value)), ensure_ascii=False)
    if isinstance(value, list):
        return None if any("," in str(each) for each in value) else ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
