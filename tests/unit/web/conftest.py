"""A fake, and a browser on it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from fakeviam import FakeViam

from .browser import Browser, call
from .shown import SEED, keep_more

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Open = Callable[..., Browser]

NOON = "2026-03-10T12:00:00+00:00"


@pytest.fixture
def browse() -> Iterator[Open]:
    """Open a browser on a fake with these options."""
    with ExitStack() as stack:

        def begin(**options: Any) -> Browser:
            return Browser(stack.enter_context(FakeViam(**{"seed": 1, **options})))

        yield begin


@pytest.fixture
def web(browse: Open) -> Iterator[Browser]:
    """A browser on a fake as it is by default; it must not have crashed at the end."""
    found = browse()
    yield found
    assert not found.cloud.crashes


@pytest.fixture(scope="module")
def full() -> Iterator[Browser]:
    """A fake with something of everything, and some calls."""
    with FakeViam(seed=1, load=SEED) as cloud:
        call(cloud, "BinaryDataByFilter", data_request={"filter": {"tags_filter": {"tags": ["x"]}}})
        call(cloud, "BinaryDataByFilter", data_request={"filter": {"component_name": "cam"}})
        call(cloud, "TagsByFilter")
        organization = cloud.default_part.organization_id
        call(cloud, "ListDatasetsByOrganizationID", organization_id=organization)
        keep_more(cloud)
        yield Browser(cloud)
        assert not cloud.crashes
