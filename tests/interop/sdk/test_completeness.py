"""The suite itself: it has called all that the documentation of 0.15.0 names."""

from __future__ import annotations

from pathlib import Path

import pytest
from viam.app.data_client import DataClient

from fakeviam import wire
from fakeviam.server.transport.routes import built

from .official import (
    FORMS,
    LATER_METHODS,
    METHODS,
    METHODS_WITH_IDS,
    RELEASE,
    TRANSPORTS,
    Exercised,
)

DRIVEN_BY = Path(__file__).parents[1] / "driven_by.tsv"


def test_the_tables_are_as_they_should_be() -> None:
    assert len(METHODS) == len(set(METHODS)) == 30
    assert set(METHODS_WITH_IDS) == {
        "binary_data_by_ids",
        "delete_binary_data_by_ids",
        "add_tags_to_binary_data_by_ids",
        "remove_tags_from_binary_data_by_ids",
        "add_bounding_box_to_image_by_id",
        "remove_bounding_box_from_image_by_id",
        "add_binary_data_to_dataset_by_ids",
        "remove_binary_data_from_dataset_by_ids",
    }
    assert all(hasattr(DataClient, name) for name in METHODS + LATER_METHODS)
    assert ("insecure tcp" in TRANSPORTS) == (RELEASE >= (0, 78, 1))


def check_whole(request: pytest.FixtureRequest) -> None:
    """Skip a test that looks back on the whole suite, if that did not run."""
    folder = Path(__file__).parent
    collected = {item.path.name for item in request.session.items}
    chosen = request.config.option.keyword or request.config.option.markexpr
    whole = collected == {path.name for path in folder.glob("test_*.py")} and not chosen
    if not whole or hasattr(request.config, "workerinput"):
        pytest.skip("only a part of the suite ran in this process")


@pytest.mark.looks_back
def test_what_the_sdk_drives_is_on_record(request: pytest.FixtureRequest, driven: set[str]) -> None:
    """driven_by.tsv lists the RPCs that this suite calls and the fake serves."""
    check_whole(request)
    rows = DRIVEN_BY.read_text(encoding="utf-8").splitlines()
    name = f"viam-sdk\t{'.'.join(map(str, RELEASE))}\t"
    recorded = {row for row in rows if row.startswith(name)}
    if not recorded:  # of one release there is a record, the newest
        return
    served = {f"{each.service}/{each.name}" for each in wire.methods() if each.name in built()}
    assert recorded == {f"{name}{each}" for each in driven & served}


@pytest.mark.looks_back
def test_every_method_was_called_over_every_transport_with_every_form_of_id(
    request: pytest.FixtureRequest, exercised: set[Exercised]
) -> None:
    check_whole(request)
    needed = {
        Exercised(name, transport, form)
        for name in METHODS + LATER_METHODS
        for transport in TRANSPORTS
        for form in (FORMS if name in METHODS_WITH_IDS else ("",))
    }
    called = {
        call if call.method in METHODS_WITH_IDS else call._replace(form="") for call in exercised
    }
    assert needed - called == set()
