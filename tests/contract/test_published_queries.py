"""The kit's check of published queries finds wrong servers, and names the operator."""

from __future__ import annotations

from collections import Counter

import pytest
from fakeviam_contracts.checks import stages
from fakeviam_contracts.mutants.mutant_suite import try_mutant
from fakeviam_contracts.mutants.operators import MUTANTS
from fakeviam_contracts.mutants.queried import MUTANTS as QUERIED


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_wrong_servers_are_found(mutant: object) -> None:
    """MQ-1: whichever stage or operator it is that they get wrong."""
    outcome = try_mutant(mutant, stages.CHECKS)  # type: ignore[arg-type]  # of the kit's own kind
    assert outcome.verdict == "killed"
    assert outcome.claim.startswith(("documents of a query by $", "status of TabularDataByMQL"))


def test_names_are_their_own() -> None:
    names = Counter(mutant.name for mutant in (*MUTANTS, *QUERIED))
    assert max(names.values()) == 1
