"""The contract on a fake whose data is in a database."""

from __future__ import annotations

import contextlib
import os
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

import pymongo
import pytest
from fakeviam_contracts.assertions import ProgramEndedError
from fakeviam_contracts.checks import CHECKS
from fakeviam_contracts.checks.base import possible
from fakeviam_contracts.interpretation import Interpretation
from fakeviam_contracts.subject import OwnFake

from fakeviam import Clock, FakeViam

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam_contracts.checks import Check

URL = os.environ.get("FAKEVIAM_MONGO_URL")

POLICIES = ("documented", "observed", "strict")

STORES = ["mongomock:", *(["mongodb:"] if URL else [])]


@pytest.fixture
def store(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database with nothing in it."""
    if request.param == "mongomock:":
        yield request.param
        return
    name = f"fakeviam_test_{uuid.uuid4().hex}"
    yield f"{URL}/{name}"
    client: Any = pymongo.MongoClient(URL)
    for each in (name, _beside(name)):
        client.drop_database(each)
    client.close()


def _beside(store: str) -> str:
    """Where the fake that asks for keys has its data."""
    return store if store == "mongomock:" else f"{store}_keyed"


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("policy", "number"), [(policy, number) for number, policy in enumerate(POLICIES)]
)
@pytest.mark.parametrize("store", STORES, indirect=True)
def test_fixed_checks_hold_with_a_database(store: str, policy: str, number: int) -> None:
    """MG-1: stores know no policy, so each check is run under one of them.

    `make test-mongo` runs each under all, here and on a database that is real.
    """
    clock = Clock.frozen("2024-01-01T12:00:00Z")
    make = partial(FakeViam, policy=policy, clock=clock)
    subject = OwnFake(
        Interpretation.named(policy),
        partial(make, store=store),
        keyed=partial(make, store=_beside(store), auth="keys"),
    )
    try:
        checks = possible(CHECKS if URL else CHECKS[number :: len(POLICIES)], subject.missing)
        broken = [check.name for check in checks if not _holds(check, subject)]
    finally:
        subject.close()
    assert broken == []


def _holds(check: Check, subject: OwnFake) -> bool:
    session = subject.open_session()
    try:
        with contextlib.suppress(ProgramEndedError):
            check.run(session)
    finally:
        subject.close_session(session)
    return True
