"""Private parts of other packages are touched in one file each, under an upper bound.

When a new release moves them, what fails here says which and where; then look at the file, and
raise the bound in pyproject.toml.
"""

from __future__ import annotations

import ast
import inspect
import sys
from pathlib import Path
from typing import Any

import h2.connection
import h2.stream
import pytest
from packaging.requirements import Requirement
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

import fakeviam

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(fakeviam.__file__).parent

#: Package → the one file of ours that knows its private parts.
WALLED = {"h2": "server/transport/h2_private.py", "uvicorn": "web/protocol.py"}

PRIVATE: list[tuple[str, type, str, list[str]]] = [
    # package, class, what we override, its parameters
    ("h2", h2.connection.H2Connection, "_begin_new_stream", ["self", "stream_id", "allowed_ids"]),
    ("h2", h2.connection.H2Connection, "_receive_data_frame", ["self", "frame"]),
    ("h2", h2.connection.H2Connection, "_terminate_connection", ["self", "error_code"]),
    ("h2", h2.stream.H2Stream, "_initialize_content_length", ["self", "headers"]),
    ("uvicorn", H11Protocol, "connection_made", ["self", "transport"]),
    ("uvicorn", H11Protocol, "send_400_response", ["self", "msg"]),
    ("uvicorn", H11Protocol, "handle_events", ["self"]),
]


@pytest.mark.parametrize(("package", "owner", "name", "parameters"), PRIVATE)
def test_a_private_part_is_where_it_was(
    package: str, owner: type, name: str, parameters: list[str]
) -> None:
    """A release that moves it would be found by users otherwise."""
    found: Any = vars(owner).get(name)
    advice = f"{package} has moved {owner.__name__}.{name}; see fakeviam/{WALLED[package]}"
    assert found is not None, advice
    assert list(inspect.signature(found).parameters) == parameters, advice


def test_the_attributes_of_a_connection_are_where_they_were() -> None:
    """Of uvicorn's protocol and of h2's connection."""
    source = inspect.getsource(H11Protocol)
    for name in ("conn", "transport", "app_state", "logger", "cycle"):
        assert f"self.{name}" in source, f"uvicorn has moved {name}; see fakeviam/web/protocol.py"
    source = inspect.getsource(RequestResponseCycle)
    for name in ("disconnected", "message_event", "response_started", "response_complete"):
        assert f"self.{name} = " in source, (
            f"uvicorn has moved {name}; see fakeviam/web/protocol.py"
        )
    connection = h2.connection.H2Connection()
    for name in ("local_settings", "decoder", "state_machine", "_data_to_send"):
        assert hasattr(connection, name), f"h2 has moved {name}; see h2_private.py"


def test_what_is_touched_has_an_upper_bound() -> None:
    project = tomllib.loads((ROOT.parent / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [Requirement(text) for text in project["project"]["dependencies"]]
    bounded = {each.name for each in wanted if any(s.operator == "<" for s in each.specifier)}
    assert {"grpclib", "h2", "hyperframe", "uvicorn"} <= bounded


def test_nobody_else_touches_them() -> None:
    """Nothing of grpclib, and h2's and uvicorn's in their files alone."""
    packages = {"h2", "uvicorn", "grpclib"}
    for path in ROOT.rglob("*.py"):
        name = path.relative_to(ROOT).as_posix()
        text = path.read_text(encoding="utf-8")
        if not any(package in text for package in packages):  # parsing them all takes seconds
            continue
        for package in packages & _packages_with_classes_taken(text):
            assert WALLED.get(package) == name, f"{name} makes a subclass of one of {package}"


def _packages_with_classes_taken(text: str) -> set[str]:
    """The packages whose classes a module derives from."""
    tree = ast.parse(text)
    origin = {
        alias.asname or alias.name: (node.module or "").partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    bases = (
        base
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for base in node.bases
        if isinstance(base, ast.Name)
    )
    return {origin[base.id] for base in bases if base.id in origin}
