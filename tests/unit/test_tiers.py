"""Which tests `make test` runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"

INI = """
[pytest]
markers =
    slow: slow
    thinned(n): thinned
asyncio_default_fixture_loop_scope = function
"""

TESTS = """
import pytest

@pytest.mark.thinned(3)
@pytest.mark.parametrize("number", range(7))
def test_many(number): pass

@pytest.mark.thinned(3)
@pytest.mark.parametrize("number", range(2))
def test_few(number): pass

@pytest.mark.slow
def test_slow(): pass

def test_plain(): pass
"""


def test_of_thinned_tests_every_nth_case_is_quick(pytester: pytest.Pytester) -> None:
    """The first of each, too, so that none is left out; all tests together are all cases."""
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makeini(INI)
    pytester.makepyfile(TESTS)
    quick = pytester.runpytest_inprocess("-v", "-m", "not slow")
    quick.assert_outcomes(passed=5, deselected=6)
    names = ("test_many[[]0]", "test_many[[]3]", "test_many[[]6]", "test_few[[]0]", "test_plain")
    quick.stdout.fnmatch_lines_random([f"*::{name} PASSED*" for name in names])
    pytester.runpytest_inprocess().assert_outcomes(passed=11)
