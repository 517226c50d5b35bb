"""Renders pages from templates; jinja2 is imported with the first page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def render(
    name: str,
    *,
    package: str = "fakeviam_contracts.reports",
    filters: dict[str, Callable[..., object]] | None = None,
    **values: object,
) -> str:
    """Render a template in a package's `templates` folder; HTML is escaped."""
    from jinja2 import Environment, PackageLoader, select_autoescape  # noqa: PLC0415

    environment = Environment(
        loader=PackageLoader(package),
        autoescape=select_autoescape(["html.j2"]),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(filters or {})
    return environment.get_template(name).render(**values)
