"""Reports of results: JUnit XML for CI, a page for people, JSON for programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.reports.history import HISTORY, remember
from fakeviam_contracts.reports.html import page
from fakeviam_contracts.reports.json import as_json
from fakeviam_contracts.reports.junit import junit
from fakeviam_contracts.reports.text import summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.results import Result

__all__ = ["as_json", "junit", "page", "prepare", "summary", "write"]


def prepare(folder: str) -> Path:
    """Create the folder for reports.

    Raises:
        CannotRunError: It cannot be created.
    """
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
        marker = path / ".fakeviam-contract"
        marker.touch()
        marker.unlink()
    except OSError as error:
        raise CannotRunError(f"cannot write reports to {folder}: {error.strerror}") from error
    return path


def write(results: Sequence[Result], folder: Path) -> None:
    """Write all reports into a folder, and add the run to its history."""
    (folder / "junit.xml").write_text(junit(results), encoding="utf-8")
    (folder / "report.json").write_text(as_json(results), encoding="utf-8")
    history = remember(results, folder / HISTORY)
    (folder / "report.html").write_text(page(results, history), encoding="utf-8")
