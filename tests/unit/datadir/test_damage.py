"""Data directories that are not what was written: never opened as something else (DD-3, DD-8)."""

from __future__ import annotations

import json
import logging
import random
import shutil
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from fakeviam import UsageError
from fakeviam.cli import commands
from fakeviam.datadir.log import START, LogReader, line_of_entry
from fakeviam.datadir.repair import check, repair

from .worlds import World, copy_of, found_in, state

if TYPE_CHECKING:
    from pathlib import Path

    from fakeviam.datadir.repair import Report


@pytest.fixture
def place(full: Path, memory_path: Path) -> Path:
    """A copy of the directory with something of everything."""
    return copy_of(full, memory_path / "data")


@pytest.fixture(scope="module")
def expected(full: Path) -> list[object]:
    """What it holds."""
    return found_in(full)


def files_of(place: Path) -> list[Path]:
    return sorted(path for path in place.rglob("*") if path.is_file() and path.name != "lock")


def refusal(place: Path) -> str:
    with pytest.raises(UsageError) as caught:
        World(place)
    return str(caught.value)


def lines_of(place: Path) -> list[bytes]:
    return (place / "log.jsonl").read_bytes().splitlines(keepends=True)


def write_lines(place: Path, lines: list[bytes]) -> None:
    (place / "log.jsonl").write_bytes(b"".join(lines))


def repaired(place: Path) -> Report:
    return repair(place, now=lambda: 0)


# Never silently different ----------------------------------------------------------------------


def harm(path: Path, dice: random.Random) -> None:
    """Change a file somehow."""
    text = bytearray(path.read_bytes())
    kind = dice.choice(["flip", "flip", "cut", "cut a line", "drop", "grow", "zeros"])
    at = dice.randrange(len(text)) if text else 0
    if kind == "flip" and text:
        text[at] ^= dice.choice([1, 2, 16, 32, 128, 255])
    elif kind == "cut":
        del text[at:]
    elif kind == "cut a line":
        del text[text.rfind(b"\n", 0, at) + 1 :]
    elif kind == "drop":
        del text[at : at + dice.choice([1, 10, 1000])]
    elif kind == "grow":
        text[at:at] = text[at : at + dice.choice([1, 64, 500])]
    else:
        text[at : at + 20] = bytes(20)
    path.write_bytes(text)


@pytest.mark.parametrize(
    "number", [pytest.param(n, marks=pytest.mark.slow if n else ()) for n in range(8)]
)
def test_harm_never_shows_as_another_state(
    place: Path, expected: list[object], number: int, caplog: pytest.LogCaptureFixture
) -> None:
    """It is refused with the file named, or nothing that was acknowledged is missing (DD-3)."""
    dice = random.Random(number)  # noqa: S311 - a test's
    refused = 0
    for _ in range(100):
        path = dice.choice([*files_of(place), *[place / "log.jsonl"] * 10])
        before = path.read_bytes()
        harm(path, dice)
        if path.read_bytes() == before:
            continue
        caplog.clear()
        told = opened(place, expected)
        if told:
            refused += 1
            assert str(path) in told
            assert "data-dir repair" in told or "restore it from a copy" in told
        else:
            assert caplog.messages  # what is set right is said
        assert bool(check(place).problems) is bool(told)
        path.write_bytes(before)
    assert refused > 50
    assert found_in(place) == expected


def opened(place: Path, expected: list[object]) -> str:
    """Open a directory, which must hold this; or why it was refused."""
    try:
        world = World(place)
    except UsageError as error:
        return str(error)
    assert world.state() == expected
    world.close()
    return ""


def test_each_byte_of_the_description(place: Path, expected: list[object]) -> None:
    """A changed digit, and a blank too (DD-3)."""
    path = place / "directory.json"
    text = path.read_bytes()
    for at in range(len(text)):
        path.write_bytes(text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :])
        assert refusal(place).startswith(str(path))
    path.write_bytes(text)
    assert found_in(place) == expected


def test_each_end_of_the_log(place: Path, expected: list[object]) -> None:
    """Cut off between any two entries, or without its last end of a line (DD-3)."""
    lines = lines_of(place)
    for count in range(len(lines)):
        write_lines(place, lines[:count])
        assert refusal(place).startswith(str(place / "log.jsonl"))
    write_lines(place, [*lines[:-1], lines[-1][:-1]])
    assert "it is truncated; 1 acknowledged entry from there on cannot be read, written after" in (
        refusal(place)
    )
    write_lines(place, lines)
    assert found_in(place) == expected


def test_files_that_are_gone(place: Path) -> None:
    """Are no sign of a new directory (DD-3)."""
    log = place / "log.jsonl"
    text = log.read_bytes()
    log.unlink()
    assert refusal(place).startswith(f"{log}: is missing; ")
    log.write_bytes(text)
    shutil.rmtree(place / "blobs")
    assert ", which cannot be read (No such file or directory); " in refusal(place)


def test_a_description_that_is_gone_is_written_again_aloud(
    place: Path, expected: list[object], caplog: pytest.LogCaptureFixture
) -> None:
    """All that it says stands in the log, too (DD-3)."""
    path = place / "directory.json"
    text = path.read_bytes()
    path.unlink()
    assert found_in(place) == expected
    assert caplog.messages == [f"{path}: was missing; restored from the log"]
    assert path.read_bytes() == text


def test_an_earlier_directory_says_what_to_do(place: Path) -> None:
    """It is not guessed at (DD-3)."""
    path = place / "directory.json"
    path.write_text('{"format": "fakeviam data directory", "version": 1, "seed": 5}')
    assert refusal(place) == (
        f"{path}: version 1 comes from an earlier fakeviam; export an archive with that one, and "
        "begin a new directory with it (--load)"
    )


# What opening sets right -----------------------------------------------------------------------


def test_what_was_not_acknowledged_is_dropped_aloud(
    place: Path, expected: list[object], caplog: pytest.LogCaptureFixture
) -> None:
    """In one line, and as a value (DD-3)."""
    with (place / "log.jsonl").open("ab") as file:
        file.write(b'["0123')
    report = check(place)
    assert report.problems == []
    assert "to be dropped: 1 entry, 6 bytes, written after 1970-01-01T00:00:00Z" in report.notes[0]
    with caplog.at_level(logging.WARNING):
        world = World(place)
    assert world.state() == expected
    assert world.directory.dropped == (1, 6, "1970-01-01T00:00:00Z")
    (told,) = caplog.messages
    assert told == (
        f"{place / 'log.jsonl'}: dropped 1 entry, 6 bytes, written after 1970-01-01T00:00:00Z: "
        "never acknowledged, because the process ended first"
    )
    world.write("add files")
    shown = world.state()
    world.close()
    again = World(place)
    assert (again.directory.dropped, again.state()) == (None, shown)
    again.close()


def test_one_damaged_mark_is_set_right(
    place: Path, expected: list[object], caplog: pytest.LogCaptureFixture
) -> None:
    """The other one holds; the next write makes it whole (DD-3)."""
    path = place / "log.jsonl"
    text = path.read_bytes()
    for at in (0, 20, START // 2, START - 1):
        path.write_bytes(text[:at] + b"?" + text[at + 1 :])
        caplog.clear()
        world = World(place)
        assert world.state() == expected
        assert caplog.messages == [f"{path}: one of its two marks was damaged; the other is intact"]
        world.write("tag")
        world.close()
        assert LogReader(path).damaged_marks == 0


# Repairs ---------------------------------------------------------------------------------------


def test_nothing_to_repair(place: Path, expected: list[object]) -> None:
    before = {path: path.read_bytes() for path in files_of(place)}
    report = repaired(place)
    assert (report.problems, report.saved, report.files) == ([], None, len(list(expected[0])))  # type: ignore[call-overload]
    assert {path: path.read_bytes() for path in files_of(place)} == before


def test_a_log_that_is_damaged_later_on_goes_back_to_there(full: Path, memory_path: Path) -> None:
    """What came behind may have built on it; it is told, and put aside (DD-8)."""
    place = copy_of(full, memory_path / "data")
    world = World(place)
    states = [world.state()]
    for kind in ("add files", "tag", "delete a file", "add a key"):
        world.write(kind)
        states.append(world.state())
    world.close()
    lines = lines_of(place)
    for lost in range(1, 5):
        cut = len(lines) - lost
        wrong = [*lines[:cut], b"?" + lines[cut][1:], *lines[cut + 1 :]]
        write_lines(place, wrong)
        assert "data-dir repair" in refusal(place)
        report = repaired(place)
        (problem,) = report.problems
        assert problem.where == f"{place / 'log.jsonl'}, line {len(lines) - lost + 1}"
        entries = "entry" if lost == 1 else "entries"
        told = f"; {lost} acknowledged {entries} from there on cannot be read, written"
        assert told in problem.what
        assert report.saved is not None
        assert (place / "damaged" / f"{lost:03}" / "log.jsonl").read_bytes() == b"".join(wrong)
        assert check(place).problems == []
        assert found_in(place) == states[-1 - lost]


def test_ids_of_what_is_lost_are_not_given_again(place: Path) -> None:
    """Somebody may still hold them (DD-8)."""
    world = World(place)
    counters = world.cloud.ids.counters
    world.write("add files")
    known = {row.record.file_id for row in world.cloud.store.binary_rows()}
    world.close()
    write_lines(place, lines_of(place)[:-1])
    repaired(place)
    world = World(place)
    assert world.cloud.ids.counters > counters
    before = len(list(world.cloud.store.binary_rows()))
    for _ in range(3):
        world.write("add files")
    new = [row.record.file_id for row in world.cloud.store.binary_rows()][before:]
    assert not known.intersection(new)
    world.close()


def test_a_broken_header_costs_no_record(full: Path, memory_path: Path) -> None:
    """It holds none, and is shown as it is in the file (DD-8)."""
    place = copy_of(full, memory_path / "data")
    lines = lines_of(place)
    (at,) = (number for number, line in enumerate(lines) if b'"fakeviam"' in line)
    lines[at] = lines[at].replace(b'"fakeviam"', b'"fakeviom"', 1)
    write_lines(place, lines)
    before = World(full)
    files = before.state()
    before.close()
    report = repaired(place)
    assert report.problems[0].what.endswith("; no record is lost")
    assert "b'" not in report.problems[0].what
    after = World(place)
    assert after.state() == files
    after.close()


def test_a_line_of_the_state_takes_its_own_rows_along(full: Path, memory_path: Path) -> None:
    """And no others (DD-8)."""
    place = copy_of(full, memory_path / "data")
    world = World(place)
    for _ in range(400):
        world.write("add files")
    world.write("restore")  # the log begins anew, with more rows than one line holds
    whole = world.state()
    world.close()
    lines = lines_of(place)
    assert len(lines) > 5
    lines[4] = lines[4].replace(b'"arrival"', b'"arrivals"', 1)
    write_lines(place, lines)
    report = repaired(place)
    first, *others = report.problems
    assert first.what.endswith("; the records on this line are lost")
    # The first rows of the next line may be of a source that this one described.
    assert all("which is not among the sources" in problem.what for problem in others)
    assert len(others) < 3
    found = found_in(place)
    assert 0 < len(list(found[0])) < len(list(whole[0]))  # type: ignore[call-overload]
    assert all(row in list(whole[0]) for row in list(found[0]))  # type: ignore[call-overload]


def test_bytes_that_are_damaged_take_their_records_along(
    place: Path, expected: list[object]
) -> None:
    """Named by their hash; they are put aside (DD-8)."""
    blob = max(place.glob("blobs/*/*"), key=lambda path: path.stat().st_size)
    data = blob.read_bytes()
    blob.write_bytes(data[:-1])
    report = repaired(place)
    assert {problem.where for problem in report.problems} == {str(blob)}
    found = found_in(place)
    lost = [row for row in expected[0] if row not in found[0]]  # type: ignore[attr-defined,operator]
    assert lost
    assert all(row.data == data for row in lost)
    assert found[7:] == expected[7:]
    assert (place / "damaged" / "001" / blob.name).read_bytes() == data[:-1]


@pytest.mark.parametrize("name", ["marks", "header", "description", "no description"])
def test_what_can_be_told_from_the_rest(place: Path, expected: list[object], name: str) -> None:
    """The seed stands in two files, and marks are counted anew (DD-8)."""
    lines = lines_of(place)
    if name == "marks":
        write_lines(place, [b"?" * 63 + b"\n"] * 2 + lines[2:])
    elif name == "header":
        write_lines(place, [*lines[:2], b"?" + lines[2][1:], *lines[3:]])
    elif name == "description":
        (place / "directory.json").write_text("?")
    else:
        (place / "directory.json").unlink()
    report = repaired(place)
    assert bool(report.problems) is (name != "no description")
    assert found_in(place) == expected


def test_nothing_is_left_to_repair(place: Path) -> None:
    """Without the seed no id can be made (DD-8)."""
    lines = lines_of(place)
    write_lines(place, [*lines[:2], b"?" + lines[2][1:], *lines[3:]])
    (place / "directory.json").write_text("?")
    with pytest.raises(UsageError, match="nobody can tell the seed of all ids any more"):
        repaired(place)
    (place / "log.jsonl").unlink()
    with pytest.raises(UsageError, match=r"log\.jsonl is missing, so nothing can be read"):
        repaired(place)
    (place / "directory.json").unlink()
    with pytest.raises(UsageError, match="there is no data directory in"):
        check(place)


def test_an_entry_that_is_whole_and_makes_no_sense(place: Path, expected: list[object]) -> None:
    """A repair goes on without it."""
    reader = LogReader(place / "log.jsonl")
    number = sum(1 for _ in reader)
    with (place / "log.jsonl").open("ab") as file:
        for extra, row in enumerate(
            ({"op": "set_tags", "values": {"no such file": []}}, {"op": "dance"}), number + 1
        ):
            file.write(line_of_entry({"n": extra, "at": "now", "do": [row]}))
    assert "refers to something that does not exist" in refusal(place)
    assert [problem.what for problem in repaired(place).problems] == [
        "op must be an event known to this version of fakeviam, got 'dance'"
    ]
    assert found_in(place) == expected


@pytest.mark.parametrize(
    "senseless",
    [
        {"do": [-1]},
        {"do": [], "ids": []},
        {"do": [{"op": "set_keys", "keys": [{"id": "k", "key": "s", "role": "owner"}]}]},
    ],
)
def test_whatever_is_refused_is_found_and_repaired(
    place: Path, expected: list[object], senseless: dict[str, object]
) -> None:
    """A check lists it, and a repair goes on without it, whatever the entry is (DD-8)."""
    number = sum(1 for _ in LogReader(place / "log.jsonl")) + 1
    with (place / "log.jsonl").open("ab") as file:
        file.write(line_of_entry({"n": number, "at": "now", **senseless}))
    refusal(place)
    assert len(check(place).problems) == 1
    assert len(repaired(place).problems) == 1
    assert found_in(place) == expected


def test_a_seed_that_is_no_number(place: Path) -> None:
    """That of the description, which says the same, is taken (DD-8)."""
    marks, header = lines_of(place)[:2], json.loads(lines_of(place)[2])[1]
    changed = line_of_entry({**header, "seed": "x" * len(header["seed"])})
    write_lines(place, [*marks, changed, *lines_of(place)[3:]])
    assert "seed must be" in refusal(place)
    assert "seed must be" in str(repaired(place).problems[0])
    assert not check(place).problems


# Command line ----------------------------------------------------------------------------------


def test_on_the_command_line(place: Path) -> None:
    """`check` has a status of its own for damage; `repair` sets it right (DD-8)."""
    run = CliRunner().invoke
    done = run(commands, ["data-dir", "check", str(place)])
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0] == f"{place}: whole"
    write_lines(place, lines_of(place)[:-1])
    done = run(commands, ["data-dir", "check", str(place), "--json"])
    found = json.loads(done.stdout)
    assert done.exit_code == 1
    assert found["is_whole"] is False
    assert found["problems"][0]["where"].startswith(str(place / "log.jsonl"))
    done = run(commands, ["data-dir", "check", str(place)])
    assert (
        done.stdout.splitlines()[-1]
        == f"run `fakeviam data-dir repair {place}` to keep what is intact"
    )
    done = run(commands, ["data-dir", "repair", str(place), "--format", "json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["saved"] == str(place / "damaged" / "001")
    assert run(commands, ["data-dir", "check", str(place)]).exit_code == 0


def test_a_directory_in_use_is_not_looked_at(place: Path) -> None:
    """Its server writes to it (DD-2)."""
    world = World(place)
    for look in (check, repaired):
        with pytest.raises(UsageError, match="is in use by process"):
            look(place)
    assert state(world.cloud)
    world.close()
