"""The kit over TLS, by name and with the certificates of a file, gRPC-Web, and Unix sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fakeviam_contracts.results import Verdict
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.runner import run
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam import FakeViam, Interceptor
from fakeviam.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from google.protobuf.message import Message

CLAUSES = "SU-2"


def _run(*words: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["contract", "run", "--clauses", CLAUSES, *words])
    status: int = caught.value.code or 0  # type: ignore[assignment]
    return status


@pytest.mark.parametrize("form", ["https://localhost:{port}", "web+https://localhost:{port}"])
def test_over_tls_by_name(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With the certificates of --ca-file the contract is kept; without, nothing is called."""
    with FakeViam(seed=1, tls=True) as cloud:
        target = form.format(port=cloud.target.rpartition(":")[2])
        place = ("--target", target, "--part", cloud.default_part.id)
        assert _run(*place, "--ca-file", str(cloud.ca_file)) == 0
        capsys.readouterr()
        before = len(cloud.calls)
        assert _run(*place) == 2
        assert len(cloud.calls) == before
    error = capsys.readouterr().err
    assert (
        "its certificate is not trusted: unable to get local issuer certificate; for a fake, give"
        in error
    )


def test_over_grpc_web(capsys: pytest.CaptureFixture[str]) -> None:
    """Uploads in several messages, too."""
    with FakeViam(seed=1) as cloud:
        place = ("--target", f"web+http://{cloud.target}", "--part", cloud.default_part.id)
        assert _run(*place) == 0
        wrong = ("--target", f"web+http://{cloud.target}", "--part", "nobody")
        assert _run(*wrong) == 2
    assert "part nobody does not accept data: UNKNOWN: no robot part" in capsys.readouterr().err


@pytest.mark.parametrize("where", ["unix:/a/s", "/a/s", "", "host:0"])
@pytest.mark.parametrize("spoken", ["web+", "connect+"])
def test_what_is_no_address_in_http(
    spoken: str, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("--target", spoken + where, "--part", "p") == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("ftp://host", "; web+http(s)://host[:port] for gRPC-Web, connect+http(s)://host[:port] "),
        ("web+http:/host", "write web+http://host "),
        ("connect+https://host/path", "write connect+https://host "),
        ("host:1/path", "no Unix socket is served at host:1/path; write host:port for TCP"),
    ],
)
def test_what_to_type_instead(target: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("--target", target, "--part", "p") == 2
    assert meant in capsys.readouterr().err


def test_a_file_without_certificates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "none.pem"
    empty.write_text("no certificate", encoding="utf-8")
    for path, told in ((empty, "contains no certificates"), (tmp_path / "x", "does not exist")):
        words = ("--target", "https://localhost:1", "--part", "p", "--ca-file", str(path))
        assert _run(*words) == 2
        assert told in capsys.readouterr().err


def test_where_nobody_can_download_links_are_not_asked_for() -> None:
    """SG-1: a Unix socket alone is no address that a link could lead to."""
    with FakeViam(port=None) as cloud:
        result = run(RunConfig(target=cloud.target, parts=(cloud.default_part.id,), clauses="SG-*"))
    verdicts = {clause.clause: clause.verdict for clause in result.clauses}
    assert verdicts["SG-1"] is Verdict.SKIPPED
    assert verdicts["SG-2"] is verdicts["SG-3"] is Verdict.KEPT
    assert result.checks[0].reason.startswith("the server has a Unix socket alone")
    assert result.exit_status == 0


class NoLinks(Interceptor):
    def reply(self, rpc: str, request: Message | None, message: Message) -> Message:
        del request
        if rpc == "CreateBinaryDataSignedURL":
            raise GRPCError(Status.FAILED_PRECONDITION, "none today")
        return message


def test_who_can_be_reached_has_links() -> None:
    """SG-1."""
    with FakeViam(interceptors=[NoLinks()]) as cloud:
        result = run(RunConfig(target=cloud.target, parts=(cloud.default_part.id,), clauses="SG-1"))
    assert [finding.clause for finding in result.findings] == ["SG-1"]
