"""The settings of the clouds in a test run, and where each comes from.

Later sources take precedence, argument by argument: the ini file, `fakeviam_options`, the command
line, the markers, of which the closest wins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from fakeviam.fake import FakeViam
from fakeviam.model.clock import Clock
from fakeviam.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

MARKER = "@pytest.mark.fakeviam"

# Arguments that the command line and the ini file can set; the seed is for the command line alone.
_OPTIONS = ("policy", "min_evidence", "strict", "tls", "load")


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """An argument of `FakeViam`.

    Attributes:
        value: Its value.
        origin: Where it comes from, for people.
    """

    value: Any
    origin: str


Settings = dict[str, Setting]


def settings_of_test(item: pytest.Item, options: Mapping[str, object]) -> Settings:
    """The settings of the test's own cloud (PT-1, PT-2).

    Fails the test if FakeViam has no argument of that name.
    """
    name = node_id(item)
    settings = {**_of_run(item.config, options, name, "the test's name"), **_of_markers(item)}
    _check_names(name, settings)
    return settings


def settings_of_server(config: pytest.Config, options: Mapping[str, object]) -> Settings:
    """The settings of the cloud that all tests share; markers do not count."""
    settings = _of_run(config, options, "fakeviam_server", "the fixture's name")
    _check_names("fakeviam_server", settings)
    return settings


def settings_of_session(item: pytest.Item) -> Settings:
    """The settings of a session on the shared server, from markers.

    Fails the test if a setting belongs to the whole server.
    """
    settings = _of_markers(item)
    defaults = FakeViam.session.__kwdefaults__ or {}
    _check_names(node_id(item), settings)
    for key in sorted(settings.keys() - defaults.keys()):
        _fail(
            f"{node_id(item)}: {key} belongs to the whole server, and fakeviam_session is one "
            f"session of it: for a session, {MARKER} takes {', '.join(defaults)}. Set {key} in "
            "fakeviam_options, or let the test use the fixture fakeviam."
        )
    return settings


def create_fake(name: str, settings: Settings) -> FakeViam:
    """The cloud with these settings; fails the test if one of them is invalid."""
    try:
        return FakeViam(**arguments_of(settings))
    except UsageError as error:
        origins = "".join(f"\n  {k}={s.value!r} from {s.origin}" for k, s in settings.items())
        text = f"{name}: invalid settings: {error}{origins}"
    # Outside of the handler, so that it is not shown as a second error.
    return _fail(text)


def arguments_of(settings: Settings) -> dict[str, Any]:
    """The arguments of FakeViam. A clock is copied, because tests move their clocks."""
    return {
        key: setting.value.twin() if isinstance(setting.value, Clock) else setting.value
        for key, setting in settings.items()
    }


def node_id(item: pytest.Item) -> str:
    """The test's id, the same with and without pytest-xdist (which may add a group's name)."""
    group = item.get_closest_marker("xdist_group")
    if group is None:
        return item.nodeid
    name = group.args[0] if group.args else group.kwargs.get("name", "default")
    return item.nodeid.removesuffix(f"@{name}")


def session_name(item: pytest.Item) -> str:
    """A readable name for the test's session, which no other test has."""
    readable = re.sub(r"[^!-~]+", "-", item.name)[:100]
    return f"{readable}-{_digest(node_id(item)):08x}"


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "big")


def _of_run(
    config: pytest.Config, options: Mapping[str, object], name: str, origin: str
) -> Settings:
    return {
        "seed": Setting(value=_digest(name), origin=origin),
        **_of_ini(config),
        **{k: Setting(value=v, origin="fakeviam_options") for k, v in options.items()},
        **_of_command_line(config),
    }


def _of_ini(config: pytest.Config) -> Settings:
    settings: Settings = {}
    for key in _OPTIONS:
        name = f"fakeviam_{key}"
        value = config.getini(name)
        if value in {None, ""}:
            continue
        if key == "load":
            value = (config.inipath or config.rootpath / "pytest.ini").parent / value
        settings[key] = Setting(value=value, origin=f"{name} in the ini file")
    return settings


def _of_command_line(config: pytest.Config) -> Settings:
    settings: Settings = {}
    for key in ("seed", *_OPTIONS):
        value = config.getoption(f"fakeviam_{key}")
        if value is None:
            continue
        if key == "load":
            value = config.invocation_params.dir / value
        settings[key] = Setting(value=value, origin=f"--fakeviam-{key.replace('_', '-')}")
    return settings


def _of_markers(item: pytest.Item) -> Settings:
    settings: Settings = {}
    for marker in item.iter_markers("fakeviam"):  # the closest first
        if marker.args:
            arguments = ", ".join(map(repr, marker.args))
            _fail(f"{node_id(item)}: {MARKER} takes keyword arguments only, got {arguments}")
        for key, value in marker.kwargs.items():
            if key not in settings:
                settings[key] = Setting(value=_beside(item, key, value), origin=MARKER)
    return settings


def _beside(item: pytest.Item, key: str, value: object) -> object:
    """A relative path in a marker starts at the folder of the test, wherever pytest was started."""
    if key == "load_options" and isinstance(value, dict) and "images" in value:
        return {**value, "images": _beside(item, "load", value["images"])}
    return item.path.parent / value if key == "load" and isinstance(value, (str, Path)) else value


def _check_names(name: str, settings: Settings) -> None:
    defaults = FakeViam.__init__.__kwdefaults__ or {}
    for key in settings.keys() - defaults.keys():
        from difflib import get_close_matches  # noqa: PLC0415 - only for mistakes

        near = get_close_matches(key, defaults, n=1)
        hint = f"; did you mean {near[0]}?" if near else "."
        _fail(
            f"{name}: FakeViam has no argument {key!r} (from {settings[key].origin}){hint} "
            f"It takes {', '.join(sorted(defaults))}."
        )


def _fail(text: str) -> NoReturn:
    pytest.fail(text, pytrace=False)
