"""TLS on the port: who is served, what is said to those who are not, and bad files."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import ssl
import sys
import urllib.request
from base64 import b64encode
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from fakeviam_client import connect
from grpclib.exceptions import GRPCError

from fakeviam import ConnectionLimits, FakeViam, Tls, UsageError
from fakeviam.server.lifecycle.server import BLOCKING
from fakeviam.target import client_context

from .certificates import write
from .raw_http2 import PREFACE, SETTINGS, RawClient, frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam_client import DataClient


@pytest.fixture(scope="module")
def cloud() -> Iterator[FakeViam]:
    """With TLS, and without it at a second port."""
    with FakeViam(seed=4, tls=True, plaintext_port=0) as cloud:
        yield cloud
        cloud.check()


@pytest.fixture
def hasty() -> Iterator[FakeViam]:
    """A server with a short timeout, for handshakes that are too slow."""
    with FakeViam(tls=True, limits=ConnectionLimits(header_seconds=0.2)) as cloud:
        yield cloud
        cloud.check()


async def upload(data: DataClient, cloud: FakeViam, size: int) -> str:
    """Upload a file and read it back; its uri."""
    made = await data.file_upload(
        part_id=cloud.default_part.id, data=b"x" * size, file_extension=".txt"
    )
    (found,) = await data.binary_data_by_ids([made])
    assert found.data == b"x" * size
    return str(found.metadata.uri)


def fetch(url: str, ca_file: str, **headers: str) -> bytes:
    context = ssl.create_default_context(cafile=ca_file) if url.startswith("https") else None
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - of the fake
    with urllib.request.urlopen(request, context=context, timeout=30) as found:  # noqa: S310
        return bytes(found.read())


def shaken(cloud: FakeViam, name: str = "localhost", *protocols: str, **how: Any) -> ssl.SSLSocket:
    """A TLS connection to the fake that knows its CA."""
    context = ssl.create_default_context(cafile=cloud.ca_file)
    context.set_alpn_protocols(list(protocols))
    for attribute, value in how.items():
        setattr(context, attribute, value)
    line = socket.create_connection(("127.0.0.1", cloud.port), timeout=30)
    return context.wrap_socket(line, server_hostname=name)


def said(port: int, data: bytes) -> bytes:
    """What comes back from a port until the server hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.sendall(data)
        return b"".join(iter(lambda: line.recv(65536), b""))


async def refusal(target: str, ca_file: str | None = None) -> BaseException:
    try:
        async with connect(target, ca_file=ca_file) as data:
            await data.tags_by_filter()
    except (GRPCError, ConnectionError) as error:
        return error
    raise AssertionError("served")


@pytest.mark.asyncio
async def test_calls_files_and_the_control_api_are_encrypted(cloud: FakeViam) -> None:
    """And every address says so (TL-1)."""
    assert cloud.target == cloud.url == f"https://127.0.0.1:{cloud.port}"
    key: Any = {"api_key": cloud.api_key, "api_key_id": cloud.api_key_id}
    async with connect(cloud.target, ca_file=cloud.ca_file, **key) as data:
        uri = await upload(data, cloud, 3_000_000)
    assert uri.startswith(f"{cloud.url}/files/")
    assert len(await asyncio.to_thread(fetch, uri, cloud.ca_file)) == 3_000_000
    told = json.loads(await asyncio.to_thread(fetch, f"{cloud.url}/control/v1", cloud.ca_file))
    assert told["server"]["target"] == cloud.target
    assert told["server"]["ca_file"] == cloud.ca_file
    env = cloud.env()
    assert (env["FAKEVIAM_TARGET"], env["FAKEVIAM_CA_FILE"]) == (cloud.target, cloud.ca_file)


@pytest.mark.asyncio
async def test_the_unix_socket_and_the_second_port_are_not(cloud: FakeViam) -> None:
    """A link leads where its client called, or to the port (TL-1)."""
    async with connect(cloud.unix_socket) as data:
        assert (await upload(data, cloud, 10)).startswith(f"{cloud.url}/files/")
    async with connect(cloud.plaintext_target) as data:
        uri = await upload(data, cloud, 10)
    assert uri.startswith(f"http://{cloud.plaintext_target}/files/")
    assert await asyncio.to_thread(fetch, uri, "") == b"x" * 10


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["h2"], "h2"),
        (["http/1.1"], "http/1.1"),
        (["http/1.1", "h2"], "h2"),
        (["h3"], None),
        ([], None),
    ],
)
def test_clients_that_can_speak_http2_do(
    cloud: FakeViam, offered: list[str], chosen: str | None
) -> None:
    """Clients of gRPC, and browsers; what offers nothing is told by its first bytes (TL-1)."""
    with closing(shaken(cloud, "localhost", *offered)) as line:
        assert line.selected_alpn_protocol() == chosen


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_of_tls_are_spoken(cloud: FakeViam, version: ssl.TLSVersion) -> None:
    """And requests may come in pieces (TL-1)."""
    with closing(shaken(cloud, maximum_version=version)) as line:
        for piece in (b"GET /healthz HT", b"TP/1.1\r\nhost: localhost\r\n\r\n"):
            line.sendall(piece)
        assert line.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_the_certificate_has_the_names_of_this_machine(cloud: FakeViam, name: str) -> None:
    """Names of others it has not, and is shown all the same (TL-2)."""
    shaken(cloud, name).close()
    for other in ("app.viam.com", "\u00e4.example"):
        with pytest.raises(ssl.SSLCertVerificationError):
            shaken(cloud, other)
    shaken(cloud, "app.viam.com", check_hostname=False).close()


def test_further_names_and_ipv6(tmp_path: Path) -> None:
    """And the file is where it was asked for while the server runs (TL-2)."""
    path = tmp_path / "ca.pem"
    tls = Tls(ca_file=path, names=["app.viam.com", "10.1.2.3"])
    with FakeViam(tls=tls, host="::1") as cloud:
        assert cloud.ca_file == str(path)
        assert path.read_text() == cloud.ca_pem
        assert fetch(f"{cloud.url}/healthz", cloud.ca_file) == b"ok\n"
        context = client_context(cloud.ca_file)
        for name in ("app.viam.com", "10.1.2.3", "::1"):
            with socket.create_connection(("::1", cloud.port), timeout=30) as line:
                context.wrap_socket(line, server_hostname=name).close()
    assert not path.exists()


def test_localhost_is_one_port_on_all_its_addresses() -> None:
    """IPv4 and IPv6, where the system has both (TL-2)."""
    known = {each[4][0] for each in socket.getaddrinfo("localhost", 1, type=socket.SOCK_STREAM)}
    with FakeViam(tls=True, host="localhost") as cloud:
        context = client_context(cloud.ca_file)
        for address in known:
            with socket.create_connection((str(address), cloud.port), timeout=30) as line:
                context.wrap_socket(line, server_hostname=str(address)).close()


def test_a_temporary_file_is_removed_too() -> None:
    """With its folder (TL-2)."""
    with FakeViam(tls=True) as cloud:
        file = Path(cloud.ca_file)
        assert file.read_text() == cloud.ca_pem
    assert not file.parent.exists()


@pytest.mark.asyncio
async def test_grpc_without_tls_is_told_to_use_it(cloud: FakeViam) -> None:
    """By the status of the call, which clients show and do not try again (TL-3)."""
    before = len(cloud.calls)
    error: Any = await refusal(f"127.0.0.1:{cloud.port}")
    assert error.status.name == "FAILED_PRECONDITION"
    assert error.message.startswith("this port speaks TLS, and the client does not: use https://")
    assert error.message.endswith("[TL-3]")
    assert len(cloud.calls) == before


def test_http_without_tls_is_told_to_use_it(cloud: FakeViam) -> None:
    """By a complete answer of HTTP (TL-3)."""
    request = b"POST /control/v1/reset HTTP/1.1\r\nhost: x\r\ncontent-length: 999999\r\n\r\n"
    head, _, body = said(cloud.port, request + b"x" * 99999).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert json.loads(body)["error"]["what"].startswith("this port speaks TLS")


@pytest.mark.parametrize(
    ("kind", "status", "form"),
    [
        ("application/json", 400, b'{"code": "failed_precondition", "message": "this port'),
        ("application/proto", 400, b'{"code": "failed_precondition", "message": "this port'),
        ("application/connect+json", 200, b'{"error": {"code": "failed_precondition", '),
        ("application/grpc-web+proto", 200, b"grpc-status: 9\r\ngrpc-message: this port"),
        ("application/grpc-web-text", 200, b64encode(b"\x80\0\0\1")[:4]),
        ("text/plain", 400, b'{"error": {"what": "this port speaks TLS'),
    ],
)
def test_calls_of_web_clients_without_tls(
    cloud: FakeViam, kind: str, status: int, form: bytes
) -> None:
    """Are told in their own form, in how many pieces they come (TL-3, HT-7, HT-10)."""
    head = f"POST /viam.app.v1.AppService/GetRobot HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\n"
    request = f"{head}content-length: 2\r\n\r\n{{}}".encode()
    with socket.create_connection(("127.0.0.1", cloud.port), timeout=30) as line:
        for at in range(0, len(request), 40):
            line.sendall(request[at : at + 40])
        response = http.client.HTTPResponse(line)
        response.begin()
        body = response.read()
    assert (response.status, response.getheader("connection")) == (status, "close")
    assert form in body
    if status == 200:
        assert response.getheader("content-type") == kind
    elif "code" in form.decode():
        assert response.getheader("trailer-fakeviam-clause") == "TL-3"


@pytest.mark.parametrize(
    ("fields", "status", "form"),
    [
        ({"content_type": b"application/json"}, "400", b'{"code": "failed_precondition", "mess'),
        ({"content_type": b"application/connect+proto"}, "200", b'"code": "failed_precondition"'),
        ({"content_type": b"application/grpc-web"}, "200", b"grpc-status: 9\r\ngrpc-message: this"),
        ({"path": b"/ui", "content_type": b"text/plain"}, "400", b'{"error": {"what": "this port'),
        ({"method": b"GET", "path": b"/healthz", "content_type": None}, "400", b"this port speaks"),
    ],
)
@pytest.mark.asyncio
async def test_requests_inside_http2_without_tls(
    cloud: FakeViam, fields: dict[str, bytes | None], status: str, form: bytes
) -> None:
    """Are told in their own form, as over HTTP/1.1; the connection goes on (TL-3, HT-9)."""
    client = RawClient(*await asyncio.open_connection("127.0.0.1", cloud.port))
    client.send(PREFACE, frame(SETTINGS, 0, 0))
    for stream in (1, 3):
        answer = await client.ask(stream, b"{}", **fields)
        assert answer.headers[":status"] == status
        assert form in answer.body
    assert client.goaway is None
    client.writer.close()


@pytest.mark.parametrize("request_", [b"POST /a.B/C HTTP/1.1\r\nhost: x\r\n", b"POST \r\n\r\n"])
def test_heads_without_an_end_and_without_sense(hasty: FakeViam, request_: bytes) -> None:
    """Get the same sentence (TL-3)."""
    assert b'{"error": {"what": "this port speaks TLS' in said(hasty.port, request_)


@pytest.mark.asyncio
async def test_tls_without_a_server_for_it_is_refused_in_clear(cloud: FakeViam) -> None:
    """So that OpenSSL, and viam-sdk with it, knows that no TLS is spoken (TL-3)."""
    error = await refusal(f"https://{cloud.plaintext_target}", cloud.ca_file)
    assert "it speaks no TLS; use http://" in str(error)
    assert isinstance(error.__cause__, ssl.SSLError)
    assert error.__cause__.reason == "WRONG_VERSION_NUMBER"
    port = int(cloud.plaintext_target.rpartition(":")[2])
    for hello in (b"\x16\x03\x01", b"\x16\x03\x01\x02\0\x01\0"):
        answer = await asyncio.to_thread(said, port, hello)
        assert b"this port speaks no TLS, and the client began with it" in answer


@pytest.mark.asyncio
async def test_whoever_does_not_trust_is_told_what_to_trust(
    cloud: FakeViam, caplog: pytest.LogCaptureFixture
) -> None:
    """On both sides (TL-4)."""
    error = await refusal(cloud.target)
    assert "its certificate is not trusted: unable to get local issuer" in str(error)
    assert "--ca-file" in str(error)
    with (
        socket.create_connection(("127.0.0.1", cloud.port), timeout=30) as line,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        ssl.create_default_context().wrap_socket(line, server_hostname="localhost")
    await asyncio.to_thread(fetch, f"{cloud.url}/healthz", cloud.ca_file)  # by then it was said
    assert "does not trust this server's certificate (TLSV1_ALERT_UNKNOWN_CA)" in caplog.text


def test_a_handshake_that_stands_still_is_dropped(
    hasty: FakeViam, cloud: FakeViam, caplog: pytest.LogCaptureFixture
) -> None:
    """So is nonsense that looks like one, at once (TL-4)."""
    assert said(hasty.port, b"\x16\x03\x01\x02\0\x01") == b""
    assert "said nothing more for 0.2 seconds during the TLS handshake" in caplog.text
    alert = said(cloud.port, b"\x16\x03\x01\0\x05\x01\0\0\0\0")
    assert alert[:1] == b"\x15"
    assert fetch(f"{cloud.url}/healthz", cloud.ca_file) == b"ok\n"


def test_keys_are_not_agreed_on_again_and_again(cloud: FakeViam) -> None:
    """Renegotiation, of TLS 1.2, costs a server more than a client (TL-4)."""
    identity = cloud._server.identity
    assert identity is not None
    assert identity.context().options & ssl.OP_NO_RENEGOTIATION


def test_files_of_ones_own_and_their_rotation(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Who replaces them has the new ones served; one half alone does no harm (TL-5)."""
    files, other = write(tmp_path), write(tmp_path, name="other")
    with FakeViam(tls=Tls(cert=files.cert, key=files.key)) as cloud:
        assert fetch(f"{cloud.url}/healthz", cloud.ca_file) == b"ok\n"
        assert Path(cloud.ca_file).read_bytes() == files.ca.read_bytes()
        files.cert.write_bytes(other.cert.read_bytes())
        assert fetch(f"{cloud.url}/healthz", str(files.ca)) == b"ok\n"
        assert "still serving the old certificate: key: the key in " in caplog.text
        files.key.write_bytes(other.key.read_bytes())
        assert fetch(f"{cloud.url}/healthz", str(other.ca)) == b"ok\n"
        files.cert.unlink()
        assert fetch(f"{cloud.url}/healthz", str(other.ca)) == b"ok\n"


REQUEST = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if viam-sdk had been imported."""
    monkeypatch.setitem(sys.modules, BLOCKING, ModuleType(BLOCKING))


@pytest.mark.usefixtures("sdk")
@pytest.mark.asyncio
async def test_a_client_may_block_the_loop_while_it_begins_tls() -> None:
    """As viam-sdk does; and it may go on with the connection (TL-7)."""
    async with FakeViam(tls=True) as cloud:
        shaken(cloud).close()
        line = shaken(cloud)
        with closing(line):
            await asyncio.to_thread(line.sendall, REQUEST)
            assert (await asyncio.to_thread(line.recv, 1000)).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.usefixtures("sdk")
@pytest.mark.asyncio
async def test_a_client_may_block_the_loop_where_no_tls_is_spoken(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It hears so; others, that come meanwhile, are served afterwards (TL-7, TL-3)."""
    async with FakeViam() as cloud:
        with socket.create_connection(("127.0.0.1", cloud.port), timeout=30) as other:
            other.sendall(REQUEST)
            with (
                socket.create_connection(("127.0.0.1", cloud.port), timeout=30) as line,
                pytest.raises(ssl.SSLError, match="WRONG_VERSION_NUMBER"),
            ):
                ssl.create_default_context().wrap_socket(line, server_hostname="localhost")
            assert (await asyncio.to_thread(other.recv, 1000)).startswith(b"HTTP/1.1 200 OK")
    assert "the event loop of this fake stood still while a client began TLS" in caplog.text


def bad(folder: Path, kind: str) -> Tls:
    """Files that cannot be used, for one reason each."""
    good = write(folder)
    if kind == "missing":
        return Tls(cert=folder / "none.pem")
    if kind == "no certificate":
        return Tls(cert=good.key)
    if kind == "no key":
        return Tls(cert=good.cert)
    if kind == "damaged":
        good.cert.write_text(good.cert.read_text().replace("MII", "???", 1))
    if kind == "another key":
        return Tls(cert=good.cert, key=write(folder, name="other").key)
    if kind == "expired":
        good = write(folder, starts=-3, ends=-2)
    if kind == "not yet":
        good = write(folder, starts=2, ends=3)
    if kind == "no anchor":
        good.cert.write_text(good.cert.read_text().partition("-----END CERTIFICATE-----\n")[0])
        with good.cert.open("a") as file:
            file.write("-----END CERTIFICATE-----\n")
        return Tls(cert=good.cert, key=good.key, ca_file=folder / "ca.pem")
    return Tls(cert=good.cert, key=good.key)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("missing", r"cert: cannot read .*none\.pem: No such file or directory"),
        ("no certificate", r"cert: .*server-key\.pem holds no certificate in PEM form"),
        ("no key", r"key: .*server-cert\.pem holds no private key in PEM form"),
        ("damaged", r"cert: .* cannot be used: .+"),
        ("another key", r"key: the key in .*other-key\.pem does not fit the certificate in .*"),
        ("expired", r"cert: the certificate in .* expired on 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC"),
        ("not yet", r"cert: the certificate in .* is not valid before 20\d\d-\d\d-\d\d .* UTC"),
        ("no anchor", r"ca_file cannot be written: .* does not end with the certificate of its CA"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, kind: str, text: str) -> None:
    """The text names the file; a data directory is not even made (TL-6)."""
    store = tmp_path / "data"
    with pytest.raises(UsageError, match=text):
        FakeViam(tls=bad(tmp_path, kind), data_dir=store)
    assert not store.exists()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"tls": "yes"}, r"tls must be True or a Tls\(cert=..., key=...\), got 'yes'"),
        ({"tls": True, "port": None}, "tls requires a port: the Unix socket is never encrypted"),
        ({"plaintext_port": 0}, "plaintext_port requires tls"),
        ({"tls": True, "plaintext_port": "x"}, "plaintext_port must be a whole number, got 'x'"),
        ({"tls": Tls(names=["a b"])}, "names: they cannot be in a certificate: "),
        ({"tls": Tls(ca_file="/none/ca.pem")}, "ca_file: cannot write /none/ca.pem: No such file"),
        ({"tls": Tls(ca_file="/dev/null")}, "ca_file: cannot write /dev/null: not a regular file"),
    ],
)
def test_arguments_that_mean_nothing(options: dict[str, Any], text: str) -> None:
    """The text names the argument, and nothing listens (TL-6)."""
    with pytest.raises(UsageError, match=text), FakeViam(**options):
        pass


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"key": "k"}, "key needs cert"),
        ({"cert": "c", "names": ["n"]}, "names are for a generated certificate"),
        ({"cert": 3}, "cert must be a path, got 3"),
        ({"names": "localhost"}, "names must be a list of names"),
        ({"names": [""]}, "names must be host names or addresses, got ''"),
    ],
)
def test_settings_that_mean_nothing(options: dict[str, Any], text: str) -> None:
    """The text names the field (TL-6)."""
    with pytest.raises(UsageError, match=text):
        Tls(**options)
