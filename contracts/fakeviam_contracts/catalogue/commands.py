"""`fakeviam contract list` and `trace`; the page that shows the same is for our own use."""

from __future__ import annotations

import datetime as dt
import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fakeviam.program import Verb, Verbs, format_options
from fakeviam_contracts.catalogue import history, triage
from fakeviam_contracts.catalogue.catalogue import catalogue
from fakeviam_contracts.catalogue.page import page
from fakeviam_contracts.catalogue.sdk import sentences_of_sdk
from fakeviam_contracts.catalogue.sentences import sentences_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.catalogue.catalogue import Catalogue, Entry


@click.group(cls=Verbs)
def catalogue_commands() -> None:
    """What the kit requires of servers and clients, and why."""


@catalogue_commands.command("list")
@click.argument("clauses", default="*")
@format_options
def list_command(clauses: str, form: str) -> None:
    """List the clauses: all, or those whose ids match CLAUSES, such as 'BX-*'."""
    current = catalogue()
    selected = [entry for entry in current.entries.values() if fnmatchcase(entry.id, clauses)]
    if not selected:
        raise click.UsageError(f"no clause matches {clauses}")
    unproven = [entry.id for entry in selected if entry.id in set(current.unproven)]
    unchecked = [entry.id for entry in selected if entry.id in set(current.unchecked)]
    if form == "json":
        _json({"clauses": list(map(_entry_json, selected)), "unproven": unproven,
               "unchecked": unchecked})  # fmt: skip
        return
    for entry in selected:
        checks, mutants = _count_text(entry.checks, "check"), _count_text(entry.mutants, "mutant")
        click.echo(
            f"{entry.id:<6}{entry.evidence:<11}{entry.leniency.value:<12}"
            f"{checks:<11}{mutants:<12}{entry.sentence}"
        )
    click.echo(f"\n{_count_text(selected, 'clause')}")
    for title, names in (("unproven (no mutant)", unproven), ("without a check", unchecked)):
        click.echo(f"{len(names)} {title}: {', '.join(names) or 'none'}")


def _entry_json(entry: Entry) -> dict[str, object]:
    return {
        "id": entry.id,
        "sentence": entry.sentence,
        "source": entry.clause.source,
        "evidence": entry.evidence,
        "binds": "clients" if entry.of_clients else "servers",
        "leniency": entry.leniency.value,
        "note": entry.note,
        "sentences": [{"where": row.where, "hash": row.digest} for row in entry.sentences],
        "checks": list(entry.checks),
        "mutants": list(entry.mutants),
        "reason": entry.reason,
    }


@catalogue_commands.command("trace")
@click.option(
    "--source",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A copy of the documentation, as Sphinx's autoapi writes it, to compare with.",
)
@click.option(
    "--sdk",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of an installed package `viam`, to compare with its docstrings and protos.",
)
@format_options
@click.pass_context
def trace_command(context: click.Context, source: Path | None, sdk: Path | None, form: str) -> None:
    """Show how each documented sentence is covered.

    Fails if a sentence is untriaged, if clauses, checks and mutants do not fit together, or if
    SOURCE or the SDK has other sentences than those that were triaged.
    """
    known = catalogue()
    problems = list(known.problems)
    if sdk is not None:
        try:
            problems += triage.differences(known.sdk, sentences_of_sdk(sdk))
        except (OSError, SyntaxError) as error:
            raise click.UsageError(f"{sdk} is not the package viam of viam-sdk: {error}") from error
    if source is not None:
        try:
            text = source.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise click.UsageError(f"cannot read {source}: {error}") from error
        problems += triage.differences(known.rows, sentences_of(text))
    counts = _counts(known)
    if form == "json":
        rows = [
            {"where": row.where, "hash": row.digest, "clauses": list(row.clauses),
             "reason": row.reason}
            for row in (*known.rows, *known.sdk)
        ]  # fmt: skip
        _json({**counts, "compared": bool(source or sdk), "problems": problems, "rows": rows})
    else:
        _echo(known, counts, problems, compared=bool(source or sdk))
    context.exit(1 if problems else 0)


def _counts(current: Catalogue) -> dict[str, int]:
    rows = (*current.rows, *current.sdk)
    return {
        "sentences": len(rows),
        "with clauses": sum(bool(row.clauses) for row in rows),
        "not testable": sum(bool(row.reason) for row in rows),
        "untriaged": sum(not row.triaged for row in rows),
    }


def _echo(
    known: Catalogue, counts: dict[str, int], problems: Sequence[str], *, compared: bool
) -> None:
    rows = (*known.rows, *known.sdk)
    width = max((len(row.where) for row in rows), default=0)
    for row in rows:
        verdict = " ".join(row.clauses) or f"not testable: {row.reason or 'not triaged yet'}"
        click.echo(f"{row.where:<{width}}  {verdict}")
    click.echo("\n" + ", ".join(f"{count} {what}" for what, count in counts.items()))
    if not compared:
        click.echo("hashes not compared; --source FILE and --sdk DIR compare them")
    for line in problems:
        click.echo(line, err=True)


@click.command("page", cls=Verb)
@click.option("--check", is_flag=True, help="Write nothing; fail if the page is not current.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("docs/contract.md"),
    show_default=True,
)
@click.pass_context
def page_command(context: click.Context, output: Path, *, check: bool) -> None:
    """Write the page of the contract, and the history of clauses."""
    known = catalogue()
    # A clause whose meaning changes gets another id; the history has every wording.
    if not check and _grow_history(known, "reworded"):
        known = catalogue()
    text = page(known)
    problems = list(known.problems)
    if not check:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    elif not output.exists() or output.read_text(encoding="utf-8") != text:
        problems.append(
            f"{output} is not current: run `python -m fakeviam_contracts.catalogue page`"
        )
    for line in problems:
        click.echo(line, err=True)
    context.exit(1 if problems else 0)


@click.command("history", cls=Verb)
@click.option(
    "--note",
    default="reworded",
    show_default=True,
    help="Why clauses say the same in other words.",
)
def history_command(note: str) -> None:
    """Add new, reworded and withdrawn clauses to the history of clauses."""
    click.echo(f"{_count_text(_grow_history(catalogue(), note), 'line')} added")


def _grow_history(known: Catalogue, note: str = "") -> list[history.Line]:
    """Add to the history what is not in it yet; the answer is what was added."""
    sentences = {name: entry.sentence for name, entry in known.entries.items()}
    today = dt.datetime.now(tz=dt.timezone.utc).date().isoformat()
    try:
        new = history.grown(history.load(), sentences, today, note)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with Path(__file__).with_name(history.TABLE).open("a", encoding="utf-8") as file:
        file.writelines("\t".join(line) + "\n" for line in new)
    return new


def _json(content: dict[str, object]) -> None:
    click.echo(json.dumps(content, indent=2, ensure_ascii=False))


def _count_text(things: Sequence[object], what: str) -> str:
    return f"{len(things)} {what}" if len(things) == 1 else f"{len(things)} {what}s"
