"""What command lines say of a wrong use, and what was probably meant."""

from __future__ import annotations

import re
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from collections.abc import Iterable

_NUMBERS = MappingProxyType({"integer": "a whole number", "float": "a number"})

#: Options of commands that take an amount of time.
_UNITS = frozenset({"days", "hours", "minutes", "seconds"})


def nearest(name: str, names: Iterable[str], *, form: str = "{!r}") -> str:
    """What follows an unknown name: the known one that is nearest, or all of them."""
    known = list(dict.fromkeys(names))
    near = get_close_matches(name, known, n=1)
    if near:
        return f"; did you mean {form.format(near[0])}?"
    return f"; expected one of {', '.join(known)}" if known else "; none exist"


def text_of(error: click.ClickException, context: click.Context | None) -> str:
    """What click says of an error, in our words and with what was probably meant."""
    if isinstance(error, click.NoSuchOption):
        return f"{error.message.rstrip('.')}{_similar_option(error.option_name, context)}"
    if isinstance(error, click.BadParameter) and isinstance(error.param, click.Option):
        error.param_hint = error.param_hint or _source(error.param, context)
    text = " ".join(error.format_message().split())  # click breaks lines for a screen of its own
    if type(error) is click.UsageError and context and text.startswith("Got unexpected extra"):
        text = f"{text}{_instead_of(text.partition('(')[2].split(' ')[0].rstrip(')'), context)}"
    choice = re.search(r"'([^']*)' is not one of", text)
    if choice and isinstance(error, click.BadParameter):
        choices = getattr(getattr(error.param, "type", None), "choices", ())
        near = get_close_matches(choice[1].lower(), [str(each) for each in choices], n=1)
        text = f"{text.rstrip('.')}; did you mean {near[0]!r}?" if near else text
    return re.sub(r"a valid (integer|float)( range)?", lambda found: _NUMBERS[found[1]], text)


def _similar_option(name: str, context: click.Context | None) -> str:
    params = context.command.params if context else []
    # Without dashes, which all options have in common.
    names = {each.lstrip("-"): each for param in params for each in param.opts if each[:2] == "--"}
    near = get_close_matches(name.lstrip("-"), names, n=1)
    return f"; did you mean {names[near[0]]}?" if near else ""


def _source(option: click.Option, context: click.Context | None) -> str:
    """Where the value of an option came from."""
    source = context.get_parameter_source(option.name or "") if context else None
    if source is ParameterSource.ENVIRONMENT:
        return str(option.envvar)
    return " / ".join(repr(name) for name in option.opts)


def _instead_of(word: str, context: click.Context) -> str:
    """What was meant by an argument of a command that takes none."""
    path, names = context.command_path, [param.name for param in context.command.params]
    if word in ("list", "show", "help"):
        return f"; did you mean `{path}{' --help' if word == 'help' else ''}`?"
    if "target" in names and re.search(r"[:/]|^localhost$|^[0-9]+$", word):
        return f"; did you mean `{path} --target {word}`?"
    step = re.fullmatch(r"([0-9.]+)(d|h|m|s)[a-z]*", word)
    unit = next((name for name in names if step and name in _UNITS and name[0] == step[2]), None)
    return f"; did you mean `{path} --{unit} {step[1]}`?" if step and unit else ""
