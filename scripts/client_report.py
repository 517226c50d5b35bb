"""Write docs/client-report.md: what Viam's SDKs and our own client do, each where it lives.

    python -m scripts.client_report            # write it
    python -m scripts.client_report --check    # write nothing; fail if it is not current

The releases of viam-sdk live in the environments of the tests in tests/interop, under .envs/, that
of the TypeScript SDK in their cache; it needs Node and npm.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fakeviam_contracts.clients.check import checked_client
from fakeviam_contracts.clients.report import as_markdown

from tests.interop.environments import SDK_RELEASES, sdk_environment
from tests.interop.npm import typescript_adapter

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "client-report.md"
ADAPTER = ROOT / "contracts" / "fakeviam_contracts" / "clients" / "adapters" / "viam_sdk.py"


def main() -> int:
    """Write or compare; the exit status is 1 if the page is not current."""
    parser = argparse.ArgumentParser(prog="scripts.client_report")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if stale")
    check = parser.parse_args().check
    # By its path: those environments need nothing but the SDK.
    commands = [[str(sdk_environment(release)), str(ADAPTER)] for release in SDK_RELEASES]
    with typescript_adapter() as typescript:
        commands += [typescript, [sys.executable, "-m", "fakeviam_contracts.clients.adapters.own"]]
        text = as_markdown([checked_client(command) for command in commands])
    if not check:
        PAGE.write_text(text, encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != text:
        print("docs/client-report.md is not current: run `make client-report`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
