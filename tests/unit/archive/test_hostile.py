"""Archives with what text, JSON or the calendar cannot carry, and with bytes of any kind."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fakeviam import FakeViam, UsageError, archive
from fakeviam.archive import format as names

from .worlds import small_world

NINES = "9" * 5000
ADVICE = "; it is damaged or was edited; restore it from a copy, or export it again"


def put(place: Path, name: str, text: bytes) -> None:
    """Put these bytes into a file, and make the manifest agree."""
    (place / name).write_bytes(text)
    manifest = json.loads((place / names.MANIFEST).read_text())
    digest = hashlib.sha256(text).hexdigest()
    manifest["files"][name] = {"sha256": digest, "lines": text.count(b"\n")}
    (place / names.MANIFEST).write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        (
            "users.jsonl",
            '"secret"',
            '"\\ud800"',
            "holds text that cannot be encoded as UTF-8 at pas",
        ),
        (
            "binary.jsonl",
            '"a/b"',
            '"\\udfff"',
            "holds text that cannot be encoded as UTF-8 at mime_",
        ),
        (
            "tabular.jsonl",
            "21.5",
            '"\\ud800"',
            "holds text that cannot be encoded as UTF-8 at read",
        ),
        ("keys.jsonl", '"k"', '"\\ud800"', "holds text that cannot be encoded as UTF-8 at id"),
        ("keys.jsonl", '"id"', '"ID"', "id is missing"),
        ("keys.jsonl", '"k"', "{}", "id must be text, got a JSON object"),
        (
            "binary.jsonl",
            '"size":6',
            '"size":1e400',
            "size must be an integer, got inf",
        ),
        (
            "binary.jsonl",
            '"size":6',
            f'"size":{NINES}',
            "is not JSON: 9999999999999999999999999999",
        ),
        ("binary.jsonl", '"size":6', '"size":9223372036854775808', "size must be at most 92233720"),
        ("tabular.jsonl", "21.5", "1e400", "reading must be a reading (celsius: inf is not a JSON"),
        ("tabular.jsonl", "21.5", "NaN", "is not JSON: there is no NaN in JSON"),
        ("tabular.jsonl", "21.5", NINES, "is not JSON: 9999999999999999999999999999"),
        ("tabular.jsonl", "21.5", "[" * 200, "is nested more than 100 levels deep"),
        ("datasets.jsonl", "1970-01-01T", "0000-01-01T", "time_created must be a time such as"),
        ("datasets.jsonl", "1970-01-01T", "10000-01-01T", "time_created must be a time such as"),
    ],
)
def test_what_nothing_can_carry_is_refused(
    tmp_path: Path, name: str, old: str, new: str, told: str
) -> None:
    """With file, line and field (AR-2)."""
    place = tmp_path / "a"
    archive.write(place, small_world(binary=1))
    text = (place / name).read_text()
    assert old in text
    put(place, name, text.replace(old, new).encode())
    with pytest.raises(UsageError) as caught:
        archive.read(place)
    assert str(caught.value).startswith(f"{place / name}, line 1: {told}")
    assert str(caught.value).endswith(ADVICE)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
#: Changes of one field of a row: whatever is in it, the rest is right.
CHANGES = st.tuples(
    st.sampled_from(
        [
            *("arrival", "file_id", "sha256", "size", "source", "time_received", "boxes", "tags"),
            *("classifications", "dataset_ids", "internal", "reading", "payload", "kind", "type"),
            *("name", "id", "method_parameters", "lines", "version", "counters", "files", "format"),
        ]
    ),
    VALUES | st.lists(st.fixed_dictionaries({"id": VALUES, "label": VALUES}), max_size=1),
)


def refusal_of(place: Path) -> str:
    try:
        archive.read(place)
    except UsageError as error:
        return str(error)
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("name", [*names.TABLES, names.MANIFEST])
@settings(deadline=None)
@given(change=CHANGES, tail=st.binary(max_size=20))
@example(change=("reading", {"\ud800": 1}), tail=b"")
@example(change=("name", "\ud800"), tail=b"")
@example(change=("name", ""), tail=b"[" * 5000 + b"\n")
def test_any_change_is_read_or_refused(name: str, change: tuple[str, Any], tail: bytes) -> None:
    """Never with any other error (AR-2)."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "a")
        archive.write(place, small_world(binary=1))
        row = json.loads((place / name).read_bytes().partition(b"\n{")[0])
        text = json.dumps({**row, change[0]: change[1]}).encode() + b"\n" + tail
        if name == names.MANIFEST:
            (place / name).write_bytes(text)
        else:
            put(place, name, text)
        assert refusal_of(place).encode() is not None  # it can be printed


#: Where an archive says how far something was counted.
COUNTED = [
    ("counters", "ids"),
    ("counters", "objects"),
    ("arrivals", "binary"),
    ("arrivals", "tabular"),
]


def counted_to(place: Path, number: int, where: tuple[str, str]) -> Path:
    """An archive in which something was counted so far."""
    archive.write(place, small_world())
    manifest = json.loads((place / names.MANIFEST).read_text())
    manifest[where[0]][where[1]] = number
    (place / names.MANIFEST).write_text(json.dumps(manifest))
    return place


@pytest.mark.parametrize("where", COUNTED)
def test_what_was_counted_far_can_be_counted_on(tmp_path: Path, where: tuple[str, str]) -> None:
    """And be exported and read again (AR-2)."""
    with FakeViam() as cloud:
        cloud.load(counted_to(tmp_path / "a", 2**53 - 1000, where))
        rows = [{"time": "2026-01-31T12:00:00Z", "v": 1}]
        cloud.load({"datasets": ["d"], "readings": [{"component": "c", "rows": rows}]})
        cloud.export(tmp_path / "b")
    assert archive.read(tmp_path / "b").counters.ids > 1


@pytest.mark.parametrize("number", [2**53 + 1, 2**63 - 1])
@pytest.mark.parametrize("where", COUNTED)
def test_what_was_counted_too_far_is_refused(
    tmp_path: Path, where: tuple[str, str], number: int
) -> None:
    """At the end of 64 bits nothing can be counted any more (AR-2)."""
    place = counted_to(tmp_path / "a", number, where)
    assert f"{'.'.join(where)} must be at most {2**53}, got {number}" in refusal_of(place)
