"""What the verbs do, and how they show it."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from grpclib.client import Channel, UnaryUnaryMethod
from grpclib.exceptions import GRPCError

from fakeviam import wire

if TYPE_CHECKING:
    from pathlib import Path

    from fakeviam import FakeViam

    from .conftest import Run, Start

METHODS = {method.name: method for method in wire.methods()}


def call(cloud: FakeViam, rpc: str, **fields: Any) -> str:
    """Call an RPC; the name of its status."""

    async def go() -> None:
        channel = Channel(cloud.host, cloud.port)
        method = METHODS[rpc]
        stub: Any = UnaryUnaryMethod(channel, method.path, method.request, method.response)
        try:
            await stub(method.request(**fields))
        finally:
            channel.close()

    try:
        asyncio.run(go())
    except GRPCError as error:
        return error.status.name
    return "OK"


def test_readings_are_listed(run: Run, cloud: FakeViam) -> None:
    rows = [{"time": f"2026-01-31T12:00:0{at}Z", "t": at} for at in range(3)]
    cloud.load({"version": 1, "readings": [{"component": "s", "method": "R", "rows": rows}]})
    first, *rest = run("data", "readings", "--oldest-first").lines
    assert first == '2026-01-31T12:00:00+00:00  s.R  {"t": 0.0}'
    assert len(rest) == 2
    last = run("data", "readings", "--component", "s", "--limit", "1", "--json").json
    assert (last["data"], last["metadata"]["component_name"]) == ({"t": 2.0}, "s")
    assert run("data", "readings", "--component", "x").lines == []
    assert "No such option '--label'" in run("data", "readings", "--label", "x").refusal


def test_datasets_are_listed_and_found_by_name(run: Run, cloud: FakeViam, tmp_path: Path) -> None:
    """Wherever an option names one (DS-4)."""
    assert run("datasets", "list").lines == ["no datasets"]
    cloud.clock.freeze()
    cloud.clock.set("2026-01-31T12:00:00Z")
    files = [{"name": "a.png", "data": "YQ==", "datasets": ["dogs"]}]
    applied = cloud.load({"version": 1, "datasets": [{"name": "dogs"}], "images": files})
    assert applied is not None
    id_, owner = applied.datasets["dogs"], cloud.default_part.organization_name
    head, row = run("datasets", "list").lines
    assert head.split() == ["NAME", "TYPE", "CREATED", "ORGANIZATION", "ID"]
    assert re.split("  +", row) == ["dogs", "binary data", "2026-01-31T12:00:00+00:00", owner, id_]
    shown = run("datasets", "show", "dogs", "--json").json
    assert shown == run("datasets", "show", id_, "--format", "json").json
    assert (shown["files"], shown["bytes"]) == (1, 1)
    (tmp_path / "up").mkdir()
    (tmp_path / "up" / "b.txt").write_text("b")
    for verb in (
        ("data", "list"),
        ("data", "download", str(tmp_path / "down")),
        ("data", "upload", str(tmp_path / "up"), "--part-id", cloud.default_part.id),
        ("export", str(tmp_path / "out"), "--format", "folder"),
    ):
        told = run(*verb, "--dataset", "dgos")
        assert (told.status, told.refusal) == (
            1, "no dataset has the name or id 'dgos'; did you mean 'dogs'?"
        )  # fmt: skip
        assert run(*verb, "--dataset", "dogs").status == 0
    assert run("datasets", "show", "dogs", "--json").json["files"] == 2
    assert len(run("data", "list", "--dataset", id_).lines) == 2


def test_datasets_are_listed_by_name(run: Run, cloud: FakeViam) -> None:
    """However they came (DS-4)."""
    cloud.load({"version": 1, "datasets": ["dogs", "cats"]})
    assert [row.split()[0] for row in run("datasets", "list").lines] == ["NAME", "cats", "dogs"]


def test_a_dataset_whose_name_others_have_needs_its_id(run: Run, cloud: FakeViam) -> None:
    part = {"name": "p", "id": "11111111-0000-4000-8000-000000000000"}
    robots = [{"name": "r", "parts": [part]}]
    other = {"name": "o", "locations": [{"name": "l", "robots": robots}]}
    owners = ["o", cloud.default_part.organization_id]
    datasets = [{"name": "dogs", "organization": owner} for owner in owners]
    cloud.load({"version": 1, "organizations": [other], "datasets": datasets})
    told = run("data", "list", "--dataset", "dogs").refusal
    assert told.startswith("2 datasets are named 'dogs'; use an id: ")


def test_a_download_of_nothing_keeps_the_last_one(
    run: Run, cloud: FakeViam, tmp_path: Path
) -> None:
    cloud.load({"version": 1, "files": [{"name": "a.txt", "data": "YQ=="}]})
    down = tmp_path / "down"
    assert run("data", "download", str(down)).status == 0
    told = run("data", "download", str(down), "--tag", "none").refusal
    assert told == f"no files match; {down} is as it was"
    assert (down / "a.txt").read_bytes() == b"a"
    assert run("data", "download", str(tmp_path / "new"), "--tag", "none").status == 0


@pytest.mark.usefixtures("cloud")
def test_an_unknown_file_is_one_line(run: Run, tmp_path: Path) -> None:
    for verb in (("get",), ("show",), ("get", "-o", str(tmp_path / "f"))):
        assert run("data", *verb, "nope").refusal.startswith("no file has the id 'nope'")


def test_what_is_no_file_is_skipped_aloud(run: Run, cloud: FakeViam, tmp_path: Path) -> None:
    (tmp_path / "dead").symlink_to("nowhere")
    done = run("data", "upload", str(tmp_path), "--part-id", cloud.default_part.id)
    assert done.err == "Skipped dead: a broken link\nUploaded 0 files, 0 B\n"


def test_a_refusal_says_what_to_pass(run: Run, start: Start, tmp_path: Path) -> None:
    target = start(auth="keys").target
    told = run("data", "list", "--target", target).refusal
    assert told.endswith(
        "[AU-4]; pass --api-key and --api-key-id, or set VIAM_API_KEY and VIAM_API_KEY_ID"
    )
    (tmp_path / "a.txt").write_text("a")
    verb = ("data", "upload", str(tmp_path), "--part-id", "lab", "--target", start().target)
    told = run(*verb).refusal
    assert told.endswith(
        "no robot part found with the id 'lab'; `fakeviam parts list` shows those of a fake"
    )


def test_keys_are_for_organizations_locations_or_machines(run: Run, cloud: FakeViam) -> None:
    part = cloud.default_part
    assert run("keys", "add", "--json").json["organization_ids"] == [part.organization_id]
    key = run("keys", "add", "--machine", part.id, "--role", "operator", "--json").json
    assert (key["robot_ids"], key["role"]) == ([part.robot_id], "operator")
    key = run("keys", "add", "--location", part.location_id, "--expires-in", "60", "--json").json
    assert key["location_ids"] == [part.location_id]
    head, *rows = run("keys", "list").lines
    assert head.split() == ["ID", "KEY", "ROLE", "EXPIRES", "FOR"]
    assert [row.split()[-1] for row in rows][1:] == [
        part.organization_id, part.robot_id, part.location_id,
    ]  # fmt: skip
    told = run("keys", "add", "--location", "x", "--machine", "y").refusal
    assert told.startswith("give organizations, locations or machines, got locations and machines")
    assert run("keys", "add", "--location", "x").refusal.startswith("no location has the id 'x'")


def test_the_clock_is_shown_and_moved(run: Run, cloud: FakeViam) -> None:
    assert run("clock", "set", "2026-01-31T12:00:00Z").status == 0
    assert run("clock", "freeze").lines[0].endswith("(frozen)")
    run("clock", "set", "2026-01-31T12:00:00Z")
    assert run("clock").lines == ["2026-01-31T12:00:00+00:00 (frozen)"]
    done = run("clock", "advance", "--days", "1", "--seconds", "-0.5", "--format", "json")
    assert done.json == {"now": "2026-02-01T11:59:59.500000+00:00", "frozen": True}
    assert run("clock", "run").status == 0
    assert not cloud.clock.is_frozen


def test_mistakes_with_the_clock(run: Run, cloud: FakeViam) -> None:
    told = run("clock", "advance")
    assert told.status == 2
    assert told.refusal == "give an amount: --days, --hours, --minutes or --seconds"
    told = run("clock", "set", "noon")
    assert told.status == 1
    assert told.refusal == "set must be a time like 2026-01-31T12:00:00Z, got 'noon'"
    assert not cloud.clock.is_frozen


def test_faults_are_planned_listed_and_forgotten(run: Run, cloud: FakeViam) -> None:
    assert run("faults", "list").lines == ["no planned faults"]
    done = run(
        *("faults", "add", "TagsByFilter", "--status", "UNAVAILABLE", "--text", "busy"),
        *("--where", "component=cam", "--call", "1", "--after-commit"),
    )
    (line,) = done.lines
    told = 'where={"component": "cam"}, calls=[1], when=after-commit, effect=status, '
    told += "status=UNAVAILABLE, text=busy"
    assert line == f"1  TagsByFilter  {told}  never fired: 0 calls matched"
    run("faults", "add", "*", "--delay", "1ms", "--optional")
    (first, second) = run("faults", "list", "--format", "json").json["faults"]
    assert first["fault"]["rpc"] == "TagsByFilter"
    assert second["fault"] == {"delay": 0.001, "effect": "delay", "optional": True}
    assert len(cloud.faults) == 2
    assert run("faults", "clear").lines == ["removed 2 planned faults"]
    assert len(cloud.faults) == 0


def test_a_fault_that_hit_says_which_calls(run: Run, cloud: FakeViam) -> None:
    run("faults", "add", "TagsByFilter", "--status", "ABORTED", "--times", "1")
    assert call(cloud, "TagsByFilter") == "ABORTED"
    assert run("faults", "list").lines[0].endswith("  hit #1")


def test_faults_come_as_json_too(run: Run, cloud: FakeViam) -> None:
    document = '[{"rpc": "FileUpload", "status": "ABORTED"}, {"delay": 1}]'
    assert run("faults", "add", "--from", document).status == 0
    assert len(cloud.faults) == 2
    told = run("faults", "add", "--from", "{")
    assert told.status == 2
    assert told.refusal.startswith("--from is not valid JSON: ")
    told = run("faults", "add", "FielUpload", "--status", "ABORTED")
    assert told.status == 1
    assert told.refusal == "fault: no RPC is named 'FielUpload'; did you mean 'FileUpload'?"
    assert (
        run("faults", "add", "*", "--where", "x").refusal == "--where must be NAME=VALUE, got 'x'"
    )
    twice = run("faults", "add", "*", "--where", "tag=a", "--where", "tag=b").refusal
    assert twice == """--where has 'tag' twice; a list is tag=["a","b"]"""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("faults add --status ABORTED", "name the RPC to fail"),
        ("faults add FileUpload --from {}", "--from cannot be combined"),
        ("faults add --times 2 --from {}", "--from cannot be combined"),
        ("replies add TagsByFilter", "give an RPC and its reply"),
        ("faults add * --status unavailable", "got 'unavailable'; did you mean 'UNAVAILABLE'?"),
        ("faults add * --status XYZ", "got 'XYZ'; expected one of CANCELLED, UNKNOWN, "),
        ("faults add * --effect golaway", "got 'golaway'; did you mean 'goaway'?"),
        ("faults add * --status ABORTED --call 0", "calls must be whole numbers from 1, got [0]"),
        ("calls --status XYZ", "got 'XYZ'; expected one of OK, CANCELLED, "),
        ("calls --where x=1", "requests of * have no field 'x'"),
        ("calls --where compnent=cam", "did you mean 'component'?"),
        ("policy set strct", "got 'strct'; did you mean 'strict'?"),
        ("calls --session nope", "open it with `fakeviam sessions open`"),
        ("data list --session nope", "or `fakeviam sessions open` [SS-2]"),
    ],
)
def test_a_refusal_says_what_was_meant(run: Run, cloud: FakeViam, words: str, told: str) -> None:
    done = run(*words.split())
    assert told in done.refusal
    assert not done.refusal.endswith("'tax'?")
    assert len(cloud.faults) == 0


def test_a_zero_is_not_dropped(run: Run, cloud: FakeViam) -> None:
    """It is refused, or means the first byte; it never means every call (FT-1)."""
    for option, text in (
        ("--times", "times must be a whole number from 1, got 0"),
        ("--call", "calls must be whole numbers from 1"),
        ("--probability", "probability must be above 0 and at most 1, got 0"),
        ("--after-messages", "after_messages must be a whole number from 1, got 0"),
    ):
        done = run("faults", "add", "FileUpload", "--status", "ABORTED", option, "0")
        assert done.status == 1
        assert text in done.refusal
    assert len(cloud.faults) == 0
    done = run("faults", "add", "FileUpload", "--status", "ABORTED", "--after-bytes", "0")
    assert "after_bytes=0" in done.lines[0]
    assert cloud.faults.planned[0].fault.after_bytes == 0


def test_calls_are_listed(run: Run, cloud: FakeViam) -> None:
    done = run("calls")
    assert (done.lines, done.err) == ([], "no matching calls\n")
    cloud.clock.freeze()
    cloud.clock.set("2026-01-31T12:00:00.250Z")
    assert call(cloud, "CreateDataset", name="d", organization_id="x") != "OK"
    call(cloud, "TagsByFilter")
    first, second = run("calls").lines
    assert first.split()[:3] == ["#1", "12:00:00.250", "CreateDataset"]
    assert second.split()[:4] == ["#2", "12:00:00.250", "TagsByFilter", "OK"]
    assert [line[:2] for line in run("calls", "--last", "1").lines] == ["#2"]
    assert [line[:2] for line in run("calls", "--rpc", "Create*").lines] == ["#1"]
    assert [line[:2] for line in run("calls", "--status", "OK").lines] == ["#2"]
    assert [line[:2] for line in run("calls", "--where", "name=d").lines] == ["#1"]


def test_calls_as_json_are_one_a_line(run: Run, cloud: FakeViam) -> None:
    call(cloud, "TagsByFilter")
    call(cloud, "TagsByFilter")
    told = [json.loads(line) for line in run("calls", "--format", "json").lines]
    assert [each["number"] for each in told] == [1, 2]
    assert told == [each.to_json() for each in cloud.calls]


def test_mistakes_with_calls(run: Run, cloud: FakeViam) -> None:
    told = run("calls", "--last", "1", "--follow").refusal
    assert told == "--last and --follow cannot be combined"
    told = run("calls", "--rpc", "FielUpload").refusal
    assert told == "no RPC is named 'FielUpload'; did you mean 'FileUpload'?"
    assert cloud.calls.dropped == 0


def test_following_prints_calls_as_they_are_answered(
    run: Run, cloud: FakeViam, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were there, and those that come, until Ctrl-C."""
    call(cloud, "TagsByFilter")
    seen: list[str] = []

    def see(text: str) -> None:
        seen.append(" ".join(text.split()[::2][:2]))
        if len(seen) == 2:
            raise KeyboardInterrupt
        call(cloud, "BoundingBoxLabelsByFilter")

    monkeypatch.setattr("fakeviam.commands.options.click.echo", see)
    monkeypatch.setattr("fakeviam.commands.calls._LOOK", 30.0)
    assert run("calls", "--follow").status == 130
    assert seen == ["#1 TagsByFilter", "#2 BoundingBoxLabelsByFilter"]


def test_env_prints_lines_for_the_shell_and_nothing_else(run: Run, cloud: FakeViam) -> None:
    done = run("env")
    assert done.err == ""
    assert done.lines[:4] == [
        f"export FAKEVIAM_TARGET={cloud.target}",
        f"export FAKEVIAM_URL={cloud.url}",
        f"export FAKEVIAM_UNIX_SOCKET={cloud.unix_socket}",
        "export FAKEVIAM_API_KEY=fakeviam-api-key",
    ]
    assert all(line.startswith("export ") for line in done.lines)
    fish = run("env", "--shell", "fish").lines
    assert fish[0] == f"set -gx FAKEVIAM_TARGET '{cloud.target}';"


def test_env_can_be_undone(run: Run) -> None:
    """Without a server."""
    done = run("env", "--unset").lines
    assert "unset FAKEVIAM_TARGET" in done
    assert "unset FAKEVIAM_CONTROL_TOKEN" in done
    assert "set -e VIAM_API_KEY;" in run("env", "--unset", "--shell", "fish").lines


def test_env_of_a_session_has_its_key(run: Run, cloud: FakeViam) -> None:
    session = cloud.session("one")
    done = run("env", "--session", "one").lines
    assert f"export FAKEVIAM_API_KEY={session.api_key}" in done
    assert f"export VIAM_API_KEY_ID={session.api_key_id}" in done
    assert "export FAKEVIAM_SESSION=one" in done


def test_env_leaves_out_a_key_that_is_hidden(run: Run, start: Start) -> None:
    """Whole, and says so: half of a key is refused by all who take it (HT-6)."""
    target = start(auth="keys").target
    done = run("env", "--target", target)
    assert not [line for line in done.lines if "API_KEY" in line]
    assert done.err.startswith("# without the API key, which this server shows only to callers")
    assert done.err.count("\n") == 1
    assert not [name for name in run("env", "--json", "--target", target).json if "KEY" in name]
    open_ = start(auth="keys", control_token="secret").target  # noqa: S106 - of this test
    assert "VIAM_API_KEY" in run("env", "--json", "--target", open_, "--token", "secret").json


def test_a_seed_is_sent_with_its_files(run: Run, cloud: FakeViam, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"hello")
    seed = tmp_path / "lab.yaml"
    seed.write_text("files: [{files: '*.txt'}]\ndatasets: [{name: dogs}]", encoding="utf-8")
    applied = run("seed", str(seed), "--format", "json").json
    assert list(applied["files"]) == ["a.txt"]
    seed.write_text("datasets: [{name: cats}]", encoding="utf-8")
    assert run("seed", str(seed)).lines[0].startswith("dataset  cats")
    assert call(cloud, "BinaryDataByIDs", binary_data_ids=applied["binary_data_ids"]) == "OK"


def test_a_wrong_seed_is_a_mistake_of_the_caller(run: Run, cloud: FakeViam, tmp_path: Path) -> None:
    seed = tmp_path / "lab.yaml"
    seed.write_text("dataset: []\npart: []\n", encoding="utf-8")
    done = run("seed", str(seed))
    assert done.status == 2
    assert f"{seed}:1: unknown field 'dataset'" in done.err
    assert f"{seed}:2: unknown field 'part'" in done.err
    assert run("seed", str(tmp_path / "none.yaml")).status == 2
    assert list(cloud.calls) == []


def test_a_seed_for_a_server_that_refuses_at_once(run: Run, start: Start, tmp_path: Path) -> None:
    """What it says is heard, though it does not read on."""
    cloud = start(control_token="s3cret")  # noqa: S106
    (tmp_path / "a.bin").write_bytes(bytes(20_000_000))
    seed = tmp_path / "lab.yaml"
    seed.write_text("files: [{files: a.bin}]", encoding="utf-8")
    told = run("seed", str(seed), "--target", cloud.target).refusal
    assert told.startswith("this server requires a control token")


def test_snapshots_are_saved_restored_and_forgotten(run: Run, cloud: FakeViam) -> None:
    assert run("snapshot", "list").lines == ["no snapshots"]
    assert run("snapshot", "save").lines == ["s1"]
    cloud.clock.freeze()
    cloud.clock.set("2026-01-31T12:00:00Z")
    assert run("snapshot", "save", "noon & co").lines == ["noon & co"]
    cloud.clock.advance(days=1)
    assert run("snapshot", "restore", "noon & co").lines == [
        "restored noon & co, taken 2026-01-31T12:00:00+00:00"
    ]
    assert cloud.clock.moment().isoformat() == "2026-01-31T12:00:00+00:00"
    assert run("snapshot", "delete", "s1").lines == ["deleted s1"]
    assert run("snapshot", "list").lines == ["s2  noon & co  2026-01-31T12:00:00+00:00"]
    told = run("snapshot", "restore", "s1").refusal
    assert told == "there is no snapshot 's1'; existing: noon & co"


def test_a_reset_shows_what_it_dropped(run: Run, cloud: FakeViam) -> None:
    organization_id = cloud.default_part.organization_id
    assert call(cloud, "CreateDataset", name="d", organization_id=organization_id) == "OK"
    lines = run("reset").lines
    assert "datasets          1" in lines
    assert run("reset", "--format", "json").json["datasets"] == 0
