"""Clients of MongoDB from npm on the federated database: the Node driver and mongosh."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from fakeviam import FakeViam

from .environments import clean_environ
from .npm import modules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PACKAGES = ("mongodb@7", "mongosh@2")
ROWS = [{"time": f"2026-03-10T12:{minute:02}:00Z", "n": minute} for minute in range(30)]

NODE = """
const {MongoClient} = require("mongodb");
(async () => {
  const client = await new MongoClient(process.argv[1]).connect();
  const readings = client.db().collection("readings");
  const answer = {
    count: await readings.countDocuments(),
    batches: (await readings.find().batchSize(7).toArray()).length,
    newest: (await readings.find().sort({time_received: -1}).limit(1).toArray())[0].data.n,
    refused: await readings.insertOne({}).catch(error => error.codeName),
  };
  await client.close();
  console.log(JSON.stringify(answer));
})();
"""

SHELL = """
print(JSON.stringify({
  collections: db.getCollectionNames(),
  count: db.readings.countDocuments({"data.n": {$gte: 10}}),
  sum: db.readings.aggregate([{$group: {_id: null, n: {$sum: "$data.n"}}}]).toArray()[0].n,
  user: db.runCommand({connectionStatus: 1}).authInfo.authenticatedUsers[0].db,
}))
"""


@pytest.fixture(scope="module")
def folder() -> Path:
    """A folder with both, installed once."""
    return modules("mongo-clients", *PACKAGES)


@pytest.fixture(scope="module")
def uri() -> Iterator[str]:
    with FakeViam(load={"readings": [{"component": "c", "rows": ROWS}]}) as cloud:
        yield cloud.database_uri() + "&directConnection=true"


def answer_of(command: list[str], folder: Path) -> dict[str, object]:
    done = subprocess.run(
        command,
        cwd=folder,
        env=clean_environ(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_the_node_driver(folder: Path, uri: str) -> None:
    """Counts, cursors, order; writes are refused (DB-7, DB-9)."""
    found = answer_of(["node", "-e", NODE, uri], folder)
    assert found == {"count": 30, "batches": 30, "newest": 29, "refused": "Unauthorized"}


def test_mongosh(folder: Path, uri: str) -> None:
    """What it asks at its start, and what people ask in it (DB-7)."""
    shell = folder / "node_modules" / ".bin" / "mongosh"
    found = answer_of([str(shell), uri, "--quiet", "--norc", "--eval", SHELL], folder)
    assert found == {"collections": ["readings"], "count": 20, "sum": 435, "user": "admin"}
