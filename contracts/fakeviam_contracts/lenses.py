"""Which part of the replies a claim is about, as an expression for a script.

In the expressions `reply` is the last reply and `pages` are the pages it is the last of. A lens
with an expectation of its own says whether something holds, where the claim compares two values
that both come from the subject.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Lens(NamedTuple):
    """An expression, and whether it must simply be true."""

    expression: str
    truth: bool = False


_MATCHING = "in_order(files(pages))"
_FIXED = {
    "the files that match": Lens(_MATCHING),
    "the files of these ids": Lens(_MATCHING),
    "order of files of equal time": Lens("files(pages)"),
    "the readings that match": Lens("in_order(readings(pages))"),
    "order of readings of equal time": Lens("readings(pages)"),
    "count": Lens("reply.count"),
    "files answered": Lens("len(reply.data)"),
    "total_size_bytes": Lens("reply.total_size_bytes"),
    "the tags": Lens("in_order({shown(tag) for tag in reply.tags})"),
    "how often each tag comes": Lens("len(reply.tags)"),
    "order of tags": Lens("[shown(tag) for tag in reply.tags]"),
    "the labels": Lens("in_order({shown(label) for label in reply.labels})"),
    "how often each label comes": Lens("len(reply.labels)"),
    "order of labels": Lens("[shown(label) for label in reply.labels]"),
    "page no larger than asked": Lens(
        "all(len(page.data) <= {most} for page in pages)", truth=True
    ),
    "only the last page is short": Lens(
        "any(len(a.data) < {most} and len(b.data) > 0 for a, b in zip(pages, pages[1:]))"
    ),
    "last past the end": Lens("all(not page.last for page in pages if not page.data)", truth=True),
    "a page with data has a last": Lens(
        "all(page.last for page in pages if page.data)", truth=True
    ),
    "count of a page": Lens("all(page.count == len(page.data) for page in pages)", truth=True),
    "pages end": Lens("not pages[-1].data", truth=True),
    "metadata_index is inside": Lens(
        "all(entry.metadata_index < len(page.metadata) for page in pages for entry in page.data)",
        truth=True,
    ),
    "file_id is the end of binary_data_id": Lens(
        'reply.file_id == reply.binary_data_id.rpartition("/")[2]', truth=True
    ),
    "a tabular upload has a file id": Lens("bool(reply.file_id)", truth=True),
    "times of an upload without times are one": Lens(
        "all(m.time_requested == m.time_received for m in [e.metadata for e in reply.data])",
        truth=True,
    ),
    "deleted": Lens("reply.deleted_count"),
    "count of removed tags": Lens("reply.deleted_count"),
    "the box has a new id": Lens('reply.bbox_id not in ("", *BOXES)', truth=True),
    "datasets by ids": Lens(
        "in_order([known(DATASETS, d.id), shown(d.name)] for d in reply.datasets)"
    ),
    "datasets of the organization": Lens(
        "{known(DATASETS, d.id): shown(d.name) for d in reply.datasets"
        " if not SCOPE or d.id in DATASETS}"
    ),
}

_BY_RPC = {
    ("their order", "BinaryDataByIDs"): Lens("files(pages)"),
    ("their order", "ListDatasetsByIDs"): Lens(
        "[[known(DATASETS, d.id), shown(d.name)] for d in reply.datasets]"
    ),
    ("order of times", "BinaryDataByFilter"): Lens(
        "[nanos(entry.metadata.time_requested) for entry in entries(pages)]"
    ),
    ("order of times", "TabularDataByFilter"): Lens(
        "[nanos(entry.time_requested) for entry in entries(pages)]"
    ),
}

_PATTERNS = (
    (re.compile(r"status of \w+"), "status(reply)"),
    (re.compile(r"(?P<name>[\w ]+) of file (?P<file>\d+)"), 'file(pages, {file}).get("{name}")'),
    (re.compile(r"count of \w+"), "reply.count"),
    (re.compile(r"data of \w+ with count_only"), "len(reply.data)"),
    (re.compile(r"last of \w+ with count_only"), "reply.last"),
)


def lens(what: str, rpc: str, most: int) -> Lens | None:
    """How to see in the replies of `rpc` what a claim calls `what`; None if nobody knows.

    Args:
        what: The claim's name.
        rpc: The last call's.
        most: How many records a page may hold.
    """
    found = _FIXED.get(what) or _BY_RPC.get((what, rpc))
    if found is not None:
        return found._replace(expression=found.expression.replace("{most}", str(most)))
    for pattern, expression in _PATTERNS:
        match = pattern.fullmatch(what)
        if match:
            return Lens(expression.format(**match.groupdict()))
    return None
