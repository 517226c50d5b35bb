"""Clients at once: what counts as something that one client alone could have seen."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from fakeviam_contracts.checks import CHECKS
from fakeviam_contracts.checks.tags_and_members_at_once import Moment, linearizable
from fakeviam_contracts.connection import Address, RemoteConnection
from fakeviam_contracts.mutants.base import Mutant
from fakeviam_contracts.mutants.mutant_suite import broken_by
from fakeviam_contracts.mutants.servers import subject_of
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam import FakeViam, Interceptor
from fakeviam.wire import data


def _write(began: int, ended: int, *, on: bool = True) -> Moment:
    return Moment(began, ended, writes=True, on=on)


def _read(began: int, ended: int, *, on: bool) -> Moment:
    return Moment(began, ended, writes=False, on=on)


@pytest.mark.parametrize(
    ("history", "possible"),
    [
        ([], True),
        ([_read(0, 1, on=False), _write(2, 3), _read(4, 5, on=True)], True),
        # What was acknowledged is not seen.
        ([_write(0, 1), _read(2, 3, on=False)], False),
        # A read beside a write may see either, but what one has seen the next must see.
        ([_write(0, 9), _read(1, 2, on=False), _read(3, 4, on=True)], True),
        ([_write(0, 9), _read(1, 2, on=True), _read(3, 4, on=False)], False),
        # Two writes at once may be done in either order.
        ([_write(0, 5), _write(1, 4, on=False), _read(6, 7, on=True)], True),
        ([_write(0, 5), _write(1, 4, on=False), _read(6, 7, on=False)], True),
        ([_write(0, 1), _write(2, 3, on=False), _read(4, 5, on=True)], False),
        # What nobody wrote is not seen.
        ([_read(0, 1, on=True)], False),
    ],
)
def test_histories_of_a_register(history: list[Moment], *, possible: bool) -> None:
    assert linearizable(history) is possible


def test_clients_at_once_have_connections_of_their_own() -> None:
    """Each makes its calls one after the other, and all at the same time."""
    with FakeViam(seed=1) as cloud:
        line = RemoteConnection(Address(target=f"unix:{cloud.unix_socket}"))
        script = [[data.TagsByFilterRequest()]] * 3
        timed = line.wire().at_once([script, script])
        line.close()
    assert [call.client for call in timed].count(0) == 3
    own = [call for call in sorted(timed, key=lambda call: call.began) if call.client == 1]
    assert all(one.ended < other.began for one, other in pairwise(own))
    other = [call for call in timed if call.client == 0]
    assert any(a.began < b.ended and b.began < a.ended for a in own for b in other)


class _KnowsItsMembers(Interceptor):
    """Refuses to add who is a member and to remove who is none; or also who is the first."""

    def __init__(self, *, refused: str = "") -> None:
        self._members: set[str] = set()
        self._refused = refused

    def request(self, rpc: str, message: Any) -> Any:
        if rpc not in ("AddBinaryDataToDatasetByIDs", "RemoveBinaryDataFromDatasetByIDs"):
            return message
        (text,) = message.binary_data_ids
        is_member, adds = text in self._members, rpc.startswith("Add")
        if is_member == adds or self._refused == rpc:
            raise GRPCError(Status.FAILED_PRECONDITION, "that is so already")
        (self._members.add if adds else self._members.remove)(text)
        return message


@pytest.mark.parametrize(
    ("refused", "told"),
    [
        ("", "differs: Assertion(clause='DM-6'"),
        ("RemoveBinaryDataFromDatasetByIDs", "what clients at once see of a member"),
    ],
)
def test_who_refuses_a_change_says_how_it_was(refused: str, told: str) -> None:
    """DM-1, DM-6: "a member already" is true or it is not, as what a read shows."""
    server = Mutant(name="", clause="", interceptor=lambda: _KnowsItsMembers(refused=refused))
    (check,) = (check for check in CHECKS if check.name == "members_at_once: 2")
    subject = subject_of(server)
    try:
        assert broken_by(check, subject.open_session()).startswith(told)
    finally:
        subject.close()
