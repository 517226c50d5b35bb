"""Probes: each looks at one point that no document decides, on data of its own."""

from __future__ import annotations

import functools
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakeviam.wire import data, dataset, datasync
from fakeviam.wire.values import struct_from
from fakeviam_contracts import query_probes
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import BASE, SECOND
from fakeviam_contracts.descriptions import LABEL, binary_id
from fakeviam_contracts.probing import UnsettledError, ask, call, require
from fakeviam_contracts.visibility import measure_lag
from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fakeviam_contracts.probing import Found, Probe
    from fakeviam_contracts.session import Session

HOUR = 3600 * SECOND
#: More records than any page limit that is looked for.
MANY_ROWS, MANY_FILES = 1001, 130
#: How often that of which there is one look is asked.
SAME = 3
#: Larger than any reply that is looked for.
LARGE = 8 * 1024 * 1024


#: The statuses that a policy can name, of a name that is taken and of an unknown part.
TAKEN = ("ALREADY_EXISTS", "INVALID_ARGUMENT", "UNKNOWN")
NO_PART = ("UNKNOWN", "NOT_FOUND", "INVALID_ARGUMENT")

#: Fields that are sizes of messages.
SIZES = ("max_request_bytes", "max_response_bytes")

#: Fields that the kit cannot look at.
NOT_SERVED: Mapping[str, str] = MappingProxyType(
    {
        "dataset_creation": "the kit has no API key of a location or a machine",
        "legacy_field_1": "no fake answers as releases 0.20 to 0.32 want it",
    }
)


# Data ------------------------------------------------------------------------------------


def _file(session: Session, content: bytes = b"x", **fields: Any) -> str:
    sensor = raw.sensor(BASE, BASE + HOUR)
    upload = raw.capture(
        raw.metadata(session, raw.BINARY, **fields),
        datasync.SensorData(metadata=sensor, binary=content),
    )
    reply = call(session, "DataCaptureUpload", upload)
    _wait(session, reply.binary_data_id)
    return str(reply.binary_data_id)


def _large_file(session: Session, size: int) -> str:
    """A file whose bytes are more than a request may have."""
    metadata = raw.metadata(session, raw.BINARY)
    metadata.type = datasync.DATA_TYPE_FILE
    pieces = [bytes(LARGE // 16)] * (size // (LARGE // 16)) + [bytes(size % (LARGE // 16))]
    messages = [
        datasync.FileUploadRequest(metadata=metadata),
        *(
            datasync.FileUploadRequest(file_contents=datasync.FileData(data=piece))
            for piece in pieces
        ),
    ]
    whole = str(raw.stream(session, "FU-3", "FileUpload", messages).binary_data_id)
    _wait(session, whole)
    return whole


def _wait(session: Session, whole: str) -> None:
    """Let an upload be seen."""
    request = data.BinaryDataByIDsRequest(binary_data_ids=[whole])
    for _ in range(120):
        answer = session.wire.call("BinaryDataByIDs", request)
        if session.place.sleep is None or (not isinstance(answer, Refused) and answer.data):
            return
        session.place.sleep(SECOND)


def _rows(session: Session, count: int, **fields: Any) -> None:
    contents = [
        datasync.SensorData(
            metadata=raw.sensor(BASE + at * SECOND, BASE),
            struct=struct_from({"readings": {"n": float(at)}}),
        )
        for at in range(count)
    ]
    upload = raw.capture(raw.metadata(session, raw.TABULAR, **fields), *contents)
    call(session, "DataCaptureUpload", upload)


def _page(session: Session, rpc: str, limit: int = 0, *, last: str = "", **how: object) -> Any:
    """A page, or its refusal."""
    include = {"include_binary": True} if how.pop("with_bytes", False) else {}
    data_request = data.DataRequest(filter=raw.mine(session, **how), limit=limit, last=last)
    return ask(session, rpc, getattr(data, f"{rpc}Request")(data_request=data_request, **include))


def _dataset(session: Session, name: str) -> Any:
    request = dataset.CreateDatasetRequest(
        name=f"{session.place.component}{name}", organization_id=session.place.organization_id
    )
    return ask(session, "CreateDataset", request)


def _interval(start: int, end: int) -> data.CaptureInterval:
    interval = data.CaptureInterval()
    sensor = raw.sensor(start, end)
    interval.start.CopyFrom(sensor.time_requested)
    interval.end.CopyFrom(sensor.time_received)
    return interval


# Probes ----------------------------------------------------------------------------------


def _visibility_lag(session: Session, _: Found) -> tuple[object, str]:
    seconds = []
    for _look in range(3):
        measure_lag(session)
        seconds.append(session.interpretation.visibility)
    require(session.comparisons["A55"], 3, "uploads that are seen within 15 s")
    session.learn(visibility=max(seconds))
    return float(max(seconds)), f"uploads were seen after {seconds} s"


def _default_order(session: Session, _: Found) -> tuple[object, str]:
    _rows(session, 2)
    reply = _page(session, "TabularDataByFilter")
    if isinstance(reply, Refused):
        raise UnsettledError(f"a page is refused: {reply}")
    seconds = [entry.time_requested.seconds for entry in reply.data]
    if len(set(seconds)) != 2:
        raise UnsettledError("two readings do not come back")
    order = "ascending" if seconds == sorted(seconds) else "descending"
    return order, f"two readings came {order} without a sort order"


def _interval_clock(session: Session, _: Found) -> tuple[object, str]:
    _file(session)
    for name, time in (("time_requested", BASE), ("time_received", BASE + HOUR)):
        interval = _interval(time - 1, time + 1)
        reply = _page(session, "BinaryDataByFilter", interval=interval)
        if not isinstance(reply, Refused) and reply.data:
            return name, f"a file was found by its {name}"
    raise UnsettledError("a file is found by neither of its times")


def _interval_bounds(session: Session, settled: Found) -> tuple[object, str]:
    if "interval_clock" not in settled:
        raise UnsettledError("which time an interval looks at is not known")
    _file(session)
    time = BASE if settled["interval_clock"].value == "time_requested" else BASE + HOUR
    around, until = _interval(time - 1, time + 1), _interval(time - 1, time)
    require(_found_in(session, around), 1, "files found in an interval around their time")
    inside = bool(_found_in(session, until))
    where = "inside" if inside else "outside"
    return "closed" if inside else "half-open", f"a file at the end of an interval is {where} it"


def _found_in(session: Session, interval: data.CaptureInterval) -> int:
    reply = _page(session, "BinaryDataByFilter", interval=interval)
    if isinstance(reply, Refused):
        raise UnsettledError(f"an interval is refused: {reply}")
    return len(reply.data)


def _count(session: Session, _: Found) -> tuple[object, str]:
    _rows(session, 3)
    reply = _page(session, "TabularDataByFilter", 2)
    if isinstance(reply, Refused) or reply.count not in (2, 3):
        raise UnsettledError(f"a page of 2 of 3 readings has neither count: {reply}")
    return {2: "page", 3: "total"}[reply.count], f"count is {reply.count} on a page of 2 of 3"


def _max_page(session: Session, _: Found) -> tuple[object, str]:
    _rows(session, MANY_ROWS)
    return _limit_of(session, "TabularDataByFilter", MANY_ROWS, with_bytes=False)


def _binary_page(session: Session, settled: Found) -> tuple[object, str]:
    for at in range(MANY_FILES):
        _file(session, b"%d" % at)
    value, observation = _limit_of(session, "BinaryDataByFilter", MANY_FILES, with_bytes=True)
    general = settled["max_page"].value if "max_page" in settled else None
    same = value == general or (value is None and general and general["size"] >= MANY_FILES)
    return (None if same else value), observation


def _limit_of(
    session: Session, rpc: str, count: int, *, with_bytes: bool
) -> tuple[dict[str, object] | None, str]:
    """The largest page, if there is one among so many records."""

    def asked(limit: int) -> Any:
        return _page(session, rpc, limit, with_bytes=with_bytes)

    session.wire.doubles = None  # one after the other, who takes turns is found out
    replies = [asked(count) for _ in range(SAME)]
    sizes = [str(one) if isinstance(one, Refused) else len(one.data) for one in replies]
    if len(set(sizes)) > 1:
        raise UnsettledError(f"it is not always the same: pages of {count} have the sizes {sizes}")
    reply = replies[0]
    if not isinstance(reply, Refused):
        size = len(reply.data)
        if not 0 < size <= count:
            raise UnsettledError(f"a page of {count} has {size} records")
        if size == count:
            return None, f"{count} records came in one page"
        return {"size": size, "beyond": "clamp"}, f"a limit of {count} gave {size} records"
    status = reply.status
    size = _bisect(count, lambda limit: not isinstance(asked(limit), Refused))
    require(len(asked(size).data), size, f"records of a page of {size}")
    return {"size": size, "beyond": "refuse"}, f"a limit of {size + 1} is {status}"


def _bisect(refused: int, works: Callable[[int], bool]) -> int:
    """The largest number that works, below one that does not.

    Raises:
        UnsettledError: Nothing works, or not the next time.
    """
    low, high = 0, refused
    while high - low > 1:
        middle = (low + high) // 2
        if works(middle):
            low = middle
        else:
            high = middle
    if not low or not works(low) or works(high):
        raise UnsettledError(f"{low} does not always work, or {high} does")
    return low


def _always(works: Callable[[int], bool], size: int) -> bool:
    """Whether a size works; one that does not works no other time."""
    found = [works(size) for _ in range(SAME)]
    if len(set(found)) > 1:
        raise UnsettledError(f"it is not always the same: {size} bytes were taken: {found}")
    return found[0]


def _max_request_bytes(session: Session, _: Found) -> tuple[object, str]:
    def upload(size: int) -> datasync.DataCaptureUploadRequest:
        sensor = datasync.SensorData(metadata=raw.sensor(BASE, BASE), binary=bytes(size))
        return raw.capture(raw.metadata(session, raw.BINARY), sensor)

    def works(size: int) -> bool:
        answer = ask(session, "DataCaptureUpload", upload(size), is_size=True)
        return not isinstance(answer, Refused)

    if _always(works, LARGE):
        return None, f"a message with {LARGE} bytes in it was taken"
    size = upload(_bisect(LARGE, works)).ByteSize()
    return size, f"a message of {size} bytes was taken, a larger one was refused"


def _max_response_bytes(session: Session, _: Found) -> tuple[object, str]:
    # Of a file, one read after the other: who takes turns is found out.
    session.wire.doubles = None
    file_of_size = functools.cache(functools.partial(_large_file, session))

    def works(size: int) -> bool:
        whole = file_of_size(size)
        request = data.BinaryDataByIDsRequest(binary_data_ids=[whole], include_binary=True)
        answer = ask(session, "BinaryDataByIDs", request, is_size=True)
        return not isinstance(answer, Refused)

    if _always(works, LARGE):
        return None, f"a file of {LARGE} bytes came whole"
    size = _bisect(LARGE, works)
    return size, f"a file of {size} bytes came whole, a larger one was refused"


def _remove_tags_count(session: Session, _: Found) -> tuple[object, str]:
    files = [_file(session, tags=["a", "b"]) for _ in range(2)]
    request = data.RemoveTagsFromBinaryDataByIDsRequest(binary_data_ids=files, tags=["a", "b"])
    count = call(session, "RemoveTagsFromBinaryDataByIDs", request).deleted_count
    if count not in (2, 4):
        raise UnsettledError(f"two tags of two files count as {count}")
    return {2: "records", 4: "tags"}[count], f"two tags removed from two files count as {count}"


def _dataset_label(session: Session, _: Found) -> tuple[object, str]:
    created = _dataset(session, "labelled")
    if isinstance(created, Refused):
        raise UnsettledError(f"CreateDataset is refused: {created}")
    session.handles.datasets.append(created.id)
    whole = _file(session, dataset_ids=[created.id])
    reply = call(session, "BinaryDataByIDs", data.BinaryDataByIDsRequest(binary_data_ids=[whole]))
    require(len(reply.data), 1, "files found by their id")
    tags = list(reply.data[0].metadata.capture_metadata.tags)
    is_shown = LABEL + created.id in tags
    return "shown" if is_shown else "hidden", f"a member has the tags {tags}"


def _empty_delete_filter(session: Session, _: Found) -> tuple[object, str]:
    _file(session)
    request = data.DeleteBinaryDataByFilterRequest(filter=raw.mine(session))
    answer = ask(session, "DeleteBinaryDataByFilter", request)
    if isinstance(answer, Refused):
        return "refuse", f"a delete without organization is {answer.status}"
    require(answer.deleted_count, 1, "files that a delete without organization took")
    return "delete-everything", f"a delete without organization took {answer.deleted_count} files"


def _unknown_ids(session: Session, _: Found) -> tuple[object, str]:
    whole = _file(session)
    unknown = f"{whole.rpartition('/')[0]}/{'0' * 64}"
    request = data.BinaryDataByIDsRequest(binary_data_ids=[whole, unknown])
    answer = ask(session, "BinaryDataByIDs", request)
    if isinstance(answer, Refused):
        return "refuse", f"an unknown id is {answer.status}"
    require(len(answer.data), 1, "files found by a known and an unknown id")
    return "skip", f"of a known and an unknown id {len(answer.data)} came"


def _unknown_dataset(session: Session, _: Found) -> tuple[object, str]:
    content = datasync.SensorData(binary=b"x")
    upload = raw.capture(raw.metadata(session, raw.BINARY, dataset_ids=[raw.NOBODY]), content)
    answer = ask(session, "DataCaptureUpload", upload)
    refused = isinstance(answer, Refused)
    observation = answer.status if isinstance(answer, Refused) else "stored"
    return "refuse" if refused else "skip", f"an upload into an unknown dataset is {observation}"


def _duplicate_dataset_name(session: Session, _: Found) -> tuple[object, str]:
    answers = [_dataset(session, "twice") for _ in range(3)]
    session.handles.datasets += [a.id for a in answers if not isinstance(a, Refused)]
    if not isinstance(answers[1], Refused):
        raise UnsettledError("a name is taken twice (DS-8)")
    if isinstance(answers[0], Refused):
        raise UnsettledError(f"CreateDataset is refused: {answers[0]}")
    again = getattr(answers[2], "status", "OK")
    if again != answers[1].status:
        raise UnsettledError(f"it is not always the same: {answers[1]}; another time, {again}")
    if answers[1].status not in TAKEN:
        raise UnsettledError(f"a taken name is {answers[1]}, which no policy can say")
    return answers[1].status, f"a taken name is {answers[1]}"


def _invalid_part(session: Session, _: Found) -> tuple[object, str]:
    metadata = raw.metadata(session, raw.BINARY)
    metadata.part_id = "no-such-part"
    upload = raw.capture(metadata, datasync.SensorData(binary=b"x"))
    answer = ask(session, "DataCaptureUpload", upload)
    if not isinstance(answer, Refused):
        raise UnsettledError("an upload for an unknown part is stored (UP-1)")
    if answer.status not in NO_PART:
        raise UnsettledError(f"an unknown part is {answer}, which no policy can say")
    return answer.status, f"an unknown part is {answer}"


def _deprecated_binary_id(session: Session, _: Found) -> tuple[object, str]:
    request = data.BinaryDataByIDsRequest(binary_ids=[binary_id(_file(session))])
    answer = ask(session, "BinaryDataByIDs", request)
    if isinstance(answer, Refused):
        return "refuse", f"a BinaryID is {answer.status}"
    require(len(answer.data), 1, "files found by a BinaryID")
    return "accept", f"a BinaryID found {len(answer.data)} file"


def _tags_by_filter_scope(session: Session, _: Found) -> tuple[object, str]:
    _file(session, tags=["of a file"])
    _rows(session, 1, tags=["of a reading"])
    request = data.TagsByFilterRequest(filter=raw.mine(session))
    tags = list(call(session, "TagsByFilter", request).tags)
    require("of a file" in tags, expected=True, what="TagsByFilter gives the tag of a file")
    both = "of a reading" in tags
    return "binary-and-tabular" if both else "binary", f"TagsByFilter gives {tags}"


def _page_token(session: Session, _: Found) -> tuple[object, str]:
    _file(session)
    answer = _page(session, "BinaryDataByFilter", last="no token")
    if isinstance(answer, Refused):
        return "refuse", f"an unknown token is {answer.status}"
    require(len(answer.data), 1, "files after an unknown token")
    return "ignore", f"an unknown token gave {len(answer.data)} files"


#: What is looked at once: what takes long, and repeats what counts itself, and what is a time.
ONCE = frozenset(("visibility_lag", "max_page", "binary_page", *SIZES))

#: By the field of the policy: its clause, and how to decide it. The lag first: all wait for it.
PROBES: Mapping[str, tuple[str, Probe]] = MappingProxyType(
    {
        "visibility_lag": ("A55", _visibility_lag),
        "default_order": ("A1", _default_order),
        "interval_clock": ("A3", _interval_clock),
        "interval_bounds": ("A2", _interval_bounds),
        "count": ("A4", _count),
        "max_page": ("A6", _max_page),
        "binary_page": ("A57", _binary_page),
        "max_request_bytes": ("A60", _max_request_bytes),
        "max_response_bytes": ("A53", _max_response_bytes),
        "remove_tags_count": ("A8", _remove_tags_count),
        "dataset_label": ("A10", _dataset_label),
        "empty_delete_filter": ("A16", _empty_delete_filter),
        "unknown_ids": ("A13", _unknown_ids),
        "unknown_dataset": ("A27", _unknown_dataset),
        "duplicate_dataset_name": ("A39", _duplicate_dataset_name),
        "invalid_part": ("A22", _invalid_part),
        "deprecated_binary_id": ("A14", _deprecated_binary_id),
        "tags_by_filter_scope": ("A47", _tags_by_filter_scope),
        "page_token": ("A56", _page_token),
        "extended_json_in_bson": ("MQ-11", query_probes.extended_json_in_bson),
        "sql_needs_time_bound": ("SL-13", query_probes.sql_needs_time_bound),
        "empty_parameters": ("A34", query_probes.empty_parameters),
    }
)
