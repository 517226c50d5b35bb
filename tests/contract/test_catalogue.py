"""The catalogue fits together, and notices when the documentation changes."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from fakeviam_contracts.catalogue import (
    CLAUSES,
    Leniency,
    catalogue,
    commands,
    history,
    sdk,
    triage,
)
from fakeviam_contracts.catalogue.catalogue import checks_by_clause, joined
from fakeviam_contracts.catalogue.page import page
from fakeviam_contracts.catalogue.sdk import sentences_of_sdk
from fakeviam_contracts.catalogue.sentences import sentences_of
from fakeviam_contracts.checks import CHECKS
from fakeviam_contracts.mutants.servers import SERVERS

from fakeviam.model.catalogue import CATALOGUE
from fakeviam.model.evidence import Clause, Evidence

if TYPE_CHECKING:
    from click.testing import Result
    from fakeviam_contracts.catalogue import Catalogue

ROOT = Path(__file__).resolve().parents[2]

SAMPLE = """\
:py:mod:`shop.till`
===================

.. py:module:: shop.till

Module Contents
---------------

Classes
~~~~~~~

.. autoapisummary::

   shop.till.Till


.. py:data:: LOG

   

.. py:class:: Till(drawer: shop.Drawer)


   Counts coins, e.g. pennies.
   Notes are
   counted too.

   .. py:class:: Coin(worth: int)

      A coin.

      :param worth: pennies
      :type worth: int

      .. py:attribute:: worth
         :type: int



   .. py:method:: count(kind: str = 'all', limit: Optional[int] = None) -> int
      :abstractmethod:
      :async:

      Count what is there.

      :param kind: What to count. Must be
                   non-empty.
      :type kind: str
      :param limit: Stop there. Passing 0
                        counts all (i.e., there is no limit).

                    A second paragraph. it goes on

      :raises ValueError: If `limit` is less than 0.
      :raises ValueError: If `kind` is empty.

      Counting twice is harmless.

      :returns: The number
      :rtype: int


   .. py:method:: close() -> None
      :staticmethod:

"""  # noqa: W293 - autoapi leaves blanks behind


def rows_of(text: str) -> tuple[triage.TriagedSentence, ...]:
    return tuple(
        triage.TriagedSentence(one.place, one.section, one.number, one.digest, ("XX-1",))
        for one in sentences_of(text)
    )


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(commands.catalogue_commands, arguments)


@pytest.fixture(scope="module")
def known() -> Catalogue:
    return catalogue()


# The splitter -----------------------------------------------------------------------------


def test_each_sentence_has_its_place() -> None:
    found = {one.where: one.text for one in sentences_of(SAMPLE)}
    method = "Till.count"
    assert found == {
        "module:heading:1": ":py:mod:`shop.till`",
        "module:signature:1": "shop.till",
        "module:heading:2": "Module Contents",
        "module:heading:3": "Classes",
        "module:contents:1": "shop.till.Till",
        "LOG:signature:1": "LOG",
        "Till:signature:1": "Till(drawer: shop.Drawer)",
        "Till:text:1": "Counts coins, e.g. pennies.",
        "Till:text:2": "Notes are counted too.",
        "Till.Coin:signature:1": "Coin(worth: int)",
        "Till.Coin:text:1": "A coin.",
        "Till.Coin:param worth:1": "pennies",
        "Till.Coin:type worth:1": "int",
        "Till.Coin.worth:signature:1": "worth",
        "Till.Coin.worth:signature:2": ":type: int",
        f"{method}:signature:1": "count(kind: str = 'all', limit: Optional[int] = None) -> int",
        f"{method}:signature:2": ":abstractmethod:",
        f"{method}:signature:3": ":async:",
        f"{method}:text:1": "Count what is there.",
        f"{method}:param kind:1": "What to count.",
        f"{method}:param kind:2": "Must be non-empty.",
        f"{method}:type kind:1": "str",
        f"{method}:param limit:1": "Stop there.",
        f"{method}:param limit:2": "Passing 0 counts all (i.e., there is no limit).",
        f"{method}:param limit:3": "A second paragraph.",
        f"{method}:param limit:4": "it goes on",
        f"{method}:raises ValueError:1": "If `limit` is less than 0.",
        f"{method}:raises ValueError:2": "If `kind` is empty.",
        f"{method}:text:2": "Counting twice is harmless.",
        f"{method}:returns:1": "The number",
        f"{method}:rtype:1": "int",
        "Till.close:signature:1": "close() -> None",
        "Till.close:signature:2": ":staticmethod:",
    }


def test_no_word_of_the_source_is_lost() -> None:
    marks = {"..", "py:module::", "py:class::", "py:method::", "py:attribute::", "py:data::"}
    marks |= {"autoapisummary::"}
    written = Counter(
        word
        for line in SAMPLE.splitlines()
        if line.strip().strip("=-~")
        for word in line.split()
        if word not in marks and not word.startswith((":param", ":raises", ":returns", ":rtype"))
    )
    found = Counter(word for one in sentences_of(SAMPLE) for word in one.text.split())
    # What is left are names of fields.
    assert set(written - found) == {"worth:", "kind:", "limit:", "ValueError:", ":type"}
    assert not found - written


def test_the_width_of_lines_does_not_matter() -> None:
    wide = SAMPLE.replace("Notes are\n   counted", "Notes are counted")
    assert wide != SAMPLE
    assert rows_of(wide) == rows_of(SAMPLE)


def test_an_empty_field_is_a_sentence() -> None:
    text = ".. py:function:: f()\n\n   :returns:\n   :rtype: int\n"
    assert [one.where for one in sentences_of(text)] == [
        "f:signature:1",
        "f:returns:1",
        "f:rtype:1",
    ]


# Changes ----------------------------------------------------------------------------------


def changes(old: str, new: str) -> list[str]:
    assert old in SAMPLE
    lines = triage.differences(rows_of(SAMPLE), sentences_of(SAMPLE.replace(old, new, 1)))
    return [re.split(r": [0-9a-f]{16}", line)[0] for line in lines]


def test_the_same_text_has_no_differences() -> None:
    assert triage.differences(rows_of(SAMPLE), sentences_of(SAMPLE)) == []


def test_a_changed_word_is_named() -> None:
    assert changes("non-empty", "empty") == ["changed: Till.count:param kind:2"]
    lines = triage.differences(
        rows_of(SAMPLE), sentences_of(SAMPLE.replace("A coin.", "A big coin."))
    )
    assert len(lines) == 1
    assert lines[0].endswith("'A big coin.'")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("= 'all'", "= 'none'"),
        ("limit: Optional[int]", "most: Optional[int]"),
        ("-> int", "-> str"),
    ],
)
def test_a_changed_signature_is_named(old: str, new: str) -> None:
    assert changes(old, new) == ["changed: Till.count:signature:1"]


def test_a_mark_that_goes_is_named() -> None:
    assert changes("      :abstractmethod:\n", "") == ["vanished: Till.count:signature:2"]


def test_a_sentence_that_goes_leaves_the_others() -> None:
    assert changes("Stop there. ", "") == ["vanished: Till.count:param limit:1"]


def test_a_new_sentence_is_named() -> None:
    assert changes("Stop there. ", "Stop there. Go home. ") == ["new: Till.count:param limit:2"]


def test_a_method_that_goes_is_named_sentence_by_sentence() -> None:
    _, _, close = SAMPLE.partition("   .. py:method:: close")
    lines = changes("   .. py:method:: close" + close, "")
    assert lines == ["vanished: Till.close:signature:1", "vanished: Till.close:signature:2"]


# What fits together -----------------------------------------------------------------------


def test_everything_fits_together(known: Catalogue) -> None:
    assert known.problems == ()
    assert all(row.triaged for row in known.rows)


def test_every_clause_check_and_mutant_is_there(known: Catalogue) -> None:
    assert set(CLAUSES) == set(known.entries) >= set(CATALOGUE)
    named = {name for entry in known.entries.values() for name in entry.checks}
    assert named >= {check.name for check in CHECKS} | {"machine", "client:num-files-negative"}
    mutants = {name for entry in known.entries.values() for name in entry.mutants}
    assert mutants >= {mutant.name for mutant in SERVERS}
    assert known.entries["CL-13"].mutants == ("takes a negative num_files for all",)
    # Wrong clients show nothing about the checks of servers.
    assert "drops the MIME type" not in mutants


def test_unproven_and_unchecked_are_told(known: Catalogue) -> None:
    assert "PG-1" not in known.unproven
    assert "PG-1" not in known.unchecked
    assert {"QT-1", "EJ-5"} <= set(known.unproven) & set(known.unchecked)
    # What a client does with EX-3 shows nothing about a server.
    assert known.entries["CL-13"].looked_at
    assert not known.entries["SV-2"].looked_at


def test_every_clause_that_is_served_is_proven_or_says_why_not(known: Catalogue) -> None:
    for name in CATALOGUE:
        entry = known.entries[name]
        assert bool(entry.mutants) != bool(entry.reason), name


def test_leniency_is_decided(known: Catalogue) -> None:
    leniency = {name: entry.leniency for name, entry in known.entries.items()}
    assert leniency["FI-6"] is Leniency.EXACT
    assert leniency["A8"] is Leniency.ONE_OF
    assert leniency["ID-5"] is Leniency.ANY_ERROR
    assert leniency["BX-8"] is Leniency.UNSPECIFIED
    for entry in known.entries.values():
        assert entry.note or entry.leniency in (Leniency.EXACT, Leniency.UNSPECIFIED), entry.id


def test_no_sentence_of_the_documentation_is_in_the_tables(known: Catalogue) -> None:
    own = {"CL-1": Clause("CL-1", Evidence.DOCUMENTED, "seed", "ours")}
    assert set(known.entries) > set(own)
    texts = [row.reason for row in known.rows] + [e.clause.text for e in known.entries.values()]
    digests = {one.digest for text in texts for one in sentences_of(text)}
    assert not digests & {row.digest for row in known.rows}


def test_what_does_not_fit_is_told() -> None:
    clauses = {
        "XX-1": Clause("XX-1", Evidence.DOCUMENTED, "seed", "Something."),
        "XX-2": Clause("XX-2", Evidence.ASSUMED, "us", "Something else."),
    }
    row = triage.TriagedSentence("C.m", "text", 1, "0" * 16, ("XX-3",))
    made = joined(
        clauses=clauses,
        rows=(row, row, replace(row, number=2, clauses=())),
        checks={"XX-4": ["look"]},
        mutants={"XX-5": ["break"]},
        leniency={"XX-6": ("exact", "")},
    )
    assert set(made.problems) == {
        "C.m:text:1 stands twice among the sentences",
        "C.m:text:2 is untriaged",
        "the sentence C.m:text:1 names XX-3, which is no clause",
        "the check look names XX-4, which is no clause",
        "the mutant break names XX-5, which is no clause",
        "the table of leniency names XX-6, which is no clause",
        "XX-1 rests on the documentation of viam-sdk 0.15.0, and no sentence of it",
    }
    assert made.unproven == made.unchecked == ["XX-1", "XX-2"]


def test_the_machine_and_clients_are_read_from_their_sources() -> None:
    checks = checks_by_clause()
    assert "machine" in checks["PG-4"]
    assert "client:pages-continue" in checks["PG-3"]
    assert "client:num-files-zero" in checks["CL-10"]


# The commands and the page ----------------------------------------------------------------


def test_list() -> None:
    told = invoke("list", "BX-*")
    assert told.exit_code == 0
    assert told.output.startswith("BX-1  documented exact")
    assert "8 clauses\n" in told.output
    everything = json.loads(invoke("list", "--format", "json").output)
    assert {"clauses", "unproven", "unchecked"} == set(everything)
    [entry] = [one for one in everything["clauses"] if one["id"] == "CL-13"]
    assert entry["binds"] == "clients"
    assert entry["sentences"][0]["where"] == "DataClient.binary_data_by_filter:raises ValueError:1"
    assert len(entry["sentences"][0]["hash"]) == 16
    assert invoke("list", "nothing").exit_code == 2


def test_trace_without_a_source() -> None:
    told = invoke("trace")
    assert told.exit_code == 0
    assert " 0 untriaged" in told.output
    assert "hashes not compared" in told.output
    content = json.loads(invoke("trace", "--format", "json").output)
    assert content["untriaged"] == 0
    assert content["sentences"] == content["with clauses"] + content["not testable"]
    assert content["sentences"] == len(content["rows"])


def test_trace_with_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = catalogue()
    monkeypatch.setattr(commands, "catalogue", lambda: replace(whole, rows=rows_of(SAMPLE)))
    source = tmp_path / "till.txt"
    source.write_text(SAMPLE, encoding="utf-8")
    assert invoke("trace", "--source", str(source)).exit_code == 0
    source.write_text(
        SAMPLE.replace("A coin.", "A coin. Of gold.").replace("Stop there. ", ""), encoding="utf-8"
    )
    told = invoke("trace", "--source", str(source))
    assert told.exit_code == 1
    assert "new: Till.Coin:text:2" in told.output
    assert "vanished: Till.count:param limit:1: " in told.output
    content = json.loads(invoke("trace", "--source", str(source), "--format", "json").output)
    assert content["compared"] is True
    assert len(content["problems"]) == 2
    assert invoke("trace", "--source", str(tmp_path / "absent")).exit_code == 2


def test_the_page_is_current(known: Catalogue) -> None:
    current = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8") == page(known)
    assert current, "run `python -m fakeviam_contracts.catalogue page`"


def test_writing_the_page(tmp_path: Path) -> None:
    path = tmp_path / "docs" / "page.md"
    run = CliRunner().invoke
    assert run(commands.page_command, ["--check", "--output", str(path)]).exit_code == 1
    assert run(commands.page_command, ["--output", str(path)]).exit_code == 0
    assert run(commands.page_command, ["--check", "--output", str(path)]).exit_code == 0
    path.write_text(path.read_text(encoding="utf-8") + "x", encoding="utf-8")
    assert run(commands.page_command, ["--check", "--output", str(path)]).exit_code == 1


# History ---------------------------------------------------------------------------------


def test_the_history_of_clauses_only_grows() -> None:
    """What a clause says, and said, is on record; what is changed or taken out is noticed."""
    said = {"AB-1": "One.", "AB-2": "Two."}
    lines = history.grown([], said, "2026-01-01")
    assert history.problems(lines, said) == []
    assert history.grown(lines, said, "2026-01-02") == []
    (new,) = history.grown(lines, {**said, "AB-3": "Three."}, "2026-01-02")
    assert (new.id, new.note) == ("AB-3", "")
    assert history.problems(lines, {**said, "AB-3": "Three."})[0].startswith("AB-3 is not in")
    forged = [lines[0]._replace(digest=history.digest_of("Uno.")), lines[1]]
    assert history.problems(forged, {**said, "AB-1": "Uno."}) == [
        "the history of AB-1 was changed: a line of 2026-01-01"
    ]


def test_a_clause_is_reworded_with_a_note_and_withdrawn_for_ever() -> None:
    said = {"AB-1": "One.", "AB-2": "Two."}
    lines = history.grown([], said, "2026-01-01")
    with pytest.raises(ValueError, match="AB-1 changed: a clause keeps its meaning"):
        history.grown(lines, {**said, "AB-1": "Uno."}, "2026-01-02")
    lines += history.grown(lines, {"AB-1": "Uno."}, "2026-01-02", "Spanish")
    assert history.problems(lines, {"AB-1": "Uno."}) == []
    lines += history.grown(lines, said, "2026-01-03", "back")
    assert history.problems(lines, said) == ["AB-2 was withdrawn, and its id is used again"]


# viam-sdk --------------------------------------------------------------------------------


def _package() -> Path:
    found = find_spec("viam")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


def test_the_sentences_of_the_newest_sdk_are_triaged() -> None:
    """Docstrings and comments of protos: each with a clause or a reason, none changed since."""
    assert version("viam-sdk") == sdk.RELEASE
    known = catalogue()
    assert {row.digest for row in known.sdk} <= {one.digest for one in sentences_of_sdk(_package())}
    assert all(row.triaged for row in known.sdk)
    told = invoke("trace", "--sdk", str(_package()))
    assert (told.exit_code, told.stderr) == (0, "")


def test_a_sentence_that_changes_is_told(tmp_path: Path) -> None:
    copy = tmp_path / "viam"
    for file in (sdk.CLIENT, *sdk.PROTOS.values()):
        text = (_package() / file).read_text(encoding="utf-8")
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        text = text.replace("Defaults to 50 if unspecified.", "Defaults to 60 if unspecified.")
        (copy / file).write_text(text, encoding="utf-8")
    told = invoke("trace", "--sdk", str(copy))
    assert told.exit_code == 1
    assert "changed: sdk DataClient.tabular_data_by_filter:arg limit:2" in told.stderr
    assert invoke("trace", "--sdk", str(tmp_path)).exit_code == 2
