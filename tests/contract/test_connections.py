"""The kit over TLS, by name and with the certificates of a file, and over gRPC-Web."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakeviam import FakeViam
from fakeviam.cli import main

if TYPE_CHECKING:
    from pathlib import Path

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
    assert "its TLS certificate is not trusted (CERTIFICATE_VERIFY_FAILED); --ca-file" in error


def test_over_grpc_web(capsys: pytest.CaptureFixture[str]) -> None:
    """Uploads in several messages, too."""
    with FakeViam(seed=1) as cloud:
        place = ("--target", f"web+http://{cloud.target}", "--part", cloud.default_part.id)
        assert _run(*place) == 0
        wrong = ("--target", f"web+http://{cloud.target}", "--part", "nobody")
        assert _run(*wrong) == 2
    assert "part nobody does not accept data: UNKNOWN: no robot part" in capsys.readouterr().err


@pytest.mark.parametrize("target", ["web+unix:/tmp/s", "web+/tmp/s", "web+", "web+host:0"])
def test_what_is_no_address_of_grpc_web(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("--target", target, "--part", "p") == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_file_without_certificates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "none.pem"
    empty.write_text("no certificate", encoding="utf-8")
    for path, told in ((empty, "contains no certificates"), (tmp_path / "x", "does not exist")):
        words = ("--target", "https://localhost:1", "--part", "p", "--ca-file", str(path))
        assert _run(*words) == 2
        assert told in capsys.readouterr().err
