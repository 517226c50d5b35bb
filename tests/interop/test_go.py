"""grpc-go, connect-go, grpcurl and grpc-health-probe: `make interop-go`."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakeviam import FakeViam, wire
from fakeviam.server.transport.routes import built

from . import go_programs
from .environments import clean_environ

if TYPE_CHECKING:
    from collections.abc import Iterator

DRIVEN_BY = Path(__file__).parent / "driven_by.tsv"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

if reason := go_programs.why_not():
    pytest.skip(reason, allow_module_level=True)


@pytest.fixture(scope="module")
def programs() -> Path:
    return go_programs.programs()


@pytest.fixture
def cloud() -> Iterator[FakeViam]:
    with FakeViam(auth="keys") as cloud:
        yield cloud
        cloud.check()


@pytest.fixture
def tls_cloud() -> Iterator[FakeViam]:
    with FakeViam(auth="keys", tls=True) as cloud:
        yield cloud
        cloud.check()


def interop(programs: Path, cloud: FakeViam, scenario: str) -> list[str]:
    where = [cloud.url, cloud.api_key_id, cloud.api_key, cloud.default_part.id]
    ca = str(cloud.ca_file) if cloud.ca_file else ""
    return run(programs / "interop", scenario, *where, SSL_CERT_FILE=ca).splitlines()


def run(*command: str | Path, **variables: str) -> str:
    environ = {**clean_environ(), **variables}
    done = subprocess.run(
        command, env=environ, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def readings(cloud: FakeViam) -> None:
    """Three readings of a counter."""
    rows = [{"time": f"2026-05-04T12:0{number}:00Z", "n": number} for number in range(3)]
    kind = {"component_type": "rdk:component:sensor", "method": "Readings"}
    cloud.load({"version": 1, "readings": [{"component": "counter", **kind, "rows": rows}]})


def test_data_and_datasets(programs: Path, cloud: FakeViam) -> None:
    """Captures, pages, labels, datasets, MQL, export, downloads, deletes (SV-1, DL-1, SG-1)."""
    assert interop(programs, cloud, "data") == ["fine"]


def test_the_fleet(programs: Path, cloud: FakeViam) -> None:
    """Organizations, locations, robots and parts, down and up again (AP-1 … AP-5)."""
    assert interop(programs, cloud, "fleet") == ["fine"]


def test_uploads_and_what_a_client_receives(programs: Path, cloud: FakeViam) -> None:
    """Streams of up to 100 MiB; 32 MiB in one reply, and the rest by its uri (FU-1, SU-1, DL-1)."""
    assert interop(programs, cloud, "uploads") == ["fine"]


def test_the_transport(programs: Path, cloud: FakeViam) -> None:
    """Compression, 300 calls at once, deadlines, cancellation, refusals (SV-6, SV-12, SV-15)."""
    assert interop(programs, cloud, "transport") == ["fine"]


@pytest.mark.parametrize(
    ("scenario", "again"),
    [("patient", "OK"), ("impatient", "Unavailable")],  # with a policy of retries, and without
)
def test_grpc_go_tries_again(programs: Path, cloud: FakeViam, scenario: str, again: str) -> None:
    """What grpc-go repeats by itself, by its service config, and not at all (SV-12, AU-4)."""
    planned = cloud.faults
    planned.on("TagsByFilter", component="unavailable").once().status("UNAVAILABLE")
    planned.on("TagsByFilter", component="refused-stream").once().reset_stream("REFUSED_STREAM")
    planned.on("TagsByFilter", component="goaway").once().goaway()
    planned.on("TagsByFilter", component="reset-connection").once().reset_connection()
    planned.on("TagsByFilter", component="expired").once().expire_token()
    assert interop(programs, cloud, scenario) == [
        f"unavailable {again}",
        "refused-stream OK",
        "goaway OK",
        f"reset-connection {again}",
        "expired Unauthenticated",
        "fine",
    ]


def test_connect_go(programs: Path, cloud: FakeViam) -> None:
    """Connect in proto and JSON, gRPC and gRPC-Web, over HTTP/1.1 and HTTP/2 (HT-7, HT-9)."""
    readings(cloud)
    assert interop(programs, cloud, "connect") == ["fine"]


@pytest.mark.parametrize("scenario", ["data", "uploads", "transport", "connect"])
def test_tls(programs: Path, tls_cloud: FakeViam, scenario: str) -> None:
    """The same over TLS, with the fake's CA in SSL_CERT_FILE (TL-1, TL-2)."""
    if scenario == "connect":
        readings(tls_cloud)
    assert interop(programs, tls_cloud, scenario) == ["fine"]


def test_grpcurl(programs: Path, cloud: FakeViam) -> None:
    """Services listed and described by reflection, and called without a proto file (SV-1)."""
    plain = (programs / "grpcurl", "-plaintext")
    listed = run(*plain, cloud.target, "list").split()
    assert {"viam.app.data.v1.DataService", "grpc.health.v1.Health"} <= {*listed}
    method = "viam.app.data.v1.DataService.TagsByFilter"
    assert "rpc TagsByFilter" in run(*plain, cloud.target, "describe", method)
    login = {
        "entity": cloud.api_key_id,
        "credentials": {"type": "api-key", "payload": cloud.api_key},
    }
    path = "proto.rpc.v1.AuthService/Authenticate"
    token = json.loads(run(*plain, "-d", json.dumps(login), cloud.target, path))["accessToken"]
    path = "viam.app.v1.AppService/ListOrganizations"
    bearer = f"authorization: Bearer {token}"
    answer = json.loads(run(*plain, "-H", bearer, cloud.target, path))
    assert answer["organizations"][0]["name"] == "fake-org"


def test_grpc_health_probe(programs: Path, cloud: FakeViam) -> None:
    """The server is serving, and so is a service of it."""
    probe = (programs / "grpc-health-probe", f"-addr={cloud.target}")
    run(*probe)
    run(*probe, "-service=viam.app.data.v1.DataService")


def test_what_go_drives(programs: Path) -> None:
    """driven_by.tsv lists the RPCs that these programs call and the fake serves."""
    modules = (go_programs.SOURCE / "go.mod").read_text(encoding="utf-8")
    version = re.search(r"(?m)^\tgoogle.golang.org/grpc v(\S+)", modules)
    assert version
    driven: set[str] = set()
    for scenario in ("data", "fleet", "uploads"):
        with FakeViam(auth="keys") as cloud:
            interop(programs, cloud, scenario)
            driven |= {f"{call.service}/{call.rpc}" for call in cloud.calls.where("*")}
    wanted = [f"grpc-go\t{version[1]}\t{each}" for each in sorted(driven & {*served()})]
    rows = DRIVEN_BY.read_text(encoding="utf-8").splitlines()
    assert [row for row in rows if row.startswith("grpc-go\t")] == wanted


def served() -> Iterator[str]:
    return (f"{each.service}/{each.name}" for each in wire.methods() if each.name in built())
