from __future__ import annotations

import asyncio
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest
from robot_lab.report import report
from robot_lab.station import Detection, Station
from viam.app.viam_client import ViamClient

if TYPE_CHECKING:
    from fakeviam import FakeViam, Part

NOON = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)


@pytest.fixture(autouse=True)
def account(fakeviam: FakeViam, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIAM_API_KEY", fakeviam.api_key)
    monkeypatch.setenv("VIAM_API_KEY_ID", fakeviam.api_key_id)


def record(fakeviam: FakeViam, part: Part, label: str, confidence: float) -> None:
    async def run() -> None:
        client = await ViamClient.create_from_dial_options(
            fakeviam.dial_options(), app_url=fakeviam.unix_socket
        )
        found = Detection(label, confidence, (0.1, 0.2, 0.3, 0.4))
        await Station(client.data_client, part.id).record_image(b"", NOON, [found])
        client.close()

    asyncio.run(run())


def test_nothing_needs_a_review(fakeviam: FakeViam) -> None:
    assert report(fakeviam.unix_socket) == "0 images need a review"


def test_unsure_images_are_listed(fakeviam: FakeViam, part: Part) -> None:
    for label, confidence in (("nut", 0.2), ("bolt", 0.8), ("screw", 0.5)):
        record(fakeviam, part, label, confidence)
    assert report(fakeviam.unix_socket).splitlines() == [
        "2 images need a review",
        "2026-03-10 12:00 screw",
        "2026-03-10 12:00 nut",
    ]
