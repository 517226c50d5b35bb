"""The page while calls are made: live, in a pause, and calls as code."""

from __future__ import annotations

import asyncio
import html
import os
import re
import shlex
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import bson
import pytest
from starlette.requests import Request

from fakeviam import FakeViam, UsageError
from fakeviam.web.page import viam_command
from fakeviam.web.page.code import request_snippets
from fakeviam.web.page.visit import Visit
from fakeviam.wire import data, methods

from .browser import Browser, call

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


from .shown import SEED, page


def test_calls_appear_as_they_end(web: Browser) -> None:
    """By server-sent events, which end with the browser (PA-4)."""
    with socket.create_connection((web.cloud.host, web.cloud.port), timeout=10) as browser:
        browser.sendall(f"GET /ui/events HTTP/1.1\r\nhost: {web.cloud.target}\r\n\r\n".encode())
        received = b""
        while b"retry:" not in received:
            received += browser.recv(1000)
        call(web.cloud, "TagsByFilter")
        while b"event: calls" not in received:
            received += browser.recv(1000)
    part = web.request("GET", "/ui/calls", headers={"hx-target": "calls"}).body
    assert b"TagsByFilter" in part
    assert b"<html" not in part


def test_who_listens_hears_something_without_news(
    web: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or nobody would notice that a browser has gone, and nothing but calls end it (PA-4)."""
    monkeypatch.setattr("fakeviam.web.page.calls._SILENT", 0.01)
    with socket.create_connection((web.cloud.host, web.cloud.port), timeout=10) as browser:
        browser.sendall(f"GET /ui/events HTTP/1.1\r\nhost: {web.cloud.target}\r\n\r\n".encode())
        received = b""
        while received.count(b":\n\n") < 3:
            received += browser.recv(1000)
        assert b"event:" not in received


# Pausing -----------------------------------------------------------------------------------------


class Terminal:
    """A keyboard: before Enter is pressed, somebody looks at the page."""

    def __init__(self, look: Callable[[], None]) -> None:
        self._look = look

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        self._look()
        return "\n"


def test_a_pause_keeps_the_cloud_for_the_page(
    web: Browser, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a session too; its address is printed (PA-5)."""
    seen: list[str] = []
    with web.cloud.session("a&b") as session:
        session.load(SEED)

        def look() -> None:
            address = capsys.readouterr().err.split()[3]
            assert address == f"{web.cloud.url}/ui/calls?session=a%26b"
            seen.append(page(web, "files?session=a%26b"))

        monkeypatch.setattr(sys, "stdin", Terminal(look))
        session.pause()
    assert "4 files" in seen[0]


def test_a_pause_that_nobody_could_end(web: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is refused, and says why (PA-5)."""
    with pytest.raises(UsageError, match="stdin is no terminal"):
        web.cloud.pause()
    monkeypatch.setattr(sys, "stdin", Terminal(lambda: None))
    with FakeViam(control=False) as cloud, pytest.raises(UsageError, match="there is no page"):
        cloud.pause()

    async def within() -> None:
        async with FakeViam() as cloud:
            with pytest.raises(UsageError, match="would block the event loop"):
                cloud.pause()
            await asyncio.to_thread(cloud.pause)

    asyncio.run(within())


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")
@pytest.mark.slow
def test_a_failing_test_pauses(tmp_path: Path) -> None:
    """With --fakeviam-pause-on-failure, and goes on when Enter is pressed (PA-5)."""
    import pty  # noqa: PLC0415 - not on Windows

    (tmp_path / "test_it.py").write_text(
        "def test_it(fakeviam):\n"
        "    fakeviam.load({'datasets': [{'name': 'mine'}]})\n"
        "    assert False\n",
        encoding="utf-8",
    )
    keyboard, stdin = pty.openpty()
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_it.py"]
    with subprocess.Popen(
        [*command, "--fakeviam-pause-on-failure"],
        cwd=tmp_path,
        stdin=stdin,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stderr is not None
        line = next(line for line in running.stderr if line.startswith("paused; look at "))
        with urlopen(line.split()[3].replace("/calls", "/datasets")) as reply:  # noqa: S310 - ours
            assert b"mine" in reply.read()
        os.write(keyboard, b"\n")
        running.stderr.read()
        assert running.wait(60) == 1
    os.close(keyboard)
    os.close(stdin)


def snippet(text: str, language: str) -> str:
    found = re.search(rf"<summary>{language}</summary>.*?<pre[^>]*>(.*?)</pre>", text, re.DOTALL)
    assert found
    return html.unescape(found[1])


def test_code_for_tls() -> None:
    """Every snippet trusts the CA of the fake, by the variable that leads to it (PA-2, TL-1)."""
    with FakeViam(tls=True) as cloud, FakeViam() as plain:
        for fake, tls in ((cloud, True), (plain, False)):
            request = Request(
                {
                    "type": "http",
                    "scheme": "https" if tls else "http",
                    "path": "/ui",
                    "server": None,
                    "query_string": b"",
                    "headers": [(b"host", b"localhost:8443")],
                }
            )
            visit = Visit(fake=fake._hosting, session="", path="", request=request)
            method = next(each for each in methods() if each.name == "TagsByFilter")
            found = {
                each.language: each.text
                for each in request_snippets(visit, method, data.TagsByFilterRequest())
            }
            assert ("ssl=" in found["Python"]) == tls
            assert ("insecure" in found["Go"]) == (not tls)
            assert ("-cacert" in found["grpcurl"]) == tls
            assert ("-plaintext" in found["grpcurl"]) == (not tls)
            assert ("https://" in found["TypeScript"]) == tls
            compile(found["Python"], "snippet", "exec")


@pytest.mark.slow
def test_a_call_as_code(full: Browser, tmp_path: Any) -> None:
    """In Python and as a pytest; both run as they are (PA-2)."""
    shown = page(full, "calls/3")
    program = subprocess.run(
        [sys.executable, "-c", snippet(shown, "Python")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "indoor" in program.stdout, program.stderr
    with FakeViam() as cloud:
        call(cloud, "TagsByFilter", filter={"component_name": "x"})
        with pytest.raises(Exception, match="INVALID_ARGUMENT"):
            call(cloud, "BinaryDataByIDs")
        for number in (1, 2):
            test = snippet(page(Browser(cloud), f"calls/{number}"), "pytest")
            (tmp_path / f"test_call_{number}.py").write_text(test, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert "2 passed" in done.stdout, done.stdout
    assert "grpcurl -plaintext -d" in snippet(shown, "grpcurl")


FILTER: Any = {"component_name": "c d", "tags_filter": {"tags": ["a", "'"]}}
TAGGED: Any = {"tags_filter": {"type": "TAGS_FILTER_TYPE_TAGGED", "tags": ["a"]}}
NOT_TAGGED: Any = {"tags_filter": {"type": "TAGS_FILTER_TYPE_MATCH_BY_OR", "tags": ["tagged"]}}
END: Any = {"interval": {"end": {"seconds": 9}}}
MQL: Any = {"organization_id": "o", "mql_binary": [bson.encode({"$limit": 2})]}
SQL: Any = {"organization_id": "o", "sql_query": "SELECT 'a'"}


@pytest.mark.parametrize(
    ("rpc", "fields", "words"),
    [
        (
            "BinaryDataByFilter",
            {"data_request": {"limit": 5, "filter": {**FILTER, **END}}},
            "data query binary filter|--component-name=c d|--end=1970-01-01T00:00:09Z|--tags=a,'",
        ),
        (
            "BinaryDataByFilter",
            {"data_request": {"filter": TAGGED}},
            "data query binary filter|--tags=tagged",
        ),
        ("TabularDataByMQL", MQL, 'data query tabular mql|--org-id=o|--mql=[{"$limit": 2}]'),
        ("TabularDataBySQL", SQL, "data query tabular sql|--org-id=o|--sql=SELECT 'a'"),
        (
            "BinaryDataByIDs",
            {"binary_data_ids": ["a/b/c", "d"]},
            "data export binary ids --destination .|--binary-data-ids=a/b/c,d",
        ),
        ("DeleteDataPipeline", {"id": "x"}, "datapipelines delete|--id=x"),
        # What no command says: it would be another call.
        ("BinaryDataByFilter", {"data_request": {"filter": {"dataset_id": "x"}}}, ""),
        ("BinaryDataByFilter", {"data_request": {"filter": NOT_TAGGED}}, ""),
        ("BinaryDataByFilter", {"count_only": True}, ""),
        ("BinaryDataByIDs", {"binary_data_ids": ["a,b"]}, ""),
        ("DeleteDataset", {"id": "a\0b"}, ""),
        ("DeleteDataset", {"id": "a\rb"}, ""),
        ("DeleteDataset", {"id": "a\n$(b) '"}, "dataset delete|--dataset-id=a\n$(b) '"),
        ("TagsByFilter", {}, ""),
    ],
)
def test_the_viam_command(rpc: str, fields: dict[str, Any], words: str) -> None:
    """The command that says all that the call says, or none (PA-2)."""
    method = next(each for each in methods() if each.name == rpc)
    text = viam_command.command(method, method.request(**fields))
    start, *flags = words.split("|")
    assert shlex.split(text) == (["viam", *start.split(), *flags] if words else [])
