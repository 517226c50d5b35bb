"""A server that may be restarted is, in checks and in random programs: what it forgets is found."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from fakeviam_contracts import contract_cli, restarting, runner
from fakeviam_contracts.attempts import attempt
from fakeviam_contracts.checks import CHECKS, restarts
from fakeviam_contracts.checks.base import Need
from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.opening import open_subject
from fakeviam_contracts.programs import run_programs
from fakeviam_contracts.restarting import by_command
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.runner import run
from fakeviam_contracts.scripts import script
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from campaigns.false_alarms import Restartable
from fakeviam import FakeViam, Interceptor, MemoryStore
from fakeviam.model.entities import DataPipeline, SavedQuery, Sequence
from fakeviam.model.ids import Ids
from fakeviam.store.events import (
    BinaryAdded,
    BinaryDeleted,
    BoxesChanged,
    DatasetDropped,
    DatasetPut,
    EntitiesPut,
    ListChanged,
    StoreEvent,
    TabularAdded,
    TabularDeleted,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    #: What a wrong server makes of what it reads when it starts.
    Reading = Callable[[StoreEvent], StoreEvent | None]


def without(*kinds: type[StoreEvent], **fields: object) -> Reading:
    """Forgets events of some kinds, those with these values."""

    def read(event: StoreEvent) -> StoreEvent | None:
        same = isinstance(event, kinds) and all(
            getattr(event, name) == value for name, value in fields.items()
        )
        return None if same else event

    return read


def files(change: Callable[[Any], Any]) -> Reading:
    """Reads records of files otherwise than they were."""

    def read(event: StoreEvent) -> StoreEvent:
        if not isinstance(event, BinaryAdded):
            return event
        return BinaryAdded([row._replace(record=change(row.record)) for row in event.rows])

    return read


def rows(change: Callable[[Any], Any]) -> Reading:
    """Reads readings otherwise than they were."""

    def read(event: StoreEvent) -> StoreEvent:
        if not isinstance(event, TabularAdded):
            return event
        return TabularAdded([row._replace(record=change(row.record)) for row in event.rows])

    return read


def entities(kind: type[Any], change: Callable[[Any], Any]) -> Reading:
    """Reads things of a kind otherwise than they were."""

    def read(event: StoreEvent) -> StoreEvent | None:
        if not isinstance(event, EntitiesPut):
            return event
        every = (change(each) if isinstance(each, kind) else each for each in event.entities)
        return EntitiesPut([each for each in every if each is not None])

    return read


def shrinking_lists(event: StoreEvent) -> StoreEvent | None:
    """Forgets that tags were removed."""
    if isinstance(event, ListChanged) and any(len(each) == 1 for each in event.values.values()):
        return None
    return event


def boxes(change: Callable[[Any], Any]) -> Reading:
    """Reads boxes otherwise than they were."""

    def read(event: StoreEvent) -> StoreEvent:
        if not isinstance(event, BoxesChanged):
            return event
        return replace(event, boxes=tuple(map(change, event.boxes)))

    return read


def lower(event: StoreEvent) -> StoreEvent:
    """Reads tags in small letters."""
    if not isinstance(event, ListChanged) or event.field != "tags":
        return event
    values = {file: tuple(tag.lower() for tag in tags) for file, tags in event.values.items()}
    return replace(event, values=values)


WRONG: dict[str, Reading] = {
    "forgets tags": without(ListChanged, field="tags"),
    "forgets members": without(ListChanged, field="dataset_ids"),
    "forgets boxes": without(BoxesChanged),
    "forgets datasets": without(DatasetPut, DatasetDropped),
    "has deleted datasets again": without(DatasetDropped),
    "has deleted files again": without(BinaryDeleted),
    "has removed tags again": shrinking_lists,
    "reads tags in small letters": lower,
    "forgets how sure boxes are": boxes(lambda box: replace(box, confidence=None)),
    "cuts corners of boxes": boxes(
        lambda box: replace(box, x_min_normalized=round(box.x_min_normalized))
    ),
    "forgets MIME types": files(lambda file: replace(file, mime_type="")),
    "forgets tags of uploads": files(lambda file: replace(file, tags=())),
    "cuts times": files(
        lambda file: replace(file, time_received=file.time_received // 1000 * 1000)
    ),
    "cuts times of readings": rows(
        lambda row: replace(row, time_received=row.time_received // 1000 * 1000)
    ),
    "forgets tags of readings": rows(lambda row: replace(row, tags=())),
    "forgets methods of readings": rows(
        lambda row: replace(row, source=replace(row.source, method_name=""))
    ),
    "forgets readings": without(TabularAdded, TabularDeleted),
    "forgets saved queries": entities(SavedQuery, lambda _: None),
    "forgets sequences": entities(Sequence, lambda _: None),
    "forgets pipelines": entities(DataPipeline, lambda _: None),
    "starts pipelines again": entities(DataPipeline, lambda each: replace(each, enabled=True)),
}


def started(folder: Path, **options: Any) -> Restartable:
    """A server with a data directory, at one place."""
    return Restartable(
        lambda: FakeViam(
            seed=1, data_dir=folder / "d", unix_socket=folder / "s", port=None, **options
        )
    )


def config_of(server: Restartable, **more: Any) -> RunConfig:
    return RunConfig(
        target=server.cloud.target,
        parts=(server.cloud.default_part.id,),
        restart=server.restart,
        seed=1,
        **more,
    )


def forgetful(read: Reading) -> type[MemoryStore]:
    """A store that is wrong about what was there before it."""

    class Forgetful(MemoryStore):
        def apply(self, events: Iterable[StoreEvent]) -> None:
            super().apply(event for each in events if (event := read(each)) is not None)

    return Forgetful


def broken_by(server: Restartable) -> list[str]:
    """What the checks with restarts say."""
    subject = open_subject(config_of(server))
    told = []
    try:
        for check in restarts.CHECKS:
            session, assertion, _ = attempt(subject, check.run, check.clauses[0])
            told += [str(assertion)] if assertion is not None else []
            told += map(str, session.differences.values())
    finally:
        subject.close()
    return told


def test_a_server_that_keeps_everything_is_right(tmp_path: Path) -> None:
    """DD-1: nothing is said against it; nor is anything left."""
    with started(tmp_path) as server:
        assert broken_by(server) == []


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if at < 4 else pytest.mark.slow)
             for at, name in enumerate(WRONG)]
)  # fmt: skip
def test_what_is_forgotten_is_found(name: str, tmp_path: Path) -> None:
    """DD-1: a server that reads its data wrongly when it starts is told."""
    with started(tmp_path, store=forgetful(WRONG[name])) as server:
        assert broken_by(server), name


class ForgetsTokens(Interceptor):
    """A server that does not know tokens of before it was started."""

    def __init__(self, *, refuses: bool) -> None:
        self._refuses = refuses
        self._own = {""}

    def request(self, rpc: str, message: Any) -> Any:
        holder, name = _token_of(message)
        if name and getattr(holder, name) not in self._own:
            if self._refuses:
                raise GRPCError(Status.INVALID_ARGUMENT, f"{rpc}: this token is too old")
            holder.ClearField(name)
        return message

    def reply(self, rpc: str, request: Any, message: Any) -> Any:
        del rpc, request
        self._own |= {getattr(message, name, "") for name in ("last", "next_page_token")}
        return message


def _token_of(message: Any) -> tuple[Any, str]:
    names = message.DESCRIPTOR.fields_by_name
    if "data_request" in names:
        return message.data_request, "last"
    return message, "page_token" if "page_token" in names else ""


@pytest.mark.parametrize("refuses", [True, False])
def test_lists_that_start_over_after_a_restart_are_found(tmp_path: Path, *, refuses: bool) -> None:
    """PG-3, SQ-5: a token that is refused differs; a list that starts over is wrong."""
    kept: dict[str, Any] = {"data_dir": tmp_path / "d", "unix_socket": tmp_path / "s", "port": None}
    with Restartable(
        lambda: FakeViam(seed=1, interceptors=[ForgetsTokens(refuses=refuses)], **kept)
    ) as server:
        subject = open_subject(config_of(server))
        try:
            _, assertion, _ = attempt(subject, restarts.lists_go_on.run, "DD-1")
        finally:
            subject.close()
    if refuses:
        assert assertion is None
    else:
        assert assertion is not None
        assert (assertion.clause, "after a restart" in assertion.what) == ("PG-3", True)


def test_ids_that_are_handed_out_again_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ID-1: after a restart counters go on."""
    with started(tmp_path) as server:
        monkeypatch.setattr(Ids, "skip", lambda *_: None)
        monkeypatch.setattr(Ids, "rewind", lambda *_: None)
        assert broken_by(server)


@pytest.mark.slow
def test_random_programs_restart_the_server(tmp_path: Path) -> None:
    """TA-1: what only a restart shows, a random program shows, and its steps say so."""
    with started(tmp_path, store=forgetful(lower)) as server:
        subject = open_subject(config_of(server))
        try:
            failed = run_programs(subject, seed=1, wanted=40).failed
        finally:
            subject.close()
    assert failed is not None
    assert "restart" in [step.name for step in failed.steps]


@pytest.mark.slow
def test_a_failure_after_a_restart_is_shrunk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TA-1: what is left are the few steps that show it, a restart among them; so is its script."""
    with started(tmp_path, store=forgetful(lower)) as server:
        monkeypatch.setattr(runner, "SHRINKING", 60.0)
        result = run(config_of(server, clauses="DD-1"))
    (finding, *_) = [each for each in result.findings if "restart" in str(each.steps)]
    assert len(finding.program) <= 8
    assert "restart(session)" in script(finding, result)


def test_without_a_command_nothing_is_restarted() -> None:
    """The checks are skipped, and say what they need; a run of nothing else is incomplete."""
    result = run(RunConfig(clauses="DD-1", seed=1))
    assert {each.reason for each in result.checks} == {"an in-process fake lives in memory"}
    assert result.not_reached == ["DD-1"]
    assert result.exit_status == 3
    assert run(RunConfig(clauses="D[DI]-1", seed=1)).exit_status == 0
    needing = [check for check in CHECKS if Need.RESTART in check.needs]
    assert set(needing) == set(restarts.CHECKS)


# The option ---------------------------------------------------------------------------------


def test_a_command_restarts(tmp_path: Path) -> None:
    path = tmp_path / "here"
    by_command(f"{sys.executable} -c \"open('{path}', 'w')\"")()
    assert path.exists()


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("'", "no command"),
        (" ", "empty"),
        ("/nowhere/at-all", "No such file"),
        (f"{sys.executable} -c 'raise SystemExit(3)'", "exit status 3"),
    ],
)
def test_a_command_that_fails_is_told(command: str, why: str) -> None:
    with pytest.raises(CannotRunError, match=why):
        by_command(command)()


def test_a_command_that_does_not_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that starts the server and stays with it."""
    monkeypatch.setattr(restarting, "PATIENCE", 0.1)
    with pytest.raises(CannotRunError, match=r"did not end within 0.1 s: .* in the background"):
        by_command("sleep 60")()


def test_a_server_that_is_not_restarted_proves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DD-1: nothing was forgotten, and nothing was tried."""
    monkeypatch.setattr(restarting, "HANG_UP", 0.1)
    with started(tmp_path) as server:
        config = replace(config_of(server, clauses="DD-1"), restart=by_command("true"))
        with pytest.raises(CannotRunError, match="it was not restarted"):
            run(config)


@pytest.mark.parametrize(
    "more",
    [("--self",), ("--target", "a:1", "--target", "b:1"),
     ("--target", "a:1", "--read-only"), ("--target", "a:1", "--dry-run")],
)  # fmt: skip
def test_only_one_server_is_restarted(more: tuple[str, ...]) -> None:
    result = CliRunner().invoke(contract_cli.group, ["run", "--restart", "true", *more])
    assert result.exit_code == 2
    assert "--restart is for runs that write to one --target" in result.output
