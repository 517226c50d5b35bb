"""The view of the fleet: organizations, locations, robots, parts, and how clients connect."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from fakeviam.connection_info import connection_info
from fakeviam.web.page.code import Snippet

if TYPE_CHECKING:
    from fakeviam.model.fleet import Part
    from fakeviam.web.page.visit import Visit


def show(visit: Visit) -> tuple[str, dict[str, object]]:
    """The tree of the fleet with ids to copy, and code that connects."""
    tree: dict[tuple[str, str], dict[tuple[str, str], dict[tuple[str, str], list[Part]]]] = {}
    for part in visit.handle.fleet:
        locations = tree.setdefault((part.organization_id, part.organization_name), {})
        robots = locations.setdefault((part.location_id, part.location_name), {})
        robots.setdefault((part.robot_id, part.robot_name), []).append(part)
    facts = dict(connection_info(visit.fake))
    trusted = visit.fake.control_token is not None or visit.cloud.accounts.mode == "any"
    app_url = str(facts["unix_socket"] or facts["target"])
    key = visit.handle.api_key if trusted else "…"
    return "fleet.html", {
        "tree": tree,
        "clients": _clients(visit.origin, app_url, visit.handle.api_key_id, key),
    }


def _clients(origin: str, app_url: str, key_id: str, key: str) -> list[Snippet]:
    """How each client connects; `app_url` is the parameter of viam-sdk."""
    at, name, secret = (json.dumps(each, ensure_ascii=False) for each in (origin, key_id, key))
    scheme, _, target = origin.partition("://")
    login = ["viam", "login", "api-key", f"--base-url={origin}", f"--key-id={key_id}"]
    trust = '-cacert "$FAKEVIAM_CA_FILE"' if scheme == "https" else "-plaintext"
    return [
        Snippet(
            "Python, viam-sdk",
            "from viam.app.viam_client import ViamClient\n"
            "from viam.rpc.dial import DialOptions\n\n"
            f"options = DialOptions.with_api_key({secret}, {name})\n"
            "viam = await ViamClient.create_from_dial_options(options, "
            f"app_url={json.dumps(app_url, ensure_ascii=False)})\n",
        ),
        Snippet(
            "TypeScript, @viamrobotics/sdk",
            'import * as VIAM from "@viamrobotics/sdk";\n\n'
            f"const client = await VIAM.createViamClient({{\n  serviceHost: {at},\n"
            f'  credentials: {{ type: "api-key", authEntity: {name}, payload: {secret} }},\n}});\n',
        ),
        Snippet(
            "Go, go.viam.com/rdk/app",
            "client, err := app.CreateViamClientWithAPIKey(\n"
            f"\tctx, app.Options{{BaseURL: {at}}}, {secret}, {name}, logger)\n",
        ),
        Snippet("viam, the command line", f"{shlex.join([*login, f'--key={key}'])}\n"),
        Snippet("grpcurl", f"grpcurl {trust} {target} list\n"),
    ]
