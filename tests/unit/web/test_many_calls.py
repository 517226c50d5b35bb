"""Looks at a journal that holds many calls (SV-18)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from fakeviam.server.instruments.journal.calls import Calls, EndedCalls
from fakeviam.server.instruments.journal.record import RecordedCall

from .browser import Browser, call

DOG = "fields=" + quote('{"tag": "dog"}')


@pytest.mark.parametrize(
    "path",
    [
        f"/calls?{DOG}",
        f"/calls?{DOG}&wait=0.01",
        "/calls?rpc=FileUpload&count=1",
        "/calls/attempts",
        "/calls/1/explanation",
    ],
)
def test_others_are_served_while_calls_are_compared(
    web: Browser, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Each is compared beside the event loop: there may be a hundred thousand (SV-18)."""
    call(web.cloud, "TagsByFilter")
    others: list[int] = []

    def meanwhile(name: str) -> property:
        whole = getattr(RecordedCall, name).fget

        def compared(record: RecordedCall) -> object:
            if not others:
                others.append(Browser(web.cloud).send("GET", "/clock").status)
            return whole(record)

        return property(compared)

    for name in ("request", "leaves"):
        monkeypatch.setattr(RecordedCall, name, meanwhile(name))
    assert (web.send("GET", path).status, others) == (200, [200])


def test_each_call_is_compared_once_while_others_end(
    web: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a wait would cost each call as much as all that were before it (SV-18)."""
    cloud, compared = web.cloud, list[int]()
    fits = Calls._fits

    def counted(self: Calls, record: RecordedCall) -> bool:
        compared.append(record.number)
        return fits(self, record)

    monkeypatch.setattr(Calls, "_fits", counted)
    ended = EndedCalls(cloud.calls.where("TagsByFilter"))
    for number in range(1, 6):
        call(cloud, "TagsByFilter" if number % 2 else "ListOrganizations")
        assert [each.number for each in ended.now()] == [*range(1, number + 1, 2)]
    assert compared == [1, 2, 3, 4, 5]
    cloud.reset()
    assert ended.now() == []
    call(cloud, "TagsByFilter")
    assert [each.number for each in ended.now()] == [1]


def test_a_wait_goes_on_with_each_call_that_ends(web: Browser) -> None:
    """And ends with the last that is waited for (JR-3)."""
    call(web.cloud, "TagsByFilter")
    path = "/calls?rpc=TagsByFilter&count=3&wait=60"
    with ThreadPoolExecutor() as others:
        waiting = others.submit(web.get, path)
        for _ in range(2):
            call(web.cloud, "TagsByFilter")
        waited = waiting.result(30)
    assert (len(waited["calls"]), waited["complete"]) == (3, True)
