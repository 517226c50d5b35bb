"""Addresses of servers, as the kit reads them: those of every command, gRPC-Web and Connect."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import click

from fakeviam.program import FiniteRange, TargetType

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.target import Target

#: What an address begins with where it is not gRPC that is to be spoken, as in
#: web+http://localhost:8080.
SPOKEN = MappingProxyType({"web+": "gRPC-Web", "connect+": "Connect"})


def taken_apart(target: str) -> tuple[str, str]:
    """What an address begins with, if that says what is spoken, and the rest of it."""
    prefix = next((each for each in SPOKEN if target.startswith(each)), "")
    return prefix, target.removeprefix(prefix)


class KitTargetType(TargetType):
    """An address in any of the usual formats; web+ asks for gRPC-Web, connect+ for Connect."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Target:
        """The address, told as it was written."""
        if not isinstance(value, str) or not (parts := taken_apart(value))[0]:
            return super().convert(value, param, ctx)
        prefix, rest = parts
        where = super().convert(rest, param, ctx)
        if where.path:
            why = f"{SPOKEN[prefix]} is spoken over TCP, not by a Unix socket"
            self.fail(f"{value!r}: {why}", param, ctx)
        return replace(where, text=value)


def max_rps_option(command: Callable[..., object]) -> Callable[..., object]:
    """Add the option that spares a server; the command gets it as `max_rps`."""
    return click.option(
        "--max-rps", type=FiniteRange(min=0.1), help="At most this many calls per second."
    )(command)
