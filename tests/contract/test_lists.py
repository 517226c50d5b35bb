"""The kit's checks of lists, pages and queries find wrong servers that random programs need not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fakeviam_contracts.checks import CHECKS
from fakeviam_contracts.mutants.lists import MUTANTS
from fakeviam_contracts.mutants.mutant_suite import try_mutant

if TYPE_CHECKING:
    from fakeviam_contracts.mutants.base import Mutant


@pytest.mark.thinned(4)
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_wrong_servers_are_found(mutant: Mutant) -> None:
    """By a check that is for the clause: PG-7, TD-2, SQ-5, MQ-12 and others."""
    outcome = try_mutant(mutant, [check for check in CHECKS if mutant.clause in check.clauses])
    assert outcome.verdict == "killed"
    assert not outcome.claim.startswith("differs")
