"""What a run tells: the calls of a test that fails, the fake's own complaints, the sum of all."""

from __future__ import annotations

import re

import pytest

from .project import COLLECT, reports, run, stable

# Clock and ids are the same in every run, and so are the texts.
CONFTEST = f"""
{COLLECT}
import pytest
from fakeviam import Clock

@pytest.fixture(scope="session")
def fakeviam_options():
    return {{"clock": Clock.frozen("2026-01-31")}}
"""

FAILING = """
import pytest
from fakeviam_client import connect
from fakeviam.server.state.cloud import Crash

async def work(cloud, files=1):
    keys = {"api_key": cloud.api_key, "api_key_id": cloud.api_key_id}
    async with connect(cloud.target, **keys) as client:
        for number in range(files):
            await client.file_upload(cloud.default_part.id, b"x", file_name=f"{number}.txt")
        return await client.tags_by_filter()

def crash(cloud):
    try:
        raise RuntimeError("boom")
    except RuntimeError as error:
        cloud._cloud.crashes.append(Crash("TagsByFilter", error))

def unfired(cloud):
    cloud.faults.on("DeleteBinaryDataByIDs").status("UNAVAILABLE")

async def test_assertion(fakeviam):
    unfired(fakeviam)
    fakeviam.replies.on("TagsByFilter").respond({"tags": ["scripted"]})
    await work(fakeviam, files=10)
    fakeviam.faults.on("FileUpload").status("UNAVAILABLE", "later")
    await work(fakeviam)

async def test_unfired(fakeviam):
    unfired(fakeviam)
    await work(fakeviam)

async def test_crash(fakeviam):
    crash(fakeviam)

async def test_failure_and_crash(fakeviam):
    crash(fakeviam)
    assert not fakeviam

async def test_unfired_and_skipped(fakeviam):
    unfired(fakeviam)
    pytest.skip("not here")

async def test_crash_and_skipped(fakeviam):
    crash(fakeviam)
    pytest.skip("not here")

@pytest.mark.xfail(reason="one day")
async def test_unfired_and_expected_to_fail(fakeviam):
    unfired(fakeviam)
    assert not fakeviam

async def test_session(fakeviam_session):
    await work(fakeviam_session)
    assert not fakeviam_session

async def test_session_unfired(fakeviam_session):
    unfired(fakeviam_session)

@pytest.mark.fakeviam(strict=True)
async def test_strict(fakeviam):
    from fakeviam import wire
    from grpclib.client import Channel, UnaryUnaryMethod
    (method,) = [m for m in wire.methods() if m.name == "ListDatasetsByOrganizationID"]
    request = method.request.FromString(b"\\x88\\x01\\x01")  # field 17
    async with Channel(fakeviam.host, fakeviam.port) as channel:
        call = UnaryUnaryMethod(channel, method.path, method.request, method.response)
        with pytest.raises(Exception, match="strict=True"):
            await call(request)

@pytest.fixture
async def filled(fakeviam):
    await work(fakeviam)
    raise ValueError("in a fixture")

@pytest.mark.fakeviam(seed=3)
async def test_fixture(filled): ...

async def test_first(fakeviam_server):
    await work(fakeviam_server)
    assert not fakeviam_server

async def test_second(fakeviam_server):
    await work(fakeviam_server)
    assert not fakeviam_server

async def test_after_a_reset(fakeviam_server):
    fakeviam_server.reset()
    await work(fakeviam_server)
    assert not fakeviam_server

async def test_good(fakeviam):
    await work(fakeviam)

def test_without(): ...
"""

UPLOAD = (
    "FileUpload(part_id='f4ce0000-0000-4000-8000-0000000000c1', type=DATA_TYPE_FILE, file_name="
)
UNFIRED = """\
UnfiredFaultError: these planned faults never fired, so the test did not exercise them:
  fault 1, DeleteBinaryDataByIDs: UNAVAILABLE, before commit, never fired: 0 calls matched
Correct the plan, or mark faults that need not fire with .optional() or --optional."""
CRASH = """\
HandlerCrashError: fakeviam has a bug; please report it with this message: \
TagsByFilter: RuntimeError('boom')
Traceback (most recent call last):
  File …, in crash
    raise RuntimeError("boom")
RuntimeError: boom"""
WORK = f"""\
  2 {UPLOAD}'0.txt') → OK
  3 TagsByFilter() → OK
assumptions used: A24, A28"""
STRICT = """\
StrictError: strict=True: these calls used something that the fake does not support, so \
their replies prove nothing:
  call 1 (ListDatasetsByOrganizationID): unknown: #17 (fakeviam's protos do not have it; \
update fakeviam, or do not send it)"""
BESIDES = "fakeviam also found problems, perhaps only because the test ended early:"


def indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


#: Test → the phase that failed, the fake's complaint if that is what failed it, its calls.
SNAPSHOTS = {
    "test_assertion": (
        "call",
        "",
        f"""\
fakeviam: 12 calls (seed 2821345182, from the test's name)
  … 2 earlier; --fakeviam-journal=full shows all
  4 {UPLOAD}'2.txt') → OK
  5 {UPLOAD}'3.txt') → OK
  6 {UPLOAD}'4.txt') → OK
  7 {UPLOAD}'5.txt') → OK
  8 {UPLOAD}'6.txt') → OK
  9 {UPLOAD}'7.txt') → OK
  10 {UPLOAD}'8.txt') → OK
  11 {UPLOAD}'9.txt') → OK
  12 TagsByFilter() → OK (scripted)
  14 {UPLOAD}'0.txt') → UNAVAILABLE: later (fault)
assumptions used: A24, A28
{BESIDES}
{indented(UNFIRED)}
rerun: pytest test_failing.py::test_assertion""",
    ),
    "test_unfired": (
        "teardown",
        UNFIRED,
        f"""\
fakeviam: 2 calls (seed 3885944023, from the test's name)
{WORK}
rerun: pytest test_failing.py::test_unfired""",
    ),
    "test_crash": (
        "teardown",
        CRASH,
        """\
fakeviam: 0 calls (seed 3262724017, from the test's name)
rerun: pytest test_failing.py::test_crash""",
    ),
    "test_failure_and_crash": (
        "call",
        "",
        f"""\
fakeviam: 0 calls (seed 3504721094, from the test's name)
{BESIDES}
{indented(CRASH)}
rerun: pytest test_failing.py::test_failure_and_crash""",
    ),
    "test_crash_and_skipped": (
        "teardown",
        CRASH,
        """\
fakeviam: 0 calls (seed 2253686713, from the test's name)
rerun: pytest test_failing.py::test_crash_and_skipped""",
    ),
    "test_session": (
        "call",
        "",
        f"""\
fakeviam_session: 2 calls (session 'test_session-2155fc41' of fakeviam_server, seed 1564602371)
{WORK}
rerun: pytest test_failing.py::test_session""",
    ),
    "test_session_unfired": (
        "teardown",
        UNFIRED,
        """\
fakeviam_session: 0 calls (session 'test_session_unfired-37f4fb05' of fakeviam_server, seed \
1564602371)
rerun: pytest test_failing.py::test_session_unfired""",
    ),
    "test_strict": (
        "teardown",
        STRICT,
        """\
fakeviam: 1 call (seed 1441742752, from the test's name)
  1 ListDatasetsByOrganizationID() → FAILED_PRECONDITION: strict=True refuses \
ListDatasetsByOrganizationID: unknown: #17 (fakeviam's protos do not have it; update \
fakeviam, or do not send it) [ST-1]
      unknown fields: #17
rerun: pytest test_failing.py::test_strict""",
    ),
    "test_fixture": (
        "setup",
        "",
        f"""\
fakeviam: 2 calls (seed 3, from @pytest.mark.fakeviam)
{WORK}
rerun: pytest test_failing.py::test_fixture""",
    ),
    "test_first": (
        "call",
        "",
        f"""\
fakeviam_server: 2 calls (seed 1564602371, from the fixture's name)
{WORK}
rerun: pytest test_failing.py::test_first""",
    ),
    "test_second": (
        "call",
        "",
        f"""\
fakeviam_server: 2 calls (seed 1564602371, from the fixture's name)
{WORK.replace("  3 ", "  6 ").replace("  2 ", "  5 ")}
rerun: pytest test_failing.py::test_second""",
    ),
    "test_after_a_reset": (
        "call",
        "",
        f"""\
fakeviam_server: 2 calls (seed 1564602371, from the fixture's name)
{WORK}
rerun: pytest test_failing.py::test_after_a_reset""",
    ),
}


@pytest.fixture
def failing(user: pytest.Pytester) -> pytest.Pytester:
    user.makeconftest(CONFTEST)
    user.makepyfile(test_failing=FAILING)
    return user


def summary(result: pytest.RunResult) -> str:
    (line,) = [line for line in result.outlines if re.match(r"fakeviam: \d+ calls? in ", line)]
    return line


@pytest.mark.slow
def test_what_is_told_of_tests_that_fail(failing: pytest.Pytester) -> None:
    """PT-3, PT-4, PT-5, FT-3, SV-4: a snapshot of every text; the first error stands alone."""
    options = ("-o", "asyncio_mode=auto")
    result = run(failing, *options, passed=6, failed=6, errors=6, skipped=2, xfailed=1)
    expected = dict(SNAPSHOTS)
    for name, (report,) in reports(failing).items():
        when, complaint, calls = expected.pop(name)
        assert report.when == when
        assert report.calls is not None
        assert stable(report.calls) == calls
        if complaint:
            assert stable(report.text) == complaint
    assert not expected
    assert summary(result) == (
        "fakeviam: 27 calls in 15 tests; 2 assumptions used: A24, A28 "
        "(pytest --fakeviam-assumptions lists them)"
    )


# The key of the session, of the same seed too.
KEY = "e6fc2b5b-9e6f-446f-afa4-9498b5a29e9b"
IN_FULL = f"""\
fakeviam_session: 2 calls (session 'test_session-2155fc41' of fakeviam_server, seed 5)
  1 Authenticate(entity='{KEY}', type='api-key', payload='(secret)') → OK
      2026-01-31T00:00:00+00:00, took … s, clauses …
      {{"entity": "{KEY}", "credentials": {{"type": "api-key", "payload": "(secret)"}}}}
  2 {UPLOAD}'0.txt') → OK
      2026-01-31T00:00:00+00:00, took … s, clauses …
      {{"metadata": {{"part_id": "f4ce0000-0000-4000-8000-0000000000c1", "type": "DATA_TYPE_FILE", \
"file_name": "0.txt"}}}}
      {{"file_contents": {{"data": "eA=="}}}}
  3 TagsByFilter() → OK
      2026-01-31T00:00:00+00:00, took … s, clauses …
      {{"filter": {{}}}}
assumptions used: A24, A28
rerun: pytest test_failing.py::test_session --fakeviam-seed 5"""


@pytest.mark.slow
def test_workers_tell_the_same(failing: pytest.Pytester) -> None:
    """PT-3, PT-5: ids do not depend on the worker, and the sum is that of all workers."""
    pytest.importorskip("xdist")
    options = ["-n", "2", "-o", "asyncio_mode=auto", "--fakeviam-assumptions", "-k"]
    result = run(failing, *options, "assertion or session or good", passed=2, failed=2, errors=1)
    for name, (report,) in reports(failing).items():
        assert report.calls == SNAPSHOTS[name][2]
    lines = result.outlines
    assert summary(result) == "fakeviam: 16 calls in 4 tests; 2 assumptions used: A24, A28"
    place = next(n for n, line in enumerate(lines) if " fakeviam assumptions " in line)
    assert re.match(r"A24  \S.*\.$", lines[place + 1])
    tests = ["assertion", "good", "session"]
    assert lines[place + 2].strip().split(", ") == [
        f"test_failing.py::test_{name}" for name in tests
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("journal", "calls"), [("full", IN_FULL), ("off", None)])
def test_how_much_is_told(failing: pytest.Pytester, journal: str, calls: str | None) -> None:
    """PT-3, PT-5."""
    options = ["-o", "asyncio_mode=auto", "-o", f"fakeviam_journal={journal}"]
    run(failing, *options, "--fakeviam-seed=5", "-k", "test_session and not unfired", failed=1)
    (report,) = reports(failing)["test_session"]
    assert (report.calls and stable(report.calls)) == calls


@pytest.mark.slow
def test_a_run_without_calls_is_quiet(user: pytest.Pytester) -> None:
    user.makepyfile("def test_without(): ...")
    assert "fakeviam:" not in run(user, passed=1).stdout.str()


UNSHOWABLE = """
import pytest
from fakeviam.pytest_plugin import report
from fakeviam.server.instruments.journal.record import RecordedCall
from fakeviam_client import connect

class Unspeakable(Exception):
    def __str__(self):
        raise ValueError("no text either")

def broken(*_):
    raise Unspeakable

async def call(cloud):
    async with connect(cloud.target) as client:
        await client.tags_by_filter()

async def test_requests(fakeviam, monkeypatch):
    await call(fakeviam)
    await call(fakeviam)
    odd = {"__slots__": (), "leaves": property(broken)}
    fakeviam.calls[0].__class__ = type("Odd", (RecordedCall,), odd)
    assert not fakeviam

async def test_all_calls(fakeviam):
    await call(fakeviam)
    cloud = fakeviam._cloud
    cloud.journal.records = lambda: 1 / 0
    assert not fakeviam

async def test_problems(fakeviam):
    fakeviam.check = lambda: 1 / 0
    assert not fakeviam

def test_text(fakeviam):
    class Odd(Exception): ...
    from fakeviam.server.state.cloud import Crash
    fakeviam._cloud.crashes.append(Crash("TagsByFilter", Odd("\\udc80")))

async def test_counting(fakeviam):
    await call(fakeviam)
    fakeviam._cloud.ledger.used = lambda: 1 / 0

def test_another(fakeviam): ...
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", [[], ["-n", "1"]])
def test_what_cannot_be_shown_is_one_line(user: pytest.Pytester, workers: list[str]) -> None:
    """PT-8: in the section, in the summary, and for all plugins and workers."""
    if workers:
        pytest.importorskip("xdist")
    user.makeconftest(COLLECT)
    user.makepyfile(test_it=UNSHOWABLE)
    result = run(user, *workers, "-o", "asyncio_mode=auto", passed=3, failed=3, errors=1)
    found = {name: failed[0].calls for name, failed in reports(user).items()}
    assert (found["test_requests"] or "").splitlines()[1:3] == [
        "  fakeviam could not display call 1: Unspeakable: its message cannot be displayed either",
        "  2 TagsByFilter() → OK",
    ]
    zero = "ZeroDivisionError: division by zero"
    calls = (found["test_all_calls"] or "").splitlines()
    assert calls[0] == f"fakeviam could not display the calls of fakeviam: {zero}"
    assert calls[1].startswith("rerun: pytest ")
    problems = (found["test_problems"] or "").splitlines()
    assert f"fakeviam could not display the problems it found: {zero}" in problems
    lines = result.outlines
    for test in ("all_calls", "counting"):
        assert f"fakeviam could not count the calls of test_it.py::test_{test}: {zero}" in lines
    assert summary(result).startswith("fakeviam: 2 calls in 6 tests")


@pytest.mark.slow
def test_a_summary_that_cannot_be_made_is_one_line(user: pytest.Pytester) -> None:
    """PT-8."""
    user.makeconftest(
        "import fakeviam.pytest_plugin.report as report\nreport.counted = lambda *_: 1 / 0\n"
    )
    user.makepyfile("def test_it(fakeviam): ...")
    result = run(user, passed=1)
    text = "fakeviam could not display the summary of the run: ZeroDivisionError: division by zero"
    assert text in result.outlines


ANYTHING = """
from fakeviam_client import connect
from fakeviam import wire
from fakeviam.wire import datasync
from google.protobuf.wrappers_pb2 import DoubleValue
from grpclib.client import Channel, StreamUnaryMethod

async def test_it(fakeviam):
    known, unknown = wire.well_known.Any(), wire.well_known.Any(type_url="x/y.Z", value=b"\\xff")
    known.Pack(DoubleValue(value=float("nan")))
    metadata = datasync.UploadMetadata(
        part_id=fakeviam.default_part.id, type=99,
        method_parameters={"known": known, "unknown": unknown},
    )
    async with Channel(fakeviam.host, fakeviam.port) as channel:
        path = "/viam.app.datasync.v1.DataSyncService/FileUpload"
        call = StreamUnaryMethod(
            channel, path, datasync.FileUploadRequest, datasync.FileUploadResponse
        )
        await call([datasync.FileUploadRequest(metadata=metadata)])
"""


@pytest.mark.slow
def test_a_message_of_any_kind_is_shown_in_full(user: pytest.Pytester) -> None:
    """PT-8, JR-6: a known Any by value, an unknown one by type URL."""
    user.makeconftest(COLLECT)
    user.makepyfile(ANYTHING)
    run(user, "-o", "asyncio_mode=auto", "--fakeviam-journal=full", failed=1)
    ((report,),) = reports(user).values()
    assert report.calls is not None
    assert '"value": "NaN"' in report.calls
    assert '"@type": "x/y.Z"' in report.calls
    assert "could not show" not in report.calls


WRONG_USE = """
import asyncio
from fakeviam_client import connect

def seeds(cloud):
    cloud.load({"datasets": [{"nam": "x"}]})

def test_seed(fakeviam):
    seeds(fakeviam)

def test_reply(fakeviam):
    fakeviam.replies.on("TagsByFilter").respond({"tagz": []})

async def work(cloud):
    keys = {"api_key": cloud.api_key, "api_key_id": cloud.api_key_id}
    async with connect(cloud.target, **keys) as client:
        for tag in ("dog", "cat"):
            await client.file_upload(
                cloud.default_part.id, b"x", file_name="a", file_extension=".txt", tags=[tag]
            )

def test_calls(fakeviam):
    asyncio.run(work(fakeviam))
    assert not fakeviam
"""


@pytest.mark.slow
def test_the_useful_line_is_the_last(user: pytest.Pytester) -> None:
    """Of a wrong use: the test's own, no chain; of calls: what tells them apart (PT-5)."""
    user.makeconftest(COLLECT)
    user.makepyfile(test_wrong=WRONG_USE)
    run(user, failed=3)
    found = {name: each[0] for name, each in reports(user).items()}
    for name, last in (
        ("test_seed", "test_wrong.py:5: SeedError"),
        ("test_reply", "test_wrong.py:11: UsageError"),
    ):
        text = found[name].text
        assert text.splitlines()[-1] == last
        assert "fakeviam/seeds/diagnostics.py" not in text
        assert "The above exception" not in text
    calls = found["test_calls"].calls or ""
    assert "tags='dog', …)" in calls
    assert "tags='cat', …)" in calls
    assert "type=DATA_TYPE_FILE" not in calls
    run(user, "--full-trace", "-k", "test_seed", failed=1)
    assert "fakeviam/seeds/diagnostics.py" in reports(user)["test_seed"][0].text
