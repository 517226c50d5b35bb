"""What is computed for a call: in turns with others, and no longer than somebody waits (SV-19)."""

from __future__ import annotations

import asyncio
import os
import sys
from importlib import import_module
from itertools import repeat
from threading import Event, Thread
from typing import TYPE_CHECKING, NoReturn
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from fakeviam.query.budget import Budget, Limits
from fakeviam.query.computation import _Turn
from fakeviam.server.services.data import queries
from fakeviam.server.services.turns import aside, begin

from .driver import RefusedError
from .test_turns import QUERIES, filled

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Start

pytestmark = pytest.mark.asyncio


#: A thread computes while its process forks; the child computes too, or ends by its alarm.
FORKS = """
import os, signal, threading
from fakeviam.query.computation import Computation

computes, is_over = threading.Event(), threading.Event()

def compute():
    computes.set()
    is_over.wait()

threading.Thread(target=lambda: Computation().do(compute)).start()
computes.wait()
child = os.fork()
if not child:
    signal.alarm(30)
    print(Computation().do(lambda: 42), flush=True)
    os._exit(0)
status = os.waitpid(child, 0)[1]
is_over.set()
raise SystemExit(status != 0)
"""


class Endless:
    """A query that computes until it is stopped."""

    def __init__(self) -> None:
        self.began, self.ended = 0, 0

    def __call__(self, *_asked: object) -> NoReturn:
        self.began += 1
        try:
            for _ in Budget(Limits(steps=10**15)).metered(repeat(None)):
                pass
        finally:
            self.ended += 1
        pytest.fail("it came to its end")


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> Endless:
    for module in queries.ENGINE:  # which takes longer than a client may wait
        import_module(module)
    query = Endless()
    monkeypatch.setattr(queries, "run_pipeline", query)
    return query


async def test_a_query_ends_when_its_client_leaves(start: Start, endless: Endless) -> None:
    """SV-19."""
    viam = await filled(start)
    asking = asyncio.create_task(viam.rpc(*QUERIES["mql"]))
    await until_so(lambda: endless.began == 1)
    assert not endless.ended
    asking.cancel()
    await until_so(lambda: endless.ended == 1)


async def test_a_query_ends_with_its_deadline(start: Start, endless: Endless) -> None:
    """SV-19."""
    viam = await filled(start)
    with pytest.raises(asyncio.TimeoutError):
        await viam.rpc(*QUERIES["mql"], timeout=1)
    await until_so(lambda: endless.began == endless.ended == 1)


async def test_a_server_that_stops_waits_for_no_query(start: Start, endless: Endless) -> None:
    """SV-19, SV-17."""
    viam = await filled(start)
    asking = asyncio.create_task(viam.rpc(*QUERIES["mql"]))
    await until_so(lambda: endless.began == 1)
    await viam.cloud.stop()
    with pytest.raises(RefusedError, match="SV-17"):
        await asking
    await until_so(lambda: endless.ended == 1)


async def test_a_server_that_stops_ends_its_jobs(start: Start, endless: Endless) -> None:
    """SV-19: nobody waits for them, and no call has to end."""
    viam = await filled(start)
    cloud = viam.cloud._cloud
    begin(cloud, aside(endless))
    await until_so(lambda: endless.began == 1)
    await viam.cloud.stop()
    await until_so(lambda: endless.ended == 1)
    assert cloud.catching_up is None


async def test_queries_leave_threads_for_others(start: Start, endless: Endless) -> None:
    """SV-19: the event loop's own threads parse what is large, and pack archives."""
    viam = await filled(start)
    asking = [asyncio.create_task(viam.rpc(*QUERIES["mql"])) for _ in range(40)]
    await until_so(lambda: endless.began > 1)
    assert await asyncio.wait_for(asyncio.to_thread(int), 30) == 0
    for each in asking:
        each.cancel()
    await until_so(lambda: endless.began == endless.ended)


async def test_queries_compute_in_turns() -> None:
    """SV-19: one at a time, each as soon as those who came before it have paused."""
    order: list[str] = []
    has_turn, turn = Event(), _Turn()

    def work(name: str) -> None:
        turn.take()
        has_turn.set()
        while not (order or turn._waiting):
            pass  # until the other has come
        for _ in range(3):
            order.append(name)
            turn.pass_on()
        turn.give()

    threads = []
    for name in "ab":
        threads.append(Thread(target=work, args=(name,)))
        threads[-1].start()
        assert has_turn.wait(30)
    for thread in threads:
        thread.join(30)
    assert order == ["a", "b"] * 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
async def test_a_child_process_waits_for_no_thread_of_its_parent() -> None:
    """SV-19: a fake that is started after a fork computes, whatever the parent did meanwhile."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FORKS, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert (process.returncode, out) == (0, b"42\n")


async def test_a_server_that_stops_waits_for_no_view(start: Start, endless: Endless) -> None:
    """SV-19: of the page, which may ask for whatever a client may."""
    viam = await filled(start)
    asked = urlencode({"text": '[{"$match": {"data.n": 1}}]'})
    looking = asyncio.create_task(asyncio.to_thread(_status, f"{viam.cloud.url}/ui/query?{asked}"))
    await until_so(lambda: endless.began == 1)
    await viam.cloud.stop()
    assert await looking == 503
    await until_so(lambda: endless.ended == 1)


def _status(url: str) -> int:
    """How a server answers."""
    try:
        with urlopen(url) as answer:  # noqa: S310 - a server of this test
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


async def until_so(condition: Callable[[], bool]) -> None:
    """Give other threads their time until something is so."""
    for _ in range(3000):
        if condition():
            return
        await asyncio.to_thread(Event().wait, 0.01)
    pytest.fail("it never became so")
