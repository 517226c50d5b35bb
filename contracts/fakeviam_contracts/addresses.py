"""Addresses of servers, as the kit reads them: those of every command, gRPC-Web and Connect."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import click

from fakeviam.program import FiniteRange, TargetType
from fakeviam.target import FORMS, Target, guessed

if TYPE_CHECKING:
    from collections.abc import Callable

#: What an address begins with where it is not gRPC that is to be spoken, as in
#: web+http://localhost:8080.
SPOKEN = MappingProxyType({"web+": "gRPC-Web", "connect+": "Connect"})


#: The supported formats in one line.
KIT_FORMS = (
    f"{FORMS}; web+http(s)://host[:port] for gRPC-Web, connect+http(s)://host[:port] for Connect"
)


def taken_apart(target: str) -> tuple[str, str]:
    """What an address begins with, if that says what is spoken, and the rest of it."""
    prefix = next((each for each in SPOKEN if target.startswith(each)), "")
    return prefix, target.removeprefix(prefix)


def parsed(target: str) -> Target:
    """An address in any of the usual formats; web+ asks for gRPC-Web, connect+ for Connect.

    Raises:
        ValueError: It is invalid.
    """
    prefix, rest = taken_apart(target)
    try:
        where = Target.parse(rest)
    except ValueError as error:
        guess = guessed(rest)
        told = prefix + guess if guess else KIT_FORMS
        raise ValueError(f"{target!r} is not an address; write {told}") from error
    if prefix and where.path:
        why = f"{SPOKEN[prefix]} is spoken over TCP, not by a Unix socket"
        raise ValueError(f"{target!r}: {why}; write {prefix}http(s)://host[:port]")
    return replace(where, text=target)


class KitTargetType(TargetType):
    """An address in any of the usual formats; web+ asks for gRPC-Web, connect+ for Connect."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Target:
        """The address, told as it was written."""
        if not isinstance(value, str):
            return super().convert(value, param, ctx)
        try:
            return parsed(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def max_rps_option(command: Callable[..., object]) -> Callable[..., object]:
    """Add the option that spares a server; the command gets it as `max_rps`."""
    return click.option(
        "--max-rps", type=FiniteRange(min=0.1), help="At most this many calls per second."
    )(command)
