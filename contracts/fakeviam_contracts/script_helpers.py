"""What scripts of failures need besides the calls; its text is copied into them."""

from __future__ import annotations

from typing import Any

# What follows goes into the scripts.
# Ids that the server gave, in the order in which things were made; and what begins all names.
FILES: list[str] = []
BOXES: list[str] = []
DATASETS: list[str] = []
SCOPE = ""


#: Texts and times that the program sent; all others in replies are the server's own.
SENT: set[Any] = {"", 0}


class Refusal:
    """An error status."""

    def __init__(self, status: str, text: str) -> None:
        self.status, self.text = status, text

    def __str__(self) -> str:
        return f"{self.status}: {self.text}"


def status(reply: Any) -> str:
    """OK, or the error status."""
    return reply.status if isinstance(reply, Refusal) else "OK"


def keep(ids: list[str], reply: Any, field: str) -> None:
    """Remember the id of what was made."""
    ids.append("" if isinstance(reply, Refusal) else getattr(reply, field))


def known(ids: list[str], given: str) -> Any:
    """Which of ours it is, or the id itself."""
    return ids.index(given) if given in ids else given


def shown(name: str) -> str:
    """A tag, label or name without the scope."""
    for start in ("VIAM_DATASET_" + SCOPE, SCOPE):
        if SCOPE and name.startswith(start):
            return start[: -len(SCOPE)] + name[len(start) :]
    return name


def nanos(timestamp: Any) -> int:
    """A time in ns since 1970."""
    return int(timestamp.seconds) * 1_000_000_000 + int(timestamp.nanos)


def entries(pages: Any) -> list[Any]:
    """The records of some pages; a page that was refused has none."""
    return [entry for page in pages if status(page) == "OK" for entry in page.data]


def files(pages: Any) -> list[Any]:
    """Which files came."""
    return [known(FILES, entry.metadata.binary_data_id) for entry in entries(pages)]


def in_order(values: Any) -> list[Any]:
    """The values, in an order of their own."""
    return sorted(values, key=repr)


def origin(capture: Any) -> dict[str, str]:
    """Where a record comes from."""
    names = ("organization_id", "location_id", "robot_id", "robot_name", "part_id", "part_name")
    found = {name: getattr(capture, name) for name in (*names, "component_type", "component_name")}
    return {**found, "method": capture.method_name}


def tag(given: str, dataset_ids: Any) -> Any:
    """A tag; those that stand for a dataset as a pair with its number."""
    dataset_id = given[len("VIAM_DATASET_") :]
    if given.startswith("VIAM_DATASET_") and dataset_id in DATASETS and dataset_id in dataset_ids:
        return ("label", DATASETS.index(dataset_id))
    return shown(given)


def box(given: Any) -> dict[str, Any]:
    """A bounding box."""
    return {
        "handle": known(BOXES, given.id),
        "label": shown(given.label),
        "corners": [
            given.x_min_normalized,
            given.y_min_normalized,
            given.x_max_normalized,
            given.y_max_normalized,
        ],
        "confidence": given.confidence if given.HasField("confidence") else None,
    }


def described(entry: Any) -> dict[str, Any]:
    """Everything a reply says about a file."""
    metadata = entry.metadata
    tags = [tag(name, metadata.dataset_ids) for name in metadata.capture_metadata.tags]
    return {
        "handle": known(FILES, metadata.binary_data_id),
        "origin": origin(metadata.capture_metadata),
        "requested": nanos(metadata.time_requested),
        "received": nanos(metadata.time_received),
        "mime_type": metadata.capture_metadata.mime_type,
        "file_name": metadata.file_name,
        "file_ext": metadata.file_ext,
        "size": metadata.file_size_bytes,
        "tags": in_order(set(tags)),
        "tag order": [name for name in tags if isinstance(name, str)],
        "boxes": {b["handle"]: b for b in map(box, metadata.annotations.bboxes)},
        "datasets": in_order({known(DATASETS, d) for d in metadata.dataset_ids}),
        "bytes": entry.binary,
    }


def file(pages: Any, number: int) -> dict[str, Any]:
    """What is said about one of our files; nothing if it did not come."""
    for entry in entries(pages):
        if known(FILES, entry.metadata.binary_data_id) == number:
            return described(entry)
    return dict.fromkeys(("handle", "origin", "requested", "received", "mime_type", "bytes"))


def value(given: Any) -> Any:
    """A value of a reading."""
    kind = given.WhichOneof("kind")
    if kind == "struct_value":
        return {name: value(inner) for name, inner in given.struct_value.fields.items()}
    if kind == "list_value":
        return [value(inner) for inner in given.list_value.values]
    return None if kind in (None, "null_value") else getattr(given, kind)


def moment(message: Any) -> bool:
    """Whether it is a time."""
    return str(message.DESCRIPTOR.full_name) == "google.protobuf.Timestamp"


def inside(value: Any) -> list[Any]:
    """What is in a message or a list, at any depth: texts and times."""
    if hasattr(value, "DESCRIPTOR"):
        if moment(value):
            return [nanos(value)]
        return inside([inner for _, inner in value.ListFields()])
    if isinstance(value, str):
        return [value]
    if hasattr(value, "items"):
        return inside([*value.keys(), *value.values()])
    if isinstance(value, (int, float, bytes)):
        return []
    return [found for inner in value for found in inside(inner)]


def told(replies: Any) -> list[Any]:
    """Replies with names for ids and times of the server's own, in the order they come."""
    names: dict[str, str] = {}
    for what, ids in (("file", FILES), ("box", BOXES), ("dataset", DATASETS)):
        names.update((name.rpartition("/")[2], f"{what} {at}") for at, name in enumerate(ids))
    return [said(reply, names, "") for reply in replies]


def said(value: Any, names: dict[str, str], field: str) -> Any:
    """A reply, or something in it."""
    if isinstance(value, Refusal):
        return value.status
    if hasattr(value, "DESCRIPTOR"):
        if moment(value):
            return nanos(value) if nanos(value) in SENT else "a time"
        return {f.name: said(inner, names, f.name) for f, inner in value.ListFields()}
    if isinstance(value, str):
        return named(value, names, field)
    if isinstance(value, (int, float, bytes)):
        return short(value)
    return contents(value, names, field)


def short(value: Any) -> Any:
    """A number, or bytes; of many their number and sum."""
    long = isinstance(value, bytes) and len(value) > 50
    return [len(value), sum(value)] if long else value


def contents(value: Any, names: dict[str, str], field: str) -> Any:
    """What is in a map or a list of a reply."""
    if hasattr(value, "items"):
        return {key: said(value[key], names, field) for key in sorted(value)}
    return [said(inner, names, field) for inner in value]


def named(text: str, names: dict[str, str], field: str) -> str:
    """A text; one that a server makes up by a name of ours."""
    parts = text.split("/")
    made_up = field.endswith(("id", "ids", "last", "token", "uri", "hostname"))
    if parts[-1] in names or (made_up and (text not in SENT or field == "last")):
        return "/".join(names.setdefault(part, f"name {len(names)}") for part in parts)
    for at, known_id in enumerate(DATASETS):
        text = text.replace(known_id, f"dataset {at}")
    return shown(text)


def readings(pages: Any) -> list[dict[str, Any]]:
    """The readings of some pages, each with its metadata."""
    found = []
    for page in pages:
        for entry in entries([page]):
            metadata = page.metadata[entry.metadata_index]
            row: dict[str, Any] = {
                "requested": nanos(entry.time_requested),
                "received": nanos(entry.time_received),
                "data": {name: value(inner) for name, inner in entry.data.fields.items()},
                "origin": origin(metadata),
                "tags": [shown(name) for name in metadata.tags],
            }
            found.append({**row, "data": dict(sorted(row["data"].items()))})
    return found
