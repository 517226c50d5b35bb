"""A tour of the fake with the official SDK, six photographs and two weather series.

    make demo

Nothing is downloaded: the photographs are in the wheel of scikit-image, the series in that of
vega-datasets. What the account says is checked before it is printed. Exit status: 0 all of it
holds, 1 something does not, 2 a package is missing.
"""

from __future__ import annotations

import asyncio
import sys
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

#: Package → the module it is found by. Of the last two only files are opened, so they do not
#: need what they themselves depend on.
NEEDED = {"viam-sdk": "viam", "scikit-image": "skimage", "vega-datasets": "vega_datasets"}

NOW = "2016-01-01T12:00:00Z"  # what the fake's clock says: the day after the series ends


async def tour() -> Path:
    """Take every step; return the place of the socket that was used."""
    from demo_tour import asking, labelling, storing  # noqa: PLC0415 - needs what may be missing
    from demo_tour.account import claim, say, section, table  # noqa: PLC0415
    from demo_tour.world import World  # noqa: PLC0415
    from viam.app.viam_client import ViamClient  # noqa: PLC0415

    from fakeviam import Clock, Evidence, FakeViam  # noqa: PLC0415

    async with FakeViam(seed=2016, clock=Clock.frozen(NOW)) as cloud:
        with section("Connecting"):
            viam = await ViamClient.create_from_dial_options(
                cloud.dial_options(), app_url=cloud.unix_socket
            )
            world = World(cloud, viam.data_client)
            say(f"viam-sdk {version('viam-sdk')}, ViamClient.create_from_dial_options")
            say(f"to the Unix socket {cloud.unix_socket}")
            say(f"the fake's clock stands at {NOW}")
        async with viam:
            for title, step in (
                ("Uploading photographs", storing.upload_photographs),
                ("Uploading readings", storing.upload_series),
                ("Paging to the end", storing.page_to_the_end),
                ("Tags", labelling.tag),
                ("Bounding boxes", labelling.draw_boxes),
                ("Datasets", labelling.fill_datasets),
                ("Every field of a filter", asking.use_every_field),
                ("What is refused", asking.be_refused),
                ("The organization's database", asking.connect_to_the_database),
                ("Deleting", asking.delete_everything),
            ):
                with section(title):
                    await step(world)
        with section("What these answers rest on"):
            used: dict[Evidence, list[str]] = {level: [] for level in reversed(Evidence)}
            for clause in cloud.clauses_used:
                used[clause.evidence].append(clause.id)
            rows = [(level.label, len(ids), brief(ids)) for level, ids in used.items() if ids]
            table(["evidence", "clauses", "which"], rows)
            claim(len(rows) > 1, "the answers rest on clauses")
            say("docs/clauses.md tells what each of them says, and which tests prove it")
            claim(not cloud.crashes, "the fake itself did not go wrong")
        return Path(cloud.unix_socket)


def brief(ids: list[str]) -> str:
    """Some of these names, and how many more there are."""
    more = f" and {len(ids) - 12} more" if len(ids) > 12 else ""
    return " ".join(ids[:12]) + more


def main() -> int:
    """Run the tour; the exit status."""
    missing = [package for package, module in NEEDED.items() if find_spec(module) is None]
    if missing:
        told = "python -m pip install " + " ".join(missing)
        print(f"demo: {', '.join(missing)} missing; install with: {told}", file=sys.stderr)
        return 2
    from demo_tour.account import DemoError, claim  # noqa: PLC0415 - after the check above
    from grpclib.exceptions import GRPCError  # noqa: PLC0415

    start = time.perf_counter()
    print("The Viam data cloud on this machine: a tour of fakeviam")
    print("=======================================================")
    try:
        socket = asyncio.run(tour())
        claim(not socket.exists() and not socket.parent.exists(), "the socket is gone")
    except DemoError as error:
        print(f"demo: this does not hold: {error}", file=sys.stderr)
        return 1
    except GRPCError as error:
        print(f"demo: refused unexpectedly: {error.status.name}: {error.message}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    print(f"\nAll of it holds. Nothing is left behind. {time.perf_counter() - start:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
