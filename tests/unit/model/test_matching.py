"""Which calls are meant, and why one is not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fakeviam.model.matching import ALIASES, Conditions, Leaf, Mismatch, short

NAMES = st.sampled_from(["part_id", "name", "tags", "value"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(".".join)
VALUES = st.one_of(st.text(max_size=3), st.integers(-2, 2), st.booleans())
LEAVES: st.SearchStrategy[list[Leaf]] = st.lists(st.tuples(PATHS, VALUES), max_size=6)

LEAF: Leaf = ("metadata.part_id", "p-1")


@given(LEAVES, st.data())
def test_a_call_fits_what_it_holds(leaves: list[Leaf], data: st.DataObject) -> None:
    """Any choice of its own fields, by path, by any end of it and by its last name (JR-3)."""
    chosen = data.draw(st.lists(st.sampled_from(leaves), max_size=3)) if leaves else []
    fields: dict[str, object] = {}
    for path, value in chosen:
        parts = path.split(".")
        start = data.draw(st.integers(0, len(parts) - 1))
        fields[".".join(parts[start:])] = value
    assert Conditions(fields=fields).fits("Any", leaves)


@given(LEAVES, st.dictionaries(PATHS, VALUES, max_size=3))
def test_a_call_fits_if_nothing_is_different(leaves: list[Leaf], fields: dict[str, object]) -> None:
    """The explanation and the decision are one (JR-3)."""
    conditions = Conditions(fields=fields)
    mismatches = conditions.mismatches(leaves)
    assert conditions.fits("Any", leaves) == (not mismatches)
    for mismatch in mismatches:
        assert mismatch.wanted not in mismatch.actual


@given(LEAVES, LEAVES, st.dictionaries(PATHS, VALUES.filter(bool), max_size=3))
def test_more_fields_never_hide_a_call(
    leaves: list[Leaf], more: list[Leaf], fields: dict[str, object]
) -> None:
    """What fits goes on to fit whatever else the request sets (JR-3)."""
    conditions = Conditions(fields=fields)
    if conditions.fits("Any", leaves):
        assert conditions.fits("Any", [*leaves, *more])


def test_short_names() -> None:
    """Tests write part, component, tag (JR-3)."""
    for alias, name in ALIASES.items():
        wanted = Conditions(fields={alias: "a"})
        assert wanted.fits("Any", [(f"metadata.{name}", "a"), (f"un{name}", "b")])
        assert not wanted.fits("Any", [(f"metadata.{name}", "b"), (f"un{name}", "a")])
        assert wanted.fits("Any", [(alias, "a")])


def test_repeated_fields_and_unset_ones() -> None:
    """One of the values, or all of them in order; an empty value is an unset field (JR-3)."""
    tags: list[Leaf] = [("metadata.tags", "a"), ("metadata.tags", "b")]
    for wanted, fits in (("a", True), ("c", False), (["a", "b"], True), (["b", "a"], False)):
        assert Conditions(fields={"tags": wanted}).fits("Any", tags) is fits
    nothing: tuple[object, ...] = ("", [], 0, False)
    for empty in nothing:
        assert Conditions(fields={"tags": empty}).fits("Any", [LEAF])
        assert not Conditions(fields={"tags": empty}).fits("Any", tags)
    assert not Conditions(fields={"tags": None}).fits("Any", [LEAF])


def test_patterns_of_names() -> None:
    """`*` and `?` stand for any letters; case counts (JR-3)."""
    for pattern, fits in (("*", True), ("File*", True), ("?ileUpload", True), ("file*", False)):
        assert Conditions(rpc=pattern).fits_rpc("FileUpload") is fits


def test_what_is_different_in_words() -> None:
    """Long values and long lists are cut (JR-3)."""
    assert str(Mismatch("name", ("cam1",), "cam-1")) == "name: 'cam1' ≠ 'cam-1'"
    assert str(Mismatch("name", (), "cam-1")) == "name is not set, wanted 'cam-1'"
    assert str(Mismatch("ids", tuple("abcdefg"), "x")) == (
        "ids: 'a', 'b', 'c', 'd', 'e' and 2 more ≠ 'x'"
    )
    told = short(b"\x00" * 10_000_000)
    assert len(told) < 64
    assert told.endswith("…'")
    assert str(Conditions(rpc="FileUpload", fields={"part": "p"})) == "FileUpload(part='p')"
