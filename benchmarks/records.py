"""The records of the benchmark of queries, the queries, and a plain list that is scanned."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING

from fakeviam.model.annotations import BoundingBox
from fakeviam.model.filters import Interval, Query, TagRule
from fakeviam.model.records import BinaryRecord, Source

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from fakeviam.store.memory import MemoryStore
    from fakeviam.store.values import Position

Call = Callable[[], object]
Test = Callable[[BinaryRecord], bool]

SECOND = 1_000_000_000
PAGE = 50
BIG, SMALL = "org-big", "org-small"


# Records -----------------------------------------------------------------------------------


def sources() -> list[Source]:
    """60 parts with 12 components each; every tenth part belongs to a small organization."""
    return [
        Source(
            organization_id=SMALL if part % 10 == 0 else BIG,
            location_id=f"location-{part % 7}",
            robot_id=f"robot-{part // 2}",
            robot_name=f"robot {part // 2}",
            part_id=f"part-{part}",
            part_name=f"part {part}",
            component_type="camera",
            component_name=f"component-{component}",
            method_name="ReadImage",
        )
        for part in range(60)
        for component in range(12)
    ]


def make_record(
    number: int, second: int, draw: random.Random, origins: Sequence[Source]
) -> BinaryRecord:
    """One record, captured about that second."""
    moment = (second + draw.randrange(100)) * SECOND
    boxes = tuple(
        BoundingBox(
            id=f"box-{number}-{place}",
            label=f"label-{draw.randrange(30)}",
            x_min_normalized=0,
            y_min_normalized=0,
            x_max_normalized=1,
            y_max_normalized=1,
        )
        for place in range(draw.choice((0, 0, 0, 1, 2)))
    )
    tags = tuple({f"tag-{draw.randrange(50)}" for _ in range(draw.choice((0, 1, 2, 3)))})
    return BinaryRecord(
        file_id=f"file-{number:061d}",
        source=draw.choice(origins),
        time_requested=moment,
        time_received=moment + draw.randrange(SECOND),
        time_synced=moment + 60 * SECOND,
        mime_type=draw.choice(("image/jpeg", "image/jpeg", "image/png", "pointcloud/pcd")),
        file_ext=".jpg",
        size=draw.randrange(1_000_000),
        tags=(*tags, "rare") if draw.random() < 0.0005 else tags,
        boxes=boxes,
        dataset_ids=(f"dataset-{draw.randrange(10)}",) if draw.random() < 0.2 else (),
    )


# Two engines -------------------------------------------------------------------------------


class Scan:
    """A sorted list, scanned with a hand-written test that stops early."""

    def __init__(self, records: Sequence[BinaryRecord]) -> None:
        """Sort the records by time."""
        pairs = sorted(enumerate(records), key=lambda pair: (pair[1].time_requested, pair[0]))
        self.keys = [(record.time_requested, arrival) for arrival, record in pairs]
        self.rows = [record for _, record in pairs]
        self.by_id = {record.file_id: record for record in records}

    def page(self, test: Test, low: float = 0, high: float = float("inf")) -> object:
        start, stop = bisect_left(self.keys, (low, 0)), bisect_left(self.keys, (high, 0))
        return list(islice(filter(test, self.rows[start:stop]), PAGE))

    def last_page(self, test: Test) -> object:
        return list(islice(filter(test, reversed(self.rows)), PAGE))

    def count(self, test: Test) -> object:
        sizes = [record.size for record in self.rows if test(record)]
        return len(sizes), sum(sizes)

    def tags(self, test: Test) -> object:
        return {tag for record in self.rows if test(record) for tag in record.tags}

    def fork(self) -> object:
        return self.keys[:], self.rows[:], self.by_id.copy()


def reading(store: MemoryStore, scan: Scan, span: int) -> dict[str, tuple[Call, Call | None]]:
    """Calls by name: of the store, and of the scan that answers the same."""
    parts, labels = frozenset({"part-7"}), frozenset({"label-3", "label-4"})
    tags = frozenset({"tag-1", "tag-2"})
    days = Interval(start=span * SECOND // 2, end=span * SECOND * 6 // 10)
    big = Query(organization_ids=frozenset({BIG}))
    assert days.start is not None  # noqa: S101 - for the type checker
    assert days.end is not None  # noqa: S101
    low, high = days.start, days.end
    one = Query(part_id="part-7", component_name="component-3")
    tagged = Query(tag_rule=TagRule.LISTED, tags=tags)
    rare = Query(tag_rule=TagRule.LISTED, tags=frozenset({"rare"}))
    boxed = Query(box_labels=labels)
    dated = Query(interval=days, mime_types=frozenset({"image/png"}))
    none = Query(
        organization_ids=frozenset({BIG}),
        component_name="component-5",
        mime_types=frozenset({"image/jpeg"}),
        tag_rule=TagRule.TAGGED,
        location_ids=frozenset({"no such location"}),
    )
    quarter = Query(location_ids=frozenset({"location-1", "location-2"}))
    member = Query(dataset_id="dataset-3", tag_rule=TagRule.UNTAGGED)

    def page(query: Query, *, descending: bool = True, after: Position | None = None) -> Call:
        return lambda: store.binary_page(query, after=after, limit=PAGE, descending=descending)

    def has_one(r: BinaryRecord) -> bool:
        return r.source.part_id in parts and r.source.component_name == "component-3"

    def is_big(r: BinaryRecord) -> bool:
        return r.source.organization_id == BIG

    def has_tag(r: BinaryRecord) -> bool:
        return not tags.isdisjoint(r.tags)

    def is_quarter(r: BinaryRecord) -> bool:
        return r.source.location_id in quarter.location_ids

    def is_png(r: BinaryRecord) -> bool:
        return r.mime_type == "image/png"

    def in_days(r: BinaryRecord) -> bool:
        return low <= r.time_requested <= high and is_png(r)

    def never(r: BinaryRecord) -> bool:
        return (
            is_big(r)
            and r.mime_type == "image/jpeg"
            and r.tags != ()
            and r.source.location_id in none.location_ids
        )

    def is_member(r: BinaryRecord) -> bool:
        return not r.tags and "dataset-3" in r.dataset_ids

    middle = store.binary_page(
        Query(interval=Interval(end=span * SECOND // 2)), after=None, limit=1, descending=True
    ).last
    return {
        "part + component, page": (page(one), lambda: scan.last_page(has_one)),
        "organization (90 %), page": (page(big), lambda: scan.last_page(is_big)),
        "tag OR of 2, page": (page(tagged), lambda: scan.last_page(has_tag)),
        "rare tag, page": (page(rare), lambda: scan.last_page(lambda r: "rare" in r.tags)),
        "label OR of 2, page": (
            page(boxed),
            lambda: scan.last_page(lambda r: not labels.isdisjoint(r.box_labels)),
        ),
        "dataset + untagged, page": (page(member), lambda: scan.last_page(is_member)),
        "interval 10 % + mime, ascending": (
            page(dated, descending=False),
            lambda: scan.page(is_png, low, high),
        ),
        "no match, 5 terms, page": (page(none), lambda: scan.last_page(never)),
        "deep page, organization": (
            page(big, descending=False, after=middle),
            lambda: scan.page(is_big, span * SECOND // 2),
        ),
        "deep page, tag OR": (
            page(tagged, descending=False, after=middle),
            lambda: scan.page(has_tag, span * SECOND // 2),
        ),
        "totals of everything": (
            lambda: store.binary_totals(Query()),
            lambda: scan.count(lambda _: True),
        ),
        "totals, part + component": (
            lambda: store.binary_totals(one),
            lambda: scan.count(has_one),
        ),
        "totals, organization (90 %)": (
            lambda: store.binary_totals(big),
            lambda: scan.count(is_big),
        ),
        "totals, tag OR": (lambda: store.binary_totals(tagged), lambda: scan.count(has_tag)),
        "totals, interval + mime": (
            lambda: store.binary_totals(dated),
            lambda: scan.count(in_days),
        ),
        "distinct tags of 25 %": (
            lambda: store.binary_tags(quarter),
            lambda: scan.tags(is_quarter),
        ),
        "distinct labels of everything": (lambda: store.box_labels(Query()), None),
        "distinct datasets, tag OR": (lambda: store.dataset_ids(tagged), None),
        "find 50 by id": (
            lambda: store.find_binary([f"file-{n:061d}" for n in range(0, 5000, 100)]),
            lambda: [scan.by_id.get(f"file-{n:061d}") for n in range(0, 5000, 100)],
        ),
        "fork": (store.fork, scan.fork),
    }
