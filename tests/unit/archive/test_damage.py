"""Archives that are not what was written."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from fakeviam import UsageError, archive
from fakeviam.archive.lines import time_text
from fakeviam.archive.models import Time, checked_row
from fakeviam.validation.models import Model

from .worlds import YEAR_1, YEAR_9999, small_world

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class At(Model):
    """A time in a row."""

    at: Time


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A good archive."""
    archive.write(tmp_path / "a", small_world())
    return tmp_path / "a"


def edit(place: Path, name: str, change: Callable[[Any], Any]) -> None:
    """Change the first line of a file, and make the manifest agree."""
    path = place / name
    first, *rest = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps(change(json.loads(first))), *rest, ""]))
    manifest = json.loads((place / "manifest.json").read_text())
    manifest["files"][name]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (place / "manifest.json").write_text(json.dumps(manifest))


def refusal(place: Path) -> str:
    with pytest.raises(UsageError) as caught:
        archive.read(place)
    return str(caught.value).replace(str(place), "A")


def test_no_archive(tmp_path: Path) -> None:
    """The text says what to name instead (AR-2)."""
    assert refusal(tmp_path) == (
        "there is no archive in A: manifest.json cannot be read (No such file or directory); "
        "name a directory that was created by an export"
    )
    (tmp_path / "manifest.json").write_text('{"format": "other"}')
    assert refusal(tmp_path) == "A/manifest.json: format must be 'fakeviam archive', got 'other'"


def test_an_archive_from_the_future(place: Path) -> None:
    """Its meaning is not guessed (AR-2)."""
    manifest = json.loads((place / "manifest.json").read_text())
    (place / "manifest.json").write_text(json.dumps(manifest | {"version": 3, "news": []}))
    assert refusal(place) == (
        "A/manifest.json: version 3 was written by a later fakeviam; this version reads formats up "
        "to 2; upgrade fakeviam"
    )


def test_a_truncated_file(place: Path) -> None:
    """At the end of a line and within one (AR-2)."""
    path = place / "binary.jsonl"
    text = path.read_bytes()
    path.write_bytes(text[: text.index(b"\n") + 1])
    assert refusal(place).startswith("A/binary.jsonl: is truncated: 1 lines of 3 in the manifest; ")
    path.write_bytes(text[:-5])
    assert refusal(place).startswith("A/binary.jsonl: is truncated: 2 lines of 3 in the m")
    path.unlink()
    assert refusal(place).startswith("A/binary.jsonl: cannot be read (No such file or directory)")


def test_a_changed_file(place: Path) -> None:
    """Also where it still reads well (AR-2)."""
    path = place / "users.jsonl"
    text = path.read_text()
    path.write_text(text.replace("secret", "public"))
    assert refusal(place).startswith(
        "A/users.jsonl: was changed: its hash differs from the manifest; "
    )
    path.write_text(text.replace('"secret"', "secret"))
    assert refusal(place).startswith("A/users.jsonl, line 1: is not JSON: Expecting value: b'{")


def test_missing_and_changed_bytes(place: Path) -> None:
    """The file and the line that names them are told (AR-2)."""
    (path,) = [one for one in place.glob("blobs/*/*") if one.read_bytes() == b"byte-1"]
    name = path.relative_to(place)
    path.write_bytes(b"byte-")
    assert refusal(place).startswith(
        f"A/{name}: does not match its hash: 5 bytes, named in A/binary.jsonl, line 2; "
    )
    path.unlink()
    assert refusal(place).startswith(
        f"A/binary.jsonl, line 2: sha256 names the file A/{name}, which cannot be read (No such "
    )


@pytest.mark.parametrize(
    ("name", "field", "value", "told"),
    [
        ("binary.jsonl", "size", "6", "size must be an integer, got '6'"),
        ("binary.jsonl", "size", True, "size must be an integer, got True"),
        ("binary.jsonl", "arrival", -1, "arrival must be at least 0, got -1"),
        ("binary.jsonl", "tags", ["x", 1], "tags[1] must be text, got 1"),
        ("binary.jsonl", "internal", 1, "internal must be true or false, got 1"),
        ("binary.jsonl", "source", "s", "source names 's', which is not among the sources"),
        ("binary.jsonl", "sha256", "../x", "sha256 must be 64 hex digits, got '../x'"),
        ("binary.jsonl", "color", "red", "unknown field 'color'; known fields: arrival, file_id"),
        ("binary.jsonl", "boxes", [{"id": "b"}], "boxes[0].label is missing"),
        ("binary.jsonl", "file_id", None, "file_id must be text, got null"),
        (
            "tabular.jsonl",
            "time_synced",
            "yesterday",
            "time_synced must be a time such as 2026-01-31T12:00:00Z, got 'yesterday'",
        ),
        ("tabular.jsonl", "payload", "?", "payload must be bytes in base64, got '?'"),
        ("tabular.jsonl", "reading", 1, "reading must be a JSON object, got 1"),
        ("tabular.jsonl", "reading", {"a": 2**60}, "reading must be a reading (a: an integer"),
        ("datasets.jsonl", "type", "X", "type must be BINARY_DATA or SEQUENCE_DATA, got 'X'"),
        (
            "fleet.jsonl",
            "kind",
            "x",
            "kind must be organization, location, robot, part or metadata",
        ),
    ],
)
def test_a_wrong_field_is_named(
    place: Path, name: str, field: str, value: object, told: str
) -> None:
    """File, line, field, value, and what to do (AR-2)."""
    edit(place, name, lambda row: row | {field: value})
    text = refusal(place)
    assert text.startswith(f"A/{name}, line 1")
    assert told in text
    assert text.endswith("it is damaged or was edited; restore it from a copy, or export it again")


def test_a_missing_field_is_named(place: Path) -> None:
    edit(place, "users.jsonl", lambda row: {"password": row["password"]})
    assert refusal(place).startswith("A/users.jsonl, line 1: organization_id is missing; ")
    edit(place, "users.jsonl", lambda _: [])
    assert refusal(place).startswith("A/users.jsonl, line 1: must be a JSON object, got a list; ")


@pytest.mark.parametrize("nanos", [YEAR_1, YEAR_9999, -1, 0, 1, 1_700_000_000_123_456_789])
def test_times_are_exact(nanos: int) -> None:
    """To the nanosecond, in all years (AR-1)."""
    assert checked_row(At, {"at": time_text(nanos)}, "here").at == nanos


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T12:00:00",
        "2026-01-31T12:00:00.5Z",
        "2026-01-31T12:00:00.12345678xZ",
        "2026-13-31T12:00:00Z",
        "",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="at must be a time such as"):
        checked_row(At, {"at": text}, "here")
