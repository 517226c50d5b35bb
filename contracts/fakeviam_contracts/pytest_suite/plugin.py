"""Options of the suite, and the subject that they name.

pytest loads this in every run, so it imports the kit inside the fixture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam_contracts.subject import Subject


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("fakeviam contract")
    group.addoption(
        "--contract-target", default="", help="address of the server; by default a new fake"
    )
    group.addoption("--contract-part", action="append", default=[], help="a part to upload for")
    group.addoption("--contract-organization", default="", help="the organization of the parts")
    group.addoption(
        "--contract-policy",
        default="documented",
        choices=["documented", "observed", "strict"],
        help="how disputed points are decided",
    )
    group.addoption("--contract-api-key-id", default="")
    group.addoption("--contract-api-key", default="")
    group.addoption(
        "--contract-exclusive",
        action="store_true",
        help="the organization belongs to the kit alone and is EMPTIED",
    )


@pytest.fixture(scope="session")
def contract_subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """The server that the options name."""
    from fakeviam_contracts.cleanup import CannotRunError  # noqa: PLC0415 - see above
    from fakeviam_contracts.opening import open_subject  # noqa: PLC0415
    from fakeviam_contracts.run_config import RunConfig  # noqa: PLC0415

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
    except CannotRunError as error:
        pytest.fail(str(error), pytrace=False)
    yield subject
    subject.close()
