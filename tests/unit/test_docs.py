"""The documentation is true: its snippets run, its tables are current."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


_PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _snippets(*, tests: bool) -> list[object]:
    """The snippets of each page that has some: those with tests in them, or the others."""
    found: list[object] = []
    for page in _PAGES:
        codes = _FENCE.findall(page.read_text(encoding="utf-8"))
        chosen = [code for code in codes if ("def test_" in code) is tests]
        if chosen:
            found.append(pytest.param(chosen, id=str(page.relative_to(ROOT))))
    return found


def _run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command], cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize("codes", _snippets(tests=False))
def test_snippets_of_the_documentation_run(codes: list[str], tmp_path: Path) -> None:
    for number, code in enumerate(codes, 1):
        snippet = tmp_path / f"snippet_{number}.py"
        snippet.write_text(code, encoding="utf-8")
        done = _run("-W", "error", snippet.name, cwd=tmp_path)
        assert done.returncode == 0, code + done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("codes", _snippets(tests=True))
def test_tests_of_the_documentation_pass(codes: list[str], tmp_path: Path) -> None:
    # One run for a page: starting pytest takes longer than any of them.
    for number, code in enumerate(codes, 1):
        (tmp_path / f"test_snippet_{number}.py").write_text(code, encoding="utf-8")
    done = _run("-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_clause_has_a_test_and_the_table_is_current() -> None:
    done = _run("scripts/clause_table.py", "--check", cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_table_of_rpcs_says_what_is_served() -> None:
    from fakeviam.server.transport.routes import built  # noqa: PLC0415

    page = (ROOT / "docs/rpcs.md").read_text()
    rows = re.findall(r"^\| (\w+) \| (?:yes|no) \|", page, re.MULTILINE)
    assert set(rows) == built(), "run `make clauses`"


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
