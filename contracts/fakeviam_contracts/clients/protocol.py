"""How a client in any language is driven: messages over its standard input and output.

docs/client-adapters.md of the project says the same with every method and its arguments.

The kit starts a command, the *adapter*. Each message is a `google.protobuf.Struct`, serialized,
after four bytes that hold its length (unsigned, most significant first). The kit writes one
request, the adapter writes one response, and so on; at the end of its input the adapter exits.
Nothing else may stand on standard output; standard error is free.

A request holds

- `id`: a string; the response repeats it;
- `method`: what to do, see below;
- `args`: a struct of arguments by name; what is not in there is not passed to the client;
- `target`: the server, as `unix:/path/of/a.sock`, without TLS; for `log_in` also as
  `https://localhost:PORT`, with TLS;
- `metadata`: a struct of headers that the client is to send with each call.

For each request the adapter opens a connection, does one thing with a fresh client, and closes.
A response holds `id` and `ok`, and either `result` or `error`: a struct of `kind`, `status` and
`text`. The kinds:

- `grpc`: a gRPC error; `status` is its name, such as `NOT_FOUND`, and `text` its message;
- `value`, `type`: a complaint about an argument (ValueError and TypeError in Python);
- `not_found`: a local file does not exist;
- `timeout`: the time that the caller gave is up (TimeoutError in Python);
- `not_implemented`: the client has the method and says that it does nothing;
- `unsupported`: the client has no such method, or the method no such argument; the adapter says
  this by itself;
- `other`: anything else; `text` begins with the name of the error.

Values that JSON lacks are structs with one key: `{"$bytes": base64}`, `{"$time": text}` in ISO
8601 (without an offset it is a naive time), `{"$id": {organization_id, location_id, file_id}}`
for a BinaryID message and `{"$filter": {…}}` for a filter, which holds the arguments of
`create_filter`: `tags`, `start_time` and so on. An id that is a string is just that.

Methods are those of the Python documentation, in snake case, with the argument names of viam-sdk
0.15.0 (so `include_file_data` where newer releases say `include_binary_data`), plus what came
later: `limit`, `sort_order`, `last`, `count_only`, `include_internal_data`, `mime_type`,
`dataset_ids`, `get_latest_tabular_data`, `export_tabular_data`, `start_sequence_dataset_export`.
Results: what the client returns, as JSON, but

- downloads give `{"records": […], "last": text, "count": number}` (the last two where the client
  tells them); a reading is `{data, time_requested, time_received, component_name}`, a file is
  `{id, data, file_name}`, where `id` is its string id;
- lists of datasets give `[{id, name}, …]`; the two queries for latest and exported data give null.

Two methods are the protocol's own. `describe`, which calls no server, gives `{name, version,
paging}`: `paging` is `client` if downloads follow the pages by themselves and `caller` if they
fetch one page. `log_in` connects with the arguments `api_key_id` and `api_key`, whatever the
client does with them, and then calls `tags_by_filter`, whose tags are its result; with `ca_file`,
certificates in a file are the only ones that it trusts. It may be `unsupported` like everything
else; `describe` may not. `adapters/viam_sdk.py` is an adapter in one file, as a pattern.
"""

from __future__ import annotations

import asyncio
import base64
import struct
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Protocol

from fakeviam.wire.values import mapping_from, struct_from
from fakeviam.wire.well_known import Struct

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from typing_extensions import Self

#: The maximum size of a message; anything larger is text that was printed to standard output.
LARGEST = 64 * 1024 * 1024

#: The timeout of a request in seconds, enough for a client that retries with pauses.
LIMIT = 20.0


class ClientUnusableError(Exception):
    """The adapter does not start, exits early, or does not speak the protocol."""


class Id(NamedTuple):
    """A BinaryID message."""

    organization_id: str
    location_id: str
    file_id: str


class Asked(dict[str, Any]):
    """A filter, as the arguments of `create_filter`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The response to a request; if it is not `ok`, `kind` is the kind of the error."""

    ok: bool
    result: object = None
    kind: str = ""
    status: str = ""
    text: str = ""

    def __str__(self) -> str:
        if self.ok:
            return "success"
        return f"{self.kind} {self.status}: {self.text}".replace(" : ", ": ")


class Peer(Protocol):
    """A client, as obligations use it."""

    async def ask(
        self, method: str, args: Mapping[str, object], target: str, metadata: Mapping[str, str]
    ) -> Answer:
        """Execute one request."""
        ...


# Values -----------------------------------------------------------------------------------


def encoded(value: object) -> Any:
    """Encode a value as JSON."""
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, datetime):
        return {"$time": value.isoformat()}
    if isinstance(value, Id):
        return {"$id": value._asdict()}
    if isinstance(value, dict):
        plain = {key: encoded(item) for key, item in value.items()}
        return {"$filter": plain} if isinstance(value, Asked) else plain
    return [encoded(item) for item in value] if isinstance(value, list | tuple) else value


def decoded(value: object) -> Any:
    """Decode a value of `encoded`."""
    if isinstance(value, list):
        return [decoded(item) for item in value]
    if not isinstance(value, dict):
        # As far as doubles tell whole numbers apart.
        whole = isinstance(value, float) and value.is_integer() and abs(value) <= 2**53
        return int(value) if isinstance(value, float) and whole else value
    plain = {key: decoded(item) for key, item in value.items()}
    makers: dict[str, Callable[[Any], Any]] = {
        "$bytes": base64.b64decode,
        "$time": lambda text: datetime.fromisoformat(text.replace("Z", "+00:00")),
        "$id": lambda parts: Id(**parts),
        "$filter": Asked,
    }
    for key, item in plain.items():
        if key in makers and len(plain) == 1:
            return makers[key](item)
    return plain


def request_of(
    method: str, args: Mapping[str, object], target: str, metadata: Mapping[str, str]
) -> dict[str, object]:
    """A request without its id."""
    return {
        "method": method,
        "args": encoded(dict(args)),
        "target": target,
        "metadata": dict(metadata),
    }


def answer_of(response: Mapping[str, object]) -> Answer:
    """Parse a response."""
    if response.get("ok") is True:
        return Answer(ok=True, result=decoded(response.get("result")))
    error = response.get("error")
    if not isinstance(error, dict) or not isinstance(error.get("kind"), str):
        raise ClientUnusableError(f"a response without ok and without an error: {response}")
    fields = {key: str(error.get(key) or "") for key in ("kind", "status", "text")}
    return Answer(ok=False, **fields)


# Framing ----------------------------------------------------------------------------------


def framed(values: Mapping[str, object]) -> bytes:
    """Encode a message with its length."""
    body = struct_from(values).SerializeToString()
    return struct.pack(">I", len(body)) + body


def unframed(body: bytes) -> dict[str, object]:
    """Decode the body of a frame."""
    return mapping_from(Struct.FromString(body))


async def serve(answer: Callable[[dict[str, object]], Awaitable[dict[str, object]]]) -> None:
    """Serve requests on standard input, for adapters that can import this module.

    Blocking reads are fine: there is no other work between two requests.
    """
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while header := source.read(4):
        request = unframed(source.read(struct.unpack(">I", header)[0]))
        response = await answer(request)
        sink.write(framed({"id": request["id"], **response}))
        sink.flush()


# Peers ------------------------------------------------------------------------------------


class LocalPeer:
    """A client in this process, called through its adapter's function."""

    def __init__(self, handle: Callable[[dict[str, object]], Awaitable[dict[str, object]]]) -> None:
        """Call `handle` for each request."""
        self._handle = handle

    async def ask(
        self, method: str, args: Mapping[str, object], target: str, metadata: Mapping[str, str]
    ) -> Answer:
        request = request_of(method, args, target, metadata)
        try:
            return answer_of(await asyncio.wait_for(self._handle(request), LIMIT))
        except asyncio.TimeoutError:
            return _silent()


class ProcessPeer:
    """A client in another process; use it as a context manager."""

    def __init__(self, command: Sequence[str]) -> None:
        """Use the adapter that `command` starts."""
        self._command = list(command)
        self._process: asyncio.subprocess.Process | None = None
        self._errors: IO[bytes] | None = None
        self._asked = 0

    async def __aenter__(self) -> Self:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __aexit__
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()
        if self._errors is not None:
            self._errors.close()

    async def ask(
        self, method: str, args: Mapping[str, object], target: str, metadata: Mapping[str, str]
    ) -> Answer:
        """Execute one request; an adapter that does not respond is stopped, and restarted later.

        Raises:
            ClientUnusableError: It does not speak the protocol.
        """
        self._asked += 1
        request = {"id": str(self._asked), **request_of(method, args, target, metadata)}
        try:
            response = await asyncio.wait_for(self._exchange(framed(request)), LIMIT)
        except asyncio.TimeoutError:
            await self._stop()
            return _silent()
        if response.get("id") != request["id"]:
            raise ClientUnusableError(f"asked {request['id']!r}, answered {response.get('id')!r}")
        return answer_of(response)

    async def _exchange(self, frame: bytes) -> dict[str, object]:
        process = await self._started()
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101
        try:
            process.stdin.write(frame)
            await process.stdin.drain()
            size = struct.unpack(">I", await process.stdout.readexactly(4))[0]
            if size > LARGEST:
                raise ValueError(f"a frame of {size} bytes")  # noqa: TRY301 - handled below
            return unframed(await process.stdout.readexactly(size))
        except (OSError, asyncio.IncompleteReadError) as error:
            await self._stop()
            printed = error.partial if isinstance(error, asyncio.IncompleteReadError) else b""
            what = f"{self._label()} ended{self._complaint(printed)}"
            raise ClientUnusableError(what) from error
        except Exception as error:
            raise ClientUnusableError(
                f"{self._label()} sent an invalid message: {error}"
            ) from error

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=self._errors,
                )
            except OSError as error:
                raise ClientUnusableError(f"{self._label()} cannot be started: {error}") from error
        return self._process

    async def _stop(self) -> None:
        """Close its standard input, which asks it to exit; kill it if it does not."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 2)
        except asyncio.TimeoutError:
            process.kill()
            await process.wait()

    def _label(self) -> str:
        return f"the client {' '.join(self._command)}"

    def _complaint(self, printed: bytes) -> str:
        lines = []
        if self._errors is not None:
            self._errors.seek(0)
            lines = self._errors.read().decode(errors="replace").strip().splitlines()
        if lines:
            return f": {lines[-1]}"
        text = printed.decode(errors="replace").strip()
        return f" after {text!r}, which is no reply" if text else " without a word"


def _silent() -> Answer:
    return Answer(ok=False, kind="silent", text=f"no answer within {LIMIT:g} s")
