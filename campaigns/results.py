"""Results that are committed: Markdown, with what is needed to run it again."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PLACE = Path(__file__).with_name("results")


def machine() -> str:
    """What it ran on, in a line."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("grpclib", "h2", "protobuf"))
    cores = os.cpu_count()
    system = f"Python {platform.python_version()}, {packages}, {platform.system()}, {cores} cores"
    return f"{system}. Commit {_commit()}."


def _commit() -> str:
    """What was run: the newest commit, and whether there is more in the tree."""
    try:
        told = [
            subprocess.run(  # noqa: S603 - of this file
                ("git", *command),  # noqa: S607 - wherever it is
                cwd=PLACE.parent,
                capture_output=True,
                text=True,
                check=True,
            ).stdout.strip()
            for command in (("rev-parse", "--short", "HEAD"), ("status", "--porcelain", "-uno"))
        ]
    except (OSError, subprocess.CalledProcessError):
        return "unknown"  # a copy without its history
    return f"{told[0]} with changes" if told[1] else told[0]


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; numbers are set to the right."""
    cells = [[f"{each:,}" if isinstance(each, int) else str(each) for each in row] for row in rows]
    numeric = [all(row[at][:1].isdigit() for row in cells) for at in range(len(head))]
    lines = [
        f"| {' | '.join(head)} |",
        f"|{'|'.join('---:' if right else '---' for right in numeric)}|",
        *(f"| {' | '.join(row)} |" for row in cells),
    ]
    return "\n".join(lines)


def write(name: str, *paragraphs: str) -> Path:
    """Write a result, from its title on."""
    PLACE.mkdir(exist_ok=True)
    path = PLACE / f"{name}.md"
    path.write_text("\n\n".join(paragraphs) + "\n", encoding="utf-8")
    return path
