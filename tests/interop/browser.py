"""A page in headless Chromium: files of a folder, what it is given, and what it reports."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NAMES = ("chromium", "chromium-browser", "google-chrome")

#: It speaks to nobody but this machine, and plays films that nobody clicked on.
_OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--enable-logging=stderr"),
    "--autoplay-policy=no-user-gesture-required",
)


def chromium() -> str:
    """The browser; the test is skipped where there is none."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip("Chromium is not installed here: nothing is tried in a browser")
    return found


class _Page(SimpleHTTPRequestHandler):
    """The server of the page."""

    def __init__(
        self, *args: Any, given: dict[str, Any], reports: queue.Queue[Any], **options: Any
    ) -> None:
        self._given, self._reports = given, reports
        super().__init__(*args, **options)

    def do_GET(self) -> None:
        if self.path != "/given":
            super().do_GET()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(self._given).encode())

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        self._reports.put(json.loads(self.rfile.read(length)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


_Page.extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}


def report_of(folder: str, given: dict[str, Any], *, seconds: float) -> Any:
    """What `page.html` in this folder reports."""
    reports: queue.Queue[Any] = queue.Queue()
    serve = partial(_Page, directory=folder, given=given, reports=reports)
    with ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with _opened(f"http://localhost:{server.server_port}/page.html") as said:
                try:
                    return reports.get(timeout=seconds)
                except queue.Empty:
                    pytest.fail(f"the page reported nothing in {seconds} seconds: {said()}")
        finally:
            server.shutdown()


@contextmanager
def _opened(url: str) -> Iterator[Callable[[], str]]:
    """A browser at that address; what is yielded tells the end of its log."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        log = Path(profile) / "log"
        command = [chromium(), *_OPTIONS, f"--user-data-dir={profile}", url]
        with log.open("wb") as out:
            running = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            yield lambda: log.read_text(errors="replace")[-3000:]
        finally:
            running.terminate()
            try:
                running.wait(10)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()
