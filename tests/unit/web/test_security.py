"""Who may use the control API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakeviam import FakeViam, UsageError
from fakeviam.web.guard import check_caller
from fakeviam.web.problems import HttpProblem

from .browser import ROOT, Browser

if TYPE_CHECKING:
    from .conftest import Open


def told(
    peer: str | None = "127.0.0.1", token: str | None = None, **headers: str
) -> tuple[int, str]:
    """Status and text of a refusal; 200 if there is none."""
    try:
        check_caller({"host": "127.0.0.1:8080", **headers}, peer, token)
    except HttpProblem as problem:
        return problem.status, problem.to_json()["error"]["what"]
    return 200, ""


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", None])
def test_this_machine_is_served(peer: str | None) -> None:
    """Over loopback and over the Unix socket (HT-2)."""
    assert told(peer) == (200, "")


@pytest.mark.parametrize("peer", ["192.0.2.7", "::ffff:192.0.2.7", "fe80::1%eth0", "an unknown"])
def test_other_machines_are_not(peer: str) -> None:
    """Without a token (HT-2)."""
    text = f"without a token, the control API only accepts clients on this machine, not {peer}"
    assert told(peer) == (403, text)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost:8080", "LOCALHOST", "[::1]:8080", "a.localhost:1", "127.1.2.3:9"],
)
def test_names_of_this_machine_are_served(host: str) -> None:
    """By any of its names (HT-3)."""
    assert told(host=host) == (200, "")


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "localhost.evil.example:8080", "0.0.0.0:8080", "192.0.2.7", "", "[", "@"),
        *("127.0.0.1.evil.example", "127.0.0.1.", "localhost.", "localhost:1@evil.example"),
        *("2130706433", "0x7f000001", "[::2]", "[::ffff:192.0.2.7]:8080"),
    ],
)
def test_a_name_that_somebody_rebound_is_not(host: str) -> None:
    """A page may call its own name 127.0.0.1, but the browser says the name (HT-3)."""
    text = f"without a token, the control API does not accept the host name {host!r}"
    assert told(host=host) == (403, text)


@pytest.mark.parametrize(
    "origin",
    [
        *("http://evil.example", "null", "http://127.0.0.1:8081", "", "https://127.0.0.1:8080"),
        *("http://localhost:8080", "http://127.0.0.1", "http://127.0.0.1.:8080"),
        *("http://[::1]:8080", "http://127.0.0.1:8080.evil.example", "http://127.0.0.1:8080/"),
    ],
)
def test_pages_of_other_sites_are_not(origin: str) -> None:
    """Their requests reach this machine, but the browser says where they come from (HT-3)."""
    text = f"without a token, the control API refuses cross-site requests: {origin!r}"
    assert told(origin=origin) == (403, text)


def test_pages_of_the_fake_itself_are_served() -> None:
    """As the browser calls it (HT-3)."""
    assert told(origin="http://127.0.0.1:8080") == (200, "")


def test_with_a_token_the_token_decides() -> None:
    """Wherever the caller is, and also on this machine (HT-2)."""
    shown = {"authorization": "Bearer s3cret", "host": "evil.example", "origin": "http://x"}
    assert told("192.0.2.7", "s3cret", **shown) == (200, "")
    assert told(None, "s3cret") == (401, "this server requires a control token")
    assert told(None, "s3cret", authorization="Basic s3cret")[0] == 401
    assert told(None, "s3cret", authorization="Bearer") == (
        401,
        "this server requires a control token",
    )
    assert told(None, "s3cret", authorization="Bearer wrong") == (
        401,
        "the control token is invalid",
    )


def test_a_token_is_asked_for_on_every_route(browse: Open) -> None:
    """And nothing is done without it (HT-2)."""
    web = browse(control_token="s3cret")  # noqa: S106
    reply = web.send("POST", "/clock", {"freeze": True})
    assert reply.status == 401
    assert reply.headers["www-authenticate"] == 'Bearer realm="fakeviam control API"'
    assert not web.cloud.clock.is_frozen
    for path in ("", "/openapi.json", "/fleet"):
        assert web.request("GET", f"{ROOT}{path}").status == 401
        assert web.request("GET", f"{ROOT}{path}", unix=True).status == 401
    known = Browser(web.cloud, authorization="Bearer s3cret")
    assert known.send("POST", "/clock", {"freeze": True}).status == 200
    assert web.cloud.clock.is_frozen


def test_a_foreign_page_does_nothing(web: Browser) -> None:
    """The request is refused, not just its answer withheld (HT-3)."""
    for headers in ({"origin": "http://evil.example"}, {"host": "evil.example"}):
        reply = web.request(
            "POST",
            f"{ROOT}/clock",
            '{"freeze": true}',
            {"content-type": "application/json", **headers},
        )
        assert reply.status == 403
    assert not web.cloud.clock.is_frozen


def test_on_the_unix_socket_no_name_matters(web: Browser) -> None:
    """No browser can reach it; the file's permissions decide (HT-2)."""
    assert web.request("GET", f"{ROOT}/clock", unix=True, headers={"host": "x"}).status == 200


def test_without_the_control_api_there_is_none(browse: Open) -> None:
    """It says so (HT-2)."""
    web = browse(control=False)
    assert web.request("GET", f"{ROOT}/clock").status == 404
    told = web.request("GET", ROOT).error["what"]
    assert told == "the control API of this server is turned off"
    assert web.request("GET", "/other").error["what"] == "there is nothing at /other"


@pytest.mark.parametrize("token", ["", "ä", "a\nb"])
def test_a_token_must_fit_into_a_header(token: str) -> None:
    with pytest.raises(UsageError, match="control_token must be printable ASCII characters"):
        FakeViam(control_token=token)


def test_a_name_that_somebody_rebound_makes_no_calls(web: Browser) -> None:
    """For the browser its page is of the same origin, and would read the answers (HT-8)."""
    headers = {
        "host": f"evil.example:{web.cloud.port}",
        "origin": f"http://evil.example:{web.cloud.port}",
        "content-type": "application/json",
    }
    path = "/viam.app.v1.AppService/ListOrganizations"
    assert web.request("POST", path, "{}", headers).status == 403
    assert not web.cloud.calls
    for host in (web.cloud.target, f"localhost:{web.cloud.port}"):
        own = {**headers, "host": host, "origin": f"http://{host}"}
        assert web.request("POST", path, "{}", own).status == 200
