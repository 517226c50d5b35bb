"""One test per check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakeviam_contracts.assertions import MayNotError, ProgramEndedError
from fakeviam_contracts.checks import CHECKS
from fakeviam_contracts.foreign_data import ForeignDataError
from fakeviam_contracts.wirelog import NotServedError

if TYPE_CHECKING:
    from fakeviam_contracts.checks import Check
    from fakeviam_contracts.subject import Subject


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name.replace(" ", "-"))
def test_contract(check: Check, contract_subject: Subject) -> None:
    """The clauses of the check are kept."""
    missing = contract_subject.missing
    lacking = sorted(missing[need] for need in check.needs if need in missing)
    if lacking:
        pytest.skip("; ".join(lacking))
    session = contract_subject.open_session()
    try:
        check.run(session)
    except (ForeignDataError, MayNotError, NotServedError) as reason:
        session.left_out = str(reason)
    except ProgramEndedError:  # it has said what it left out
        pass
    finally:
        contract_subject.close_session(session)
    if session.left_out:
        pytest.skip(session.left_out)
