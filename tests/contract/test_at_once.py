"""Clients at once: what counts as something that one client alone could have seen."""

from __future__ import annotations

from itertools import pairwise

import pytest
from fakeviam_contracts.checks.tags_and_members_at_once import Moment, linearizable
from fakeviam_contracts.connection import Address, RemoteConnection

from fakeviam import FakeViam
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
