"""`dest`: every shape, nothing lost, nothing half written, no way out of the directory."""

from __future__ import annotations

import json
import os
import shutil
import stat
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from fakeviam_client import BinaryData, DataClient, TabularData, load_readings
from fakeviam_client._destination import folder, write_files, write_readings
from fakeviam_client._names import Names
from fakeviam_client._plain import plain
from grpclib.exceptions import GRPCError
from hypothesis import given
from hypothesis import strategies as st

from fakeviam.wire import data, well_known
from fakeviam.wire.times import timestamp_from

from .servers import by_token, law, scripted, tabular_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam import FakeViam

asyncio = pytest.mark.asyncio

NOW = datetime(2026, 3, 10, 12, 0, 0, 123456, tzinfo=timezone.utc)


def file(name: str = "", ext: str = "", payload: bytes = b"bytes", **known: Any) -> BinaryData:
    metadata = data.BinaryMetadata(
        file_name=name, file_ext=ext, file_size_bytes=len(payload), **known
    )
    return BinaryData(payload, metadata)


def contents(directory: Path) -> dict[str, bytes]:
    """The files of a downloaded directory but its manifest, which must know them all."""
    found = {path.name: path.read_bytes() for path in directory.iterdir()}
    manifest = json.loads(found.pop("manifest.json"))
    assert manifest["format"] == "fakeviam_client files 1"
    assert {entry["file"] for entry in manifest["files"]} == found.keys()
    return found


def entries(path: Path) -> list[Any]:
    listed: list[Any] = json.loads(path.read_text(encoding="utf-8"))["files"]
    return listed


def nothing_else(directory: Path, *names: str) -> bool:
    """Whether no temporary file was left."""
    return {path.name for path in directory.iterdir()} == set(names)


# Every shape ------------------------------------------------------------------------------


@asyncio
async def test_one_file_becomes_that_file(
    cloud: FakeViam, client: DataClient, tmp_path: Path
) -> None:
    await client.file_upload(cloud.default_part.id, b"one", file_name="dog", file_extension=".jpg")
    files = await client.binary_data_by_filter(dest=str(tmp_path / "dog"))
    assert (tmp_path / "dog").read_bytes() == b"one"
    (only,) = files
    await client.binary_data_by_ids([only.metadata.binary_data_id], str(tmp_path / "again"))
    assert (tmp_path / "again").read_bytes() == b"one"
    assert nothing_else(tmp_path, "dog", "again")


@asyncio
async def test_several_files_become_a_directory(
    cloud: FakeViam, client: DataClient, tmp_path: Path
) -> None:
    for name in ("a", "b", "c"):
        await client.file_upload(
            cloud.default_part.id, name.encode(), file_name=name, file_extension=".txt", tags=[name]
        )
    files = await client.binary_data_by_filter(dest=str(tmp_path / "all"))
    assert contents(tmp_path / "all") == {"a.txt": b"a", "b.txt": b"b", "c.txt": b"c"}
    listed = entries(tmp_path / "all" / "manifest.json")
    assert [entry["metadata"] for entry in listed] == [plain(found.metadata) for found in files]
    ids = [found.metadata.binary_data_id for found in files[:2]]
    await client.binary_data_by_ids(ids, str(tmp_path / "two"))
    assert len(contents(tmp_path / "two")) == 2
    assert nothing_else(tmp_path, "all", "two")


@asyncio
async def test_no_files_become_an_empty_directory(client: DataClient, tmp_path: Path) -> None:
    assert await client.binary_data_by_filter(dest=str(tmp_path / "none")) == []
    kept = tmp_path / "kept"
    kept.write_bytes(b"earlier")
    for with_bytes in (True, False):
        with pytest.raises(FileExistsError, match=r"no files match; .*kept is as it was"):
            await client.binary_data_by_filter(dest=str(kept), include_file_data=with_bytes)
    assert kept.read_bytes() == b"earlier"
    assert contents(tmp_path / "none") == {}


@asyncio
@pytest.mark.parametrize("number", [0, 1, 3])
async def test_metadata_alone_becomes_one_json_file(
    number: int, cloud: FakeViam, client: DataClient, tmp_path: Path
) -> None:
    for _ in range(number):
        await client.file_upload(cloud.default_part.id, b"bytes", file_name="dog")
    dest = tmp_path / "known.json"
    files = await client.binary_data_by_filter(dest=str(dest), include_file_data=False)
    assert entries(dest) == [{"metadata": plain(found.metadata)} for found in files]
    ids = [found.metadata.binary_data_id for found in files]
    if ids:
        await client.binary_data_by_ids(ids, str(dest), include_file_data=False)
        assert len(entries(dest)) == number


@asyncio
async def test_readings_become_json_that_reads_back_equal(
    cloud: FakeViam, client: DataClient, tmp_path: Path
) -> None:
    """Data, times and metadata, method_parameters too (TD-3, A31)."""
    readings = [{"a": 1.5, "b": [None, True, "é"], "dotted.key": {"": {}}}, {}]
    await client.tabular_data_capture_upload(
        readings,
        cloud.default_part.id,
        "sensor",
        "s",
        "Readings",
        {"depth": {"m": 2}, "names": ["a"]},
        ["tag"],
        [(NOW, NOW), (NOW, NOW)],
    )
    dest = tmp_path / "readings.json"
    found = await client.tabular_data_by_filter(dest=str(dest))
    assert load_readings(dest) == found
    assert sorted((reading.data for reading in found), key=len) == sorted(readings, key=len)
    assert nothing_else(tmp_path, "readings.json")


@asyncio
async def test_nothing_is_written_when_the_server_refuses(
    client: DataClient, tmp_path: Path
) -> None:
    with pytest.raises(GRPCError):
        await client.binary_data_by_ids([], str(tmp_path / "dest"))
    assert nothing_else(tmp_path)


# Nothing lost -----------------------------------------------------------------------------

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_values = st.recursive(
    st.none() | st.booleans() | _texts | st.floats(allow_nan=False) | st.integers(-(2**53), 2**53),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=20,
)
_readings = st.dictionaries(_texts, _values, max_size=5)
_times = st.datetimes(timezones=st.just(timezone.utc))


@law(40)
@given(st.lists(st.builds(TabularData, _readings, st.just(data.CaptureMetadata()), _times, _times)))
def test_any_readings_read_back_equal(readings: list[TabularData]) -> None:
    with TemporaryDirectory() as place:
        dest = Path(place, "readings.json")
        write_readings(dest, readings)
        assert load_readings(dest) == readings
        assert dest.read_text(encoding="utf-8").count("\n") == len(readings) + 2


@given(st.lists(_readings, min_size=1, max_size=5))
@law(25)
@asyncio
async def test_any_readings_survive_the_journey(readings: list[dict[str, Any]]) -> None:
    """Up to the server, back, to a file, and back again (TD-3)."""
    page = data.TabularDataByFilterResponse(last="end", metadata=[data.CaptureMetadata()])
    async with scripted() as (client, script):
        try:
            await client.tabular_data_capture_upload(readings, "p", "c", "n", "m")
        except ValueError as error:
            assert "inf" in str(error)  # noqa: PT017 - which readings are refused depends
            return
        for content in script.requests("DataCaptureUpload")[0].sensor_contents:
            page.data.add(data=content.struct)
        script.answers["TabularDataByFilter"] = by_token([("", page)])
        with TemporaryDirectory() as place:
            dest = Path(place, "readings.json")
            found = await client.tabular_data_by_filter(dest=str(dest))
            assert [reading.data for reading in found] == readings
            assert load_readings(dest) == found


@asyncio
async def test_numbers_that_json_does_not_know_are_kept(tmp_path: Path) -> None:
    page = tabular_page([float("inf"), float("-inf"), float("nan")], "end")  # type: ignore[list-item]
    async with scripted(TabularDataByFilter=by_token([("", page)])) as (client, _):
        await client.tabular_data_by_filter(dest=str(tmp_path / "odd.json"))
    first, second, third = (entry.data["n"] for entry in load_readings(tmp_path / "odd.json"))
    assert (first, second) == (float("inf"), float("-inf"))
    assert third != third  # noqa: PLR0124 - NaN alone is like that


def test_metadata_is_written_whole() -> None:
    """Every field, times with their nanoseconds (TM-1), bytes of unknown types."""
    metadata = data.BinaryMetadata(
        id="f",
        time_requested=timestamp_from(1_773_144_000_123_456_789),
        dataset_ids=["d"],
        file_size_bytes=2**60,
    )
    metadata.capture_metadata.tags.append("tag")
    metadata.capture_metadata.method_parameters["a"].CopyFrom(
        well_known.Any(type_url="example.com/unknown.Type", value=b"\x00\xff")
    )
    metadata.annotations.bboxes.add(id="b", label="dog", x_max_normalized=0.5, confidence=0.9)
    metadata.annotations.bboxes.add(id="c")
    metadata.annotations.classifications.add(label="outdoors")
    written = plain(metadata)
    assert written["time_requested"] == "2026-03-10T12:00:00.123456789Z"
    assert "time_received" not in written
    assert written["file_size_bytes"] == 2**60
    assert written["capture_metadata"]["method_parameters"] == {
        "a": {"type_url": "example.com/unknown.Type", "value": "AP8="}
    }
    first, second = written["annotations"]["bboxes"]
    assert (first["confidence"], first["x_min_normalized"]) == (0.9, 0.0)
    assert "confidence" not in second
    for message, dictionary in (
        (metadata, written),
        (metadata.capture_metadata, written["capture_metadata"]),
        (metadata.annotations.bboxes[0], first),
    ):
        fields = {field.name for field in message.DESCRIPTOR.fields}
        assert fields - dictionary.keys() <= {"time_received"}
    json.dumps(written)


# Replacing --------------------------------------------------------------------------------


def test_a_file_is_replaced_by_a_file(tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    dest.write_bytes(b"old")
    write_files(dest, [file(payload=b"new")], with_bytes=True)
    assert dest.read_bytes() == b"new"
    assert nothing_else(tmp_path, "dest")


def test_a_file_is_replaced_by_a_directory_and_back(tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    dest.write_bytes(b"old")
    write_files(dest, [file("a"), file("b")], with_bytes=True)
    assert contents(dest).keys() == {"a", "b"}
    write_files(dest, [file("c"), file("d")], with_bytes=True)
    assert contents(dest).keys() == {"c", "d"}
    write_readings(dest, [])
    assert load_readings(dest) == []
    assert nothing_else(tmp_path, "dest")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda made: (made / "manifest.json").unlink(),
        lambda made: (made / "manifest.json").write_text("{}"),
        lambda made: (made / "manifest.json").write_text("[1]"),
        lambda made: (made / "manifest.json").write_text("no JSON"),
        lambda made: (made / "manifest.json").write_text('{"name": "app", "files": []}'),
        lambda made: (made / "manifest.json").write_text(
            '{"format": "other", "files": [{"file": "a"}, {"file": "b"}]}'
        ),
        lambda made: (made / "mine.txt").write_text("precious"),
        lambda made: (made / "mine").mkdir(),
    ],
)
def test_a_directory_with_anything_else_in_it_is_never_replaced(spoil: Any, tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    write_files(dest, [file("a"), file("b")], with_bytes=True)
    spoil(dest)
    before = sorted(path.name for path in dest.iterdir())
    writes: list[Callable[[], None]] = [
        lambda: write_files(dest, [file("c"), file("d")], with_bytes=True),
        lambda: write_files(dest, [file("c")], with_bytes=True),
        lambda: write_readings(dest, []),
    ]
    for write in writes:
        with pytest.raises(FileExistsError, match="is not just a download"):
            write()
    assert sorted(path.name for path in dest.iterdir()) == before
    assert nothing_else(tmp_path, "dest")


@asyncio
async def test_what_is_no_file_is_never_replaced(client: DataClient, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileExistsError, match="neither a file nor a directory"):
        await client.tabular_data_by_filter(dest=str(tmp_path / "pipe"))
    with pytest.raises(FileExistsError, match="neither a file nor a directory"):
        await client.tabular_data_by_filter(dest=os.devnull)


@asyncio
async def test_links_are_followed(client: DataClient, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real" / "readings.json")
    await client.tabular_data_by_filter(dest=str(link))
    assert link.is_symlink()
    assert load_readings(tmp_path / "real" / "readings.json") == []


def test_permissions_are_the_usual_ones(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_files(tmp_path / "one", [file()], with_bytes=True)
        write_files(tmp_path / "two", [file(), file()], with_bytes=True)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "one").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "two").stat().st_mode) == 0o750


def test_a_name_as_long_as_can_be(tmp_path: Path) -> None:
    write_files(tmp_path / ("x" * 255), [file()], with_bytes=True)
    write_files(tmp_path / ("y" * 255), [file(), file()], with_bytes=True)
    assert nothing_else(tmp_path, "x" * 255, "y" * 255)


# Nothing half written ---------------------------------------------------------------------


class Unwritable(BinaryData):
    """A file whose bytes cannot be had when they are to be written."""

    @property
    def data(self) -> bytes:
        raise OSError("no space left on device")

    @data.setter
    def data(self, value: bytes) -> None:
        pass


@pytest.mark.parametrize("old", ["nothing", "file", "directory"])
@pytest.mark.parametrize("number", [1, 3])
def test_a_failure_leaves_what_was_there(old: str, number: int, tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    if old == "file":
        dest.write_bytes(b"old")
    elif old == "directory":
        write_files(dest, [file("old"), file("older")], with_bytes=True)
    files = [*[file(f"{at}") for at in range(number - 1)], Unwritable(b"", file().metadata)]
    with pytest.raises(OSError, match="no space"):
        write_files(dest, files, with_bytes=True)
    if old == "nothing":
        assert nothing_else(tmp_path)
        return
    assert nothing_else(tmp_path, "dest")
    if old == "file":
        assert dest.read_bytes() == b"old"
    else:
        assert contents(dest).keys() == {"old", "older"}


def test_a_reading_that_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    write_readings(dest, [])
    good = TabularData({}, data.CaptureMetadata(), NOW, NOW)
    bad = TabularData({"a": object()}, data.CaptureMetadata(), NOW, NOW)
    with pytest.raises(TypeError, match="JSON"):
        write_readings(dest, [good, bad])
    assert load_readings(dest) == []
    assert nothing_else(tmp_path, "dest")


def test_a_rename_that_fails_brings_the_old_directory_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dest = tmp_path / "dest"
    write_files(dest, [file("old"), file("older")], with_bytes=True)
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if target == dest and (self / "new").exists():
            raise OSError("disk on fire")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="fire"):
        write_files(dest, [file("new"), file("newer")], with_bytes=True)
    monkeypatch.undo()
    assert contents(dest).keys() == {"old", "older"}
    assert nothing_else(tmp_path, "dest")


def test_a_directory_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    dest = tmp_path / "dest"

    def fill() -> None:
        with folder(dest) as made:
            made.add(file("a"))
            dest.mkdir()
            (dest / "mine").write_text("precious")

    with pytest.raises(FileExistsError, match="not just a download"):
        fill()
    assert (dest / "mine").read_text() == "precious"
    assert nothing_else(tmp_path, "dest")


# Names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "ext", "wanted"),
    [
        ("dog", ".jpg", "dog.jpg"),
        ("dog.jpg", ".jpg", "dog.jpg"),
        ("dog", "", "dog"),
        ("", ".jpg", "file.jpg"),
        ("", "", "file"),
        ("../../x", "", "x"),
        ("../../x", ".txt", "x.txt"),
        ("..", "", "file"),
        ("../..", ".txt", "file.txt"),
        (".", ".", "file"),
        ("/abs/olute", ".txt", "olute.txt"),
        ("dir/", ".txt", "file.txt"),
        ("C:\\x", ".txt", "x.txt"),
        ("C:x", "", "C_x"),
        ("\\\\server\\share\\x", "", "x"),
        ("x", "/../../y", "x_.._.._y"),
        ("x\0y", ".txt", "x_y.txt"),
        ("a\nb\tc", "", "a_b_c"),
        ('<>:"|?*', "", "_______"),
        ("CON", "", "_CON"),
        ("nul", ".txt", "_nul.txt"),
        ("Com1.old", ".txt", "_Com1.old.txt"),
        ("LPT¹", "", "_LPT¹"),
        ("console", ".txt", "console.txt"),
        ("...hidden", "", "hidden"),
        ("trailing. . ", "", "trailing"),
        ("x", ". ", "x"),
        ("naïve 日本 🐕", ".jpg", "naïve 日本 🐕.jpg"),
        ("manifest", ".json", "manifest-2.json"),
        ("MANIFEST.JSON", "", "MANIFEST-2.JSON"),
        ("~", "", "~"),
        ("-rf", "", "-rf"),
    ],
)
def test_names_are_safe_and_near_the_original(name: str, ext: str, wanted: str) -> None:
    assert Names("manifest.json").unused(name, ext) == wanted


def test_names_that_some_file_system_takes_for_the_same_differ() -> None:
    names = Names()
    given = ["Dog.jpg", "dog.JPG", "dog.jpg", "straße", "STRASSE", "é", "e\u0301", "x-2", "x", "x"]
    wanted = [
        "Dog.jpg",
        "dog-2.JPG",
        "dog-3.jpg",
        "straße",
        "STRASSE-2",
        "é",
        "e\u0301-2",
        "x-2",
        "x",
        "x-3",
    ]
    assert [names.unused(name) for name in given] == wanted


def test_ten_thousand_files_of_one_name() -> None:
    """Counting on makes this quick; from the start each time it would take minutes."""
    names = Names()
    assert len({names.unused("image.jpg") for _ in range(10_000)}) == 10_000


@given(st.lists(st.tuples(st.text(), st.text(max_size=6)), min_size=2, max_size=8))
@law(60)
def test_files_of_any_names_stay_in_their_directory(names: list[tuple[str, str]]) -> None:
    files = [
        file(
            name.encode(errors="ignore").decode(), ext.encode(errors="ignore").decode(), b"%d" % at
        )
        for at, (name, ext) in enumerate(names)
    ]
    with TemporaryDirectory() as place:
        dest = Path(place, "all")
        write_files(dest, files, with_bytes=True)
        assert nothing_else(Path(place), "all")
        listed = [entry["file"] for entry in entries(dest / "manifest.json")]
        assert len({name.casefold() for name in listed}) == len(files)
        for name, one in zip(listed, files, strict=True):
            assert Path(name).name == name
            assert len(name.encode()) <= 255
            assert (dest / name).read_bytes() == one.data


@pytest.mark.parametrize("name", ["x" * 1000, "日" * 1000, "x" * 1000 + ".jpg", "x." + "y" * 1000])
def test_names_that_are_too_long_are_cut(name: str, tmp_path: Path) -> None:
    write_files(tmp_path / "all", [file(name, ".jpg"), file(name, ".jpg")], with_bytes=True)
    assert len(contents(tmp_path / "all")) == 2
    shutil.rmtree(tmp_path / "all")


@pytest.mark.parametrize(
    ("name", "ext", "shown"),
    [("a", ".jpg", "a.jpg"), ("/data/a.jpg", ".jpg", "/data/a.jpg"), ("", "", "unnamed")],
)
def test_a_file_is_shown_with_its_extension_once(name: str, ext: str, shown: str) -> None:
    """Names that viam-server sends have it already (UP-13)."""
    assert f" {shown} " in str(file(name, ext))
