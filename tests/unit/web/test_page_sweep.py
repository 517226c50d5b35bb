"""Every address of the page, with values that nobody means, on every kind of cloud."""

from __future__ import annotations

import re
from contextlib import contextmanager
from itertools import product
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from fakeviam import FakeViam
from fakeviam.server.lifecycle.snapshots import take_snapshot
from fakeviam.web.page.rendering import VIEWS
from fakeviam.web.page.site import _READS, ASKED
from fakeviam.web.page.snapshots import _things

from .browser import Browser, call
from .shown import EVIL, FORM, SEED, keep_more, page, send
from .test_page import paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Text that is no id, number, time or name of anything - as an address has it.
HOSTILE = [
    "",
    quote(EVIL, safe=""),
    quote("x" * 10_000),
    "9" * 5_000,  # more digits than int() takes
    "-1",
    "%D9%A3",  # a digit, of another script
    "%00",
    "%FF",
    "%ED%A0%80",  # half a surrogate pair
    "%E2%80%AE%E2%81%A6right-to-left",
    "%0D%0Aset-cookie:%20a=b",
    "..%2F..%2F..%2Fetc%2Fpasswd",
    "../../site.py",
    "//evil.example/",
    "a/b/c/d",
    "%5B%5D",
    "null",
]


def kept(cloud: FakeViam) -> Any:
    """All that a look at the page must leave as it is."""
    state = cloud._cloud
    return (
        _things(take_snapshot(state)),
        len(cloud.calls),
        list(map(str, cloud.faults)),
        cloud.policy,
        [each.id for each in cloud.snapshots],
        state.ids.counters,
    )


@contextmanager
def unchanged(cloud: FakeViam) -> Iterator[None]:
    """Nothing that the cloud holds is another afterwards."""
    before = kept(cloud)
    yield
    assert kept(cloud) == before
    assert not cloud.crashes


def look(browser: Browser, path: str, statuses: set[int]) -> None:
    """Ask for it: one of these statuses, and nothing hostile as it was sent."""
    reply = browser.request("GET", f"/ui/{path}")
    assert reply.status in statuses, (path[:200], reply.status, reply.body[-2000:].decode())
    assert "set-cookie" not in reply.headers
    if reply.headers.get("content-type", "").startswith("text/html"):
        assert b"<script>alert" not in reply.body, path


@pytest.mark.slow
@pytest.mark.parametrize("view", sorted({*_READS, "static", "login", "nothing"} - {"events"}))
def test_hostile_addresses_of_every_view(full: Browser, view: str) -> None:
    """Are answered or refused, never a crash, and GET changes nothing (PA-2)."""
    known = paths(full).get(view, view).partition("?")[0]
    full.cloud.clock.freeze()
    with unchanged(full.cloud):
        for value in HOSTILE:
            look(full, f"{known.partition('/')[0]}/{value}", {200, 303, 404, 422})
            look(full, f"{known}?{value}=1", {200, 303, 404, 405, 422})
        for name, value in product(("session", *ASKED.get(view, ())), HOSTILE[1:8]):
            look(full, f"{known}?{name}={value}", {200, 303, 404, 422})


@pytest.mark.slow
def test_hostile_forms(web: Browser) -> None:
    """Are taken or refused, never a crash (PA-3)."""
    send(web, "plan", rpc="FileUpload", status="UNAVAILABLE")
    web.cloud.snapshot("one")
    with web.cloud.session():
        forms = re.findall(r'name="action" value="(.*?)".*?</form>', page(web, "controls"))
        found = re.findall(r'<form[^>]* method="post".*?</form>', page(web, "controls"), re.DOTALL)
    assert len(found) == len(forms)
    for form in found:
        action, *names = re.findall(r'<(?:input|select|textarea)[^>]* name="([^"]*)"', form)
        assert action == "action"
        (action,) = re.findall(r'name="action" value="([^"]*)"', form)
        for value in (*HOSTILE, "[[", "1e999", "9" * 400):
            for hostile in names:
                fields = "".join(f"&{each}={value if each == hostile else 1}" for each in names)
                reply = web.request("POST", "/ui/controls", f"action={action}{fields}", FORM)
                assert reply.status < 500, (action, hostile, value[:99], reply.body.decode())
                assert b"<script>alert" not in reply.body


def test_every_address_needs_the_control_token() -> None:
    """Downloads, the stream of news and dropped files, too (PA-1, HT-2)."""
    with FakeViam(seed=1, control_token="s3cret", load=SEED) as cloud:  # noqa: S106
        browser = Browser(cloud)
        file = cloud.files[0].id
        with unchanged(cloud):
            for view in (*_READS, f"bytes/{file}", "policy/count"):
                look(browser, view, {401})
                for cookie in ("", "s3cre", "s3cret%00"):
                    told = {"cookie": f"fakeviam-token={cookie}"}
                    assert browser.request("GET", f"/ui/{view}", headers=told).status == 401
            for kind in (FORM["content-type"], "multipart/form-data; boundary=x"):
                told = {"content-type": kind}
                assert browser.request("POST", "/ui/controls", "action=reset", told).status == 401


# Every kind of cloud -----------------------------------------------------------------------------


def _after_reset(cloud: FakeViam) -> None:
    cloud.load(SEED)
    keep_more(cloud)
    cloud.reset()


def _after_restore(cloud: FakeViam) -> None:
    cloud.load(SEED)
    call(cloud, "BinaryDataByFilter")
    keep_more(cloud)
    snapshot = cloud.snapshot("full")
    cloud.reset()
    cloud.restore(snapshot)


#: Kinds of clouds: how the fake starts, and what happens then.
CLOUDS: dict[str, tuple[dict[str, Any], Callable[[FakeViam], object]]] = {
    "empty": ({}, lambda _cloud: None),
    "reset": ({}, _after_reset),
    "restored": ({}, _after_restore),
    "keys": ({"auth": "keys", "load": SEED}, lambda _cloud: None),
    "strict": ({"policy": "strict", "load": SEED}, lambda cloud: call(cloud, "BinaryDataByFilter")),
}


@pytest.mark.slow
@pytest.mark.parametrize("session", ["", "s"])
@pytest.mark.parametrize("kind", sorted(CLOUDS))
def test_every_view_of_every_kind_of_cloud(kind: str, session: str) -> None:
    """All that the menu and the views lead to is there; an id of nothing is 404 (PA-1, PA-2)."""
    options, prepare = CLOUDS[kind]
    with FakeViam(**{"seed": 1, **options}) as cloud:
        browser = Browser(cloud)
        prepare(cloud)
        asked = ""
        if session:
            cloud.session(session)
            asked = f"?session={session}"
        for name, _ in VIEWS:
            look(browser, name + asked, {200})
        for name in sorted(set(_READS) - {"events"}):
            look(browser, f"{name}/no{asked}", {404} if name in OF_ONE else {200, 404, 422})
        assert not cloud.crashes


#: Views of one thing.
OF_ONE = {"why", "file", "bytes", "dataset", "export", "sequence", "job", "pipeline"}
