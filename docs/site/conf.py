"""The documentation as a site: `make docs` builds it into build/site.

The source directory is the root of the repository, so links between pages hold here and there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "fakeviam"
author = "The fakeviam developers"
copyright = author  # noqa: A001 - Sphinx calls it that
_BACKTICKS = re.compile(r"(?<!`)`([^`]+)`(?!`)")

root_doc = "README"
include_patterns = [
    "*.md",
    "benchmarks/RESULTS.md",
    "docs/**.md",
    "docs/**.rst",
    "examples/robot_lab/README.md",
    "examples/programs/README.md",
]

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "sphinx_copybutton",
]
suppress_warnings = ["myst.header"]  # a page may begin with a smaller heading
nitpicky = False

myst_enable_extensions = ["smartquotes"]
myst_heading_anchors = 3

autodoc_class_signature = "separated"
autodoc_default_options = {
    "members": True,
    "member-order": "bysource",
    # What they have of our own classes, but not of Python's.
    "inherited-members": "BaseException, Exception, Sequence, int, tuple",
}
autodoc_typehints = "description"
autodoc_typehints_format = "short"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = "fakeviam"
html_extra_path = ["index.html"]
html_copy_source = False
html_show_sphinx = False
copybutton_prompt_text = r"\$ |>>> "
copybutton_prompt_is_regexp = True

#: What the navigation shows, by chapter. Sphinx warns of a page that is in none of them.
CHAPTERS = {
    "Guide": [
        "pytest",
        "/examples/robot_lab/README",
        "/examples/programs/README",
        "recipes",
        "ci",
        "containers",
        "web-clients",
        "go-clients",
        "troubleshooting",
        "comparison",
    ],
    "How to": [
        "faults",
        "journal",
        "stored-data",
        "scripted-replies",
        "clock-and-ids",
        "seeds",
        "queries",
        "pipelines",
        "sequences",
        "state",
        "isolation",
        "mongo",
        "accounts",
        "fleet",
        "strict",
        "contract-kit",
        "client-adapters",
        "kit-figures",
    ],
    "Reference": [
        "site/python",
        "site/client",
        "command-line",
        "site/cli",
        "control-api",
        "page",
        "transport",
        "connect",
        "tls",
        "rpcs",
        "glossary",
        "compatibility",
        "performance",
        "/benchmarks/RESULTS",
        "/CHANGELOG",
    ],
    "For contributors": [
        "/CONTRIBUTING",
        "/ARCHITECTURE",
        "/SECURITY",
        "clauses",
        "contract",
        "client-report",
    ],
}


def setup(app: Sphinx) -> None:
    """Give the README, which is the first page, the navigation that it needs on the site alone."""
    app.connect("source-read", _add_chapters)
    app.connect("autodoc-process-docstring", _quote_code, priority=400)  # before napoleon
    app.connect("sphinx-click-process-description", _quote_help)


def _add_chapters(app: Sphinx, page: str, source: list[str]) -> None:
    del app
    if page == root_doc:
        source[0] += "\n".join(_toctree(*chapter) for chapter in CHAPTERS.items())


def _quote_code(
    app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    """Turn the single backticks of our docstrings, which are Markdown, into reStructuredText."""
    del app, what, name, thing, options
    lines[:] = [_BACKTICKS.sub(r"``\1``", line) for line in lines]


def _quote_help(app: Sphinx, context: object, lines: list[str]) -> None:
    """Keep the asterisks of help texts, which are plain text."""
    del app, context
    lines[:] = [line.replace("*", r"\*") for line in lines]


def _toctree(title: str, pages: list[str]) -> str:
    names = [page if page.startswith("/") else f"/docs/{page}" for page in pages]
    return "\n".join(["\n```{toctree}", ":hidden:", f":caption: {title}", "", *names, "```", ""])
