"""A call as code: for a shell, for programs in several languages, and as a test."""

from __future__ import annotations

import json
import shlex
from pprint import pformat
from typing import TYPE_CHECKING, NamedTuple

from fakeviam.server.instruments.message_json import message_json
from fakeviam.web.page.viam_command import command

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from fakeviam.server.instruments.journal.record import RecordedCall
    from fakeviam.web.page.visit import Visit
    from fakeviam.wire import Method


class Snippet(NamedTuple):
    """Code for one language."""

    language: str
    text: str


def snippets(visit: Visit, call: RecordedCall) -> list[Snippet]:
    """A recorded call as code; none for streams, which the journal keeps only in part."""
    method, request = call.method, call.request
    if request is None or method.client_streaming or not method.service.startswith("viam.app."):
        return []
    found = request_snippets(visit, method, request)
    reply = call.kept.replies and not method.server_streaming and call.status == "OK"
    answer = message_json(call.replies[0]) if reply and call.messages_sent == 1 else None
    return [*found, Snippet("pytest", _pytest(method, request, answer, call))]


def request_snippets(visit: Visit, method: Method, request: Message) -> list[Snippet]:
    """A unary request as code without login, which `fakeviam serve` accepts by default."""
    body = message_json(request)
    found = [
        Snippet("Python", _python(method, body, visit)),
        Snippet("TypeScript", _typescript(method, body, visit)),
        Snippet("Go", _go(method, body, visit)),
        Snippet("grpcurl", _grpcurl(method, body, visit)),
    ]
    # The command line cannot select a session.
    viam = "" if visit.session else command(method, request)
    return [*found, Snippet("viam", viam)] if viam else found


def _reached(visit: Visit) -> tuple[str, bool]:
    """The fake's address as `host:port`, and whether it has TLS."""
    scheme, _, target = visit.origin.partition("://")
    return target, scheme == "https"


def _modules(method: Method) -> tuple[str, str]:
    """Folder and file of generated code: `app/dataset/v1`, `dataset`."""
    package, _, _ = method.service.rpartition(".")
    folder = package.removeprefix("viam.").replace(".", "/")
    file = "data_pipelines" if "datapipelines" in folder else folder.split("/")[1]
    return folder, {"datasync": "data_sync", "v1": "app"}.get(file, file)


def _names(method: Method) -> tuple[str, str]:
    return method.service.rpartition(".")[2], method.request_type.rpartition(".")[2]


def _imports(method: Method) -> str:
    folder, file = _modules(method)
    service, _ = _names(method)
    package = f"viam.gen.{folder.replace('/', '.')}"
    return (
        "from google.protobuf.json_format import MessageToDict, ParseDict\n"
        f"from {package} import {file}_pb2\n"
        f"from {package}.{file}_grpc import {service}Stub\n"
    )


def _call(method: Method, body: object, metadata: str) -> str:
    _, file = _modules(method)
    service, request = _names(method)
    shown = pformat(body, indent=4, width=80, sort_dicts=False)
    return (
        f"    request = ParseDict(\n{_indented(shown, 8)},\n"
        f"        {file}_pb2.{request}(),\n    )\n"
        f"    reply = await {service}Stub(channel).{method.name}(request{metadata})\n"
    )


def _python(method: Method, body: object, visit: Visit) -> str:
    target, tls = _reached(visit)
    host, _, port = target.rpartition(":")
    metadata = f", metadata={{'fakeviam-session': {visit.session!r}}}" if visit.session else ""
    trust = ", ssl=ssl.create_default_context(cafile=os.environ['FAKEVIAM_CA_FILE'])" if tls else ""
    return (
        f"import asyncio\n{'import os' + chr(10) + 'import ssl' + chr(10) if tls else ''}\n"
        f"{_imports(method).replace('MessageToDict, ', '')}"
        "from grpclib.client import Channel\n\n\n"
        f"async def main():\n    channel = Channel({host.strip('[]')!r}, {port}{trust})\n"
        f"{_call(method, body, metadata)}"
        "    print(reply)\n    channel.close()\n\n\nasyncio.run(main())\n"
    )


def _pytest(method: Method, request: Message, answer: object, call: RecordedCall) -> str:
    name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in method.name)
    check = (
        f"    assert MessageToDict(reply, preserving_proto_field_name=True) == "
        f"{pformat(answer, indent=4, width=80, sort_dicts=False)}\n"
        if answer is not None
        else ""
    )
    act = _call(method, message_json(request), "")
    if answer is None and call.status not in (None, "OK"):
        act = act.replace(
            "    reply = await", "    with pytest.raises(GRPCError) as refused:\n        await"
        )
        check = f"    assert refused.value.status is Status.{call.status}\n"
    return (
        "import pytest\n"
        f"{_imports(method)}"
        "from grpclib import GRPCError, Status\nfrom grpclib.client import Channel\n\n\n"
        "@pytest.mark.asyncio\n"
        f"async def test{name}(fakeviam):\n"
        "    # Load here what was stored when the call was made: fakeviam.load(...)\n"
        "    channel = Channel(path=fakeviam.unix_socket)\n"
        f"{act}{check}    channel.close()\n"
    )


def _typescript(method: Method, body: object, visit: Visit) -> str:
    headers = {"content-type": "application/json", "connect-protocol-version": "1"}
    if visit.session:
        headers["fakeviam-session"] = visit.session
    return (
        f"const response = await fetch({json.dumps(visit.origin + method.path)}, {{\n"
        '  method: "POST",\n'
        f"  headers: {json.dumps(headers)},\n"
        f"  body: JSON.stringify({json.dumps(body, ensure_ascii=False, indent=2)}),\n"
        "});\nconsole.log(JSON.stringify(await response.json(), null, 2));\n"
    )


def _go(method: Method, body: object, visit: Visit) -> str:
    target, tls = _reached(visit)
    folder, _ = _modules(method)
    service, request = _names(method)
    context = "context.Background()"
    if visit.session:
        session = json.dumps(visit.session)
        context = f'metadata.AppendToOutgoingContext({context}, "fakeviam-session", {session})'
    trust = (
        "trust, err := credentials.NewClientTLSFromFile("
        'os.Getenv("FAKEVIAM_CA_FILE"), "")\n'
        "if err != nil {\n\tlog.Fatal(err)\n}\n"
        if tls
        else "trust := insecure.NewCredentials()\n"
    )
    packages = [
        "context",
        "fmt",
        "log",
        *(["os"] if tls else []),
        f"pb go.viam.com/api/{folder}",
        "google.golang.org/grpc",
        f"google.golang.org/grpc/credentials{'' if tls else '/insecure'}",
        *(["google.golang.org/grpc/metadata"] if visit.session else []),
        "google.golang.org/protobuf/encoding/protojson",
    ]
    imports = "".join(f"\t{_go_import(each)}\n" for each in packages)
    program = (
        f'{trust}connection, err := grpc.NewClient("{target}", '
        "grpc.WithTransportCredentials(trust))\n"
        "if err != nil {\n\tlog.Fatal(err)\n}\n"
        f"request := &pb.{request}{{}}\n"
        f"err = protojson.Unmarshal([]byte({_go_text(body)}), request)\n"
        "if err != nil {\n\tlog.Fatal(err)\n}\n"
        f"reply, err := pb.New{service}Client(connection).{method.name}({context}, request)\n"
        "fmt.Println(reply, err)\n"
    )
    inner = "".join(f"\t{line}\n" for line in program.rstrip("\n").split("\n"))
    return f"package main\n\nimport (\n{imports})\n\nfunc main() {{\n{inner}}}\n"


def _go_import(package: str) -> str:
    name, _, path = package.rpartition(" ")
    return f'{name} "{path}"' if name else f'"{path}"'


def _go_text(body: object) -> str:
    """JSON as a Go raw string; it must not contain backquotes or a byte order mark."""
    text = json.dumps(body, ensure_ascii=False)
    safe = text.replace("`", "\\u0060").replace("\ufeff", "\\ufeff")
    return f"`{safe}`"


def _grpcurl(method: Method, body: object, visit: Visit) -> str:
    target, tls = _reached(visit)
    header = f" -H {shlex.quote(f'fakeviam-session: {visit.session}')}" if visit.session else ""
    trust = '-cacert "$FAKEVIAM_CA_FILE"' if tls else "-plaintext"
    text = shlex.quote(json.dumps(body, ensure_ascii=False))
    return f"grpcurl {trust}{header} -d {text} \\\n  {target} {method.path.strip('/')}\n"


def _indented(text: str, spaces: int) -> str:
    return "\n".join(" " * spaces + line for line in text.splitlines())
