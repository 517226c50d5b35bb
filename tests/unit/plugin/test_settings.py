"""What the cloud of a test is made of: ini file, `fakeviam_options`, command line, markers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakeviam import FakeViam
from fakeviam.model.evidence import Evidence
from fakeviam.model.policy import Policy
from fakeviam.pytest_plugin import EVIDENCE, POLICIES

from .project import COLLECT, INI, reports, run

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """
fakeviam_policy = observed
fakeviam_min_evidence = observed
fakeviam_load = seeds/lab.yaml
"""

CONFTEST = """
import pytest
from fakeviam import Clock, Interceptor, MemoryStore

class Unlike(Interceptor):
    def __deepcopy__(self, memo):
        raise AssertionError("interceptors are handed over as they are")

INTERCEPTOR = Unlike()

@pytest.fixture(scope="session")
def fakeviam_options():
    return {
        "policy": "strict",
        "seed": 3,
        "clock": Clock.frozen("2026-01-31"),
        "interceptors": [INTERCEPTOR],
        "store": MemoryStore,
    }

@pytest.fixture
def made_of():
    def of(cloud):
        held = cloud._cloud
        return cloud.policy, cloud.seed, held.accounts.mode, held.ledger.minimum
    return of

@pytest.fixture
def parts():
    return lambda cloud: {part.name for part in cloud.fleet} - {"fake-robot-main"}
"""

MARKED = """
import pytest
from conftest import INTERCEPTOR
from fakeviam import Clock, Evidence, Policy

pytestmark = pytest.mark.fakeviam(auth="keys", min_evidence="relied-on", load="beside.yaml")

@pytest.mark.parametrize("turn", [1, 2])
def test_module(fakeviam, made_of, parts, turn):
    assert made_of(fakeviam) == (Policy.strict(), 3, "keys", Evidence.RELIED_ON)
    assert parts(fakeviam) == {"beside-main"}  # found next to this file
    assert fakeviam._cloud.options.interceptors == (INTERCEPTOR,)
    assert fakeviam.clock.moment().day == 31  # not moved by the other turn
    fakeviam.clock.advance(days=1)

@pytest.mark.fakeviam(seed=5, auth="any")
class TestCloser:
    def test_class(self, fakeviam, made_of):
        assert made_of(fakeviam) == (Policy.strict(), 5, "any", Evidence.RELIED_ON)

    @pytest.mark.fakeviam(seed=7, policy="documented", load=None, clock=Clock.frozen("2000-01-01"))
    def test_function(self, fakeviam, made_of, parts):
        assert made_of(fakeviam) == (Policy(), 7, "any", Evidence.RELIED_ON)
        assert fakeviam.clock.moment().year == 2000
        assert parts(fakeviam) == set()

@pytest.mark.fakeviam(load="table/val.json", load_options={"images": "shots", "dataset": "dogs"})
def test_options_of_a_reader(fakeviam):
    assert list(fakeviam.applied_seed.files) == ["a.png"]  # found next to this file
    assert "dogs" in fakeviam.applied_seed.datasets
"""

COCO = '{"images": [{"id": 1, "file_name": "a.png"}], "annotations": [], "categories": []}'

UNMARKED = """
import pytest
from fakeviam import Evidence, Policy

def test_shared(fakeviam_server, made_of, parts):
    assert made_of(fakeviam_server) == (Policy.strict(), 3, "any", Evidence.OBSERVED)
    assert parts(fakeviam_server) == {"lab-main"}  # found next to the ini file

@pytest.mark.parametrize("turn", [1, 2])
def test_session(fakeviam_server, fakeviam_session, parts, turn):
    assert parts(fakeviam_session) == {"lab-main"}
    assert fakeviam_session.policy == Policy.strict()
    assert fakeviam_session.target == fakeviam_server.target
    assert list(fakeviam_server.sessions.values()) == [fakeviam_session]
    fakeviam_session.fleet.add_part("arm-main", robot="arm")

@pytest.mark.fakeviam(policy="observed")
def test_policy_of_a_session(fakeviam_session):
    assert fakeviam_session.policy == Policy.observed()
"""

# Another project's, since a test says for itself what it expects.
COMMAND_LINE = """
import pytest
from fakeviam import Evidence, Policy

def test_command_line(fakeviam, fakeviam_server, made_of, parts):
    for cloud in fakeviam, fakeviam_server:
        assert made_of(cloud) == (Policy(), 9, "any", Evidence.ASSUMED)
        assert parts(cloud) == {"beside-main"}

@pytest.mark.fakeviam(policy="observed", seed=11)
def test_marker(fakeviam):
    assert (fakeviam.policy, fakeviam.seed) == (Policy.observed(), 11)
"""


def seed_file(path: Path, robot: str) -> None:
    path.parent.mkdir(exist_ok=True)
    place = f"{{name: {robot}, parts: [{robot}-main]}}"
    path.write_text(
        f"organizations: [{{name: acme, locations: [{{name: lab, robots: [{place}]}}]}}]\n",
        encoding="utf-8",
    )


@pytest.fixture
def lab(user: pytest.Pytester) -> pytest.Pytester:
    """A project that has settings everywhere."""
    user.makeini(INI + SETTINGS)
    user.makeconftest(CONFTEST)
    seed_file(user.path / "seeds" / "lab.yaml", "lab")
    seed_file(user.path / "deep" / "beside.yaml", "beside")
    return user


@pytest.mark.slow
def test_fixture_overrules_ini_file_and_markers_overrule_both(lab: pytest.Pytester) -> None:
    """PT-1, SS-1: the closest marker wins, argument by argument."""
    (lab.path / "deep" / "test_marked.py").write_text(MARKED, encoding="utf-8")
    for name, text in (("table/val.json", COCO), ("shots/a.png", "")):
        (lab.path / "deep" / name).parent.mkdir()
        (lab.path / "deep" / name).write_text(text, encoding="utf-8")
    lab.makepyfile(test_unmarked=UNMARKED)
    run(lab, passed=9)


@pytest.mark.slow
def test_the_command_line_overrules_all_but_markers(lab: pytest.Pytester) -> None:
    """PT-1."""
    lab.makepyfile(COMMAND_LINE)
    options = ["--fakeviam-policy=documented", "--fakeviam-seed=9"]
    options += ["--fakeviam-min-evidence=assumed", "--fakeviam-load=deep/beside.yaml"]
    run(lab, *options, passed=2)


WRONG = """
import pytest

@pytest.mark.fakeviam(polcy="strict")
def test_unknown(fakeviam): ...

@pytest.mark.fakeviam(policy="lax", min_evidence="observed")
def test_no_good(fakeviam): ...

@pytest.mark.fakeviam(seed="lab.yaml")
def test_file_as_seed(fakeviam): ...

@pytest.mark.fakeviam("strict")
def test_positional(fakeviam): ...

@pytest.mark.fakeviam(seed=3, policy="strict")
def test_of_the_server(fakeviam_session): ...

class TestOptions:
    @pytest.fixture
    def fakeviam_options(self):
        return {"interceptor": []}

    def test_options(self, fakeviam): ...
"""
KNOWN = f"It takes {', '.join(sorted(FakeViam.__init__.__kwdefaults__ or {}))}."
TEXTS = {
    "test_unknown": f"""\
FakeViam has no argument 'polcy' (from @pytest.mark.fakeviam); did you mean policy? {KNOWN}""",
    "test_no_good": """\
invalid settings: policy must be one of documented, observed, strict, got 'lax'
  seed=7 from --fakeviam-seed
  policy='lax' from @pytest.mark.fakeviam
  min_evidence='observed' from @pytest.mark.fakeviam""",
    "test_file_as_seed": """\
invalid settings: seed must be a whole number, got 'lab.yaml'; load= takes seed files
  seed='lab.yaml' from @pytest.mark.fakeviam""",
    "test_positional": "@pytest.mark.fakeviam takes keyword arguments only, got 'strict'",
    "test_of_the_server": """\
seed belongs to the whole server, and fakeviam_session is one session of it: for a session, \
@pytest.mark.fakeviam takes policy. Set seed in fakeviam_options, or let the test use the fixture \
fakeviam.""",
    "TestOptions::test_options": f"""\
FakeViam has no argument 'interceptor' (from fakeviam_options); did you mean interceptors? \
{KNOWN}""",
}


def test_a_mistake_is_said_with_test_argument_and_origin(user: pytest.Pytester) -> None:
    """PT-2, as a snapshot of every text."""
    user.makeconftest(COLLECT)
    user.makepyfile(test_wrong=WRONG)
    run(user, "--fakeviam-seed=7", errors=6)
    texts = dict(TEXTS)
    for name, (report,) in reports(user).items():
        assert report.when == "setup"
        assert report.text == f"test_wrong.py::{name}: {texts.pop(name)}"
    assert not texts


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("fakeviam_policy", "documented, observed, strict"),
        ("fakeviam_journal", "short, full, off"),
    ],
)
@pytest.mark.slow
def test_a_mistake_in_the_ini_file_ends_the_run(
    user: pytest.Pytester, key: str, values: str
) -> None:
    """PT-2."""
    ini = user.makeini(f"{INI}\n{key} = lax\n")
    result = user.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {ini}: {key} must be one of {values}, got 'lax'"])


@pytest.mark.slow
def test_a_file_is_no_seed(user: pytest.Pytester) -> None:
    """PT-2: the option for files is named."""
    result = user.runpytest_subprocess("--fakeviam-seed=lab.yaml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    text = "must be a whole number or random, got 'lab.yaml'; --fakeviam-load takes files"
    assert text in result.stderr.str()


def test_the_names_that_options_take_are_those_of_the_fake() -> None:
    """They are written down twice, so that a run without a cloud need not import it."""
    assert [Policy.preset(name) for name in POLICIES]
    assert [Evidence.of(name) for name in EVIDENCE] == sorted(Evidence, reverse=True)
    with pytest.raises(Exception, match=f"one of {', '.join(POLICIES)},"):
        Policy.preset("")
