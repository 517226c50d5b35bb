"""Obligations about logins, deadlines, and downloads to disk."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fakeviam.wire import auth, data
from fakeviam_contracts.clients.obligations import replies
from fakeviam_contracts.clients.obligations.base import (
    BrokenError,
    Scenario,
    obligation,
    same,
)
from fakeviam_contracts.clients.scripted import Refuse

if TYPE_CHECKING:
    from pathlib import Path

KEY = {"api_key_id": "11111111-2222-3333-4444-555555555555", "api_key": "Not-a+Secret/%41=\u00e9"}


def _token(text: str) -> auth.AuthenticateResponse:
    return auth.AuthenticateResponse(access_token=text)


@obligation("one-login", "AU-1", "AU-3")
async def one_login(scenario: Scenario) -> None:
    """Connecting with a key logs in once, with that key."""
    scenario.server.script("Authenticate", _token("token-1"))
    await scenario.do("log_in", **KEY)
    request = scenario.one("Authenticate")
    credentials = (request.entity, request.credentials.type, request.credentials.payload)
    same("login", (KEY["api_key_id"], "api-key", KEY["api_key"]), credentials)


@obligation("token-carried", "AU-2")
async def token_carried(scenario: Scenario) -> None:
    """After the login each call carries its token."""
    for token in ("token-1", "Token.2=="):  # each login has its own
        scenario.server.reset()
        scenario.server.script("Authenticate", _token(token))
        await scenario.do("log_in", **KEY)
        calls = [call for call in scenario.server.calls if call.rpc == "TagsByFilter"]
        carried = [call.metadata.get("authorization") for call in calls]
        same("authorization", [f"Bearer {token}"], carried)


@obligation("login-refused", "AU-4")
async def login_refused(scenario: Scenario) -> None:
    """A refused login is an error with the server's status, and nothing else is called."""
    scenario.server.script("Authenticate", Refuse("UNAUTHENTICATED", "wrong key"))
    answer = await scenario.ask("log_in", **KEY)
    same("outcome", "grpc UNAUTHENTICATED: wrong key", str(answer))
    same("other calls", 0, len(scenario.server.calls) - scenario.server.count("Authenticate"))


@obligation("deadline-on-request", "CL-52")
async def deadline_on_request(scenario: Scenario) -> None:
    """Where a method takes `timeout`, as documented for sequences alone, the call carries it."""
    # A client may have a limit of its own, and keep some of the time for itself, but not most.
    for timeout, least in ((50, 0), (5, 2)):
        scenario.server.calls.clear()
        await scenario.do("start_sequence_dataset_export", dataset_id="d", timeout=timeout)
        left = scenario.server.calls[0].deadline
        if left is None or not least < left <= timeout:
            raise BrokenError(f"timeout={timeout} arrives as {left}")


# Downloads to disk -----------------------------------------------------------------------


def _contents(path: Path) -> list[bytes]:
    """The contents of the files that a download created."""
    if path.is_file():
        return [path.read_bytes()]
    return [one.read_bytes() for one in sorted(path.rglob("*")) if one.is_file()]


@obligation("dest-of-files", "BF-2", "CL-7")
async def dest_of_files(scenario: Scenario) -> None:
    """Files downloaded to `dest` are there, byte for byte, even if their names are the same."""
    several = [bytes(range(256)) + b"\r\n'\\", b"another", b"of another page"]
    files = [replies.file(at, contents=each, name="a.bin") for at, each in enumerate(several)]
    scenario.server.script(
        "BinaryDataByFilter",
        data.BinaryDataByFilterResponse(data=files[:2], last="x"),
        data.BinaryDataByFilterResponse(data=files[2:], last="y"),
        replies.files(),
    )
    dest = scenario.folder / "download"
    records = (await scenario.do("binary_data_by_filter", dest=str(dest)))["records"]
    fetched = several[: len(records)]  # some fetch one page
    _expect_written(dest, set(fetched) <= set(_contents(dest)), "the bytes of each file")


@obligation("dest-of-readings", "TD-3", "CL-7")
async def dest_of_readings(scenario: Scenario) -> None:
    """Readings downloaded to `dest` can be read from it again."""
    shelf = replies.shelf(130, of=replies.readings)
    scenario.server.script("TabularDataByFilter", shelf)
    dest = scenario.folder / "readings"
    records = (await scenario.do("tabular_data_by_filter", dest=str(dest)))["records"]
    values = [value for contents in _contents(dest) for value in _values(contents)]
    expected = [{"n": number} for number in range(len(records))]
    _expect_written(dest, all(one in values for one in expected), "the readings as JSON")


def _expect_written(dest: Path, exists: bool, what: str) -> None:  # noqa: FBT001 - one answer
    if not dest.exists():
        raise BrokenError("nothing is written")
    if not exists:
        start = (_contents(dest) or [b"an empty directory"])[0][:60].decode(errors="replace")
        raise BrokenError(f"holds not {what}, but {' '.join(start.split())}…")


def _values(contents: bytes) -> list[object]:
    """All values in a JSON text, or in its lines; empty if it is not JSON."""
    try:
        return _within(json.loads(contents))
    except ValueError:
        lines = contents.splitlines()
    if len(lines) < 2:
        return []
    return [value for line in lines for value in _values(line)]


def _within(value: object) -> list[object]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(deep for item in inner for deep in _within(item))]


OBLIGATIONS = (
    one_login,
    token_carried,
    login_refused,
    deadline_on_request,
    dest_of_files,
    dest_of_readings,
)
