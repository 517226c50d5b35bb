"""What `fakeviam serve` does: run a FakeViam, and tell programs and people where it is."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import os
import re
import signal
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fakeviam import UsageError, __version__, tuning
from fakeviam.connection_info import connection_info
from fakeviam.model.text import counted
from fakeviam.server.transport.quiet_log import accept_quietly

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fakeviam import FakeViam

log = logging.getLogger("fakeviam")

BANNER = """
{title}

  gRPC          {target}{more}
  Unix socket   {unix_socket}
  API key       {api_key}
  API key id    {api_key_id}
  part id       {part_id}

{invitation}

{snippet}
{ending}
"""

SNIPPET = """\
import asyncio
from viam.app.viam_client import ViamClient
from viam.rpc.dial import DialOptions

async def main():
    options = DialOptions.with_api_key({api_key!r}, {api_key_id!r})
    viam = await ViamClient.create_from_dial_options(options, app_url={unix_socket!r})
    file_id = await viam.data_client.file_upload(
        part_id={part_id!r}, data=b"hello", file_extension=".txt"
    )
    print(await viam.data_client.binary_data_by_ids([file_id]))
    viam.close()

asyncio.run(main())
"""


def log_to_stderr() -> None:
    """Show what the fake logs."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level="INFO")


def run(
    cloud: FakeViam,
    *,
    ready_file: str | None = None,
    place: str = "",
    uvloop: bool = False,
) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP.

    Args:
        cloud: What to serve.
        ready_file: Where to write the addresses, too.
        place: Where the data is, for the banner; without it there is none.
        uvloop: Run in uvloop's event loop.

    Raises:
        UsageError: An address, a file or stdout is not available, or a package is missing;
            nothing is left behind.
    """
    run_in_loop = tuning.runner_of(with_uvloop=uvloop)
    tuning.collect_briefly()
    tuning.return_large_blocks()
    run_in_loop(_serve(cloud, None if ready_file is None else Path(ready_file), place))


async def _serve(cloud: FakeViam, ready_file: Path | None, place: str) -> None:
    # Before anything exists that a signal could leave behind.
    stop = _stop_on_signals()
    accept_quietly(asyncio.get_running_loop())
    try:
        await cloud.start()
    except UsageError as error:
        raise UsageError(f"{error}{_advice(error)}") from error
    try:
        facts = connection_info(cloud)
        line = json.dumps(facts)
        with _file_while_serving(ready_file, f"{line}\n"):
            _print_line(line)
            if place:
                _show_banner(facts, place, page=cloud.control)
            await tuning.give_back_until(stop)
    finally:
        await cloud.stop()
    if cloud.crashes:
        crashed = counted(len(cloud.crashes), "call")
        log.error("%s crashed; please report the errors logged above", crashed)


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    # nohup lets a server ignore SIGHUP, so that it outlives its terminal.
    hang_up = getattr(signal, "SIGHUP", None)  # Windows has none
    if hang_up is not None and signal.getsignal(hang_up) is not signal.SIG_IGN:
        loop.add_signal_handler(hang_up, stop.set)
    return stop


def _advice(error: UsageError) -> str:
    cause = error.__cause__
    if isinstance(cause, OSError) and cause.errno == errno.EADDRINUSE:
        # There may be two; the text begins with the second one's name.
        option = "--plaintext-port" if str(error).startswith("plaintext_port") else "--port"
        return f"; choose another {option}, or {option} 0 for a free one"
    return ""


@contextlib.contextmanager
def _file_while_serving(path: Path | None, text: str) -> Iterator[None]:
    """Keep a file with `text` at `path` while the block runs; the file appears atomically."""
    if path is None:
        yield
        return
    _write(path, text)
    try:
        yield
    finally:
        # Another server may have been given the same path since, or the file may be gone.
        with contextlib.suppress(OSError):
            if path.read_text(encoding="utf-8") == text:
                path.unlink()


def _write(path: Path, text: str) -> None:
    try:
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            # Renaming onto /dev/null would break the machine for everyone.
            raise UsageError(f"cannot write the ready file {path}: not a regular file")
        temporary = path.with_name(f".fakeviam-{os.getpid()}.tmp")
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write the ready file {path}: {error.strerror}") from error


def _print_line(line: str) -> None:
    """Print the one line that stdout gets."""
    if sys.stdout is None:
        raise UsageError("cannot print the line with the addresses: stdout is closed")
    try:
        print(line, flush=True)  # noqa: T201 - programs wait for it
    except OSError as error:
        # Else the interpreter tries again at its end, and fails with a second text.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise UsageError(f"cannot write to stdout: {error.strerror}") from error


def _show_banner(facts: Mapping[str, str | int], place: str, *, page: bool) -> None:
    # An address that stands for all of this machine's is none that browsers open everywhere.
    url = re.sub(r"//(0\.0\.0\.0|\[::\])(?=:)", "//localhost", str(facts["url"]))
    more = {
        "without TLS": facts["plaintext_target"],
        "CA file": facts["ca_file"],
        "page": f"{url}/ui" if page else "",
    }
    text = BANNER.format(
        more="".join(f"\n  {name:<14}{text}" for name, text in more.items() if text),
        title=click.style(f"fakeviam {__version__}: the Viam data cloud, {place}", bold=True),
        invitation=click.style("# For the official SDK (pip install viam-sdk):", fg="green"),
        snippet=SNIPPET.format_map(facts),
        ending=click.style("# Ctrl-C stops it.", fg="green"),
        **facts,
    )
    plain = bool(os.environ.get("NO_COLOR"))
    # A reader of stderr that went away is no reason to stop serving.
    with contextlib.suppress(OSError):
        click.echo(text, err=True, color=False if plain else None)
