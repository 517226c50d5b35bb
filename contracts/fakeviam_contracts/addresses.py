"""Addresses of servers, as the kit reads them: those of every command, and gRPC-Web."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from fakeviam.program import FiniteRange, TargetType

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.target import Target

#: What an address begins with where gRPC-Web is to be spoken, as in web+http://localhost:8080.
WEB = "web+"


class KitTargetType(TargetType):
    """An address in any of the usual formats; web+ before it asks for gRPC-Web."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Target:
        """The address, told as it was written."""
        if not isinstance(value, str) or not value.startswith(WEB):
            return super().convert(value, param, ctx)
        where = super().convert(value.removeprefix(WEB), param, ctx)
        if where.path:
            self.fail(f"{value!r}: gRPC-Web is spoken over TCP, not by a Unix socket", param, ctx)
        return replace(where, text=value)


def max_rps_option(command: Callable[..., object]) -> Callable[..., object]:
    """Add the option that spares a server; the command gets it as `max_rps`."""
    return click.option(
        "--max-rps", type=FiniteRange(min=0.1), help="At most this many calls per second."
    )(command)
