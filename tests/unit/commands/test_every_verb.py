"""Every verb of the command line: its help, a wrong option, a wrong target, nobody there, JSON."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest

from fakeviam import FakeViam, __version__, cli
from fakeviam.program import Verb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Run

    Words = tuple[str, ...]

PART = FakeViam.default_part

#: Arguments that a verb needs to do its work on a fake that holds one file.
NEEDED: dict[Words, Words] = {
    ("archive", "load"): ("<archive>",),
    ("archive", "save"): ("<new>",),
    ("clock", "advance"): ("--days", "1"),
    ("clock", "set"): ("2026-01-31",),
    ("data", "download"): ("<new>",),
    ("data", "get"): ("<file>", "-o", "<new>"),
    ("data", "show"): ("<file>",),
    ("data", "upload"): ("<folder>", "--part-id", PART.id),
    ("datasets", "show"): ("d",),
    ("data-dir", "check"): ("<data_dir>",),
    ("data-dir", "repair"): ("<data_dir>",),
    ("export",): ("<new>", "--dataset", "<dataset>", "--format", "coco"),
    ("faults", "add"): ("FileUpload", "--status", "ABORTED"),
    ("keys", "revoke"): ("<key>",),
    ("parts", "add"): ("arm",),
    ("parts", "rename"): (PART.name, "leg"),
    ("parts", "show"): (PART.id,),
    ("policy", "set"): ("strict",),
    ("replies", "add"): ("TagsByFilter", '{"tags": ["dog"]}'),
    ("seed",): ("<seed>",),
    ("sessions", "end"): ("one",),
    ("snapshot", "delete"): ("clean",),
    ("snapshot", "restore"): ("clean",),
}
#: They run for long, print what others print, or are the contract kit's, which has its own tests.
AT_LAST = [("archive", "load"), ("reset",), ("sessions", "end"), ("snapshot", "delete")]
WITHOUT_JSON = {("serve",), ("exec",)}


def verbs(group: click.Group, *path: str) -> Iterator[tuple[Words, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        yield (*path, name), found
        if isinstance(found, click.Group):
            yield from verbs(found, *path, name)


ALL = dict(verbs(cli.commands))
GROUPS = [words for words, found in ALL.items() if isinstance(found, click.Group)]
LEAVES = [words for words in ALL if words not in GROUPS]
TARGETED = [
    words for words in LEAVES if any(option.name == "target" for option in ALL[words].params)
]


def test_every_need_is_a_verbs() -> None:
    assert set(NEEDED) <= set(LEAVES)


@pytest.mark.parametrize("words", [(), *(words for words in GROUPS if words != ("clock",))])
def test_a_group_without_arguments_prints_its_help(run: Run, words: Words) -> None:
    done = run(*words)
    assert (done.status, done.err) == (0, "")
    assert done.out == run(*words, "--help").out
    assert done.out.startswith(f"Usage: {' '.join(('fakeviam', *words))} [OPTIONS] COMMAND")


@pytest.mark.parametrize("words", ALL)
@pytest.mark.thinned(3)
def test_help_is_one_word_away(run: Run, words: Words) -> None:
    short, long = run(*words, "-h"), run(*words, "--help")
    assert (short.status, short.err) == (0, "")
    assert short.out == long.out
    assert "  -h, --help" in short.out
    assert short.out.count("\n\n") >= 2  # it says what it does


@pytest.mark.parametrize("words", LEAVES)
def test_a_wrong_option_is_one_line(run: Run, words: Words) -> None:
    done = run(*words, "--no-such-option")
    assert done.status == 2
    assert "--no-such-option" in done.refusal
    assert done.refusal.endswith(f"(see `{' '.join(('fakeviam', *words))} --help`)")


def options_of(words: Words, *types: type) -> list[str]:
    """The options of a verb that take a value, of these types."""
    found = [each for each in ALL[words].params if isinstance(each, click.Option)]
    valued = [each for each in found if not each.is_flag and not each.is_eager]
    return [each.opts[0] for each in valued if not types or isinstance(each.type, types)]


@pytest.mark.parametrize("words", LEAVES)
def test_no_option_takes_an_empty_value(run: Run, words: Words) -> None:
    """It comes from a variable that is not set, and must not mean everything, or this folder."""
    verb = ALL[words]
    assert isinstance(verb, Verb)
    exempt = {f"--{name}" for name in verb.may_be_empty}
    for option in set(options_of(words)) - exempt:
        assert run(*words, option, "").refusal.startswith(f"{option} must not be empty")
    assert exempt <= set(options_of(words))


@pytest.mark.parametrize("words", LEAVES)
def test_json_is_asked_for_in_one_way(words: Words) -> None:
    """`--json` or `--format json`; `export --format` is what it writes."""
    names = {name for each in ALL[words].params for name in each.opts}
    assert words == ("export",) or ("--json" in names) == ("--format" in names)


@pytest.mark.parametrize("words", LEAVES)
def test_numbers_are_not_called_as_in_python(run: Run, words: Words) -> None:
    for option in options_of(words, click.types.IntParamType, click.types.FloatParamType):
        told = run(*words, option, "abc").refusal
        assert re.search(rf"'{option}': 'abc' is not a (whole )?number \(see", told)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("help data list", "did you mean `fakeviam data list --help`?"),
        ("data help", "did you mean `fakeviam data --help`?"),
        ("calls list", "did you mean `fakeviam calls`?"),
        ("calls help", "did you mean `fakeviam calls --help`?"),
        ("wait localhost:8080", "did you mean `fakeviam wait --target localhost:8080`?"),
        ("wait http://h", "did you mean `fakeviam wait --target http://h`?"),
        ("clock advance 1d", "did you mean `fakeviam clock advance --days 1`?"),
        ("clock advance 90min", "did you mean `fakeviam clock advance --minutes 90`?"),
        ("wait now", "extra argument (now) (see"),
        ("calls --fallow", "'--fallow'; did you mean --follow?"),
        ("exec --quiet", "'--quiet' (see"),
        ("data readings --label x", "'--label' (see"),
        ("serve --policy Strct", "or a file that ends in .toml; did you mean 'strict'? (see"),
        ("wait --target ftp://h", "value for '--target': 'ftp://h' is not an address"),
    ],
)
def test_a_mistake_says_what_was_meant(run: Run, words: str, told: str) -> None:
    assert told in run(*words.split()).refusal


def test_a_wrong_variable_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKEVIAM_TARGET", "ftp://h")
    assert run("wait").refusal.startswith("Invalid value for FAKEVIAM_TARGET: 'ftp://h' is not")


@pytest.mark.parametrize("words", [(), *(words for words in GROUPS if words != ("clock",))])
def test_help_cuts_no_description(run: Run, words: Words) -> None:
    assert "..." not in run(*words, "--help").out.partition("Commands:")[2]


@pytest.mark.parametrize("words", GROUPS)
def test_a_wrong_verb_names_the_nearest(run: Run, words: Words) -> None:
    group = ALL[words]
    assert isinstance(group, click.Group)
    (first, *_) = group.list_commands(click.Context(group))
    done = run(*words, f"{first}x")
    assert done.status == 2
    path = " ".join(("fakeviam", *words))
    assert done.refusal.startswith(f"unknown command '{first}x'; did you mean `{path} {first}`?")


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    """What the arguments of verbs name; nothing is there but what can be read."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.txt").write_text("a")
    (tmp_path / "seed.yaml").write_text("version: 1\n")
    with FakeViam(data_dir=tmp_path / "data") as cloud:
        cloud.export(tmp_path / "archive")
    return {
        "<archive>": str(tmp_path / "archive"),
        "<data_dir>": str(tmp_path / "data"),
        "<dataset>": "none",
        "<file>": "a/b/c",
        "<folder>": str(tmp_path / "folder"),
        "<key>": "none",
        "<new>": str(tmp_path / "new"),
        "<seed>": str(tmp_path / "seed.yaml"),
    }


def needed(words: Words, places: dict[str, str]) -> list[str]:
    return [*words, *(places.get(each, each) for each in NEEDED.get(words, ()))]


@pytest.mark.parametrize("words", TARGETED)
@pytest.mark.thinned(5)
def test_a_wrong_target_is_one_line(run: Run, words: Words, places: dict[str, str]) -> None:
    done = run(*needed(words, places), "--target", "ftp://h")
    assert done.status == 2
    assert "'ftp://h' is not an address; write host, host:port, unix:path" in done.refusal


@pytest.mark.parametrize("words", [each for each in TARGETED if each[0] != "contract"])
@pytest.mark.thinned(5)
def test_nobody_there_says_how_to_start_a_fake(
    run: Run, words: Words, places: dict[str, str]
) -> None:
    more = ("--timeout", "0") if words == ("wait",) else ()
    done = run(*needed(words, places), "--target", "127.0.0.1:1", *more)
    assert done.status == 1
    assert "cannot reach" in done.refusal
    assert "`fakeviam serve`" in done.refusal


def test_each_prints_json(run: Run, cloud: FakeViam, places: dict[str, str]) -> None:
    """Every verb that prints data, once, on a fake that has something to show."""
    places["<key>"] = cloud.add_api_key(organizations=PART.organization_id).id
    cloud.session("one")
    up = run("data", "upload", places["<folder>"], "--part-id", PART.id, "--json").json
    places["<file>"] = up["binary_data_id"]
    rows = [{"time": "2026-01-31T12:00:00Z", "temperature": 21.5}]
    readings = [{"component": "s", "method": "Readings", "rows": rows}]
    seed = {"version": 1, "datasets": [{"name": "d"}], "readings": readings}
    Path(places["<seed>"]).write_text(json.dumps(seed), encoding="utf-8")
    places["<dataset>"] = run("seed", places["<seed>"], "--json").json["datasets"]["d"]
    assert run("snapshot", "save", "clean", "--json").json["name"] == "clean"
    number = 0
    for words in sorted(LEAVES, key=lambda words: words in AT_LAST):
        if words in WITHOUT_JSON or words[0] == "contract" or words == ("snapshot", "save"):
            continue
        number += 1
        places["<new>"] = f"{places['<folder>']}-{number}"
        done = run(*needed(words, places), "--json")
        assert done.status == 0, (words, done.err)
        for line in done.out.splitlines():
            found: Any = json.loads(line)
            assert isinstance(found, dict | list), words
        assert done.out, words
    assert number > 40


# A hostile world --------------------------------------------------------------------------

_RUN = [sys.executable, "-W", "error", "-m", "fakeviam"]


def hostile(script: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a shell script in which `$@` is the command line."""
    return subprocess.run(
        ["sh", "-c", script, "sh", *_RUN, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **options},
    )


@pytest.mark.usefixtures("cloud")
def test_a_reader_that_has_enough_ends_it_quietly() -> None:
    done = hostile('{ "$@"; echo "status $?" >&2; } | true', "policy", "show")
    assert (done.stdout, done.stderr) in (("", "status 1\n"), ("", "status 0\n"))


@pytest.mark.usefixtures("cloud")
def test_output_that_cannot_be_written_is_one_line() -> None:
    done = hostile('"$@" > /dev/full', "clock")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "fakeviam: error: cannot write the output: No space left on device\n"


def test_files_that_cannot_be_used_are_one_line(run: Run, cloud: FakeViam, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    up = run("data", "upload", str(tmp_path), "--part-id", PART.id, "--json").json
    told = run("data", "get", up["binary_data_id"], "-o", f"{tmp_path}/no/where").refusal
    assert told == f"there is no directory {tmp_path}/no"
    told = run("archive", "load", str(tmp_path / "a")).refusal
    assert told.startswith(f"{tmp_path}/a is not an archive")
    told = run("archive", "save", str(tmp_path / "no" / "where")).refusal
    assert "there is no folder" in told
    full = hostile('"$@" > /dev/full', "data", "list")
    assert full.stderr == "fakeviam: error: cannot write the output: No space left on device\n"
    assert len(cloud.files) == 1


def test_closed_streams_are_one_line() -> None:
    done = hostile('"$@" >&-', "reset")
    assert (done.returncode, done.stderr) == (
        2, "fakeviam: error: cannot write the output: stdout is closed\n"
    )  # fmt: skip
    done = hostile('"$@" <&-', "faults", "add", "--from", "-")
    assert done.returncode == 2
    assert done.stderr.startswith("fakeviam: error: cannot read `-`: stdin is closed")


@pytest.mark.slow
def test_the_modules_are_programs() -> None:
    for name in ("fakeviam", "fakeviam_client", "fakeviam_contracts"):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", name, "--version"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == f"fakeviam {__version__}\n"


def test_a_bug_is_one_line_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise KeyError("oh\nno")

    monkeypatch.setattr("fakeviam.commands.control.Control.get", crash)
    done = run("clock")
    assert done.status == 70
    assert done.refusal.startswith("fakeviam has a bug: KeyError: ")
    monkeypatch.setenv("FAKEVIAM_DEBUG", "1")
    assert "Traceback" in run("clock").err


def test_ctrl_c_is_quiet(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fakeviam.commands.control.Control.get", interrupt)
    done = run("clock")
    assert (done.status, done.out, done.err.strip()) == (130, "", "")


def test_json_comes_from_a_file_or_stdin(
    run: Run, cloud: FakeViam, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = '{"rpc": "FileUpload", "status": "ABORTED"}'
    (tmp_path / "fault.json").write_text(document)
    assert run("faults", "add", "--from", f"@{tmp_path}/fault.json").status == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO(document))
    assert run("faults", "add", "--from", "-").status == 0
    assert len(cloud.faults) == 2
    told = run("faults", "add", "--from", "@/nowhere").refusal
    assert told.startswith("cannot read /nowhere: No such file or directory")
