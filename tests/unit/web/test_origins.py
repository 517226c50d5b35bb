"""What pages of which origin may do: calls, files, and nothing of the control API."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from fakeviam import FakeViam, UsageError
from fakeviam.wire import app

from .browser import METHODS, Browser
from .http2_client import Http2
from .ways import PAGE, WAYS

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def cloud() -> Iterator[FakeViam]:
    with FakeViam() as cloud:
        yield cloud


def preflight(cloud: FakeViam, path: str, origin: str, *, http: int = 1, private: str = "") -> Any:
    asked = {
        **({"access-control-request-private-network": private} if private else {}),
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,viam_client",
    }
    if http == 1:
        return Browser(cloud).request("OPTIONS", path, None, asked)
    with Http2(cloud) as client:
        return client.request("OPTIONS", path, None, asked)


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:8080"]
)
def test_pages_of_this_machine(cloud: FakeViam, origin: str) -> None:
    """May call and load files, with the headers they name (HT-8)."""
    for path in (METHODS["GetRobot"].path, "/files/a/b/c"):
        reply = preflight(cloud, path, origin)
        assert (reply.status, reply.body) == (204, b"")
        assert reply.headers["access-control-allow-origin"] == origin
        allowed = reply.headers["access-control-allow-headers"]
        assert allowed == "authorization,content-type,viam_client"
        assert "POST" in reply.headers["access-control-allow-methods"]
    reply = Browser(cloud).request("GET", "/files/a/b/c", None, {"origin": origin})
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (404, origin)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example"]
)
def test_pages_from_elsewhere(cloud: FakeViam, origin: str) -> None:
    """Are told no, and get no leave to read anything (HT-8)."""
    reply = preflight(cloud, METHODS["GetRobot"].path, origin)
    assert reply.status == 403
    assert repr(origin) in reply.error["what"]
    request = app.ListOrganizationsRequest()
    told = WAYS[0].call(cloud, "ListOrganizations", request, headers={"origin": origin}).headers
    assert "access-control-allow-origin" not in told


@pytest.mark.parametrize("http", [1, 2])
def test_origins_of_ones_own(http: int, caplog: pytest.LogCaptureFixture) -> None:
    """Those in the list and no others; who is refused hears which may, in the log, too (HT-8)."""
    allowed = ["HTTPS://App.example:443", "null", "http://10.0.0.1:8000"]
    with FakeViam(allow_origins=allowed) as cloud:
        path = METHODS["GetRobot"].path
        for origin in ("https://app.example", "null", "http://10.0.0.1:8000"):
            reply = preflight(cloud, path, origin, http=http)
            assert (reply.status, reply.headers["access-control-allow-origin"]) == (204, origin)
            headers = WAYS[0].call(cloud, "ListOrganizations", b"", headers={"origin": origin})
            assert headers.headers["access-control-allow-origin"] == origin
        for origin in ("https://app.example:444", "http://app.example", "http://localhost:3000"):
            reply = preflight(cloud, path, origin, http=http)
            assert reply.status == 403
            known = "http://10.0.0.1:8000, https://app.example, null"
            assert f"allowed are {known}" in reply.error["hint"]
            assert f"--allow-origin '{origin}'" in reply.error["hint"]
    assert "pages of 'https://app.example:444' may not call this server" in caplog.text
    assert "[HT-8]" in caplog.text


def test_all_and_none() -> None:
    """`*` is every origin, an empty list none (HT-8)."""
    path, origin = METHODS["GetRobot"].path, "https://evil.example"
    with FakeViam(allow_origins=["*"]) as cloud:
        reply = preflight(cloud, path, origin)
        assert reply.headers["access-control-allow-origin"] == origin
        assert preflight(cloud, "/control/v1", origin).status == 403
    with FakeViam(allow_origins=[]) as cloud:
        assert "allowed are none" in preflight(cloud, path, PAGE["origin"]).error["hint"]


def test_pages_of_the_fake_itself(caplog: pytest.LogCaptureFixture) -> None:
    """Are of no other origin, and nothing is said about them (HT-8)."""
    with FakeViam(allow_origins=[]) as cloud:
        told = {"origin": f"http://{cloud.host}:{cloud.port}"}
        assert WAYS[0].call(cloud, "ListOrganizations", b"", headers=told).messages
    assert not caplog.text


def test_pages_from_the_internet(cloud: FakeViam) -> None:
    """Are let into this machine's network when they ask, if they may call (HT-8)."""
    path = METHODS["GetRobot"].path
    reply = preflight(cloud, path, PAGE["origin"], private="true")
    assert reply.headers["access-control-allow-private-network"] == "true"
    assert (
        "access-control-allow-private-network" not in preflight(cloud, path, PAGE["origin"]).headers
    )


@pytest.mark.parametrize(
    ("origins", "text"),
    [
        ("https://app.example", "must be a list of origins, got 'https://app.example'"),
        (["app.example"], "must hold origins such as 'https://app.example'"),
        (
            ["https://app.example/"],
            "no path and nothing after the port: write 'https://app.example'",
        ),
        ([7], "got 7"),
        ([""], "got ''"),
    ],
)
def test_what_is_no_origin(origins: Any, text: str) -> None:
    """Is refused before anything starts (HT-8)."""
    with pytest.raises(UsageError, match=re.escape(text)):
        FakeViam(allow_origins=origins)


def test_the_control_api_is_for_no_page(cloud: FakeViam) -> None:
    """Wherever it is from (HT-3, HT-8)."""
    reply = preflight(cloud, "/control/v1", PAGE["origin"])
    assert reply.status == 403
    assert "access-control-allow-origin" not in reply.headers
