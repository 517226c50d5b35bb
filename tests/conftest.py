"""What all tests may use."""

from __future__ import annotations

import os
from importlib.util import find_spec

# Runs pytest in pytest, for the tests of our own plugin. Only allowed here at the top.
pytest_plugins = ["pytester"]

# Environments that only hold a client have no Hypothesis. In CI it loads a profile of its own,
# without deadlines and without chance; elsewhere a busy machine must not fail a law either.
if find_spec("hypothesis") is not None and not os.environ.get("CI"):
    from hypothesis import settings

    settings.register_profile("fakeviam", deadline=None)
    settings.load_profile("fakeviam")
