"""`python -m fakeviam_client`, as a program of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from fakeviam_client._bars import size_text

from fakeviam import Clock, FakeViam

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PART = FakeViam.default_part.id
ORGANIZATION = FakeViam.default_part.organization_id

_MODULE = ("-m", "fakeviam_client")
# The same program where rich is not installed.
_WITHOUT_RICH = (
    "-c",
    "import sys; sys.modules['rich'] = None; from fakeviam_client._cli import main; main()",
)


class Ran(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[Any]:
        """What was printed as JSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def error(self) -> str:
        """The one line that says what went wrong."""
        (line,) = self.err.splitlines()
        assert line.startswith("fakeviam_client: error: ")
        return line.removeprefix("fakeviam_client: error: ")


def run(
    *arguments: str,
    program: tuple[str, ...] = _MODULE,
    environment: Mapping[str, str] | None = None,
) -> Ran:
    done = subprocess.run(
        [sys.executable, "-W", "error", *program, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONUTF8": "1", **(environment or {})},
    )
    assert "Traceback" not in done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def served() -> Iterator[FakeViam]:
    with FakeViam(seed=3, clock=Clock.frozen("2026-03-10T12:00:00Z")) as cloud:
        yield cloud
        cloud.check()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with files of all kinds; one does not belong there."""
    folder = tmp_path / "photos"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "dog.jpg").write_bytes(b"dog")
    (folder / "deep" / "dog.jpg").write_bytes(b"another dog")
    (folder / "deep" / "er" / "naïve").write_bytes(b"")
    (folder / "large.bin").write_bytes(bytes(300_000))
    os.mkfifo(folder / "pipe")
    return folder


@pytest.mark.slow
def test_up_and_down_again(served: FakeViam, photos: Path, tmp_path: Path) -> None:
    """Every file, its path, its bytes, its tags (UP-6, UP-7)."""
    up = run(
        "upload", str(photos), "--part-id", PART, "--tag", "a", "--tag", "b",
        "--target", served.target,
    )  # fmt: skip
    assert up == Ran(0, "", "Skipped pipe: not a file\nUploaded 4 files, 300.0 kB\n")

    listed = run("list", "--tag", "b", "--target", served.unix_socket, "--json")
    assert (listed.status, listed.err) == (0, "")
    known = [line["metadata"] for line in listed.lines]
    assert {f"{one['file_name']}{one['file_ext']}" for one in known} == {
        "dog.jpg", "deep/dog.jpg", "deep/er/naïve", "large.bin",
    }  # fmt: skip
    assert all(one["capture_metadata"]["tags"] == ["a", "b"] for one in known)

    down = run("download", str(tmp_path / "down"), "--tag", "a", "--target", served.target)
    assert down == Ran(0, "", f"Downloaded 4 files, 300.0 kB, to {tmp_path / 'down'}\n")
    found = {path.name: path.read_bytes() for path in (tmp_path / "down").iterdir()}
    manifest = json.loads(found.pop("manifest.json"))
    assert set(found) == {"dog.jpg", "dog-2.jpg", "naïve", "large.bin"}
    assert {found["dog.jpg"], found["dog-2.jpg"]} == {b"dog", b"another dog"}
    assert found["large.bin"] == bytes(300_000)
    assert {entry["file"] for entry in manifest["files"]} == set(found)

    again = run("download", str(tmp_path / "down"), "--target", served.target, "--limit", "1")
    assert again.status == 0
    assert len(list((tmp_path / "down").iterdir())) == 2


def test_output_for_programs(served: FakeViam, photos: Path, tmp_path: Path) -> None:
    up = run("upload", str(photos), "--part-id", PART, "--target", served.target, "--json")
    assert up.status == 0
    assert [(line["path"], line["bytes"]) for line in up.lines] == [
        ("dog.jpg", 3),
        ("large.bin", 300_000),
        ("deep/dog.jpg", 11),
        ("deep/er/naïve", 0),
    ]
    down = run("download", str(tmp_path / "down"), "--target", served.target, "--json")
    ids = {line["metadata"]["binary_data_id"] for line in down.lines}
    assert ids == {line["binary_data_id"] for line in up.lines}
    manifest = json.loads((tmp_path / "down" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["files"] == down.lines


@pytest.mark.slow
def test_a_list_for_people(served: FakeViam, tmp_path: Path) -> None:
    (tmp_path / "up").mkdir()
    (tmp_path / "up" / "dog.jpg").write_bytes(b"dog")
    (tmp_path / "up" / "plain").write_bytes(bytes(1_234_567))
    run("upload", str(tmp_path / "up"), "--part-id", PART, "--target", served.target)
    listed = run("list", "--target", served.target, "--oldest-first")
    first, second = listed.out.splitlines()
    assert first.startswith("2026-03-10T12:00:00+00:00        3 B  image/jpeg  dog.jpg  -  ")
    assert second.startswith(
        "2026-03-10T12:00:00+00:00     1.2 MB  application/octet-stream  plain  -  "
    )
    assert first.split()[-1].startswith(f"{ORGANIZATION}/fakelab001/")


@pytest.mark.slow
def test_every_filter_option(served: FakeViam, tmp_path: Path) -> None:
    """They are those of create_filter (FI-1)."""
    (tmp_path / "up").mkdir()
    (tmp_path / "up" / "dog.jpg").write_bytes(b"dog")
    run("upload", str(tmp_path / "up"), "--part-id", PART, "--target", served.target)
    part = served.default_part
    hits = {
        "--robot": part.robot_name,
        "--robot-id": part.robot_id,
        "--part": part.name,
        "--part-id": part.id,
        "--location-id": part.location_id,
        "--organization-id": part.organization_id,
        "--mime-type": "image/jpeg",
        "--start": "2026-03-10T12:00:00Z",
        "--end": "2026-03-10 13:00:00+01:00",
    }
    everything = [word for pair in hits.items() for word in pair]
    target = ("--target", served.target)
    assert len(run("list", *everything, "--untagged", *target).out.splitlines()) == 1
    misses = {
        **dict.fromkeys(hits, "x"),
        "--component": "x",
        "--component-type": "x",
        "--method": "x",
        "--label": "x",
        "--tag": "x",
        "--start": "2026-03-10T12:00:01",
        "--end": "2026-03-10",
    }
    code = (
        "import contextlib, io, json, sys\n"
        "from fakeviam_client._cli import main\n"
        "for words in json.loads(sys.argv.pop()):\n"
        "    with contextlib.suppress(SystemExit):\n"
        "        main(['list', *words])\n"
        "    print('--')\n"
    )
    tries = [[*pair, *target] for pair in misses.items()] + [["--tagged", *target]]
    ran = run(json.dumps(tries), program=("-c", code))
    assert ran.out == "--\n" * len(tries)
    assert ran.err == "no files match\n" * len(tries)


_PEAK = """
import contextlib, json, sys
from fakeviam_client._cli import main

def peak():
    with open("/proc/self/status") as status:
        (line,) = [line for line in status if line.startswith("VmHWM:")]
    return int(line.split()[1])

before = peak()
for words in json.loads(sys.argv.pop()):
    with contextlib.suppress(SystemExit):
        main(words)
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_little_is_held_in_memory(served: FakeViam, tmp_path: Path) -> None:
    """However much goes up or comes down."""
    (tmp_path / "up").mkdir()
    for at in range(48):
        with (tmp_path / "up" / f"{at}").open("wb") as file:
            file.truncate(1_000_000)
    target = ("--target", served.unix_socket)
    calls = [
        ("upload", str(tmp_path / "up"), "--part-id", PART, *target),
        ("download", str(tmp_path / "down"), *target),
    ]
    ran = run(json.dumps(calls), program=("-c", _PEAK))
    assert ran.err.splitlines() == [
        "Uploaded 48 files, 48.0 MB",
        f"Downloaded 48 files, 48.0 MB, to {tmp_path / 'down'}",
    ]
    assert int(ran.out) < 16 * 1024


# What goes wrong --------------------------------------------------------------------------


def test_misuse_is_one_line_and_status_2(served: FakeViam, tmp_path: Path) -> None:
    target = ("--target", served.target)
    (tmp_path / "mine").write_text("precious")
    calls: list[tuple[tuple[str, ...], str]] = [
        (("lits",), "unknown command 'lits'; did you mean `python -m fakeviam_client list`?"),
        (("list", "--target", "ftp://h"), "'ftp://h' is not an address; write host, host:port"),
        (("list", "--start", "yesterday", *target), "'yesterday' is not a time such as"),
        (("list", "--limit", "0", *target), "--limit"),
        (("list", "--tag", "a", "--tagged", *target), "tagged and tags cannot be combined"),
        (("list", "--api-key", "x", *target), "--api-key and --api-key-id must be used together"),
        (("upload", str(tmp_path), *target), "Missing option '--part-id'"),
        (("upload", str(tmp_path / "no"), "--part-id", PART, *target), "does not exist"),
        (("upload", str(tmp_path / "mine"), "--part-id", PART, *target), "is a file"),
        (("download", *target), "Missing argument 'DEST'"),
        (("download", str(tmp_path), *target), "is not just a download"),
        (("download", str(tmp_path / "no" / "way"), *target), "there is no directory"),
    ]
    code = (
        "import contextlib, json, sys\n"
        "from fakeviam_client._cli import main\n"
        "for words in json.loads(sys.argv.pop()):\n"
        "    try:\n"
        "        main(words)\n"
        "    except SystemExit as end:\n"
        "        print(end.code)\n"
    )
    ran = run(json.dumps([words for words, _ in calls]), program=("-c", code))
    assert ran.out.split() == ["2"] * len(calls)
    for line, (_, text) in zip(ran.err.splitlines(), calls, strict=True):
        assert line.startswith("fakeviam_client: error: ")
        assert text in line
    assert (tmp_path / "mine").read_text() == "precious"


@pytest.mark.slow
def test_a_refusal_is_one_line_and_status_1(served: FakeViam, photos: Path, tmp_path: Path) -> None:
    refused = run("upload", str(photos), "--part-id", "nobody", "--target", served.target)
    assert (refused.status, refused.out) == (1, "")
    assert refused.error == (
        "dog.jpg (file 1 of 4): UNKNOWN: no robot part found with the id 'nobody'; "
        "`fakeviam parts list` shows those of a fake"
    )

    unreachable = run("list", "--target", "127.0.0.1:1")
    assert unreachable.status == 1
    assert unreachable.error.startswith("cannot reach the server: ")

    nowhere = run("download", str(tmp_path / "down"), "--target", str(tmp_path / "no-socket"))
    assert nowhere.status == 1
    assert nowhere.error.startswith("cannot reach the server: ")
    assert not (tmp_path / "down").exists()


def test_a_file_whose_name_is_no_text(served: FakeViam, tmp_path: Path) -> None:
    (tmp_path / "up").mkdir()
    try:
        (tmp_path / "up" / os.fsdecode(b"\xff.jpg")).touch()
    except OSError:
        pytest.skip("this file system takes text alone")
    ran = run("upload", str(tmp_path / "up"), "--part-id", PART, "--target", served.target)
    assert ran.status == 1
    assert "filepath cannot be encoded as UTF-8" in ran.error


@pytest.mark.slow
def test_keys_from_the_environment() -> None:
    """A key becomes a token (AU-1, AU-4)."""
    with FakeViam(auth="keys") as cloud:
        target = ("--target", cloud.target)
        keys = {"VIAM_API_KEY": cloud.api_key, "VIAM_API_KEY_ID": cloud.api_key_id}
        assert run("list", *target, environment=keys) == Ran(0, "", "no files match\n")
        both = ("--api-key", cloud.api_key, "--api-key-id", cloud.api_key_id)
        assert run("list", *target, *both) == Ran(0, "", "no files match\n")
        refused = run("list", *target, environment={**keys, "VIAM_API_KEY": "bad-secret"})
        assert refused.status == 1
        assert refused.error.startswith("UNAUTHENTICATED: ")
        assert "bad-secret" not in refused.err
        assert run("list", *target).status == 1


@pytest.mark.slow
def test_a_reader_that_has_enough(served: FakeViam, tmp_path: Path) -> None:
    """As `head`: no error, no traceback."""
    (tmp_path / "up").mkdir()
    for at in range(150):
        (tmp_path / "up" / f"{at}").touch()
    run("upload", str(tmp_path / "up"), "--part-id", PART, "--target", served.target)
    with subprocess.Popen(
        [sys.executable, *_MODULE, "list", "--json", "--target", served.target],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 1


# On a terminal ----------------------------------------------------------------------------


def on_a_terminal(program: tuple[str, ...], *arguments: str) -> str:
    """What a program shows on a terminal as its stderr."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()

    def read() -> bytes:
        try:
            return os.read(ours, 65536)
        except OSError:  # how Linux says that nobody is left
            return b""

    try:
        with subprocess.Popen(
            [sys.executable, "-W", "error", *program, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "120", "PYTHONUTF8": "1"},
        ) as process:
            os.close(theirs)
            shown = b"".join(iter(read, b""))
            assert process.wait(60) == 0
    finally:
        os.close(ours)
    return shown.decode()


@pytest.mark.slow
def test_a_line_of_text_shows_progress(served: FakeViam, photos: Path, tmp_path: Path) -> None:
    target = ("--target", served.target)
    shown = on_a_terminal(_WITHOUT_RICH, "upload", str(photos), "--part-id", PART, *target)
    assert "\r\x1b[KUploading  300.0 kB of 300.0 kB, 100 %" in shown
    assert shown.endswith("\r\x1b[KSkipped pipe: not a file\r\nUploaded 4 files, 300.0 kB\r\n")
    shown = on_a_terminal(_WITHOUT_RICH, "download", str(tmp_path / "down"), *target)
    assert "\r\x1b[KDownloading  300.0 kB of 300.0 kB, 100 %" in shown
    first = ("download", str(tmp_path / "one"), "--limit", "1", "--oldest-first")
    shown = on_a_terminal(_WITHOUT_RICH, *first, *target)
    assert "\r\x1b[KDownloading  3 B\r" in shown


@pytest.mark.slow
def test_rich_shows_a_bar(served: FakeViam, photos: Path, tmp_path: Path) -> None:
    pytest.importorskip("rich")
    target = ("--target", served.target)
    shown = on_a_terminal(_MODULE, "upload", str(photos), "--part-id", PART, *target)
    assert "Uploading" in shown
    assert "━━━━" in shown
    assert "300.0/300.0 kB" in shown
    shown = on_a_terminal(_MODULE, "download", str(tmp_path / "down"), *target)
    assert "300.0/300.0 kB" in shown


def test_json_keeps_the_terminal_clean(served: FakeViam, photos: Path) -> None:
    arguments = ("upload", str(photos), "--part-id", PART, "--target", served.target, "--json")
    told = "Skipped pipe: not a file\r\nUploaded 4 files, 300.0 kB\r\n"
    assert on_a_terminal(_MODULE, *arguments) == told


@pytest.mark.usefixtures("default_signals")
@pytest.mark.slow
def test_interrupted_by_the_user(served: FakeViam, tmp_path: Path) -> None:
    """Ctrl-C while downloading: nothing half written, no traceback."""
    (tmp_path / "up").mkdir()
    for at in range(200):
        (tmp_path / "up" / f"{at}").write_bytes(bytes(50_000))
    run("upload", str(tmp_path / "up"), "--part-id", PART, "--target", served.target)
    with subprocess.Popen(
        [
            sys.executable, *_MODULE, "download", str(tmp_path / "down"), "--json",
            "--target", served.target,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert b"Traceback" not in process.stderr.read()
        assert process.wait(60) == 130
    assert {path.name for path in tmp_path.iterdir()} == {"up"}


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (12_345_678, "12.3 MB"), (10**9, "1.0 GB"),
     (2 * 10**12, "2.0 TB"), (10**15, "1000.0 TB")],
)  # fmt: skip
def test_sizes_for_people(size: int, text: str) -> None:
    assert size_text(size) == text
