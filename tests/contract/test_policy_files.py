"""A policy file, such as calibrate writes, says what a run expects of a server."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.connection import Address, RemoteConnection
from fakeviam_contracts.interpretation import Interpretation
from fakeviam_contracts.results import worst
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.runner import dry_run, run
from fakeviam_contracts.scripts import script
from fakeviam_contracts.set_up import Probe

from fakeviam import FakeViam, Policy
from fakeviam.cli import main
from fakeviam.server.instruments.interceptors import Interceptor

if TYPE_CHECKING:
    from pathlib import Path

    from fakeviam_contracts.results import Result
    from google.protobuf.message import Message

#: Clauses of open points that the policy below decides in another way than `documented` does.
DECIDED = {"A1", "A6", "A8", "A10", "A13", "A14", "A16", "A27", "A40", "A47", "A56"}

OTHERWISE = """
[policy]
default_order = "ascending"
remove_tags_count = "records"
dataset_label = "hidden"
empty_delete_filter = "refuse"
unknown_ids = "refuse"
unknown_dataset = "skip"
deprecated_binary_id = "refuse"
tags_by_filter_scope = "binary"
page_token = "ignore"
max_page = { size = 100, beyond = "refuse" }
extended_json_in_bson = "refuse"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(OTHERWISE, encoding="utf-8")
    return path


def _run(cloud: FakeViam, policy: str, clauses: str) -> Result:
    target, parts = f"unix:{cloud.unix_socket}", (cloud.default_part.id,)
    return run(RunConfig(target=target, parts=parts, policy=policy, clauses=clauses))


def test_a_file_is_an_interpretation(path: Path) -> None:
    """A1, A6, A55, MQ-11: each field of the file is that of the interpretation."""
    path.write_text(OTHERWISE + "visibility_lag = 2.5", encoding="utf-8")
    read = Interpretation.named(str(path))
    own = {"name", "empty_or", "file_filters_on_rows", "mime_filter_on_rows", "time_received"}
    own |= {"label_is_tag", "delete_days", "strings", "lists"}
    same = {each.name for each in fields(Interpretation)} - own
    documented = Interpretation.named("documented")
    kept = {name for name in same if getattr(read, name) == getattr(documented, name)}
    assert kept == {"interval_bounds", "interval_clock", "count"}
    assert (read.max_page, read.beyond_max_page, read.binary_page) == (100, "refuse", 100)
    assert (read.visibility, read.extended_json) == (3, "refuse")


@pytest.mark.parametrize("preset", ["documented", "observed", "strict"])
def test_presets_mean_the_same_in_a_file(preset: str, tmp_path: Path) -> None:
    """A8, A10, A13: the kit's own table and the file's policy are two ways to the same answer."""
    path = tmp_path / "policy.toml"
    path.write_text(f'[policy]\npreset = "{preset}"\n', encoding="utf-8")
    read, named = Interpretation.named(str(path)), Interpretation.named(preset)
    for each in fields(Interpretation):
        if each.name != "name":
            assert getattr(read, each.name) == getattr(named, each.name), each.name


@pytest.mark.slow
def test_what_the_file_says_does_not_differ(path: Path) -> None:
    """A8, A10, A13: a server that is as its file says differs in nothing; by name it does."""
    with FakeViam(seed=1, policy=path) as cloud:
        by_file, by_name = (_run(cloud, policy, "A*") for policy in (str(path), "documented"))
    assert {each.assertion.clause for each in by_name.differences} >= DECIDED
    assert not by_file.differences
    assert not by_file.findings
    assert by_file.label.endswith(str(path))


def test_what_is_not_seen_yet_may_be_refused_as_unknown() -> None:
    """A13, A55: the set-up waits for its files on servers where unknown ids are an error."""
    policy = Policy(visibility_lag=timedelta(seconds=3), unknown_ids="refuse")
    with FakeViam(seed=1, policy=policy) as cloud:
        line = RemoteConnection(Address(target=f"unix:{cloud.unix_socket}"))
        waits: list[float] = []

        def wait(seconds: float) -> None:
            waits.append(seconds)
            cloud.clock.advance(seconds=1)

        with closing(line):
            probe = Probe(wire=line.wire(), name="a probe", sleep=wait)
            assert probe.place_of(cloud.default_part.id).part_id == cloud.default_part.id
    assert len(waits) == 3


def test_a_server_that_wants_a_key_says_so() -> None:
    """AU-4: without a key it is the login that lacks, not the part that is wrong."""
    with FakeViam(seed=1, auth="keys") as cloud:
        told = r"UNAUTHENTICATED.*log in with --api-key-id and --api-key"
        with pytest.raises(CannotRunError, match=told):
            _run(cloud, "documented", "TG-1")


class DoublesTags(Interceptor):
    """Lists tags twice."""

    def reply(self, rpc: str, request: Message | None, message: Message) -> Message:
        del request
        if rpc == "TagsByFilter":
            message.tags.extend(list(message.tags))  # type: ignore[attr-defined]
        return message


@pytest.mark.slow
def test_a_script_finds_the_file_from_anywhere(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TG-1: scripts are run from other folders than the kit."""
    monkeypatch.chdir(path.parent)
    with FakeViam(seed=1, policy=path, interceptors=[DoublesTags()]) as cloud:
        result = _run(cloud, path.name, "TG-1")
    assert worst([result]) == 1
    assert f"policy={str(path)!r}" in script(result.findings[0], result)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("none.toml", "", "none.toml: No such file"),
        ("bad.toml", "[policy]\ncount = 'all'", "count must be one of 'page', 'total', got 'all'"),
        ("observant", "", "policy must be one of documented, observed, strict or a .toml file"),
    ],
)
def test_policies_that_make_no_sense_end_before_the_first_call(
    name: str, text: str, told: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    if text:
        path.write_text(text, encoding="utf-8")
    config = RunConfig(target="nobody.invalid:1", policy=str(path) if "." in name else name)
    for attempt in (run, lambda config: dry_run(config, lambda _: None)):
        with pytest.raises(CannotRunError, match=re.escape(told)):
            attempt(config)


def test_the_command_takes_a_file(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """TG-1."""
    words = ["contract", "run", "--self", "--clauses", "TG-1", "--policy"]
    with pytest.raises(SystemExit) as ended:
        main([*words, str(path)])
    assert not ended.value.code
    assert str(path) in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main([*words, "observant"])
    assert ended.value.code == 2
    assert "or a file that ends in .toml" in capsys.readouterr().err
