"""Pipelines over the readings of an organization, as in TabularDataByMQL."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from fakeviam.model.clock import moment_of
from fakeviam.query.pipeline import Pipeline
from fakeviam.server.services.data.queries import run_pipeline
from fakeviam.server.state.call import Call
from fakeviam.server.state.retention import enforce_retention
from fakeviam.wire import method

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam.query.values import Document
    from fakeviam.server.state.cloud import CloudState


def run(cloud: CloudState, organization_id: str, stages: Sequence[Document]) -> list[Document]:
    """Run a pipeline over an organization's readings.

    Raises:
        QueryError: It is invalid, or exceeds the limits.
    """
    enforce_retention(cloud)
    call = Call.detached(cloud.detached(), _METHOD)
    return run_pipeline(call, organization_id, list(stages))


def transform(
    cloud: CloudState, documents: list[Document], stages: Sequence[Document]
) -> list[Document]:
    """Run a pipeline over other documents.

    Raises:
        QueryError: It is invalid, or exceeds the limits.
    """
    chance = Random(cloud.ids.seal("query"))  # noqa: S311 - one seed, one run
    return Pipeline(list(stages), now=moment_of(cloud.clock.now()), random=chance).run(documents)


_METHOD = method("TabularDataByMQL")
