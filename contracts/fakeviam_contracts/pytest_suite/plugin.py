"""Options of the suite, and the subject that they name.

pytest loads this in every run, so it imports the kit inside the fixture.
"""

from __future__ import annotations

import sys
from argparse import SUPPRESS
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam_contracts.subject import Subject


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; `pytest --help` of other projects does not show them."""
    group = parser.getgroup("fakeviam contract")
    is_used = any("contract" in argument for argument in sys.argv)

    def option(name: str, text: str, **settings: object) -> None:
        group.addoption(f"--contract-{name}", help=text if is_used else SUPPRESS, **settings)

    option("target", "address of the server; by default a new fake", default="")
    option("part", "a part to upload for", action="append", default=[])
    option("organization", "the organization of the parts", default="")
    policies = "documented, observed, strict or FILE.toml"
    option("policy", f"how disputed points are decided: {policies}", default="documented")
    option("api-key-id", "the id of the API key", default="")
    option("api-key", "the API key", default="")
    option(
        "exclusive", "the organization belongs to the kit alone and is EMPTIED", action="store_true"
    )


@pytest.fixture(scope="session")
def contract_subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """The server that the options name."""
    from fakeviam_contracts.attempts import learn_lag  # noqa: PLC0415
    from fakeviam_contracts.cleanup import CannotRunError  # noqa: PLC0415 - see above
    from fakeviam_contracts.opening import open_subject  # noqa: PLC0415
    from fakeviam_contracts.run_config import RunConfig  # noqa: PLC0415
    from fakeviam_contracts.wirelog import ConnectionLostError  # noqa: PLC0415

    def option(name: str) -> Any:
        return request.config.getoption(name)

    config = RunConfig(
        target=option("--contract-target"),
        policy=option("--contract-policy"),
        api_key_id=option("--contract-api-key-id"),
        api_key=option("--contract-api-key"),
        organization=option("--contract-organization"),
        parts=tuple(option("--contract-part")),
        exclusive=option("--contract-exclusive"),
    )
    try:
        subject = open_subject(config)
        learn_lag(subject)
    except (CannotRunError, ConnectionLostError) as error:
        pytest.fail(str(error), pytrace=False)
    yield subject
    subject.close()
