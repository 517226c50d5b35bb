"""The `viam` command line, where it is installed: Go's module proxy need not have it."""

from __future__ import annotations

import json
import shutil
import subprocess
from base64 import b64encode
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakeviam import FakeViam

from .environments import clean_environ

if TYPE_CHECKING:
    from collections.abc import Callable

    Viam = Callable[..., str]

DRIVEN_BY = Path(__file__).parent / "driven_by.tsv"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

if shutil.which("viam") is None:
    reason = "the viam command line is not installed here, and not tried"
    pytest.skip(reason, allow_module_level=True)


def fleet(viam: Viam, cloud: FakeViam) -> None:
    part = cloud.default_part
    assert "fake-org" in viam("organizations", "list")
    assert part.location_id in viam("locations", "list")
    assert f"main part id: {part.id}" in viam("machines", "list")
    assert "fake-robot-main (main)" in viam("machines", "status", "--machine", part.robot_id)
    assert "Metadata" in viam("metadata", "read", "--org-id", part.organization_id)


def files(viam: Viam, cloud: FakeViam) -> None:
    """Beyond 32 MiB by `uri`."""
    small = {"name": "a.jpg", "data": "/9j/", "tags": ["first"]}
    large = {**small, "name": "b.bin", "data": b64encode(bytes(40_000_000)).decode()}
    cloud.load({"version": 1, "files": [small, large]})
    ids = [file.id for file in cloud.files]
    assert len(viam("data", "query", "binary", "filter").splitlines()) == 2
    assert "Downloaded 2 files" in viam("data", "export", "binary", "filter", "--destination", "a")
    by_ids = ("--binary-data-ids", ",".join(ids))
    assert "Downloaded 2 files" in viam(
        "data", "export", "binary", "ids", "--destination", "b", *by_ids
    )
    viam("data", "tag", "ids", "add", "--tags", "red,blue", *by_ids)
    viam("data", "tag", "filter", "remove", "--tags", "blue", "--filter-tags", "first")
    assert {tag for file in cloud.files for tag in file.tags} == {"first", "red"}


def datasets(viam: Viam, cloud: FakeViam) -> None:
    organization = ("--org-id", cloud.default_part.organization_id)
    made = viam("dataset", "create", *organization, "--name", "one")
    one = ("--dataset-id", made.split("dataset ID: ")[1].strip())
    viam("dataset", "rename", *one, "--name", "uno")
    viam("dataset", "data", "add", "filter", *one, "--tags", "first")
    viam("dataset", "data", "remove", "ids", *one, "--binary-data-ids", cloud.files[0].id)
    assert "uno" in viam("dataset", "list", "--dataset-ids", one[1])
    viam("dataset", "export", *one, "--destination", "c")
    viam("dataset", "merge", *organization, "--name", "all", "--dataset-ids", one[1])
    viam("dataset", "delete", *one)
    assert [dataset.name for dataset in cloud.datasets] == ["all"]


def readings(viam: Viam, cloud: FakeViam) -> None:
    part = cloud.default_part
    organization = ("--org-id", part.organization_id)
    rows = [{"time": f"2026-01-31T12:0{number}:00Z", "n": number} for number in range(3)]
    kind = {"component_type": "rdk:component:sensor", "method": "Readings"}
    cloud.load({"version": 1, "readings": [{"component": "counter", **kind, "rows": rows}]})
    sql = "SELECT COUNT(*) AS n FROM readings"
    assert '{"n":3}' in viam("data", "query", "tabular", "sql", *organization, "--sql", sql)
    mql = json.dumps([{"$match": {"component_name": "counter"}}, {"$count": "n"}])
    assert '{"n":3}' in viam("data", "query", "tabular", "mql", *organization, "--mql", mql)
    resource = ("--resource-name", "counter", "--resource-subtype", kind["component_type"])
    source = ("--part-id", part.id, *resource, "--method", "Readings")
    viam("data", "export", "tabular", "--destination", "d", *source)
    assert "sensorData" in viam("data", "database", "hostname", *organization)
    viam("data", "database", "configure", *organization, "--password", "Secret123")
    older = ("--delete-older-than-days", "0")
    assert "Deleted 3" in viam("data", "delete", "tabular", *organization, *older)
    ever = ("--start", "2020-01-01T00:00:00Z", "--end", "2099-01-01T00:00:00Z")
    assert "Deleted 2" in viam("data", "delete", "binary", "--org-ids", organization[1], *ever)


def indexes(viam: Viam, cloud: FakeViam, folder: Path) -> None:
    (folder / "index.json").write_text('{"key": {"n": 1}, "options": {"name": "mine"}}')
    place = ("--org-id", cloud.default_part.organization_id, "--collection-type", "hot-storage")
    viam("data", "index", "create", *place, "--index-path", "index.json")
    assert "Name: mine" in viam("data", "index", "list", *place)
    viam("data", "index", "delete", *place, "--index-name", "mine")


def pipelines(viam: Viam, cloud: FakeViam) -> None:
    organization = ("--org-id", cloud.default_part.organization_id)
    schedule = ("--schedule", "0 * * * *", "--enable-backfill=false")
    query = ("--mql", '[{"$limit": 1}]', "--data-source-type", "standard")
    made = viam("datapipelines", "create", *organization, "--name", "hourly", *schedule, *query)
    one = ("--id", made.split("ID: ")[1].split(")")[0])
    viam("datapipelines", "rename", *one, "--name", "hours")
    for verb in ("disable", "enable", "describe"):
        viam("datapipelines", verb, *one)
    assert "hours" in viam("datapipelines", "list", *organization)
    viam("datapipelines", "delete", *one)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_command_line(tmp_path: Path, scheme: str) -> None:
    """Every command of data, dataset and datapipelines, as far as the fake serves it (SV-1)."""
    with FakeViam(auth="keys", tls=scheme == "https") as cloud:
        environ = {**clean_environ(), "HOME": str(tmp_path), "SSL_CERT_FILE": cloud.ca_file or ""}
        folder = tmp_path / ".viam"
        folder.mkdir()
        # With a look for updates just now, it makes none; only this machine is called.
        known = {"base_url": cloud.url, "last_update_check": datetime.now(timezone.utc).isoformat()}
        key = {"key_id": cloud.api_key_id, "key_crypto": cloud.api_key}
        (folder / "cached_cli_config.json").write_text(json.dumps({**known, "auth": key}))

        def viam(*arguments: str) -> str:
            done = subprocess.run(
                ["viam", "--quiet", *arguments],
                cwd=tmp_path,
                env=environ,
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )
            assert done.returncode == 0, (arguments, done.stdout, done.stderr)
            lines = done.stdout.splitlines()
            return "\n".join(line for line in lines if not line.startswith("Info: Using"))

        login = ("--key-id", cloud.api_key_id, "--key", cloud.api_key)
        assert "Successfully logged in" in viam("login", "api-key", *login)
        for walk in (fleet, files, datasets, readings, pipelines):
            walk(viam, cloud)
        indexes(viam, cloud, tmp_path)
        cloud.check()
        driven = {f"{call.service}/{call.rpc}" for call in cloud.calls}
    rows = DRIVEN_BY.read_text(encoding="utf-8").splitlines()
    assert driven <= {row.split("\t")[2] for row in rows if row.startswith("viam-cli\t")}
