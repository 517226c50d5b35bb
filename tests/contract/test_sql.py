"""The kit's checks of SQL find wrong servers; the right one is checked with all others."""

from __future__ import annotations

import pytest
from fakeviam_contracts.checks import sql
from fakeviam_contracts.mutants.mutant_suite import try_mutant
from fakeviam_contracts.mutants.statements import MUTANTS


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_wrong_servers_are_found(mutant: object) -> None:
    """By a check that names the clause (SL-1 … SL-11)."""
    outcome = try_mutant(mutant, sql.CHECKS)  # type: ignore[arg-type]  # of the kit's own kind
    assert outcome.verdict == "killed"
