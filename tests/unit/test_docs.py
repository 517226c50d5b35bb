"""The documentation is true: its snippets run, its tables are current."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def _snippets() -> list[object]:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [
        pytest.param(code, id=f"{page.relative_to(ROOT)}-{number}")
        for page in pages
        for number, code in enumerate(_FENCE.findall(page.read_text(encoding="utf-8")), 1)
    ]


def _run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command], cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("code", _snippets())
def test_snippets_of_the_documentation_run(code: str, tmp_path: Path) -> None:
    if "\ndef test_" in f"\n{code}" or "async def test_" in code:
        (tmp_path / "test_snippet.py").write_text(code, encoding="utf-8")
        done = _run(
            "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", cwd=tmp_path
        )
    else:
        (tmp_path / "snippet.py").write_text(code, encoding="utf-8")
        done = _run("-W", "error", "snippet.py", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_clause_has_a_test_and_the_table_is_current() -> None:
    done = _run("scripts/clause_table.py", "--check", cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_readme_names_the_defaults_as_they_are() -> None:
    from fakeviam import FakeViam  # noqa: PLC0415 - after collection

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    part = FakeViam.default_part
    for value in (
        FakeViam.api_key,
        FakeViam.api_key_id,
        part.organization_id,
        part.organization_name,
        part.location_id,
        part.location_name,
        part.robot_id,
        part.robot_name,
        part.id,
        part.name,
    ):
        assert f"`{value}`" in text
