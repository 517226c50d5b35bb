"""What writes answer, and what they leave behind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from fakeviam.model.annotations import BoundingBox
from fakeviam.model.datasets import Dataset
from fakeviam.model.filters import Query
from fakeviam.store.memory import MemoryStore
from fakeviam.store.values import TagRemoval

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.store.base import Store

BOX = BoundingBox(
    id="box",
    label="cat",
    x_min_normalized=0,
    y_min_normalized=0,
    x_max_normalized=1,
    y_max_normalized=1,
)


@pytest.fixture
def filled(store: Store, binary: Callable[..., Any]) -> Store:
    store.add_binary([(binary(name, time), name.encode()) for time, name in enumerate("abcdef")])
    for number in (1, 2):
        store.add_dataset(dataset(f"n{number}", number))
    return store


def find(store: Store, file_id: str) -> Any:
    (record,) = store.find_binary([file_id])
    return record


def dataset(name: str, number: int = 1, organization: str = "org") -> Dataset:
    return Dataset(id=f"d{number}", name=name, organization_id=organization, time_created=0)


def test_records_are_found_in_the_order_asked(filled: Store) -> None:
    found = filled.find_binary(["c", "none such", "a", "c"])
    assert [record and record.file_id for record in found] == ["c", None, "a", "c"]


def test_deleting_frees_the_bytes_and_counts_once(filled: Store) -> None:
    assert filled.read("a") == b"a"
    assert filled.delete_binary(["a", "none such", "a", "b"]) == 2
    assert filled.delete_binary(["a"]) == 0
    with pytest.raises(KeyError):
        filled.read("a")
    assert find(filled, "a") is None


def test_deleting_what_matches_frees_the_bytes(filled: Store) -> None:
    assert filled.delete_binary_matching(Query()) == 6
    with pytest.raises(KeyError):
        filled.read("f")


def test_tags_are_appended_in_the_order_given(filled: Store) -> None:
    assert filled.add_tags(["a"], ["y", "x", "y"]) == 1
    assert filled.add_tags(["a", "b", "a", "none such"], ["z", "x"]) == 2
    assert find(filled, "a").tags == ("y", "x", "z")
    assert filled.add_tags(["a", "b"], ["x"]) == 0


def test_removing_tags_counts_records_and_tags(filled: Store) -> None:
    filled.add_tags(["a", "b"], ["x", "y", "z"])
    assert filled.remove_tags(["a", "a", "c"], ["x", "z", "none such"]) == TagRemoval(1, 2)
    assert filled.remove_tags_matching(Query(), ["x", "y"]) == TagRemoval(2, 3)
    assert find(filled, "b").tags == ("z",)


def test_a_change_forgets_the_encoded_form(binary: Callable[..., Any]) -> None:
    filled = MemoryStore()
    filled.add_binary([(binary(name), b"") for name in "ab"])
    object.__setattr__(find(filled, "a"), "encoder", "encoder")
    filled.add_tags(["b"], ["x"])
    assert find(filled, "a").encoder == "encoder"
    filled.add_tags(["a"], ["x"])
    assert find(filled, "a").encoder is None


def test_boxes(filled: Store) -> None:
    assert filled.add_box("a", BOX)
    assert not filled.add_box("none such", BOX)
    assert filled.replace_box("a", "box", lambda box: replace(box, label="dog"))
    assert find(filled, "a").boxes == (replace(BOX, label="dog"),)
    assert filled.box_labels(Query()) == {"dog"}
    assert filled.remove_box("a", "box")
    assert find(filled, "a").boxes == ()
    assert filled.box_labels(Query()) == set()


@pytest.mark.parametrize(("file_id", "box_id"), [("b", "box"), ("a", "x"), ("none such", "box")])
def test_a_box_needs_both_ids(filled: Store, file_id: str, box_id: str) -> None:
    filled.add_box("a", BOX)
    assert not filled.remove_box(file_id, box_id)
    assert not filled.replace_box(file_id, box_id, lambda box: replace(box, label="dog"))
    assert find(filled, "a").boxes == (BOX,)


def test_what_changing_a_box_raises_passes_through(filled: Store) -> None:
    filled.add_box("a", BOX)

    def refuse(_: BoundingBox) -> BoundingBox:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - it is our own
        filled.replace_box("a", "box", refuse)
    assert find(filled, "a").boxes == (BOX,)


def test_members_are_counted_when_they_change(filled: Store) -> None:
    assert filled.add_members("d2", ["a", "b", "a", "none such"]) == 2
    assert filled.add_members("d1", ["b", "c"]) == 2
    assert filled.add_members("d1", ["b", "c"]) == 0
    assert find(filled, "b").dataset_ids == ("d2", "d1")
    assert filled.remove_members("d2", ["b", "b", "c"]) == 1
    assert filled.dataset_ids(Query()) == {"d1", "d2"}


def test_deleting_a_record_ends_its_memberships(filled: Store) -> None:
    filled.add_members("d1", ["a", "b"])
    filled.delete_binary(["a"])
    assert filled.binary_totals(Query(dataset_id="d1")).records == 1


def test_dataset_names_are_unique_in_an_organization(store: Store) -> None:
    assert store.add_dataset(dataset("one"))
    assert not store.add_dataset(dataset("one", 2))
    assert store.add_dataset(dataset("One", 2))
    assert store.add_dataset(dataset("one", 3, organization="other"))
    assert [d.id for d in store.datasets("org")] == ["d1", "d2"]
    assert store.dataset("d4") is None


def test_renaming_a_dataset(store: Store) -> None:
    store.add_dataset(dataset("one"))
    store.add_dataset(dataset("two", 2))
    store.add_dataset(dataset("three", 3, organization="other"))
    assert not store.rename_dataset("d1", "two")
    assert store.rename_dataset("d1", "one")
    assert store.rename_dataset("d1", "three")
    assert [d.name for d in store.datasets("org")] == ["three", "two"]


def test_a_refused_dataset_gets_no_members(filled: Store) -> None:
    filled.add_members("d1", ["a"])
    assert not filled.add_dataset(dataset("n1", 3), members_of=["d1"])
    assert find(filled, "a").dataset_ids == ("d1",)


def test_a_merged_dataset_has_the_members_of_its_sources(
    filled: Store, binary: Callable[..., Any]
) -> None:
    filled.add_binary([(binary("hidden", 0, internal=True), b"")])
    filled.add_members("d1", ["a", "b"])
    filled.add_members("d2", ["b", "hidden"])
    assert filled.add_dataset(dataset("merged", 3), members_of=["d1", "d2", "none such"])
    found = filled.find_binary(["a", "b", "c", "hidden"])
    assert [r.dataset_ids for r in found if r] == [
        ("d1", "d3"),
        ("d1", "d2", "d3"),
        (),
        ("d2", "d3"),
    ]


def test_deleting_a_dataset_keeps_its_records(filled: Store) -> None:
    filled.add_members("d1", ["a", "b"])
    filled.add_members("d2", ["b"])
    filled.delete_dataset("d1")
    assert filled.dataset("d1") is None
    assert [find(filled, name).dataset_ids for name in "ab"] == [(), ("d2",)]
    assert filled.add_dataset(dataset("n1", 4))


def test_database_passwords(store: Store) -> None:
    assert store.database_password("org") is None
    store.set_database_password("org", "first")
    store.set_database_password("org", "second")
    assert store.database_password("org") == "second"
    assert store.database_password("other") is None
