"""Results that are committed: Markdown, with what is needed to run it again."""

from __future__ import annotations

import os
import platform
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
    return f"Python {platform.python_version()}, {packages}, {platform.system()}, {cores} cores."


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
