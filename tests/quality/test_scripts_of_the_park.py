"""Every wrong server leaves a script that shows what is wrong, and that sees when it is gone."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import pytest
from fakeviam_contracts.assertions import ContractBrokenError
from fakeviam_contracts.checks import CHECKS
from fakeviam_contracts.interpretation import Interpretation
from fakeviam_contracts.mutants.base import Mutant
from fakeviam_contracts.mutants.servers import SERVERS, start
from fakeviam_contracts.results import OWN, Finding, Result
from fakeviam_contracts.scripts import script
from fakeviam_contracts.shrinking import Shrinker
from fakeviam_contracts.subject import PARTS, OwnFake

if TYPE_CHECKING:
    from fakeviam_contracts.session import Session

pytestmark = pytest.mark.slow

RIGHT = Mutant(name="nothing", clause="")

#: All of them take minutes: `make contract` runs them so.
WHOLE = bool(os.environ.get("FAKEVIAM_WHOLE_PARK"))
CHOSEN = SERVERS if WHOLE else SERVERS[::6]


def _found(mutant: Mutant) -> Session:
    """The session of the shortest program that shows what is wrong."""
    subject = OwnFake(Interpretation.named("documented"), lambda: start(mutant))
    try:
        for check in sorted(CHECKS, key=lambda check: mutant.clause not in check.clauses):
            session = subject.open_session()
            try:
                check.run(session)
            except ContractBrokenError:
                return Shrinker(subject, session, seconds=1 if WHOLE else 0.3).shrink()
    finally:
        subject.close()
    raise AssertionError(mutant.name)


def _script(session: Session) -> str:
    assert session.broken is not None
    finding = Finding(
        name="a check",
        clauses=session.broken.clauses,
        claim=session.broken,
        steps=[],
        calls=session.wire.calls,
    )
    return script(finding, Result(subject=OWN, policy="documented", profile="quick", seed=1))


async def _run(text: str, mutant: Mutant) -> int:
    """Run a script here against a server that is wrong, or right."""
    space: dict[str, Any] = {"__name__": "script"}
    exec(compile(text, mutant.name, "exec"), space)  # noqa: S102 - that is what is tested
    # A clock that a script moves must be one that it can reach.
    async with start(mutant) as cloud:
        for name, where in PARTS:
            cloud.fleet.add_part(name, **where)
        space["CLOUD"] = cloud
        target = f"unix:{cloud.unix_socket}"
        return int(await space["main"](target))


@pytest.mark.parametrize("mutant", CHOSEN, ids=lambda mutant: mutant.name)
def test_scripts_tell_a_wrong_server_from_the_right_one(
    mutant: Mutant, capsys: pytest.CaptureFixture[str]
) -> None:
    text = _script(_found(mutant))
    assert asyncio.run(_run(text, mutant)) == 1, capsys.readouterr()
    assert asyncio.run(_run(text, RIGHT)) == 0, capsys.readouterr()
