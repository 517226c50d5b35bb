"""What the tests of the kit share."""

from __future__ import annotations

import pytest
from fakeviam_contracts import set_up


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Uploads are looked for as often as elsewhere, without a pause."""
    monkeypatch.setattr(set_up, "BETWEEN", 0.0)
