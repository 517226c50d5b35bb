"""What a query selects, constraint by constraint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fakeviam.model.annotations import BoundingBox
from fakeviam.model.datasets import Dataset
from fakeviam.model.filters import DataScope, Interval, Query, TagRule, TimeField

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.store.base import Store

pytestmark = pytest.mark.parametrize("asked", [1, 2, 3])  # walked, then by fresh and by old indexes


SECOND = DataScope("organization", frozenset({"o2"}))


def label(text: str) -> BoundingBox:
    return BoundingBox(
        id=f"box-{text}",
        label=text,
        x_min_normalized=0,
        y_min_normalized=0,
        x_max_normalized=1,
        y_max_normalized=1,
    )


@pytest.fixture
def filled(binary: Callable[..., Any], new_store: Callable[[], Store]) -> Callable[[], Store]:
    """Make a store; each question wants its own, because the first one walks."""
    records = [
        binary("a", 1, part_id="p1", part_name="arm", mime_type="image/png", tags=("x",)),
        binary("b", 2, part_id="p1", component_name="cam", location_id="l2", tags=("x", "y")),
        binary("c", 3, component_type="camera", organization_id="o2", dataset_ids=("d1",)),
        binary("d", 4, method_name="Read", robot_id="r2", boxes=(label("cat"), label("dog"))),
        binary("e", 5, robot_name="rob", dataset_ids=("d1", "d2"), tags=("z",)),
        binary("f", 6, mime_type="text/plain", boxes=(label("dog"),), time_received=1),
        binary("g", 7, internal=True, tags=("x",), time_synced=99),
    ]

    def make() -> Store:
        store = new_store()
        for name in ("d1", "d2"):
            store.add_dataset(Dataset(id=name, name=name, organization_id="org", time_created=0))
        store.add_binary([(record, b"") for record in records])
        return store

    return make


def ids(filled: Callable[[], Store], asked: int, query: Query) -> str:
    """The file ids that a query selects, oldest first."""
    store = filled()
    answers = {
        "".join(r.file_id for r in page.records)
        for page in (
            store.binary_page(query, after=None, limit=50, descending=False) for _ in range(asked)
        )
    }
    (answer,) = answers
    assert store.binary_totals(query).records == len(answer)
    return answer


def test_no_constraint_selects_everything(filled: Callable[[], Store], asked: int) -> None:
    """FI-2, FI-3: empty strings and sets are no constraint."""
    assert ids(filled, asked, Query()) == "abcdef"


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        ({"part_id": "p1"}, "ab"),
        ({"part_name": "arm"}, "a"),
        ({"component_name": "cam"}, "b"),
        ({"component_type": "camera"}, "c"),
        ({"method_name": "Read"}, "d"),
        ({"robot_id": "r2"}, "d"),
        ({"robot_name": "rob"}, "e"),
        ({"robot_name": "ro"}, ""),
        ({"robot_name": "ROB"}, ""),
    ],
)
def test_strings_compare_by_equality(
    filled: Callable[[], Store], asked: int, constraint: dict[str, str], expected: str
) -> None:
    """FI-4, FI-15: not by prefix, not in any case; what matches nothing is no error."""
    assert ids(filled, asked, Query(**constraint)) == expected  # type: ignore[arg-type]


def test_constraints_combine_with_and(filled: Callable[[], Store], asked: int) -> None:
    """FI-1."""
    assert ids(filled, asked, Query(part_id="p1", component_name="cam")) == "b"
    assert ids(filled, asked, Query(part_id="p1", method_name="Read")) == ""


def test_any_value_of_a_list_may_match(filled: Callable[[], Store], asked: int) -> None:
    """FI-5."""
    assert ids(filled, asked, Query(location_ids=frozenset({"l2", "l3"}))) == "b"
    assert ids(filled, asked, Query(organization_ids=frozenset({"o2"}))) == "c"
    assert ids(filled, asked, Query(mime_types=frozenset({"image/png", "text/plain"}))) == "af"


def test_one_listed_tag_is_enough(filled: Callable[[], Store], asked: int) -> None:
    """FI-6."""
    query = Query(tag_rule=TagRule.LISTED, tags=frozenset({"y", "z"}))
    assert ids(filled, asked, query) == "be"


def test_tagged_and_untagged_do_not_read_the_list(filled: Callable[[], Store], asked: int) -> None:
    """FI-7."""
    tags = frozenset({"y"})
    assert ids(filled, asked, Query(tag_rule=TagRule.TAGGED, tags=tags)) == "abe"
    assert ids(filled, asked, Query(tag_rule=TagRule.UNTAGGED, tags=tags)) == "cdf"


def test_listed_tags_of_none_match_nothing(filled: Callable[[], Store], asked: int) -> None:
    """FI-9, A17: what an empty list means is decided before the store is asked."""
    assert ids(filled, asked, Query(tag_rule=TagRule.LISTED)) == ""


def test_a_dataset_label_counts_as_a_listed_tag(filled: Callable[[], Store], asked: int) -> None:
    """A10."""
    members = frozenset({"d1"})
    labels = Query(tag_rule=TagRule.LISTED, label_dataset_ids=members)
    either = Query(tag_rule=TagRule.LISTED, label_dataset_ids=members, tags=frozenset({"y"}))
    assert ids(filled, asked, labels) == "ce"
    assert ids(filled, asked, either) == "bce"


def test_box_labels(filled: Callable[[], Store], asked: int) -> None:
    """FI-10: at least one box with a listed label."""
    assert ids(filled, asked, Query(box_labels=frozenset({"cat", "cow"}))) == "d"
    assert ids(filled, asked, Query(box_labels=frozenset({"dog"}))) == "df"


def test_dataset_and_untagged_members(filled: Callable[[], Store], asked: int) -> None:
    """FI-11, FI-12: membership is not a tag."""
    assert ids(filled, asked, Query(dataset_id="d1")) == "ce"
    assert ids(filled, asked, Query(dataset_id="d1", tag_rule=TagRule.UNTAGGED)) == "c"


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        (Interval(start=2), "bcdef"),
        (Interval(end=2), "ab"),
        (Interval(end=2, end_inside=False), "a"),
        (Interval(start=2, end=4), "bcd"),
        (Interval(start=3, end=3), "c"),
        (Interval(start=3, end=3, end_inside=False), ""),
        (Interval(start=4, end=2), ""),
        (Interval(start=2, end=4, clock=TimeField.RECEIVED), "bcd"),
        (Interval(end=1, clock=TimeField.RECEIVED), "af"),
        (Interval(end=1, clock=TimeField.RECEIVED, end_inside=False), ""),
        (Interval(start=5, clock=TimeField.RECEIVED), "e"),
    ],
)
@pytest.mark.thinned(3)
def test_intervals(
    filled: Callable[[], Store], asked: int, interval: Interval, expected: str
) -> None:
    """FI-13, FI-14, A2, A3: open ends, the start inside, either clock."""
    assert ids(filled, asked, Query(interval=interval)) == expected


def test_internal_data_is_hidden_unless_asked_for(filled: Callable[[], Store], asked: int) -> None:
    """PG-10."""
    assert ids(filled, asked, Query(include_internal=True)) == "abcdefg"


def test_only_organizations_in_sight(filled: Callable[[], Store], asked: int) -> None:
    """A51: asking for an organization out of sight selects nothing."""
    asked_for = frozenset({"org", "o2"})
    assert ids(filled, asked, Query(scope=SECOND)) == "c"
    assert (
        ids(
            filled,
            asked,
            Query(scope=SECOND, organization_ids=asked_for),
        )
        == "c"
    )
    assert ids(filled, asked, Query(scope=DataScope("organization", frozenset()))) == ""


def test_data_stored_later_is_not_visible_yet(filled: Callable[[], Store], asked: int) -> None:
    """A55."""
    assert ids(filled, asked, Query(synced_until=3, include_internal=True)) == "abc"
    assert ids(filled, asked, Query(synced_until=98, include_internal=True)) == "abcdef"
    assert ids(filled, asked, Query(synced_until=99, include_internal=True)) == "abcdefg"


def test_readings_have_no_boxes_and_no_datasets(
    store: Store, tabular: Callable[..., Any], asked: int
) -> None:
    """FI-16, A18: such constraints select no readings; MIME types and tags compare as they are."""
    store.add_tabular([tabular("t", 1, tags=("x",), mime_type="a/b"), tabular("u", 2)])
    tags = frozenset({"x"})
    expected = {
        Query(): 2,
        Query(mime_types=frozenset({"a/b"})): 1,
        Query(box_labels=frozenset({"cat"})): 0,
        Query(dataset_id="d1"): 0,
        Query(tag_rule=TagRule.LISTED, label_dataset_ids=frozenset({"d1"})): 0,
        Query(tag_rule=TagRule.LISTED, label_dataset_ids=frozenset({"d1"}), tags=tags): 1,
        Query(tag_rule=TagRule.UNTAGGED): 1,
    }
    for query, count in expected.items():
        for _ in range(asked):
            page = store.tabular_page(query, after=None, limit=9, descending=True)
            assert len(page.records) == count
            assert store.tabular_totals(query) == (count, count * len(b"123"))
