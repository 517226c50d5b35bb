"""One rule for all names (NM-1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bson
import pytest

from fakeviam import FakeViam, UsageError
from fakeviam.model.names import LONGEST_NAME
from fakeviam.wire import data, datapipelines, dataset

from .driver import ORGANIZATION, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from .driver import Viam

LONG = "x" * LONGEST_NAME
STAGES = [bson.encode({"$limit": 1})]
HOT = data.INDEXABLE_COLLECTION_HOT_STORE

#: Requests that give a name.
NAMING: dict[str, Callable[[str], Message]] = {
    "CreateDataset": lambda name: dataset.CreateDatasetRequest(
        name=name, organization_id=ORGANIZATION
    ),
    "CreateSavedQuery": lambda name: data.CreateSavedQueryRequest(
        name=name, organization_id=ORGANIZATION, mql_binary=STAGES
    ),
    "CreateDataPipeline": lambda name: datapipelines.CreateDataPipelineRequest(
        name=name,
        organization_id=ORGANIZATION,
        mql_binary=STAGES,
        schedule="0 * * * *",
        data_source_type=data.TABULAR_DATA_SOURCE_TYPE_STANDARD,
    ),
    "CreateIndex": lambda name: data.CreateIndexRequest(
        organization_id=ORGANIZATION,
        collection_type=HOT,
        index_spec=[bson.encode({"a": 1}), bson.encode({"name": name})],
    ),
}


@pytest.mark.asyncio
@pytest.mark.parametrize("rpc", NAMING)
async def test_a_name_has_so_many_characters_at_most(viam: Viam, rpc: str) -> None:
    """A longer one is refused, and nothing is stored (NM-1)."""
    before = viam.contents()
    with pytest.raises(RefusedError, match=r"at most 1000 characters, got 1001 \[NM-1\]") as told:
        await viam.rpc(rpc, NAMING[rpc](LONG + "x"))
    assert (told.value.status.name, told.value.clause) == ("INVALID_ARGUMENT", "NM-1")
    assert viam.contents() == before
    await viam.rpc(rpc, NAMING[rpc](LONG))


@pytest.mark.asyncio
async def test_new_names_and_tags(viam: Viam) -> None:
    """New names are held to the same rule, tags and labels to none (NM-1)."""
    made = await viam.create_dataset("d")
    rename = dataset.RenameDatasetRequest(id=made, name=LONG + "x")
    with pytest.raises(RefusedError, match="NM-1"):
        await viam.rpc("RenameDataset", rename)
    image = await viam.upload("a", tags=["t" * 5000])
    box = data.AddBoundingBoxToImageByIDRequest(
        binary_data_id=image, label=LONG + "x", x_max_normalized=1, y_max_normalized=1
    )
    await viam.rpc("AddBoundingBoxToImageByID", box)


def test_names_that_python_gives() -> None:
    """Snapshots and parts by the same rule, sessions by a stricter one (NM-1)."""
    with FakeViam() as cloud:
        for give in (
            cloud.snapshot,
            cloud.fleet.add_part,
            lambda name: cloud.fleet.rename_part(cloud.default_part.id, name),
        ):
            with pytest.raises(UsageError, match=r"at most 1000 characters, got 10000000 \[NM-1\]"):
                give("x" * 10_000_000)
        with pytest.raises(UsageError, match="the name of a session must be") as told:
            cloud.session("x" * 10_000_000)
        assert len(str(told.value)) < 300
