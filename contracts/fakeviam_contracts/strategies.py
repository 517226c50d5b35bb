"""Hypothesis strategies for all values that clients send; use them in your own property tests.

Values come from small pools on purpose: servers fail with filters that select something, ties,
duplicates and names that are taken.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from fakeviam_contracts.model import FilterSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

SECOND = 1_000_000_000

#: 2024-01-01T00:00:00Z; most generated times are near it.
BASE = 1_704_067_200 * SECOND

#: The range of Timestamp in ns: the years 1 (whose first second is Go's "no time") to 9999.
FIRST = (-62_135_596_800 + 1) * SECOND
LAST = 253_402_300_799 * SECOND + SECOND - 1

TAGS = ("dog", "Dog", "dog ", "cat", "low light", "größe", "VIAM_DATASET_", "a,b")
LABELS = ("dog", "Dog", "person", "猫", "a b")
COMPONENTS = ("cam", "Cam", "cam1", "cam-1", "sensor")
COMPONENT_TYPES = ("camera", "rdk:component:camera", "sensor", "")
METHODS = ("ReadImage", "readimage", "Readings", "")
EXTENSIONS = ("", ".jpg", "jpg", ".JPG", ".jpeg", ".png", "png", ".pcd", ".txt", ".unknown", ".gz")
MIME_TYPES = ("image/jpeg", "image/png", "IMAGE/PNG", "application/octet-stream", "text/plain")
NAMES = ("pets", "Pets", "pets ", "cars", "x" * 80, "数据")


def tags(*, min_size: int = 0) -> st.SearchStrategy[list[str]]:
    """Lists of tags, with duplicates, look-alikes and other scripts."""
    return st.lists(st.sampled_from(TAGS), min_size=min_size, max_size=4)


def labels() -> st.SearchStrategy[str]:
    """Labels of boxes."""
    return st.sampled_from(LABELS)


def corners() -> st.SearchStrategy[tuple[float, float, float, float]]:
    """Valid corners of boxes: x_min, y_min, x_max, y_max."""
    unit = st.sampled_from([0.0, 0.25, 0.5, 1.0]) | st.floats(0, 1)
    return st.tuples(unit, unit, unit, unit).map(
        lambda c: (min(c[0], c[2]), min(c[1], c[3]), max(c[0], c[2]), max(c[1], c[3]))
    )


def wild_corners() -> st.SearchStrategy[tuple[float, float, float, float]]:
    """Corners of boxes, valid or invalid."""
    wild = st.sampled_from([-0.1, 1.1, float("nan"), float("inf"), -0.0, 0.0, 1.0]) | st.floats(
        0, 1
    )
    return st.tuples(wild, wild, wild, wild)


def confidences() -> st.SearchStrategy[float | None]:
    """Valid confidences, or none."""
    return st.none() | st.sampled_from([0.0, 0.5, 1.0])


def times() -> st.SearchStrategy[int]:
    """Times in ns: ties, times one nanosecond apart, days, and the limits of the range."""
    near = st.integers(0, 4).map(lambda s: BASE + s * SECOND)
    close = st.integers(-2, 2).map(lambda n: BASE + n)
    days = st.integers(-3, 3).map(lambda d: BASE + d * 86_400 * SECOND)
    ends = st.sampled_from([FIRST, LAST, 0, -1, 1])
    return near | close | days | ends


def time_pairs() -> st.SearchStrategy[tuple[int, int]]:
    """Times requested and received, in any order."""
    return st.tuples(times(), times())


def payloads() -> st.SearchStrategy[list[bytes]]:
    """Contents in pieces: none, empty ones, text, and bytes that are not text."""
    piece = st.sampled_from([b"", b"x", b"\x00\xff\xfe", b"hello\n"]) | st.binary(max_size=20)
    return st.lists(piece, max_size=4)


#: Characters of readings: from many scripts, of several bytes, combining, control characters, and
#: those with a special meaning elsewhere. A fixed choice, because Hypothesis needs a second to load
#: its tables and would report that as slow. A query cannot use names with NUL (MQ-13).
_LETTERS = "aZ0_-.$%/\\'\" \t\n\r\x01\x7féßΩжש中한e\u0301\u200d\u202e\ufeff\uffff🙂"


def rows() -> st.SearchStrategy[dict[str, object]]:
    """Readings that are returned unchanged: nested, other scripts, dotted keys, all JSON types."""
    named = st.text(_LETTERS, max_size=5)
    keys = st.sampled_from(["a", "b.c", "", "é", "readings"]) | named
    leaves = (
        st.none()
        | st.booleans()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(_LETTERS + "\0", max_size=8)
    )
    values = st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=6,
    )
    return st.dictionaries(keys, values, max_size=4)


def limits() -> st.SearchStrategy[int]:
    """Page sizes: unset, one, few, the default, the maximum."""
    return st.sampled_from([0, 1, 2, 3, 7, 50, 100])


def forms() -> st.SearchStrategy[str]:
    """How a request refers to files: string ids, BinaryID messages, or both."""
    return st.sampled_from(["string", "message", "both"])


def filter_specs(
    *, datasets: Sequence[int] = (), parts: Sequence[object] = ()
) -> st.SearchStrategy[FilterSpec]:
    """Filters, mostly with few fields, so that they select something.

    Args:
        datasets: Handles of datasets for the filter.
        parts: Origins whose ids and names are used.
    """
    return _filter_specs(tuple(datasets), tuple(parts))


@functools.cache
def _filter_specs(
    datasets: tuple[int, ...], parts: tuple[Any, ...]
) -> st.SearchStrategy[FilterSpec]:
    """A cached strategy: creating one takes longer than drawing from it."""
    maybe = {
        "component_name": st.sampled_from(COMPONENTS),
        "component_type": st.sampled_from(COMPONENT_TYPES),
        "method": st.sampled_from(METHODS),
        "mime_types": _some(MIME_TYPES),
        "start": times(),
        "end": times(),
        "tags": _some(TAGS),
        "tag_rule": st.sampled_from(["unspecified", "tagged", "untagged"]),
        "box_labels": _some(LABELS),
    }
    if datasets:
        maybe["dataset"] = st.sampled_from(list(datasets))
        maybe["label_of"] = st.lists(st.sampled_from(list(datasets)), max_size=2).map(tuple)
    for name in ("robot_name", "robot_id", "part_name", "part_id"):
        if parts:
            maybe[name] = st.sampled_from([getattr(part, name) for part in parts])
    for name, source in (("location_ids", "location_id"), ("organization_ids", "organization_id")):
        if parts:
            maybe[name] = _some([getattr(part, source) for part in parts] + ["nobody"])
    empty: st.SearchStrategy[dict[str, Any]] = st.just({})
    one = st.sampled_from(sorted(maybe)).flatmap(lambda n: st.fixed_dictionaries({n: maybe[n]}))
    many = st.fixed_dictionaries({}, optional=maybe)
    return (empty | one | one | many).map(lambda chosen: FilterSpec(**chosen))


def _some(values: Sequence[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(list(values)), max_size=3).map(tuple)
