"""Who checks nothing does not wait for what checks."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "program",
    [
        "import fakeviam; fakeviam.Clock; fakeviam.Fleet; fakeviam.Policy",
        "import fakeviam\nwith fakeviam.FakeViam(): pass",
        "from fakeviam.cli import main; sys.argv = ['fakeviam', '--help']; main()",
        "import fakeviam_client",
        "import fakeviam.validation",
    ],
)
@pytest.mark.thinned(3)
def test_pydantic_is_imported_on_first_use_only(program: str) -> None:
    check = "import atexit, sys; atexit.register(lambda: print('pydantic' in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", f"{check}\n{program}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "False"
