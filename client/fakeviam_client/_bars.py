"""Progress on a terminal: rich's bar if rich is installed, otherwise a line of text."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam_client._progress import Progress

#: Seconds between two updates of the line of text.
_PAUSE = 0.1


@contextmanager
def bar(what: str, out: TextIO) -> Iterator[Progress]:
    """Show the progress of `what` on `out`, unless `out` is not a terminal.

    The result is called with the bytes done, and the total or None.
    """
    if not out.isatty():
        yield silent
        return
    try:
        from rich import progress as rich  # noqa: PLC0415 - optional, and slow to import
        from rich.console import Console  # noqa: PLC0415
    except ImportError:
        with _line(what, out) as show:
            yield show
        return
    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.DownloadColumn(),
        rich.TransferSpeedColumn(),
        rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns, console=Console(file=out)) as bars:
        task = bars.add_task(what, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def silent(done: int, total: int | None) -> None:
    """Show nothing."""


def size_text(size: int) -> str:
    """A number of bytes for display: `12.3 MB`."""
    number = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{size} B" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


@contextmanager
def _line(what: str, out: TextIO) -> Iterator[Progress]:
    shown_at = float("-inf")

    def show(done: int, total: int | None) -> None:
        nonlocal shown_at
        if time.monotonic() - shown_at < _PAUSE and done != total:
            return
        shown_at = time.monotonic()
        of_all = f" of {size_text(total)}, {100 * done // total} %" if total else ""
        out.write(f"\r\x1b[K{what}  {size_text(done)}{of_all}")
        out.flush()

    try:
        yield show
    finally:
        out.write("\r\x1b[K")  # the command reports the result
        out.flush()
