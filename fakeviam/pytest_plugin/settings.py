"""What the clouds of a test run are made of, and who said so.

From the weakest word to the strongest: the ini file, `fakeviam_options`, the command line, the
markers, of which the closest wins for each argument.
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

# What the command line can say; the ini file can say all of it but the seed, which says who ran it.
_OPTIONS = ("policy", "min_evidence", "strict", "load")


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """An argument of `FakeViam`.

    Attributes:
        value: What it is.
        origin: Who said so, for people.
    """

    value: Any
    origin: str


Settings = dict[str, Setting]


def settings_of_test(item: pytest.Item, options: Mapping[str, Any]) -> Settings:
    """What the test's own cloud is made of (PT-1, PT-2).

    Fails the test if a name in there is none of an argument.
    """
    name = node_id(item)
    settings = {**_of_run(item.config, options, name, "the test's name"), **_of_markers(item)}
    _check_names(name, settings)
    return settings


def settings_of_server(config: pytest.Config, options: Mapping[str, Any]) -> Settings:
    """What the cloud that all tests share is made of; no marker has a say in it."""
    settings = _of_run(config, options, "fakeviam_server", "the fixture's name")
    _check_names("fakeviam_server", settings)
    return settings


def settings_of_session(item: pytest.Item) -> Settings:
    """What the marker says about a session on the shared server.

    Fails the test if that is the server's to say.
    """
    settings = _of_markers(item)
    known = FakeViam.session.__kwdefaults__ or {}
    _check_names(node_id(item), settings)
    for key in sorted(settings.keys() - known.keys()):
        _fail(
            f"{node_id(item)}: {key} is of the whole server, and fakeviam_session is one session "
            f"of it: {MARKER} may say {', '.join(known)}. Say {key} in fakeviam_options, or let "
            "the test use the fixture fakeviam."
        )
    return settings


def made_of(name: str, settings: Settings) -> FakeViam:
    """The cloud that is made of them, or a failure that says which of them is no good."""
    try:
        return FakeViam(**values_of(settings))
    except UsageError as error:
        told = "".join(f"\n  {k}={s.value!r} from {s.origin}" for k, s in settings.items())
        text = f"{name}: no cloud can be made of this: {error}{told}"
    # Not in there, where it would be shown as an error that came on top of another.
    return _fail(text)


def values_of(settings: Settings) -> dict[str, Any]:
    """The arguments. A clock is a new one that shows the same, since a test moves its clock."""
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
    """A name for the test's session: readable, and no other test's."""
    readable = re.sub(r"[^!-~]+", "-", item.name)[:100]
    return f"{readable}-{_digest(node_id(item)):08x}"


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "big")


def _of_run(
    config: pytest.Config, options: Mapping[str, Any], name: str, name_of_whom: str
) -> Settings:
    return {
        "seed": Setting(value=_digest(name), origin=name_of_whom),
        **_of_ini(config),
        **{k: Setting(value=v, origin="fakeviam_options") for k, v in options.items()},
        **_of_command_line(config),
    }


def _of_ini(config: pytest.Config) -> Settings:
    found = {}
    for key in _OPTIONS:
        name = f"fakeviam_{key}"
        value = config.getini(name)
        if value in {None, ""}:
            continue
        if key == "load":
            value = (config.inipath or config.rootpath / "pytest.ini").parent / value
        found[key] = Setting(value=value, origin=f"{name} in the ini file")
    return found


def _of_command_line(config: pytest.Config) -> Settings:
    found = {}
    for key in ("seed", *_OPTIONS):
        value = config.getoption(f"fakeviam_{key}")
        if value is None:
            continue
        if key == "load":
            value = config.invocation_params.dir / value
        found[key] = Setting(value=value, origin=f"--fakeviam-{key.replace('_', '-')}")
    return found


def _of_markers(item: pytest.Item) -> Settings:
    found: Settings = {}
    for marker in item.iter_markers("fakeviam"):  # the closest first
        if marker.args:
            told = ", ".join(map(repr, marker.args))
            _fail(f"{node_id(item)}: {MARKER} takes keyword arguments only, got {told}")
        for key, value in marker.kwargs.items():
            if key not in found:
                found[key] = Setting(value=_placed(item, key, value), origin=MARKER)
    return found


def _placed(item: pytest.Item, key: str, value: Any) -> Any:
    """A file that a marker names is looked for next to the test, wherever pytest was started."""
    return item.path.parent / value if key == "load" and isinstance(value, (str, Path)) else value


def _check_names(name: str, settings: Settings) -> None:
    known = FakeViam.__init__.__kwdefaults__ or {}
    for key in settings.keys() - known.keys():
        from difflib import get_close_matches  # noqa: PLC0415 - only for mistakes

        near = get_close_matches(key, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else "."
        _fail(
            f"{name}: FakeViam has no argument {key!r} (from {settings[key].origin}){hint} "
            f"It takes {', '.join(sorted(known))}."
        )


def _fail(text: str) -> NoReturn:
    pytest.fail(text, pytrace=False)
