"""The kit can fail: every wrong client is found by the obligation that it breaks."""

from __future__ import annotations

import asyncio
import os
import re
from collections import Counter

import pytest
from fakeviam_client import DataClient
from fakeviam_contracts.catalogue import CLAUSES
from fakeviam_contracts.clients.adapters.own import Adapter
from fakeviam_contracts.clients.check import checked_peer
from fakeviam_contracts.clients.obligations import OBLIGATIONS, ObligationOutcome
from fakeviam_contracts.clients.protocol import LocalPeer
from fakeviam_contracts.mutants.clients import CLIENTS, ClientMutant, MutantStatus, client_outcome
from fakeviam_contracts.mutants.clients_legal import LEGAL

pytestmark = pytest.mark.slow

#: Clients that are unusual in ways of which none hides another, some at once. `make contract`
#: tries each alone.
ALONE = bool(os.environ.get("FAKEVIAM_WHOLE_PARK"))
RUNS = len(LEGAL) if ALONE else 6
GROUPS = [tuple(LEGAL)[at::RUNS] for at in range(RUNS)]


@pytest.mark.parametrize("mutant", CLIENTS, ids=lambda mutant: mutant.name)
def test_a_wrong_client_is_found(mutant: ClientMutant) -> None:
    outcome, seen = asyncio.run(client_outcome(mutant))
    assert outcome is MutantStatus.KILLED, seen
    # A mutant that does not run would be no proof that the obligation sees what is wrong.
    assert not re.search(r" has no |TypeError|AttributeError|NameError|KeyError", seen)


def test_every_obligation_is_proven_but_those_that_only_tell() -> None:
    proven = {mutant.obligation for mutant in CLIENTS}
    assert {one.id for one in OBLIGATIONS} - proven == {
        "limit-served",
        "no-deadline",
        "unavailable-while-reading",
    }


@pytest.mark.parametrize("names", GROUPS, ids=", ".join)
def test_a_legal_client_keeps_everything(names: tuple[str, ...]) -> None:
    """PG-1, PG-6, FI-2, FI-5, FI-6, FU-2, CL-42, CL-45: what they leave open, no client breaks."""
    clients = tuple(LEGAL[name] for name in names)
    assert sum("create_filter" in vars(each) for each in clients) <= 1
    unusual = Adapter(type("Unusual", clients, {}))
    verdicts = asyncio.run(checked_peer(LocalPeer(unusual.answer))).verdicts
    broken = [one for one in verdicts if one.outcome is ObligationOutcome.BROKEN]
    assert broken == []


@pytest.mark.parametrize("obligation", sorted({mutant.obligation for mutant in CLIENTS}))
def test_the_right_client_survives(obligation: str) -> None:
    outcome, seen = asyncio.run(client_outcome(ClientMutant(name="none", obligation=obligation)))
    # Ours names no coding, so that nothing may be packed for it.
    kept = MutantStatus.DID_NOT_APPLY if obligation == "gzip-read" else MutantStatus.SURVIVED
    assert outcome is kept, seen


def test_the_park_is_large_and_names_clauses() -> None:
    assert len(CLIENTS) >= 15
    assert {mutant.obligation for mutant in CLIENTS} <= {one.id for one in OBLIGATIONS}
    assert {clause for mutant in CLIENTS for clause in mutant.clauses} <= set(CLAUSES)
    assert max(Counter(mutant.name for mutant in CLIENTS).values()) == 1


def test_fates_are_kept_apart() -> None:
    class Unmade(DataClient):
        def __init__(self, *_: object) -> None:
            raise RuntimeError("no such luck")

    class Lacking(DataClient):
        get_latest_tabular_data = None  # type: ignore[assignment]  # as if there were no such method

    unmade = ClientMutant(name="cannot be made", obligation="times-utc", client=Unmade)
    absent = ClientMutant(name="lacks the method", obligation="parameters-absent", client=Lacking)
    assert asyncio.run(client_outcome(unmade)) == (
        MutantStatus.BROKE_AT_START,
        "tags_by_filter failed with other: RuntimeError: no such luck",
    )
    outcome, seen = asyncio.run(client_outcome(absent))
    assert (outcome, seen) == (
        MutantStatus.DID_NOT_APPLY,
        "get_latest_tabular_data does not exist",
    )
