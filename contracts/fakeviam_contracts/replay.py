"""What scripts of failures need: the operations, and `main`, which runs a program of them."""

from __future__ import annotations

import datetime  # noqa: ICN001 - as its values are written
import sys
from contextlib import closing
from typing import TYPE_CHECKING, NoReturn

import click

from fakeviam.program import Verb, ca_file_option, target_option
from fakeviam.target import Target, default_target
from fakeviam_contracts import writes
from fakeviam_contracts.addresses import KitTargetType
from fakeviam_contracts.assertions import Assertion, ContractBrokenError, MayNotError
from fakeviam_contracts.attempts import attempt, learn_lag
from fakeviam_contracts.checks import CHECKS, SEEN_AT_ONCE
from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.formatting import shortened
from fakeviam_contracts.model import FilterSpec
from fakeviam_contracts.newer import (
    check_behind,
    check_export,
    check_fleet,
    check_indexes,
    check_inside,
    check_latest,
    check_metadata,
    check_pipelines,
    check_saved_queries,
    check_sequences,
    check_statement,
    check_summaries,
    create_index,
    create_pipeline,
    create_sequence,
    delete_index,
    delete_pipeline,
    delete_query,
    delete_sequence,
    rename_pipeline,
    save_query,
    toggle_pipeline,
    update_query,
    update_sequence,
)
from fakeviam_contracts.opening import open_subject
from fakeviam_contracts.programs import RandomPrograms, run_programs
from fakeviam_contracts.queries import check_query
from fakeviam_contracts.readonly import READ_ONLY_CHECKS
from fakeviam_contracts.reads import (
    check_by_ids,
    check_counts,
    check_files,
    check_labels,
    check_rows,
    check_tags,
)
from fakeviam_contracts.restarting import by_command
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.wirelog import ConnectionLostError
from fakeviam_contracts.writes import (
    box,
    change_members,
    check_datasets,
    create_dataset,
    delete_dataset,
    delete_files,
    delete_matching,
    delete_rows,
    merge_datasets,
    remove_box,
    rename_dataset,
    tag,
    tag_matching,
    update_box,
    upload,
    upload_many,
    upload_many_rows,
    upload_pieces,
    upload_rows,
    upload_several,
)
from fakeviam_contracts.wrong_ids import check_wrong_id

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from fakeviam_contracts.session import Session
    from fakeviam_contracts.subject import Subject

__all__ = [
    "FilterSpec",
    "RandomPrograms",
    "box",
    "change_members",
    "check_behind",
    "check_by_ids",
    "check_counts",
    "check_datasets",
    "check_export",
    "check_files",
    "check_fleet",
    "check_indexes",
    "check_inside",
    "check_labels",
    "check_latest",
    "check_metadata",
    "check_pipelines",
    "check_query",
    "check_rows",
    "check_saved_queries",
    "check_sequences",
    "check_statement",
    "check_summaries",
    "check_tags",
    "check_wrong_id",
    "create_dataset",
    "create_index",
    "create_pipeline",
    "create_sequence",
    "datetime",
    "delete_dataset",
    "delete_files",
    "delete_index",
    "delete_matching",
    "delete_pipeline",
    "delete_query",
    "delete_rows",
    "delete_sequence",
    "main",
    "merge_datasets",
    "remove_box",
    "rename_dataset",
    "rename_pipeline",
    "restart",
    "run_check",
    "save_query",
    "tag",
    "tag_matching",
    "toggle_pipeline",
    "update_box",
    "update_query",
    "update_sequence",
    "upload",
    "upload_many",
    "upload_many_rows",
    "upload_pieces",
    "upload_rows",
    "upload_several",
    "wait",
    "writes",
]


def wait(session: Session, nanos: int) -> None:
    """Let time pass on the subject.

    Raises:
        CannotRunError: Its clock cannot be moved.
    """
    if session.place.advance is None:
        raise CannotRunError(
            f"the failure shows after {nanos / 3.6e12:.1f} hours, and the clock of a server "
            "elsewhere cannot be moved; with --self it can"
        )
    session.place.advance(nanos)


def restart(session: Session) -> None:
    """Restart the subject."""
    session.restart()


def run_check(session: Session, name: str) -> None:
    """Run a whole check, for what its steps alone do not show."""
    every = (SEEN_AT_ONCE, *CHECKS, *READ_ONLY_CHECKS)
    next(check for check in every if check.name == name).run(session)


def main(  # noqa: PLR0913 - what a script can say, all by keyword
    program: Callable[[Session], None] | RandomPrograms,
    *,
    clause: str,
    what: str,
    cause: str = "",
    known: Sequence[tuple[str, str]] = (),
    otherwise: str | RandomPrograms = "",
    times: int = 1,
    policy: str = "documented",
    exclusive: bool = False,
    read_only: bool = False,
) -> NoReturn:
    """Run a program against the server that the command line names, and exit.

    What is `known` to fail as well does not end the program. Where it shows nothing, what it was
    cut from is run: the check, or the random programs. `times` is how often that is tried where
    clients must meet.
    """

    @click.command(cls=Verb, help=f"Show whether {clause} is still broken: {what}.")
    @target_option(or_self=True, type=KitTargetType())
    @click.option("--self", "own", is_flag=True, help="Start a fake.")
    @click.option("--part", "parts", multiple=True, metavar="ID")
    @click.option("--organization", default="", metavar="ID")
    @click.option("--api-key-id", envvar="VIAM_API_KEY_ID", default="")
    @click.option("--api-key", envvar="VIAM_API_KEY", default="")
    @ca_file_option
    @click.option("--restart", "restarts", default="", metavar="COMMAND")
    def command(*, own: bool, target: Target | None, restarts: str, **options: object) -> None:
        if own and target is not None:
            raise click.UsageError("--target and --self cannot be combined")
        where = "" if own else default_target() if target is None else target.text
        try:
            restart = by_command(restarts) if restarts else None
        except CannotRunError as error:
            raise click.UsageError(str(error)) from error
        config = RunConfig(
            target=where,
            policy=policy,
            exclusive=exclusive and not own,
            read_only=read_only and not own,
            restart=restart,
            **options,  # type: ignore[arg-type]
        )
        wanted = Assertion(clause, what, 0, 0, cause=cause)
        programs = [program, *([_whole(otherwise)] if otherwise else [])] * times
        sys.exit(_status(config, programs, wanted, frozenset(known), races=times > 1))

    command()
    raise AssertionError("click exits")


def _whole(otherwise: str | RandomPrograms) -> Callable[[Session], None] | RandomPrograms:
    """What a program was cut from."""
    if isinstance(otherwise, RandomPrograms):
        return otherwise
    return lambda session: run_check(session, otherwise)


def _status(
    config: RunConfig,
    programs: Sequence[Callable[[Session], None] | RandomPrograms],
    wanted: Assertion,
    known: frozenset[tuple[str, str]],
    *,
    races: bool,
) -> int:
    other, unclear = None, ""
    try:
        with closing(_replayed(config, programs, wanted.clause, known)) as replayed:
            for found in replayed:
                if isinstance(found, str):
                    unclear = unclear or found
                    continue
                # In a race the claim counts: which of its calls loses is another one each time.
                if found.kind == wanted.kind or (races and found.what == wanted.what):
                    _tell(found)
                    return 1
                other = other or found
    except (CannotRunError, ConnectionLostError, MayNotError) as reason:
        unclear = str(reason)
    if other is not None:
        seen = shortened(other.observed, 200)
        unclear = f"something else fails first: {other.clause}: {other.what}, observed {seen}"
    if unclear:
        click.echo(f"cannot tell: {unclear}", err=True)
        return 2
    click.echo("the failure is gone")
    return 0


def _tell(found: Assertion) -> None:
    click.echo(f"{found.clause}: {found.what}, {found.severity.label}")
    click.echo(f"  expected: {found.expected!r}\n  observed: {found.observed!r}")


def _replayed(
    config: RunConfig,
    programs: Sequence[Callable[[Session], None] | RandomPrograms],
    clause: str,
    known: frozenset[tuple[str, str]],
) -> Generator[Assertion | str]:
    """What goes wrong, program by program, each on a session of its own.

    For a program that did not come to what counts there is the reason, as a text.
    """
    try:
        subject = open_subject(config)
    except ContractBrokenError as error:
        yield error.assertion
        return
    try:
        # What set-up shows without a program.
        yield from (each for each in subject.broken if each.clause == clause)
        if not config.read_only:
            learn_lag(subject)
        for program in programs:
            subject.muted = known
            found = _broken(subject, program, clause)
            if found:
                yield found
    finally:
        subject.close()


def _broken(
    subject: Subject, program: Callable[[Session], None] | RandomPrograms, clause: str
) -> Assertion | str | None:
    """What a program shows, or why it cannot show anything."""
    if isinstance(program, RandomPrograms):
        return _broken_by(subject, program, clause)
    # That what was uploaded cannot be deleted again is a failure, too.
    session, assertion, _ = attempt(subject, program, clause)
    return assertion or session.unfinished


def _broken_by(subject: Subject, programs: RandomPrograms, clause: str) -> Assertion | str | None:
    subject.muted = frozenset(programs.muted)
    done = run_programs(subject, seed=programs.seed, wanted=programs.count)
    if done.failed is not None:
        return done.failed.broken
    # It was the last of them that failed: what the others left out does not count.
    never = "" if done.comparisons[clause] else f"nothing was compared with {clause}"
    return done.unfinished or never
