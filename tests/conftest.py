"""What all tests may use."""

from __future__ import annotations

# Runs pytest in pytest, for the tests of our own plugin. Only allowed here at the top.
pytest_plugins = ["pytester"]
